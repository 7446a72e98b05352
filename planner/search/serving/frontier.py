"""The best exchange between what an accelerator yields and what a user sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from planner.search.serving.candidates import Candidates
from planner.search.serving.fleet import Frontier
from planner.search.serving.points import AGGREGATED, DECODE, Points
from planner.search.serving.reasons import bit
from planner.search.serving.request import ServingRequest
from planner.search.serving.sweep import Swept, points_of
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["MOST_POINTS", "frontier", "undominated"]

MOST_POINTS: Final = 64
"""Points of a frontier; of more, evenly spaced ones are kept."""


def frontier(
    request: ServingRequest, swept: Mapping[int, Sequence[Swept]], found: Candidates | None
) -> Frontier | None:
    """Return the frontier over all parts; None where no replica can run.

    Targets of the time per token and end to end do not bound it, since it says what they cost; that of the
    first token and the largest load do. Disaggregated points stand beside the prefill replica that costs
    the least on the same part.
    """
    speeds, yields, tables, prefills = [], [], [], []
    for role in (AGGREGATED, DECODE):
        for one in swept.get(role, ()):
            fill = (
                _cheapest_prefill(found, request.options[one.found.option].part) if role == DECODE else None
            )
            if role == DECODE and fill is None:
                continue
            index, speed, gain = _best_of(request, one, fill)
            points = points_of(request, one, index)
            speeds.append(speed)
            yields.append(gain)
            tables.append(points)
            prefills.append(points if fill is None else fill.take(np.zeros(len(index), dtype=np.int64)))
    if not tables or not sum(len(t) for t in tables):
        return None
    speed, gain = np.concatenate(speeds), np.concatenate(yields)
    rows = _thinned(undominated(speed, gain))
    points, prefill = Points.joined(tables).take(rows), Points.joined(prefills).take(rows)
    return Frontier(
        tokens_per_s_per_gpu=gain[rows],
        tokens_per_s_per_user=speed[rows],
        ttft_s=np.where(points.role == DECODE, prefill.ttft.mean, points.ttft.mean),
        mode=np.where(points.role == DECODE, 1, 0),
        points=points,
        prefill=prefill,
    )


def _cheapest_prefill(found: Candidates | None, part: int) -> Points | None:
    """Prefill replica of a part with the most requests per second and accelerator, one row."""
    if found is None or found.prefill is None:
        return None
    rows = np.flatnonzero(found.prefill.part == part)
    if not len(rows):
        return None
    points = found.prefill.take(rows)
    return points.take(np.argmax(points.rate_per_gpu, keepdims=True))


def _best_of(
    request: ServingRequest, one: Swept, fill: Points | None
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Undominated points of one sweep: flat positions, tokens per second of a user and of an accelerator."""
    speed = 1.0 / one.waiting.token_s
    cost = one.gpus[:, None] / one.curves.rate
    if fill is not None:
        cost = cost + fill.gpus[0] / fill.rate[0]
    gain = float(request.load.osl[0]) / cost
    index = np.flatnonzero(_allowed(one))
    kept = index[undominated(speed.ravel()[index], gain.ravel()[index])]
    return kept, speed.ravel()[kept], gain.ravel()[kept]


def _allowed(one: Swept) -> BoolArray:
    free = bit("tpot") | bit("e2e")
    allowed: BoolArray = (one.missed & ~free) == 0
    return allowed


def undominated(a: FloatArray, b: FloatArray) -> IntArray:
    """Rows that no other row beats in both, in ascending order of `a`."""
    order = np.lexsort((b, a))[::-1]
    best = np.maximum.accumulate(b[order]) if len(order) else b
    first = np.ones(len(order), dtype=bool)
    first[1:] = b[order][1:] > best[:-1]
    return order[first][::-1]


def _thinned(rows: IntArray) -> IntArray:
    if len(rows) <= MOST_POINTS:
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, MOST_POINTS).round().astype(np.int64))]
