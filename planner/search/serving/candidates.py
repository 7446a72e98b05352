"""The few replicas worth building fleets of: the best of each role, looked at closely.

Prefill and decode are chosen apart, which is exact as long as each target belongs to one of them. A target of
end-to-end time belongs to both; then several ways of dividing it between them are tried. So are ways of
dividing the accelerators where the goal is the least latency of a given fleet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.search.serving.pick import Score, best_points, exact, shortlist
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, Points
from planner.search.serving.replicas import of_points
from planner.search.serving.request import ServingRequest
from planner.search.serving.roles import ROUTED, prefill_swept
from planner.search.serving.sweep import Swept
from planner.search.serving.waiting import lognormal
from planner.types import BoolArray, FloatArray

__all__ = ["Candidates", "Scenario", "candidates", "scenarios"]

DIVISIONS: Final = 8
SHARES: Final = tuple(s / 10.0 for s in range(1, 10))
MANY: Final = 65536
"""Accelerators of a part beyond which its pools have many workers."""


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
    """Rate of each prefill replica where 1, 2 ... `ROUTED` of them share a queue, ``[rows, ROUTED]``."""


def scenarios(request: ServingRequest, swept: Mapping[int, Sequence[Swept]]) -> Iterator[Scenario]:
    """Divisions between the pools that are worth trying."""
    if request.goal == "latency" and request.rate is not None:
        yield from (Scenario(prefill=share) for share in SHARES)
    elif request.e2e.is_set and swept.get(PREFILL):
        first = [np.min(s.waiting.ttft(request.e2e.percentile), initial=np.inf) for s in swept[PREFILL]]
        least = float(min(first))
        if least < request.e2e.seconds:
            yield from (
                Scenario(first_s=s) for s in np.geomspace(least * 1.02, request.e2e.seconds, DIVISIONS)
            )
    else:
        yield Scenario()


def candidates(
    request: ServingRequest,
    swept: Mapping[int, Sequence[Swept]],
    scenario: Scenario,
    known: Points | None = None,
) -> Candidates:
    """Pick replicas of every role under a scenario.

    Parameters
    ----------
    known
        Aggregated points of another scenario, on which they do not depend.
    """
    found: dict[int, Points | None] = {AGGREGATED: known}
    for role in (AGGREGATED, PREFILL, DECODE):
        if found.get(role) is not None:
            continue
        score = _score(request, role, scenario)
        rough = best_points(request, swept.get(role, ()), score)
        if rough is not None:
            rough = exact(request, shortlist(rough, _value(request, rough)), score)
        found[role] = rough
    prefill = found[PREFILL]
    rates = np.zeros((0, ROUTED)) if prefill is None else _by_workers(request, prefill, scenario)
    return Candidates(found[AGGREGATED], prefill, found[DECODE], rates)


def _score(request: ServingRequest, role: int, scenario: Scenario) -> Score:
    """Largest rate, or least latency, of the points that are allowed."""
    name = ("e2e", "ttft", "tpot")[role]

    def score(swept: Swept) -> FloatArray:
        allowed = swept.feasible & _within(request, role, scenario, swept)
        if request.goal == "latency":
            seconds: FloatArray = getattr(swept.waiting, name)(getattr(request, name).percentile)
            return np.where(allowed, -seconds, -np.inf)
        return np.where(allowed, swept.curves.rate, -np.inf)

    return score


def _within(request: ServingRequest, role: int, scenario: Scenario, swept: Swept) -> BoolArray:
    """Points that keep to their share of the end-to-end target, and can bear their share of the demand."""
    allowed = np.ones(swept.missed.shape, dtype=bool)
    if role != AGGREGATED and request.e2e.is_set:
        times, p = swept.waiting, request.e2e.percentile
        if role == PREFILL:
            allowed &= times.ttft(p) <= scenario.first_s
        else:
            longest = 1.0 if p is None else lognormal(np.array([request.variation.output]), p)
            allowed &= times.tokens * times.token_s * longest <= request.e2e.seconds - scenario.first_s
    gpus = request.parts[request.options[swept.found.option].part].gpus
    if request.goal == "latency" and request.rate is not None and np.isfinite(gpus):
        share = {AGGREGATED: 1.0, PREFILL: scenario.prefill or 0.5, DECODE: 1.0 - (scenario.prefill or 0.5)}
        many = np.floor(gpus * share[role] / swept.gpus)
        allowed &= swept.curves.rate * many[:, None] >= request.rate
    return allowed


def _value(request: ServingRequest, points: Points) -> FloatArray:
    """Return what a shortlist prefers."""
    if request.goal == "latency":
        name = ("e2e", "ttft", "tpot")[int(points.role[0])]
        latency: FloatArray = -getattr(points, name).target
        return latency
    if request.goal == "gpus" and request.rate is None:
        return -points.gpus + 1e-9 * points.rate_per_gpu
    return points.rate_per_gpu


def _by_workers(request: ServingRequest, prefill: Points, scenario: Scenario) -> FloatArray:
    """Largest allowed rate by workers of the pool: many with one queue can be loaded more than one."""
    rates = np.repeat(prefill.rate[:, None], ROUTED, axis=1)
    smallest = min(request.parts[p].gpus for p in np.unique(prefill.part).tolist())
    if request.goal == "latency" or (request.rate is None and smallest > MANY):
        return rates
    for option in np.unique(prefill.option).tolist():
        rows = np.flatnonzero(prefill.option == option)
        found = of_points(request, prefill.take(rows))
        for workers in range(1, ROUTED):
            one = prefill_swept(request, found, workers=workers)
            allowed = one.feasible & _within(request, PREFILL, scenario, one)
            rates[rows, workers - 1] = np.max(np.where(allowed, one.curves.rate, 0.0), axis=1)
    return rates
