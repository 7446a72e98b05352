"""The searches that a question needs: for the capacity beside its spares, for a load, for a concurrency.

Each search finds a whole fleet. Spares depend on the replicas that it found, and what a prefix cache finds
on how many sessions each of them serves, so that a search is repeated until both agree with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.plan.serving.cache import Cached, cached
from planner.plan.serving.fleet import Spares, serving_within, spare_gpus
from planner.plan.serving.latency import latencies
from planner.search.serving import search

if TYPE_CHECKING:
    from planner.catalog.schema.operations import Operations
    from planner.plan.serving.request import ServeCase
    from planner.search.serving import FleetPlan, ServingRequest, ServingResult

__all__ = ["Effort", "Found", "find", "spares_of"]

MOST_ROUNDS: Final = 6
CLOSE: Final = 0.02
"""Difference of hits, as a share of what no cache holds, at which searching again changes nothing."""
RESERVED: Final = 0.03
"""Share of the target of the first token that is kept from the start for bringing prefixes back."""
SAME: Final = 0.03
MOST_TRIES: Final = 4
"""Relative difference of the concurrency at which its search has ended, and searches before that."""


@dataclass
class Effort:
    """What all searches for one answer took."""

    searches: int = 0
    seconds: float = 0.0
    points: int = 0

    def search(self, request: ServingRequest) -> ServingResult:
        """Search, and count it."""
        result = search(request)
        self.searches += 1
        self.seconds += result.seconds
        self.points += result.counts.points
        return result


@dataclass(frozen=True, kw_only=True)
class Found:
    """The last search with what was settled around it.

    Attributes
    ----------
    result
        Of the search.
    hit
        Share of the input tokens that the search took as cached.
    rate
        Requests per second that were asked for; None for the capacity.
    available
        Accelerators of each part, spares included; inf without a limit.
    cached
        What the prefix cache of the best fleet finds; None where nothing is known to limit it.
    """

    case: ServeCase
    operations: Operations
    result: ServingResult
    hit: float
    rate: float | None
    available: tuple[float, ...]
    effort: Effort
    cached: Cached | None = None

    @property
    def best(self) -> FleetPlan | None:
        """The chosen fleet, spares left out."""
        return self.result.best

    def serving(self, part: int, fleet: FleetPlan | None = None) -> int:
        """Accelerators of a part that serve in a fleet, by default the best."""
        chosen = fleet or self.best
        return 0 if chosen is None else round(sum(p.gpus for p in chosen.pools if p.part == part))

    def spares(self, part: int) -> int:
        """Spare accelerators of a part: those of the policy, as far as there is room for them."""
        return round(min(self._wanted(part), self.available[part] - self.serving(part)))

    @property
    def short(self) -> int:
        """Spare accelerators for which there is no room."""
        return sum(self._wanted(part) - self.spares(part) for part in range(len(self.available)))

    def _wanted(self, part: int) -> int:
        """Spares by the policy; none within a single failure domain, where they would not help."""
        law = spares_of(self.case, self.operations, part)
        if law.fixed is None and self.available[part] <= law.domain:
            return 0
        serving = self.serving(part)
        return spare_gpus(law, serving) if serving else 0


def spares_of(case: ServeCase, operations: Operations, part: int) -> Spares:
    """How hosts of a part fail. Switched domains can be lost whole; in a torus or mesh hosts fail alone."""
    operators = case.parts[part].operators
    node, domain = int(operators.node[0]), int(operators.domain[0])
    switched = case.places[part].accelerator.scale_up.topology == "switch"
    return Spares.of(
        operations.reliability,
        node=node,
        domain=max(domain, node) if switched else node,
        fixed=case.job.spares,
    )


def find(case: ServeCase, operations: Operations) -> Found:
    """Answer the question of a case."""
    solver = _Solver(case, operations)
    hit = asked = solver.asked
    found = solver.settled(hit)
    tried: list[tuple[float, float]] = []
    while found.best is not None and asked and not case.job.hit_given and len(tried) < MOST_ROUNDS:
        state = cached(case, operations, found.best, asked=asked)
        if state is None:
            break
        found = replace(found, cached=state)
        tried.append((hit, state.effective))
        reload_s = state.reload_s(case.job.targets["ttft"].percentile)
        agrees = abs(state.effective - hit) <= CLOSE * (1.0 - hit)
        if agrees and reload_s <= solver.reload_s:
            break
        hit = hit if agrees else _next(tried)
        solver.reload_s = max(reload_s, solver.reload_s)
        again = solver.settled(hit)
        # Where nothing is feasible with fewer hits, the state of the cache is part of the reason.
        found = again if again.best is not None else replace(again, cached=state)
    return found


def _next(tried: Sequence[tuple[float, float]]) -> float:
    """Hits at which the cache finds what the search assumed: a secant through the last two tries.

    Fewer hits mean fewer sessions per replica, which brings hits back, so that the difference falls.
    """
    x, y = tried[-1]
    if len(tried) == 1:
        return y
    x0, y0 = tried[-2]
    slope = (y - x) - (y0 - x0)
    guess = x - (y - x) * (x - x0) / slope if slope else y
    return min(max(guess, min(y, y0)), max(y, y0))


class _Solver:
    """Searches of one case."""

    def __init__(self, case: ServeCase, operations: Operations) -> None:
        self.case = case
        self.operations = operations
        self.effort = Effort()
        self.available = tuple(part.gpus for part in case.parts)
        able = all(stack.engine.features.prefix_caching for stack in case.stacks)
        self.asked = case.job.traffic.hit if able else 0.0
        first = case.job.targets["ttft"]
        pauses = case.job.traffic.think_spread is not None and not case.job.hit_given
        self.reload_s = RESERVED * first.seconds if self.asked and pauses and first.is_set else 0.0

    def settled(self, hit: float) -> Found:
        """Search with these hits: for a rate, or beside spares."""
        demand, rate = self.case.job.demand, self.case.job.rate
        if demand is not None and demand.measure == "concurrency":
            return self._at_concurrency(hit, demand.value)
        if rate is not None:
            return self._search(hit, rate=rate, goal=self.case.job.goal)
        return self._search(hit, rate=None, goal=self.case.job.goal, gpus=self._beside_spares())

    def _search(
        self, hit: float, *, rate: float | None, goal: str, gpus: Sequence[float] | None = None
    ) -> Found:
        result = self.effort.search(
            self.case.request(hit=hit, rate=rate, goal=goal, gpus=gpus, reload_s=self.reload_s)
        )
        return Found(
            case=self.case,
            operations=self.operations,
            result=result,
            hit=hit,
            rate=rate,
            available=self.available,
            effort=self.effort,
        )

    def _beside_spares(self) -> list[float]:
        """Accelerators of each part that may serve."""
        laws = [spares_of(self.case, self.operations, part) for part in range(len(self.available))]
        return [
            float(serving_within(law, round(gpus))) for law, gpus in zip(laws, self.available, strict=True)
        ]

    def _at_concurrency(self, hit: float, concurrency: float) -> Found:
        """Find the fewest accelerators that hold so many requests at once.

        By Little's law they arrive at ``concurrency / e2e`` per second, and the end-to-end time depends on
        the fleet that serves them.
        """
        found = self._search(hit, rate=None, goal="throughput")
        rate, tried = math.inf, []
        for _ in range(MOST_TRIES):
            if found.best is None:
                break
            again = concurrency / self._seconds(found)
            if abs(again / rate - 1.0) < SAME:
                return found
            # Whole replicas make the end-to-end time jump: half-way is nearer than there and back.
            rate = again if math.isinf(rate) else math.sqrt(rate * again)
            found = self._search(hit, rate=rate, goal=self.case.job.goal)
            if found.best is not None:
                tried.append(found)
        return min(tried, key=lambda one: self._off(one, concurrency), default=found)

    def _seconds(self, found: Found) -> float:
        """Mean time of a request in a fleet."""
        if found.best is None:
            return math.inf
        return latencies(found.best, osl=self.case.job.traffic.osl).e2e.mean

    def _off(self, found: Found, concurrency: float) -> float:
        """How far the requests in a fleet are from those asked for, as a logarithm."""
        return abs(math.log((found.rate or 0.0) * self._seconds(found) / concurrency))
