"""The wait for a slot, where the batch or the memory limits how many requests a replica holds.

With ``n`` requests decoding, they leave at ``mu(n) = n (1 - rho) / (O V(n))``, ``V`` seconds of a decode
step, ``rho`` the share of the time that prompts take. Their number follows the birth-death chain of
arrivals and ``mu(n)``, wider by the factor `spread`: a prompt adds a request and at the same time delays
those that decode. Past the last slot, requests queue as in front of many servers that together are one:
its service is the time ``w`` that a request takes of the replica at full batch, so that the wait of those
who wait is

    E[w] (1 + cv_w^2) / (2 (1 - r))    with r the load, corrected as M/G/c is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.queueing.formulas import kimura_factor
from planner.types import FloatArray

__all__ = ["Slots", "slots", "stall_spread"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_REACH: Final = 6.0
_TAIL_POWER: Final = 0.3
_TAIL_DOUBLING: Final = 0.1
_PLACES: Final = 96.0
"""Power of the spread that widens the law past the last slot too: at that many places, and per doubling.
From simulations, as is `_LIGHT` (docs/method_serving_queueing.md)."""
_LIGHT: Final = 0.15
"""How much less than with the load the variability of service shows in the wait of those who wait."""


@dataclass(frozen=True, eq=False)
class Slots:
    """Waiting for a slot, ``[R]``."""

    short: FloatArray  # chance that none is free
    wait_s: FloatArray  # mean wait of those who find none


def stall_spread(
    *, prefill_share: FloatArray, service_cv2: FloatArray, lesser_of_two: FloatArray, arrival_cv: FloatArray
) -> FloatArray:
    """Variance of the number that decodes, over that of a queue with a server for each.

    An arrival counts ``1 + y`` times, with ``y = rate S/(1 - rho)`` the requests that would have left
    during its prefill. The factor is felt for as long as requests stay: `lesser_of_two` of their lengths.
    """
    y = prefill_share / np.maximum(1.0 - prefill_share, 1e-9)
    noise = arrival_cv**2 * (1.0 + y) ** 2 + service_cv2 * y**2
    return np.maximum(1.0 + lesser_of_two * (noise - 1.0), 0.05)


def slots(
    *,
    offered: FloatArray,
    growth: FloatArray,
    places: FloatArray,
    load: FloatArray,
    spread: FloatArray,
    work_s: FloatArray,
    work_cv2: FloatArray,
    prompt_wait_s: FloatArray,
    arrival_cv: FloatArray,
) -> Slots:
    """Chance of finding no free slot and the wait then.

    Parameters
    ----------
    offered, growth
        ``rate / mu(n) = offered / n + growth``: Erlangs at one request, and what slower steps add.
    places
        Slots, ``[R]``.
    load
        Rate over the largest that the replica sustains.
    spread
        From `stall_spread`.
    work_s, work_cv2
        Mean and squared cv of the time that a request takes of a full replica.
    prompt_wait_s
        Mean wait in the queue of prompts.
    """
    load = np.minimum(load, 1.0 - 1e-6)
    body = _body(offered=offered, growth=growth, places=places, spread=spread)
    doublings = np.log2(np.minimum(places, 1e6) / _PLACES)
    power = np.clip(_TAIL_POWER + _TAIL_DOUBLING * doublings, 0.0, 2.0 * _TAIL_POWER)
    tail = spread**power / (1.0 - load)
    short = np.where(np.isfinite(places), tail / (body + tail), 0.0)
    factor = kimura_factor(square=work_cv2, servers=np.clip(places, 1.0, 1e9), load=load)
    # that is the wait of all over the exponential one; of those who wait it differs less, most at low loads
    power = np.where(work_cv2 > 1.0, load - _LIGHT, 0.5 * (1.0 + load))
    factor **= 1.0 - (1.0 - power) / np.maximum(spread, 1.0)
    bursts = (arrival_cv**2 + work_cv2) / (1.0 + work_cv2)
    wait = work_s / (1.0 - load) * factor * bursts
    # requests never wait longer than if the replica took one at a time
    one_by_one = 0.5 * load * work_s * (arrival_cv**2 + work_cv2) / (1.0 - load)
    most = np.maximum(one_by_one - prompt_wait_s, 0.0)
    return Slots(short=short, wait_s=np.minimum(wait, most / np.maximum(short, 1e-300)))


def _body(*, offered: FloatArray, growth: FloatArray, places: FloatArray, spread: FloatArray) -> FloatArray:
    """Probability below the last slot over the density at it, in closed form along the chain."""
    a = np.maximum(offered, 1e-12)
    g = np.clip(growth, 1e-9, None)
    top = np.where(np.isfinite(places), places, 1.0)
    centre = np.minimum(a / np.maximum(1.0 - g, 1e-3), top)
    deviation = np.sqrt(spread * centre / np.maximum(1.0 - g, 0.05))
    low = np.maximum(centre - _REACH * np.maximum(deviation, 1.0), 1e-9)
    low = np.minimum(low, 0.5 * top)
    n = low[:, None] + (top - low)[:, None] * 0.5 * (_NODES + 1.0)

    def depth(k: FloatArray) -> FloatArray:
        """Integral of ln(mu(k) / rate) over k."""
        slow = a[:, None] + g[:, None] * k
        return np.asarray(k * np.log(k) - k - (slow * np.log(slow) - slow) / g[:, None])

    # sums over whole n from 0 on are integrals from half a step before to half a step after
    rise = (depth(top[:, None] + 0.5) - depth(n)) / spread[:, None]
    area = (np.exp(np.minimum(rise, 500.0)) * _WEIGHTS).sum(axis=1) * 0.5 * (top - low)
    return np.asarray(area)
