"""The largest rate at which replicas keep their promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.search.serving.queues import Queues
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["most_rate"]

ROUNDS: Final = 8
STEP: Final = 0.2
INSIDE: Final = 0.05
WORST: Final = 5.0
ENOUGH: Final = 2e-3
"""Search for the largest rate: evaluations at most, first step of its logarithm, share of the interval kept
from both ends, the largest excess over a target that is told apart, and how near to a target or how narrow
an interval is enough, as logarithms."""


def most_rate(queue: Queues, guess: FloatArray) -> FloatArray:
    """Return the largest rate at which replicas meet everything asked, ``[R]``; 0 where none was found.

    Excess rises with the rate and is smooth in logarithms: from `guess` on the interval that holds the answer
    is sought, then narrowed by false position.
    """
    search = _Search(np.log(guess))
    for _ in range(ROUNDS):
        rows = search.open()
        if not len(rows):
            break
        search.learn(rows, queue.take(rows).worst(np.exp(search.at[rows])))
    found = np.isfinite(search.low)
    return np.where(found, np.exp(np.where(found, search.low, 0.0)), 0.0)


@dataclass(eq=False)
class _Search:
    """Intervals of the logarithm of the rate, and the excess at their ends; nan where not known yet."""

    at: FloatArray  # what to try next

    def __post_init__(self) -> None:
        nothing = np.full(len(self.at), np.nan)
        self.low, self.high, self.under, self.over = (nothing.copy() for _ in range(4))
        self.slack = np.full(len(self.at), np.inf)
        self.step = np.full(len(self.at), STEP)

    def open(self) -> IntArray:
        """Rows whose answer is not known well enough."""
        return np.flatnonzero(~((self.slack < ENOUGH) | (self.high - self.low < ENOUGH)))

    def learn(self, rows: IntArray, excess: FloatArray) -> None:
        """Take in the excess at what was tried, and choose what to try next."""
        excess = np.clip(excess, -WORST, WORST)
        meets = excess <= 0.0
        yes, no = rows[meets], rows[~meets]
        between: BoolArray = np.isfinite(self.low) & np.isfinite(self.high)
        # the Illinois rule: an end that stays counts half, so that the other end moves too
        self.over[yes] *= np.where(between[yes], 0.5, 1.0)
        self.under[no] *= np.where(between[no], 0.5, 1.0)
        self.low[yes], self.under[yes], self.slack[yes] = self.at[yes], excess[meets], -excess[meets]
        self.high[no], self.over[no] = self.at[no], excess[~meets]
        width = self.high - self.low
        share = -self.under / np.maximum(self.over - self.under, 1e-12)
        inside = self.low + np.clip(share, INSIDE, 1.0 - INSIDE) * width
        self.at[yes] = self.low[yes] + self.step[yes]
        self.at[no] = self.high[no] - self.step[no]
        self.at = np.where(np.isfinite(width), inside, self.at)
        self.step[rows] *= 2.0
