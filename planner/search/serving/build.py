"""From replicas and how many of each to fleets at the rate that they serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.search.serving.candidates import Candidates
from planner.search.serving.fleet import FleetPlan, PoolPlan
from planner.search.serving.fleets import Specs
from planner.search.serving.pick import at_rate
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, Points
from planner.search.serving.request import ServingRequest
from planner.search.serving.roles import ROUTED
from planner.types import FloatArray

__all__ = ["Draft", "built", "in_pool", "of_specs"]


@dataclass(frozen=True, eq=False)
class Draft:
    """A fleet before its replicas are put at the rate that they serve."""

    points: Points  # one replica per row, at its largest rate
    replicas: FloatArray
    continuous: float  # requests per second if replicas could be divided

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
            one = in_pool(one, found.by_workers[row, np.minimum(replicas.astype(int), ROUTED) - 1])
        tables.append(one)
        many.append(float(replicas[0]))
    return Draft(Points.joined(tables), np.array(many), float(spec.continuous[0]))


def built(request: ServingRequest, drafts: Sequence[Draft]) -> tuple[FleetPlan, ...]:
    """Put replicas at the rate that falls to them: the demand, or all that the fleet can serve."""
    if not drafts:
        return ()
    points = Points.joined([d.points for d in drafts])
    replicas = np.concatenate([d.replicas for d in drafts])
    falls = np.concatenate([_share(request, d) for d in drafts])
    rated = at_rate(request, points, points.rate * falls, workers=replicas)
    plans, start = [], 0
    for draft in drafts:
        rows = np.arange(start, start + len(draft.replicas))
        start += len(rows)
        pools = tuple(PoolPlan(rated.take(rows[i : i + 1]), int(replicas[rows[i]])) for i in range(len(rows)))
        served = draft.rate if request.rate is None else min(request.rate, draft.rate)
        idle = np.array([p.gpus for p in request.parts])
        for pool in pools:
            idle[pool.part] -= pool.gpus
        plans.append(FleetPlan(pools, served, draft.rate, max(draft.continuous, draft.rate), idle))
    return tuple(plans)


def _share(request: ServingRequest, draft: Draft) -> FloatArray:
    """Share of its largest rate at which each replica runs."""
    used = 1.0 if request.rate is None else min(request.rate / draft.rate, 1.0)
    of_role = np.ones(3)
    for role in (PREFILL, DECODE):
        total = draft.summed(role)
        of_role[role] = draft.pooled / total if total > 0 else 0.0
    share: FloatArray = used * of_role[draft.points.role]
    return share
