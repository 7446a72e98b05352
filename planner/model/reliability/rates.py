"""How often a job is hit, and what machines that are wrong or slow rather than dead cost it.

References
----------
.. [1] A. Kokolis et al., "Revisiting Reliability in Large-Scale Machine Learning Research Clusters" (HPCA
   2025), arXiv:2410.21680: the mean time to failure of a job is 1 / (hosts x rate of a host). Jobs of 1,024
   accelerators met 3 to 4 times more in their shared clusters; the form holds for large jobs.
.. [2] Meta, "The Llama 3 Herd of Models" (2024), arXiv:2407.21783, section 3.3.4: 419 interruptions, six of
   them silent corruptions, in 54 days on 16,384 accelerators.
.. [3] T. Wu et al., "GREYHOUND: hunting fail-slows in hybrid-parallel training at scale" (2025): stragglers.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.types import FloatArray

__all__ = ["corruption_loss", "job_rate_per_s", "mttf_s", "straggler_loss"]

MOST_STRAGGLER_LOSS: Final = 0.9
"""No job is slowed down more: it would be moved."""

LEAST_RATE: Final = 1e-30


def job_rate_per_s(
    *, accelerators: FloatArray, host: FloatArray | float, rate_per_s: FloatArray
) -> FloatArray:
    """Return the interruptions per second of a job that needs all its accelerators [1]_.

    Parameters
    ----------
    accelerators
        Of the job.
    host
        Accelerators of a host that `rate_per_s` counts. Only the rate per accelerator matters: racks of 72 in
        trays of 4 are met with the rate of a host of 8 as hosts of 8 are.
    rate_per_s
        Interruptions of one host.
    """
    rate: FloatArray = np.asarray(accelerators, float) / host * rate_per_s
    return rate


def mttf_s(*, rate_per_s: FloatArray) -> FloatArray:
    """Mean time to failure in seconds; 1e30 where nothing fails."""
    mean: FloatArray = 1.0 / np.maximum(rate_per_s, LEAST_RATE)
    return mean


def corruption_loss(
    *, accelerators: FloatArray, rate_per_s: FloatArray, detection_s: FloatArray
) -> FloatArray:
    """Share of the work that silent corruption spoils [2]_.

    Work survives if no accelerator corrupts it within the time that passes until corruption is noticed; the
    restart that follows is one of the interruptions and is counted there.

    Parameters
    ----------
    rate_per_s
        Corruptions of one accelerator.
    detection_s
        From the wrong result until it is noticed.
    """
    loss: FloatArray = -np.expm1(-np.asarray(accelerators, float) * rate_per_s * detection_s)
    return loss


def straggler_loss(
    *,
    accelerators: FloatArray,
    loss: FloatArray | float,
    reference: FloatArray | float,
    per_doubling: FloatArray | float,
) -> FloatArray:
    """Share of time that slow machines cost on top of the fitted step times: a line in log2 of the job [3]_.

    Parameters
    ----------
    loss
        At `reference` accelerators.
    per_doubling
        Added for every doubling; the loss is never below zero.
    """
    doublings = np.log2(np.maximum(accelerators, 1.0) / reference)
    share: FloatArray = np.clip(loss + per_doubling * doublings, 0.0, MOST_STRAGGLER_LOSS)
    return share
