"""What a search answers: fleets of like replicas, their frontier, and why nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.search.serving.candidates import Candidates, Scenario
from planner.search.serving.points import Points
from planner.search.serving.request import ServingRequest
from planner.types import FloatArray, IntArray

__all__ = ["Counts", "FleetPlan", "Frontier", "Missed", "PoolPlan", "ServingResult", "Tried"]

Tried = Sequence[tuple[Scenario, Candidates]]


@dataclass(frozen=True, eq=False)
class PoolPlan:
    """Like replicas that do the same work.

    Parameters
    ----------
    point
        One row: the replica and its operating point. In a fleet that serves a given rate, it is loaded by
        its share of it.
    replicas
        Whole ones.
    """

    point: Points
    replicas: int

    @property
    def role(self) -> int:
        """Index into `planner.search.serving.points.ROLES`."""
        return int(self.point.role[0])

    @property
    def part(self) -> int:
        """Index into the parts of the request."""
        return int(self.point.part[0])

    @property
    def rate(self) -> float:
        """Requests per second of all replicas."""
        return self.replicas * float(self.point.rate[0])

    @property
    def gpus(self) -> float:
        """Accelerators of all replicas."""
        return self.replicas * float(self.point.gpus[0])


@dataclass(frozen=True, eq=False)
class FleetPlan:
    """All pools that serve a request together.

    Parameters
    ----------
    pools
        Aggregated pools, then prefill pools, then decode pools.
    rate
        Requests per second that it serves: the demand, or all that it can.
    most_rate
        Requests per second that it can serve within the targets.
    continuous_rate
        The same if replicas could be divided: what is lost by rounding is the difference.
    idle
        Accelerators of each part that no replica uses, ``[parts]``; inf where there is no limit.
    """

    pools: tuple[PoolPlan, ...]
    rate: float
    most_rate: float
    continuous_rate: float
    idle: FloatArray

    @property
    def gpus(self) -> float:
        """Accelerators used."""
        return float(sum(pool.gpus for pool in self.pools))

    @property
    def rounding_loss(self) -> float:
        """Share of the continuous rate that whole replicas cannot serve."""
        return max(1.0 - self.most_rate / self.continuous_rate, 0.0)

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes in use."""
        roles = {pool.role for pool in self.pools}
        return tuple(m for m, on in (("aggregated", 0 in roles), ("disaggregated", 1 in roles)) if on)


@dataclass(frozen=True, eq=False)
class Frontier:
    """Best tokens per second and accelerator for each speed that a user sees, fastest last; ``[F]``."""

    tokens_per_s_per_gpu: FloatArray  # output tokens
    tokens_per_s_per_user: FloatArray  # 1 / mean TPOT
    ttft_s: FloatArray  # mean
    mode: IntArray  # index into MODES
    points: Points  # the aggregated or the decode replica
    prefill: Points  # the prefill replica of disaggregated rows; the same row as in `points` otherwise


@dataclass(frozen=True)
class Missed:
    """What stands in the way where nothing is feasible: the nearest misses, one for each reason."""

    code: int  # index into `planner.search.serving.reasons.REASONS`
    name: str
    text: str  # one sentence
    wanted: float = np.nan  # the target, or the bytes there are
    best: float = np.nan  # the best that can be reached, all else as asked

    @property
    def factor(self) -> float:
        """How far off: the best over what was wanted."""
        return self.best / self.wanted


@dataclass(frozen=True)
class Counts:
    """What the search looked at."""

    layouts: int  # legal layouts of all options, with their chunks
    points: int  # operating points evaluated
    feasible: int


@dataclass(frozen=True, eq=False)
class ServingResult:
    """The answer to a `ServingRequest`."""

    request: ServingRequest
    best: FleetPlan | None  # None where nothing is feasible
    alternatives: dict[str, FleetPlan]  # the best of each mode
    top: tuple[FleetPlan, ...]  # best first; fleets on one part that differ in more than batch and chunk
    frontier: Frontier | None
    counts: Counts
    seconds: float
    missed: tuple[Missed, ...] = ()
    replicas: Tried = ()  # what fleets were built of, by how pools divide what is asked

    @property
    def feasible(self) -> bool:
        """Whether any plan satisfies the request."""
        return self.best is not None
