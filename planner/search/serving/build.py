"""From replicas and how many of each to fleets at the rate that they serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from planner.search.serving.candidates import Candidates
from planner.search.serving.fleet import FleetPlan, PoolPlan
from planner.search.serving.fleets import Specs
from planner.search.serving.pick import at_rate
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, Points
from planner.search.serving.reasons import FEASIBLE
from planner.search.serving.request import ServingRequest
from planner.types import FloatArray

__all__ = ["Draft", "built", "in_pool", "of_specs"]

MENDS: Final = 8
RELIEF: Final = 0.97
"""Times that a fleet is mended, and the share of its rate that a replica keeps then."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A fleet before its replicas are put at the rate that they serve."""

    points: Points  # one replica per row, at its largest rate
    replicas: FloatArray
    continuous: float  # requests per second if replicas could be divided
    demand: float | None = None  # requests per second to serve, where that is not the request's

    def summed(self, role: int) -> float:
        """Add up the requests per second of all replicas of a role."""
        return float(np.sum(self.points.rate * self.replicas, where=self.points.role == role))

    @property
    def pooled(self) -> float:
        """Requests per second through both pools."""
        return min(self.summed(PREFILL), self.summed(DECODE))

    @property
    def rate(self) -> float:
        """Requests per second of the fleet."""
        return self.summed(AGGREGATED) + self.pooled

    @property
    def gpus(self) -> float:
        """Accelerators of all replicas."""
        return float(np.sum(self.points.gpus * self.replicas))


def in_pool(points: Points, rates: FloatArray) -> Points:
    """Return prefill replicas at other rates, their load in proportion."""
    return replace(points, rate=rates, load=points.load * rates / points.rate)


def of_specs(found: Candidates, spec: Specs) -> Draft:
    """Return the fleet of one row of specs."""
    tables, many = [], []
    for points, row, replicas in (
        (found.aggregated, spec.aggregated, spec.replicas),
        (found.prefill, spec.prefill, spec.prefills),
        (found.decode, spec.decode, spec.decodes),
    ):
        if points is None or row[0] < 0:
            continue
        one = points.take(row)
        if points is found.prefill:
            workers = np.clip(replicas.astype(int), 1, found.by_workers.shape[1])
            one = in_pool(one, found.by_workers[row, workers - 1])
        tables.append(one)
        many.append(float(replicas[0]))
    return Draft(Points.joined(tables), np.array(many), float(spec.continuous[0]))


def built(request: ServingRequest, drafts: Sequence[Draft]) -> tuple[FleetPlan, ...]:
    """Put replicas at the rate that falls to them: the demand, or all that the fleet can serve.

    Pools of few replicas may then miss a target by a little, since they share their queues with fewer than
    they were chosen for; they get another replica where there is a demand and room, or less to do.
    """
    now = list(drafts)
    plans: dict[int, FleetPlan] = {}
    todo = list(range(len(now)))
    for mend in range(MENDS + 1 if now else 0):
        for i, plan in zip(todo, _rated(request, [now[i] for i in todo]), strict=True):
            plans[i] = plan
        todo = [i for i in todo if any(pool.point.reason[0] != FEASIBLE for pool in plans[i].pools)]
        if not todo or mend == MENDS:
            break
        for i in todo:
            now[i] = _mended(request, now[i], plans[i])
    return tuple(plans[i] for i in range(len(now)))


def _rated(request: ServingRequest, drafts: Sequence[Draft]) -> list[FleetPlan]:
    points = Points.joined([d.points for d in drafts])
    replicas = np.concatenate([d.replicas for d in drafts])
    falls = np.concatenate([_share(request, d) for d in drafts])
    rated = at_rate(request, points, points.rate * falls, replicas)
    plans, start = [], 0
    for draft in drafts:
        rows = range(start, start + len(draft.replicas))
        start = rows.stop
        pools = tuple(PoolPlan(rated.take(slice(i, i + 1)), int(replicas[i])) for i in rows)
        demand = _demand(request, draft)
        served = draft.rate if demand is None else min(demand, draft.rate)
        plans.append(
            FleetPlan(pools, served, draft.rate, max(draft.continuous, draft.rate), _idle(request, pools))
        )
    return plans


def _idle(request: ServingRequest, pools: Sequence[PoolPlan]) -> FloatArray:
    idle = np.array([float(p.gpus) for p in request.parts])
    for pool in pools:
        idle[pool.part] -= pool.gpus
    return idle


def _mended(request: ServingRequest, draft: Draft, plan: FleetPlan) -> Draft:
    """Relieve the replicas that miss a target."""
    missed = np.array([pool.point.reason[0] != FEASIBLE for pool in plan.pools])
    more = draft.replicas + missed
    extra = np.zeros(len(request.parts))
    np.add.at(extra, draft.points.part, missed * draft.points.gpus)
    demand = _demand(request, draft)
    if demand is not None and request.goal != "latency" and np.all(extra <= plan.idle):
        return replace(draft, replicas=more)
    rates = draft.points.rate * np.where(missed, RELIEF, 1.0)
    return replace(draft, points=in_pool(draft.points, rates))


def _demand(request: ServingRequest, draft: Draft) -> float | None:
    return request.rate if draft.demand is None else draft.demand


def _share(request: ServingRequest, draft: Draft) -> FloatArray:
    """Share of its largest rate at which each replica runs."""
    demand = _demand(request, draft)
    used = 1.0 if demand is None else min(demand / draft.rate, 1.0)
    of_role = np.ones(3)
    for role in (PREFILL, DECODE):
        total = draft.summed(role)
        of_role[role] = draft.pooled / total if total > 0 else 0.0
    share: FloatArray = used * of_role[draft.points.role]
    return share
