"""How a batch is divided among groups so that the slowest is done as early as possible.

A layout takes micro-batches in whole rounds over its replicas, so that the time of a group is a staircase of
its share. The best time of all groups together is the earliest at which their largest shares add up to the
batch: it is found exactly, among the times of all the layouts that were evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.types import FloatArray, IntArray

__all__ = ["Division", "Offers", "by_speed", "divided"]


@dataclass(frozen=True, eq=False)
class Offers:
    """What one group can do: shares of the batch and the time that each takes; shape ``[K]``."""

    sequences: FloatArray  # at least 1 each
    step_s: FloatArray

    def staircase(self) -> tuple[FloatArray, FloatArray]:
        """Return times in ascending order and the largest share that is done by each."""
        order = np.argsort(self.step_s, kind="stable")
        return self.step_s[order], np.maximum.accumulate(self.sequences[order])


@dataclass(frozen=True, eq=False)
class Division:
    """Shares of a batch and the time by which all are done."""

    sequences: IntArray  # [G], which add up to the batch
    within_s: float
    """When the slowest group is done, at the latest."""


def divided(offers: Sequence[Offers], batch: int) -> Division | None:
    """Divide a batch so that the slowest group is done as early as possible; every group takes a part.

    At the earliest time at which all groups together can take the batch they can take a little more, because
    they take whole rounds. Each then takes its part of the batch in proportion to what it can take, which
    makes nobody slower.

    Parameters
    ----------
    offers
        Of each group, in any order.
    batch
        Sequences of a step.

    Returns
    -------
    Division or None
        None where the groups together cannot take the batch, or a group has no offer or no sequence.
    """
    if not offers or batch < len(offers) or any(len(one.step_s) == 0 for one in offers):
        return None
    stairs = [one.staircase() for one in offers]
    times = np.unique(np.concatenate([times for times, _ in stairs]))
    most = np.stack([_by(times, *stair) for stair in stairs])
    enough = (most.sum(axis=0) >= batch) & np.all(most > 0, axis=0)
    if not np.any(enough):
        return None
    first = int(np.argmax(enough))
    return Division(by_speed(most[:, first], batch), float(times[first]))


def by_speed(speed: FloatArray, batch: int) -> IntArray:
    """Whole parts of a batch in proportion to `speed`, at least one each; they add up to the batch.

    What whole numbers leave over goes to those whose part was cut the most, one each.

    Parameters
    ----------
    speed
        Positive, ``[G]``.
    batch
        At least ``G``.
    """
    exact = batch * speed / np.sum(speed)
    parts = np.maximum(np.floor(exact), 1.0)
    while (left := int(batch - parts.sum())) != 0:
        if left > 0:
            chosen = np.argsort(parts - exact, kind="stable")[:left]
            parts[chosen] += 1.0
        else:
            spare = np.flatnonzero(parts > 1)
            chosen = spare[np.argsort(exact[spare] - parts[spare], kind="stable")[:-left]]
            parts[chosen] -= 1.0
    return parts.astype(np.int64)


def _by(times: FloatArray, step_s: FloatArray, most: FloatArray) -> FloatArray:
    """Largest share of one group that is done by each of some times; 0 before its first."""
    place = np.searchsorted(step_s, times, side="right")
    return np.where(place > 0, most[np.maximum(place - 1, 0)], 0.0)
