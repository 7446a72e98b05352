"""The operating point of each replica that answers a request best, and replicas at a given rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from planner.search.serving.largest import most_rate
from planner.search.serving.points import Points
from planner.search.serving.queues import queues
from planner.search.serving.reasons import FEASIBLE
from planner.search.serving.request import ServingRequest
from planner.search.serving.sweep import Swept, points_of
from planner.types import FloatArray, IntArray

__all__ = ["Score", "at_rate", "best_points", "settled", "shortlist"]

Score = Callable[[Swept], FloatArray]
"""How good each point of a sweep is, ``[R, B]``; -inf where it is not allowed."""

TINY: Final = 1e-9
OVERALL: Final = 12
PER_SIZE: Final = 2
"""Replicas that are looked at closely: the best of each part, and of each size of replica, which matter where
few accelerators are to be filled."""


def best_points(request: ServingRequest, swept: Sequence[Swept], score: Score) -> Points | None:
    """Return the best allowed point of every replica; None where no replica has one."""
    tables = []
    for one in swept:
        index = _best(score(one))
        if len(index):
            tables.append(points_of(request, one, index))
    return Points.joined(tables) if tables else None


def _best(score: FloatArray) -> IntArray:
    column = np.argmax(score, axis=1)
    row = np.arange(len(score))
    flat: IntArray = (row * score.shape[1] + column)[np.isfinite(score[row, column])]
    return flat


def shortlist(points: Points, value: FloatArray) -> Points:
    """Return the points of most `value`, by part and by size of replica."""
    order = np.argsort(-value, kind="stable")
    seen: dict[tuple[int, ...], int] = {}
    kept = []
    for i in order.tolist():
        part, size = (int(points.part[i]),), (int(points.part[i]), int(points.gpus[i]))
        if seen.get(part, 0) < OVERALL or seen.get(size, 0) < PER_SIZE:
            kept.append(i)
            seen[part] = seen.get(part, 0) + 1
            seen[size] = seen.get(size, 0) + 1
    return points.take(np.array(kept, dtype=np.int64))


def settled(request: ServingRequest, points: Points, workers: FloatArray, *, largest: bool) -> Points | None:
    """Return the same replicas judged by queueing; None where none meets what is asked.

    Parameters
    ----------
    workers
        Replicas that share a queue with each.
    largest
        Load each as far as targets allow; else keep the rate of `points`.
    """
    kept = []
    for _, group, shared in _groups(points, workers):
        queue = queues(request, group, shared)
        rate = most_rate(queue, group.rate) if largest else group.rate
        found = queue.at(np.maximum(rate, TINY))
        kept.append(found.take(np.flatnonzero((found.reason == FEASIBLE) & (rate > 0))))
    whole = Points.joined(kept) if kept else None
    return whole if whole is not None and len(whole) else None


def at_rate(request: ServingRequest, points: Points, rate: FloatArray, workers: FloatArray) -> Points:
    """Return the same replicas at given requests per second each, in the same order."""
    parts, order = [], []
    for index, group, shared in _groups(points, workers):
        parts.append(queues(request, group, shared).at(rate[index]))
        order.append(index)
    return Points.joined(parts).take(np.argsort(np.concatenate(order)))


def _groups(points: Points, workers: FloatArray) -> Iterator[tuple[IntArray, Points, FloatArray]]:
    """Points of one role each, with their rows."""
    for role in np.unique(points.role):
        index = np.flatnonzero(points.role == role)
        yield index, points.take(index), workers[index]
