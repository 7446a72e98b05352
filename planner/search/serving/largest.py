"""The largest rate at which replicas keep their promises."""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.search.serving.queues import Queues
from planner.types import FloatArray

__all__ = ["most_rate"]

ROUNDS: Final = 8
STEP: Final = 0.2
INSIDE: Final = 0.05
WORST: Final = 5.0
"""Search for the largest rate: evaluations, first step of its logarithm, share of the interval kept from both
ends, and the largest excess over a target that is told apart, as logarithms."""


def most_rate(queue: Queues, guess: FloatArray) -> FloatArray:
    """Return the largest rate at which replicas meet everything asked, ``[R]``; 0 where none was found.

    Excess rises with the rate and is smooth in logarithms: from `guess` on the interval that holds the answer
    is sought, then narrowed by false position (the Illinois rule).
    """
    low = high = np.full(len(guess), np.nan)
    under = over = np.full(len(guess), np.nan)
    at, step = np.log(guess), STEP
    for _ in range(ROUNDS):
        excess = np.clip(queue.worst(np.exp(at)), -WORST, WORST)
        meets = excess <= 0.0
        over = np.where(meets, np.where(np.isfinite(high) & np.isfinite(low), 0.5 * over, over), excess)
        under = np.where(meets, excess, np.where(np.isfinite(high) & np.isfinite(low), 0.5 * under, under))
        low, high = np.where(meets, at, low), np.where(meets, high, at)
        width = high - low
        inside = low + np.clip(-under / np.maximum(over - under, 1e-12), INSIDE, 1.0 - INSIDE) * width
        outside = np.where(meets, low + step, high - step)
        at = np.where(np.isfinite(width), inside, outside)
        step *= 2.0
    return np.where(np.isfinite(low), np.exp(np.where(np.isfinite(low), low, 0.0)), 0.0)
