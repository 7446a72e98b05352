"""The operating point of each replica that answers a request best, and replicas at a given rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from planner.search.serving.curves import batches, direct, refined
from planner.search.serving.points import PREFILL, Points
from planner.search.serving.replicas import Replicas, of_points
from planner.search.serving.request import ServingRequest
from planner.search.serving.roles import prefill_swept, swept
from planner.search.serving.sweep import Swept, points_of
from planner.types import FloatArray, IntArray

__all__ = ["Score", "at_rate", "best_points", "exact", "shortlist"]

Score = Callable[[Swept], FloatArray]
"""How good each point of a sweep is, ``[R, B]``; -inf where it is not allowed."""

OVERALL: Final = 24
PER_SIZE: Final = 3
"""Replicas that are looked at closely: the best of each part, and of each size of replica, which matter where
few accelerators are to be filled."""


def best_points(request: ServingRequest, swept_: Sequence[Swept], score: Score) -> Points | None:
    """Return the best allowed point of every replica; None where no replica has one."""
    tables = []
    for one in swept_:
        index = _best(score(one))
        if len(index):
            tables.append(points_of(request, one, index))
    return Points.joined(tables) if tables else None


def _best(score: FloatArray) -> IntArray:
    if not score.size:
        return np.zeros(0, dtype=np.int64)
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


def exact(request: ServingRequest, points: Points, score: Score) -> Points | None:
    """Return the best points of the same replicas, evaluated without interpolation."""
    sweeps = []
    for group in _groups(points):
        found = of_points(request, group)
        sweeps.append(_exact(request, found, refined(batches(found))))
    return best_points(request, sweeps, score)


def _exact(request: ServingRequest, found: Replicas, batch: FloatArray) -> Swept:
    if found.role == PREFILL:
        return swept(request, found)
    return swept(request, found, points=direct(found, batch))


def _groups(points: Points) -> list[Points]:
    """Points of one option and role each."""
    key = points.option * 3 + points.role
    return [points.take(np.flatnonzero(key == k)) for k in np.unique(key)]


def at_rate(request: ServingRequest, points: Points, rate: FloatArray, *, workers: FloatArray) -> Points:
    """Return the same replicas at given requests per second each, in the same order.

    Parameters
    ----------
    workers
        Replicas that share a queue, for prefill.
    """
    key = points.option * 3 + points.role
    order = np.concatenate([np.flatnonzero(key == k) for k in np.unique(key)])
    parts = []
    for k in np.unique(key):
        index = np.flatnonzero(key == k)
        parts.append(_at_rate(request, points.take(index), rate[index], workers[index]))
    joined = Points.joined(parts)
    return joined.take(np.argsort(order))


def _at_rate(request: ServingRequest, points: Points, rate: FloatArray, workers: FloatArray) -> Points:
    found = of_points(request, points)
    row = np.arange(len(found))
    if found.role == PREFILL:
        load = points.load * rate / points.rate
        one = prefill_swept(request, found, workers=workers[:, None], load=load[:, None])
        return points_of(request, one, row)
    nodes = batches(found)
    curve = direct(found, nodes)
    batch = np.array([_inverse(*columns) for columns in zip(rate, curve.rate, nodes, strict=True)])
    grid = np.sort(np.concatenate([nodes, batch[:, None]], axis=1), axis=1)
    one = _exact(request, found, grid)
    column = np.argmin(np.abs(grid - batch[:, None]), axis=1)
    return replace(points_of(request, one, row * grid.shape[1] + column), rate=rate)


def _inverse(rate: float, rates: FloatArray, batch: FloatArray) -> float:
    """Batch at which a replica serves `rate`; below the first point in proportion."""
    if rate <= rates[0]:
        return float(batch[0] * rate / rates[0])
    return float(np.exp(np.interp(np.log(rate), np.log(np.maximum.accumulate(rates)), np.log(batch))))
