"""The public search: one request in, one frozen result out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from planner.search.serving.build import Draft, built, of_specs
from planner.search.serving.candidates import Candidates, Scenario, candidates, looked_at, scenarios
from planner.search.serving.cluster import for_demand, own_best, shared_out
from planner.search.serving.fleet import Counts, FleetPlan, ServingResult, Tried
from planner.search.serving.fleets import Specs, distinct, order, specs
from planner.search.serving.frontier import frontier
from planner.search.serving.missed import missed
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL
from planner.search.serving.replicas import Left
from planner.search.serving.request import MODES, ServingRequest
from planner.search.serving.roles import sweep
from planner.search.serving.sweep import Swept

__all__ = ["fleets", "loaded", "search"]


@dataclass(eq=False)
class _Field:
    """What was swept."""

    swept: dict[int, list[Swept]] = field(default_factory=dict)
    left: Left = field(default_factory=Left)
    lacking: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """How much there was to look at."""
        every = [one for many in self.swept.values() for one in many]
        return Counts(
            layouts=sum(len(one.found) for one in every),
            points=sum(one.missed.size for one in every),
            feasible=sum(int(np.count_nonzero(one.feasible)) for one in every),
        )


def search(request: ServingRequest) -> ServingResult:
    """Find the deployments that serve a request best.

    Returns
    -------
    ServingResult
        With ``best`` None, and what stands in the way, where nothing is feasible. The time it takes does not
        depend on how many accelerators or replicas there are.
    """
    started = time.perf_counter()
    ground = _swept(request)
    tried = _tried(request, ground)
    best = _best(request, tried)
    ranked = [] if best is None else [best, *_ranked(request, tried)]
    several = request.modes if best is not None and len(request.modes) > 1 else ()
    modes = {mode: _best(request, _only(tried, mode)) for mode in several}
    others = {mode: draft for mode, draft in modes.items() if draft is not None}
    plans = built(request, [*ranked, *others.values()])
    by_mode = dict(zip(others, plans[len(ranked) :], strict=True))
    if best is not None and not several:
        by_mode = {request.modes[0]: plans[0]}
    most = None
    if best is None and request.rate is not None:
        most = _most(request, tried)
    return ServingResult(
        request=request,
        best=plans[0] if best is not None else None,
        alternatives=by_mode,
        top=plans[1 : len(ranked)],
        frontier=frontier(request, ground.swept, tried[0][1] if tried else None),
        counts=ground.counts,
        seconds=time.perf_counter() - started,
        missed=() if best is not None else missed(request, ground.swept, ground.left, ground.lacking, most),
        replicas=tried,
    )


def fleets(result: ServingResult, gpus: Sequence[Sequence[float]]) -> tuple[FleetPlan | None, ...]:
    """Build the best fleets on other numbers of accelerators, of the replicas that a search found.

    Parameters
    ----------
    result
        Of a request for the most that its accelerators serve.
    gpus
        Of each fleet the accelerators of each part; replicas share their queues with at least as many others
        as in the search where these are no fewer than the request's.

    Returns
    -------
    tuple of FleetPlan or None
        None where no replica fits.
    """
    request = result.request
    drafts = [_best(_on(request, each), result.replicas) for each in gpus]
    plans = iter(built(request, [draft for draft in drafts if draft is not None]))
    some = [None if draft is None else next(plans) for draft in drafts]
    return tuple(
        None if plan is None else replace(plan, idle=plan.idle + np.subtract(each, _gpus(request)))
        for plan, each in zip(some, gpus, strict=True)
    )


def loaded(result: ServingResult, rates: Sequence[float]) -> tuple[FleetPlan | None, ...]:
    """Build the fewest accelerators for each of some loads, of the replicas that a search found.

    Parameters
    ----------
    result
        Of a request for the most that its accelerators serve.
    rates
        Requests per second.

    Returns
    -------
    tuple of FleetPlan or None
        None where the accelerators do not suffice.
    """
    asked = replace(result.request, goal="gpus")
    drafts = [_for_rate(asked, rate, result.replicas) for rate in rates]
    plans = iter(built(asked, [draft for draft in drafts if draft is not None]))
    return tuple(None if draft is None else next(plans) for draft in drafts)


def _for_rate(request: ServingRequest, rate: float, tried: Tried) -> Draft | None:
    draft = _best(replace(request, rate=rate), tried)
    return None if draft is None else replace(draft, demand=rate)


def _on(request: ServingRequest, gpus: Sequence[float]) -> ServingRequest:
    parts = tuple(replace(part, gpus=n) for part, n in zip(request.parts, gpus, strict=True))
    return replace(request, parts=parts)


def _gpus(request: ServingRequest) -> list[float]:
    return [part.gpus for part in request.parts]


def _swept(request: ServingRequest) -> _Field:
    """Sweep all options in all roles that they can have."""
    ground = _Field()
    longest = request.longest or float(request.load.isl[0] + request.load.osl[0])
    if longest > request.most_tokens:
        return ground
    for index, option in enumerate(request.options):
        if option.lacks:
            ground.lacking.append(option.lacks)
            continue
        roles = [AGGREGATED] if MODES[0] in request.modes else []
        if MODES[1] in request.modes and option.can.disaggregation:
            roles += [PREFILL, DECODE]
        for role in roles:
            one, left = sweep(request, index, role)
            ground.left = ground.left.plus(left)
            if one is not None:
                ground.swept.setdefault(role, []).append(one)
    return ground


CLOSE: Final = 3
"""Scenarios whose replicas are judged by queueing: the one that screening finds best and the next ones, which
leave more time to the first token; queueing is stricter with that."""


def _tried(request: ServingRequest, ground: _Field) -> Tried:
    """Pick replicas under every scenario, and look closely at those of the best."""
    rough = [(s, candidates(request, ground.swept, s)) for s in scenarios(request, ground.swept)]
    if len(rough) > CLOSE:
        found = [(i, specs(request, c, s)) for i, (s, c) in enumerate(rough)]
        best = [(i, s.take(order(request, s)[:1])) for i, s in found if s is not None and len(s)]
        first = best[order(request, Specs.joined([s for _, s in best]))[0]][0] if best else 0
        rough = rough[first : first + CLOSE]
    looked: list[tuple[Scenario, Candidates]] = []
    for scenario, found_ in rough:
        known = looked[0][1].aggregated if looked and request.goal != "latency" else None
        looked.append((scenario, looked_at(request, found_, scenario, known)))
    return looked


def _only(tried: Tried, mode: str) -> Tried:
    """Candidates of one mode."""
    if mode == MODES[0]:
        return [(s, replace(c, prefill=None, decode=None)) for s, c in tried]
    return [(s, replace(c, aggregated=None)) for s, c in tried]


def _outcomes(request: ServingRequest, tried: Tried) -> list[tuple[Candidates, Specs]]:
    found = [(c, specs(request, c, s)) for s, c in tried]
    return [(c, s) for c, s in found if s is not None and len(s)]


def _best(request: ServingRequest, tried: Tried) -> Draft | None:
    """Return the best fleet, on all parts together where they can be added up."""
    if len(request.parts) > 1 and request.goal != "gpus" and request.rate is None:
        gpus = np.array([part.gpus for part in request.parts])
        if request.goal == "throughput" and np.all(np.isfinite(gpus)):
            drafts = [shared_out(request, c, gpus) for _, c in tried]
            drafts += [own_best(request, c, s) for c, s in _outcomes(request, tried)]
            return max((d for d in drafts if d is not None), key=lambda d: d.rate, default=None)
    ranked = _ranked(request, tried, top=1)
    if ranked or request.rate is None or len(request.parts) == 1:
        return ranked[0] if ranked else None
    return for_demand(request, [c for _, c in tried])


def _ranked(request: ServingRequest, tried: Tried, top: int | None = None) -> list[Draft]:
    """Return the best fleets on one part each, distinct in more than batch and chunk."""
    drafts = []
    for found, all_specs in _outcomes(request, tried):
        rows = order(request, all_specs)
        rows = rows[distinct(found, all_specs.take(rows))][: top or request.top]
        drafts += [(found, all_specs.take(rows[i : i + 1])) for i in range(len(rows))]
    if not drafts:
        return []
    rows = order(request, Specs.joined([spec for _, spec in drafts]))
    return [of_specs(*drafts[i]) for i in rows[: top or request.top].tolist()]


def _most(request: ServingRequest, tried: Tried) -> FleetPlan | None:
    """Return the fleet that serves most, if that is less than the demand."""
    free = replace(request, rate=None, goal="throughput")
    draft = _best(free, tried)
    if draft is None or (request.rate is not None and draft.rate >= request.rate):
        return None
    return built(free, [draft])[0]
