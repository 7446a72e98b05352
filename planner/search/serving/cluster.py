"""Fleets on unlike parts: every part does what it is best for, be it prefill for another one's decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.search.serving.build import Draft, in_pool, of_specs
from planner.search.serving.candidates import Candidates, Scenario
from planner.search.serving.fleets import Specs, order, specs
from planner.search.serving.points import PREFILL, Points
from planner.search.serving.request import ServingRequest
from planner.search.serving.split import split
from planner.types import FloatArray

__all__ = ["for_demand", "own_best", "shared_out"]


def own_best(request: ServingRequest, found: Candidates, all_specs: Specs) -> Draft | None:
    """Return every part with its own best fleet; None where no part has any."""
    drafts = []
    for part in range(len(request.parts)):
        mine = all_specs.take(np.flatnonzero(all_specs.part == part))
        if len(mine):
            drafts.append(of_specs(found, mine.take(order(request, mine)[:1])))
    return _together(drafts)


def _together(drafts: Sequence[Draft]) -> Draft | None:
    if not drafts:
        return None
    return Draft(
        Points.joined([d.points for d in drafts]),
        np.concatenate([d.replicas for d in drafts]),
        sum(d.continuous for d in drafts),
    )


def for_demand(request: ServingRequest, tried: Sequence[Candidates]) -> Draft | None:
    """Return a fleet for a demand that no part meets alone; None where all together do not.

    Parts are filled in the order of what an accelerator of theirs serves; the last one is filled only as far
    as it must.
    """
    free, open_ = replace(request, rate=None, goal="throughput"), Scenario()
    best: list[Draft] = []
    for part in range(len(request.parts)):
        drafts = [_of_part(free, found, open_, part) for found in tried]
        full = max((d for d in drafts if d is not None), key=lambda d: d.rate, default=None)
        if full is not None:
            best.append(full)
    best.sort(key=lambda d: -d.rate / d.gpus)
    taken: list[Draft] = []
    left = request.rate or 0.0
    for full in best:
        if full.rate >= left:
            rest = replace(request, rate=left, goal="gpus")
            few = [_of_part(rest, found, open_, int(full.points.part[0])) for found in tried]
            last = min((d for d in few if d is not None), key=lambda d: d.gpus, default=full)
            return _together([*taken, last])
        taken.append(full)
        left -= full.rate
    return None


def _of_part(request: ServingRequest, found: Candidates, scenario: Scenario, part: int) -> Draft | None:
    every = specs(request, found, scenario)
    if every is None:
        return None
    mine = every.take(np.flatnonzero(every.part == part))
    return of_specs(found, mine.take(order(request, mine)[:1])) if len(mine) else None


def shared_out(request: ServingRequest, found: Candidates, gpus: FloatArray) -> Draft | None:
    """Return the fleet that serves most on `gpus` of each part; None where nothing fits."""
    tables = (found.aggregated, found.prefill, found.decode)
    most = [_per_gpu(points, gpus) for points in tables]
    whole = split(gpus=gpus, aggregated=most[0], prefill=most[1], decode=most[2])
    shares = np.stack([whole.aggregated, whole.prefill, whole.decode])
    chosen, many = [], []
    for part, role in np.argwhere(shares.T > 0):
        points = tables[role]
        if points is None:
            continue
        rows = np.flatnonzero(points.part == part)
        replicas = np.floor(shares[role, part] / points.gpus[rows])
        best = int(np.argmax(replicas * points.rate[rows]))
        if replicas[best] > 0:
            one = points.take(rows[best : best + 1])
            if role == PREFILL:
                worker = min(int(replicas[best]), request.routed) - 1
                one = in_pool(one, found.by_workers[rows[best : best + 1], worker])
            chosen.append(one)
            many.append(replicas[best])
    if not chosen:
        return None
    draft = Draft(Points.joined(chosen), np.array(many), whole.rate)
    return _topped_up(draft, gpus)


def _per_gpu(points: Points | None, gpus: FloatArray) -> FloatArray:
    """Most requests per second and accelerator of each part in a role."""
    best = np.zeros(len(gpus))
    if points is not None:
        fits = points.gpus <= gpus[points.part]
        np.maximum.at(best, points.part[fits], points.rate_per_gpu[fits])
    return best


def _topped_up(draft: Draft, gpus: FloatArray) -> Draft:
    """Add replicas of the same kinds where rounding left room, as long as they add to the rate."""
    points, many = draft.points, draft.replicas.copy()
    while True:
        left = gpus.copy()
        np.subtract.at(left, points.part, points.gpus * many)
        now = Draft(points, many, draft.continuous).rate
        gains = np.full(len(many), -np.inf)
        for i in np.flatnonzero(points.gpus <= left[points.part]):
            more = many.copy()
            more[i] += 1.0
            gains[i] = (Draft(points, more, draft.continuous).rate - now) / points.gpus[i]
        if np.max(gains) <= 0:
            return Draft(points, many, draft.continuous)
        many[int(np.argmax(gains))] += 1.0
