"""The few replicas worth building fleets of: the best of each role, looked at closely.

Prefill and decode are chosen apart, which is exact as long as each target belongs to one of them. A target of
end-to-end time belongs to both; then several ways of dividing it between them are tried. So are ways of
dividing the accelerators where the goal is the least latency of a given fleet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from planner.search.serving.largest import most_rate
from planner.search.serving.pick import Score, best_points, settled, shortlist
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, Points
from planner.search.serving.queues import queues
from planner.search.serving.reasons import ASKED, bit
from planner.search.serving.request import ServingRequest, Target
from planner.search.serving.sweep import Swept, judge
from planner.types import BoolArray, FloatArray

__all__ = ["Candidates", "Scenario", "candidates", "looked_at", "scenarios"]

DIVISIONS: Final = 8
SHARES: Final = tuple(s / 10.0 for s in range(1, 10))
SLACK: Final = 1.5
"""Factor on targets where screening finds no replica that meets them."""
LATE: Final = bit("ttft") | bit("tpot") | bit("e2e")
SIZES: Final = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
MANY: Final = 3.0
"""Sizes of pools that are looked at one by one, where there is not room for many times as many as share a
queue."""


@dataclass(frozen=True)
class Scenario:
    """How pools divide what is asked."""

    first_s: float = np.inf
    """Time to the first token that prefill may take of the end-to-end target, at its percentile."""
    prefill: float | None = None
    """Share of the accelerators of a part that prefill; None leaves it open."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Points of each role; None where no replica meets what is asked of the role."""

    aggregated: Points | None
    prefill: Points | None
    decode: Points | None
    by_workers: FloatArray
    """Rate of each prefill replica where 1, 2 ... of them share a queue, ``[rows, routed]``."""


def scenarios(request: ServingRequest, swept: Mapping[int, Sequence[Swept]]) -> Iterator[Scenario]:
    """Divisions between the pools that are worth trying."""
    if request.goal == "latency" and request.rate is not None:
        yield from (Scenario(prefill=share) for share in SHARES)
    elif request.e2e.is_set and swept.get(PREFILL):
        first = [np.min(s.waiting.ttft(request.e2e.percentile), initial=np.inf) for s in swept[PREFILL]]
        least = min(float(min(first)) * 1.02, 0.5 * request.e2e.seconds)
        divided = np.geomspace(least, request.e2e.seconds, DIVISIONS + 1)
        yield from (Scenario(first_s=s) for s in divided[:-1].tolist())
    else:
        yield Scenario()


def candidates(
    request: ServingRequest, swept: Mapping[int, Sequence[Swept]], scenario: Scenario
) -> Candidates:
    """Pick replicas of every role under a scenario, as the sweep sees them."""
    found: dict[int, Points | None] = {}
    for role in (AGGREGATED, PREFILL, DECODE):
        asked = _asked_of(request, role, scenario)
        many = swept.get(role, ())
        points = best_points(request, many, _score(asked, role, scenario))
        if points is None:
            points = best_points(request, many, _score(_relaxed(asked), role, scenario))
        found[role] = None if points is None else shortlist(points, _value(request, points))
    prefill = found[PREFILL]
    rates = np.zeros(0) if prefill is None else prefill.rate
    by_workers = np.repeat(rates[:, None], request.routed, axis=1)
    return Candidates(found[AGGREGATED], prefill, found[DECODE], by_workers)


def looked_at(
    request: ServingRequest, rough: Candidates, scenario: Scenario, known: Points | None = None
) -> Candidates:
    """Return the same replicas judged by queueing, at the rates and latencies that it finds.

    Parameters
    ----------
    known
        Aggregated replicas, where another scenario has found them: they do not depend on it.
    """
    largest = request.goal != "latency"
    tables: list[Points | None] = []
    for role, points in enumerate((rough.aggregated, rough.prefill, rough.decode)):
        if role == AGGREGATED and known is not None:
            points = known
        elif points is not None:
            asked = _asked_of(request, role, scenario)
            points = settled(asked, points, _sharing(request, points), largest=largest)
        tables.append(points)
    aggregated, prefill, decode = tables
    rates = np.zeros((0, request.routed))
    if prefill is not None:
        rates = _by_workers(_asked_of(request, PREFILL, scenario), prefill)
    return Candidates(aggregated, prefill, decode, rates)


def _sharing(request: ServingRequest, points: Points) -> FloatArray:
    """Replicas that there are of each, as far as they share a queue."""
    if int(points.role[0]) != AGGREGATED:
        return np.full(len(points), float(request.routed))
    there = np.array([part.gpus for part in request.parts])[points.part]
    many = np.floor(there / points.gpus)
    if request.rate is not None and request.goal != "latency":
        many = np.minimum(many, np.ceil(request.rate / points.rate))
    elif request.goal == "gpus":
        many = np.ones(len(points))
    return np.clip(many, 1.0, request.routed)


def _asked_of(request: ServingRequest, role: int, scenario: Scenario) -> ServingRequest:
    """Return the request with the part of the end-to-end target that falls to a role."""
    if role == AGGREGATED or not request.e2e.is_set or not np.isfinite(scenario.first_s):
        return request
    part = scenario.first_s if role == PREFILL else request.e2e.seconds - scenario.first_s
    return replace(request, e2e=Target(part, request.e2e.percentile))


def _relaxed(request: ServingRequest) -> ServingRequest:
    """Return the request with targets that queueing, which is less strict at times, may still find met."""
    ttft, tpot, e2e = (
        Target(SLACK * target.seconds, target.percentile)
        for target in (request.ttft, request.tpot, request.e2e)
    )
    return replace(request, ttft=ttft, tpot=tpot, e2e=e2e)


def _score(request: ServingRequest, role: int, scenario: Scenario) -> Score:
    """Largest rate, or least latency, of the points that are allowed."""
    name = ("e2e", "ttft", "tpot")[role]

    def score(swept: Swept) -> FloatArray:
        missed = swept.missed & ~LATE | judge(request, swept.waiting, names=ASKED[role])
        allowed = (missed == 0) & _bears(request, role, scenario, swept)
        if request.goal == "latency":
            seconds: FloatArray = getattr(swept.waiting, name)(getattr(request, name).percentile)
            return np.where(allowed, -seconds, -np.inf)
        return np.where(allowed, swept.curves.rate, -np.inf)

    return score


def _bears(request: ServingRequest, role: int, scenario: Scenario, swept: Swept) -> BoolArray:
    """Points that can bear their share of the demand, where all accelerators are to be used."""
    gpus = request.parts[request.options[swept.found.option].part].gpus
    if request.goal != "latency" or request.rate is None or not np.isfinite(gpus):
        return np.ones(swept.missed.shape, dtype=bool)
    prefill = 0.5 if scenario.prefill is None else scenario.prefill
    share = (1.0, prefill, 1.0 - prefill)[role]
    many = np.floor(gpus * share / swept.gpus)
    bears: BoolArray = swept.curves.rate * many[:, None] >= request.rate
    return bears


def _value(request: ServingRequest, points: Points) -> FloatArray:
    """Return what a shortlist prefers."""
    if request.goal == "latency":
        name = ("e2e", "ttft", "tpot")[int(points.role[0])]
        latency: FloatArray = -getattr(points, name).target
        return latency
    if request.goal == "gpus" and request.rate is None:
        return -points.gpus + 1e-9 * points.rate_per_gpu
    return points.rate_per_gpu


def _by_workers(request: ServingRequest, prefill: Points) -> FloatArray:
    """Largest rate by workers of a pool: many that share a queue can be loaded more than one."""
    rates = np.repeat(prefill.rate[:, None], request.routed, axis=1)
    there = np.array([part.gpus for part in request.parts])[prefill.part] / prefill.gpus
    if request.rate is not None:
        there = np.minimum(there, 2.0 * request.rate / prefill.rate)
    rows = np.flatnonzero(there < MANY * request.routed)
    sizes = np.array([k for k in SIZES if k < request.routed])
    if request.goal == "latency" or not len(rows) or not len(sizes):
        return rates
    some = prefill.take(np.repeat(rows, len(sizes)))
    found = most_rate(queues(request, some, np.tile(sizes, len(rows))), some.rate).reshape(len(rows), -1)
    grid = np.array([*sizes, request.routed])
    known = np.concatenate([found, prefill.rate[rows, None]], axis=1)
    every = np.arange(1.0, request.routed + 1.0)
    rates[rows] = np.array([np.interp(every, grid, one) for one in known])
    return rates
