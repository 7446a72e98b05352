"""Checkpoint and restart: how often to save, and what is left of the time.

A job saves every `interval_s` of work, which takes `write_s`; when it fails it needs `restart_s` to be back
at the last checkpoint. Failures are a Poisson process that also hits writes, restarts and repeated work.

References
----------
.. [1] J. W. Young, "A first order approximation to the optimum checkpoint interval", Communications of the
   ACM 17 (1974).
.. [2] J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future
   Generation Computer Systems 22 (2006), doi:10.1016/j.future.2004.11.016.
.. [3] A. Kokolis et al., arXiv:2410.21680, the expected effective training time ratio.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.model.reliability.rates import LEAST_RATE, mttf_s
from planner.types import BoolArray, FloatArray

__all__ = [
    "Effective",
    "TimeShares",
    "daly_goodput",
    "daly_interval_s",
    "effective_training_time",
    "restart_shares",
    "young_interval_s",
]

SMALL_LOSS: Final = 0.2
"""Share of the time between failures that a restart and half an interval may take in the small-loss form."""


class TimeShares(NamedTuple):
    """Shares of the time of a job, which add up to 1."""

    progress: FloatArray
    checkpoints: FloatArray
    """Writing those that succeed."""
    rework: FloatArray
    """Work, and writes, that a failure undoes."""
    restarts: FloatArray


class Effective(NamedTuple):
    """Meta's effective training time ratio."""

    value: FloatArray
    """Negative where failures come faster than restarts end."""
    interval_s: FloatArray
    valid: BoolArray
    """Whether losses are small enough for the form."""


def young_interval_s(*, write_s: FloatArray, rate_per_s: FloatArray) -> FloatArray:
    """Work between checkpoints that loses least where losses are small: ``sqrt(2 d M)`` [1]_."""
    interval: FloatArray = np.sqrt(2.0 * write_s * mttf_s(rate_per_s=rate_per_s))
    return interval


def daly_interval_s(*, write_s: FloatArray, rate_per_s: FloatArray) -> FloatArray:
    """Work between checkpoints that loses least, to higher order [2]_.

    ``sqrt(2 d M) (1 + x/3 + x^2/9) - d`` with ``x = sqrt(d / 2M)`` for a write d < 2M, else M.

    Parameters
    ----------
    write_s
        Time that training waits for one checkpoint, d.
    rate_per_s
        Failures of the job, 1/M.
    """
    mean = mttf_s(rate_per_s=rate_per_s)
    x = np.sqrt(write_s / (2.0 * mean))
    higher = np.sqrt(2.0 * write_s * mean) * (1.0 + x / 3.0 + x * x / 9.0) - write_s
    interval: FloatArray = np.where(write_s < 2.0 * mean, higher, mean)
    return interval


def restart_shares(
    *,
    interval_s: FloatArray,
    write_s: FloatArray,
    restart_s: FloatArray,
    rate_per_s: FloatArray,
    delay_s: FloatArray | float = 0.0,
) -> TimeShares:
    """Where the time of a job goes, exact for Poisson failures [2]_.

    With a rate L the job is not restarting for ``e^(-L R)`` of the time, and of that does what counts for
    ``a / (e^a - 1)`` with ``a = L (interval + write)``. This is Daly's ``M e^(R/M) (e^a - 1)`` per interval,
    written so that nothing overflows when hardly anything is left.

    Parameters
    ----------
    interval_s
        Work between checkpoints, positive.
    write_s, restart_s
        Time of one checkpoint, and from a failure until work starts again.
    delay_s
        Until a checkpoint counts, where it is written in the background: so much more is done again.
    """
    span = interval_s + write_s
    up = np.exp(-rate_per_s * restart_s)
    counts = up * np.exp(-rate_per_s * np.asarray(delay_s, float)) * _kept(rate_per_s * span)
    progress, checkpoints = counts * interval_s / span, counts * write_s / span
    return TimeShares(progress, checkpoints, up - counts, 1.0 - up)


def _kept(exposure: FloatArray) -> FloatArray:
    """Share of the time of all attempts in those that succeed: ``a / (e^a - 1)``."""
    a = np.maximum(exposure, LEAST_RATE)
    share: FloatArray = a * np.exp(-a) / -np.expm1(-a)
    return share


def daly_goodput(
    *, interval_s: FloatArray, write_s: FloatArray, restart_s: FloatArray, rate_per_s: FloatArray
) -> FloatArray:
    """Share of time that is progress, exact [2]_: 0 rather than an overflow where failures leave nothing.

    ``tau / (M e^(R/M) (e^((tau + d)/M) - 1))``.
    """
    return restart_shares(
        interval_s=interval_s, write_s=write_s, restart_s=restart_s, rate_per_s=rate_per_s
    ).progress


def effective_training_time(
    *,
    write_s: FloatArray,
    restart_s: FloatArray,
    rate_per_s: FloatArray,
    interval_s: FloatArray | None = None,
) -> Effective:
    """Meta's expected effective training time ratio [3]_: ``(1 - L (u + dt/2)) / (1 + w/dt)``.

    A form for small losses, which goes below zero where the mean time to failure nears that of a restart. It
    is taken for valid while a restart and half an interval take less than `SMALL_LOSS` of that mean; use
    `daly_goodput` beyond.

    Parameters
    ----------
    interval_s
        Work between checkpoints dt; default ``sqrt(2 w / L)``.
    """
    dt = young_interval_s(write_s=write_s, rate_per_s=rate_per_s) if interval_s is None else interval_s
    lost = rate_per_s * (restart_s + 0.5 * dt)
    value: FloatArray = (1.0 - lost) / (1.0 + write_s / dt)
    return Effective(value, dt, lost < SMALL_LOSS)
