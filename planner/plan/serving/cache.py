"""What a prefix cache of limited size finds: pausing sessions keep their keys and values while there is room.

A session sends its next request after a pause (the think time of the profile). Until then its keys and values
stay in device memory, move to host memory and to flash as room runs out, and are lost beyond; how long they
live follows from the room (`planner.model.prefix_cache`). The requests of a session go to the replica that
served it before: routed at random they would find next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.inference.memory import cache_bytes_per_sequence, memory
from planner.model.prefix_cache import Gaps, Sessions, Tiers, cache_hits
from planner.plan.serving.results import PrefixCache, Tier
from planner.search.serving import DECODE, of_points
from planner.units import GIGA, MILLI, format_quantity

if TYPE_CHECKING:
    from planner.catalog.schema.operations import CacheTiers, Operations
    from planner.plan.places import Place
    from planner.plan.serving.request import ServeCase
    from planner.search.serving import FleetPlan, PoolPlan, ServingRequest
    from planner.workload.lengths import Spread

__all__ = ["Cached", "cached"]

FULL: Final = 0.995
"""Share of what an unlimited cache finds, above which nothing is lost that is worth a word."""


@dataclass(frozen=True, kw_only=True)
class Cached:
    """What the prefix cache of a fleet finds, by where it finds it.

    Attributes
    ----------
    asked, effective
        Share of the input tokens that a cache without limits finds, and that this one finds.
    sessions, active
        Per replica: alive, and of these in a step.
    session_bytes
        Keys and values of one, in the whole replica.
    rooms, hits, reloads_s
        Device, host and disk: bytes of a replica, share of the input tokens, seconds to bring back a prefix.
    """

    asked: float
    effective: float
    sessions: float
    active: float
    session_bytes: float
    rooms: tuple[float, ...]
    hits: tuple[float, ...]
    reloads_s: tuple[float, ...]

    @property
    def resident(self) -> bool:
        """Whether all that is found is found in device memory."""
        return self.hits[0] >= FULL * self.asked

    @property
    def mean_reload_s(self) -> float:
        """Seconds that requests wait for their prefix on average."""
        return sum(self._chance(hit) * reload for hit, reload in zip(self.hits, self.reloads_s, strict=True))

    def reload_s(self, percentile: float | None) -> float:
        """Seconds that a request at this percentile waits for its prefix: as if the slow ones were reloads.

        None is the mean.
        """
        if percentile is None:
            return self.mean_reload_s
        slower = 0.0
        for hit, reload in sorted(zip(self.hits, self.reloads_s, strict=True), key=lambda tier: -tier[1]):
            slower += self._chance(hit)
            if slower > 1.0 - percentile:
                return reload
        return 0.0

    def _chance(self, hit: float) -> float:
        """Share of the requests that find their prefix in a tier."""
        return hit / self.asked if self.asked else 0.0

    def result(self) -> PrefixCache:
        """Return it as the answer carries it."""
        names = ("device", "host", "disk")
        return PrefixCache(
            asked=self.asked,
            effective=self.effective,
            sessions_per_replica=self.sessions,
            active_per_replica=self.active,
            session_gb=self.session_bytes / GIGA,
            tiers=tuple(
                Tier(name=name, gb_per_replica=room / GIGA, hit=hit, reload_ms=reload / MILLI)  # type: ignore[arg-type]
                for name, room, hit, reload in zip(names, self.rooms, self.hits, self.reloads_s, strict=True)
            ),
            sentence=self.sentence,
        )

    @property
    def sentence(self) -> str:
        """The state of the cache in words."""
        held = f"{self.sessions:,.0f} sessions of {self.session_bytes / GIGA:.3g} GB per replica"
        if self.resident:
            return f"Device memory keeps the keys and values of {held}: all hits are found there."
        where = (
            f"{self.hits[0]:.1%} of the input tokens in device memory, {self.hits[1]:.1%} in host memory and "
        )
        where += f"{self.hits[2]:.1%} on flash"
        slow = max(self.reloads_s[1:])
        reload = (
            f"; bringing a prefix back takes up to {format_quantity(slow, 's', digits=2)}" if slow else ""
        )
        lost = self.asked - self.effective
        missed = f" {lost:.1%} are computed anew for want of room." if lost > (1 - FULL) * self.asked else ""
        return f"Keys and values of {held} do not all stay in device memory: {where}{reload}.{missed}"


def cached(case: ServeCase, operations: Operations, fleet: FleetPlan, *, asked: float) -> Cached | None:
    """State of the prefix cache of the replicas that compute prompts; of several pools, the worst.

    Returns
    -------
    Cached or None
        None where the profile says nothing of sessions and their pauses: nothing is known to be lost.
    """
    traffic = case.job.traffic
    pause = traffic.think_spread
    if pause is None or traffic.sessions is None:
        return None
    request = case.request(hit=asked, rate=None, goal=case.job.goal)
    states = [
        _of_pool(case, operations.caches, request, pool, pause, asked)
        for pool in fleet.pools
        if pool.role != DECODE
    ]
    return min(states, key=lambda state: state.effective)


def _of_pool(
    case: ServeCase,
    caches: CacheTiers,
    request: ServingRequest,
    pool: PoolPlan,
    pause: Spread,
    asked: float,
) -> Cached:
    found = of_points(request, pool.point)
    model, layout, engine = found.replica.model, found.replica.layout, found.replica.engine
    part, place = case.parts[pool.part], case.places[pool.part]
    held = memory(
        memory_bytes=np.array([part.memory_bytes]),
        model=model,
        engine=engine,
        layout=layout,
        load=request.load,
    )
    ranks = float(layout.dp[0])
    holders = float(layout.gpus[0]) / ranks
    isl, osl = case.job.traffic.isl, case.job.traffic.osl

    def kept(tokens: float) -> float:
        """Bytes of that many tokens in the whole replica."""
        each = cache_bytes_per_sequence(
            model=model, engine=engine, layout=layout, tokens=np.array([max(tokens, 1.0)])
        )
        return float(each[0]) * holders

    session = kept(isl + 0.5 * osl)
    rate, active = float(pool.point.rate[0]), float(pool.point.concurrency[0])
    steps = max(case.job.traffic.steps_per_session, 1.0)
    device = max(float(held.cache_bytes[0] - held.shared_bytes[0]), 0.0) * ranks * holders
    gpus = ranks * holders
    rooms = (
        device,
        caches.host_share.value * _host_bytes(place, caches) * gpus,
        caches.disk.value * gpus,
    )
    hits = cache_hits(
        sessions=Sessions(
            rate=np.array([rate]),
            calls=np.array([steps]),
            gaps=Gaps(np.ones((1, 1)), np.array([[pause.mean]]), np.array([[pause.cv]])),
            kept_bytes=np.array([session]),
        ),
        tiers=Tiers(
            capacity_bytes=np.array([[max(device - active * session, 0.0), *rooms[1:]]]),
            bytes_per_s=np.ones((1, len(rooms))),
            latency_s=np.zeros((1, len(rooms))),
        ),
        replicas=np.ones(1),
    )
    most = 1.0 - 1.0 / steps
    found_in = asked * hits.share[0] / most if most > 0 else np.array([asked, 0.0, 0.0])
    prefix = kept(asked * isl) / holders
    speeds = (math.inf, place.accelerator.host.bandwidth.value, caches.disk_bandwidth.value)
    return Cached(
        asked=asked,
        effective=min(float(np.sum(found_in)), asked),
        sessions=active + rate * most * pause.mean,
        active=active,
        session_bytes=session,
        rooms=rooms,
        hits=tuple(found_in.tolist()),
        reloads_s=tuple(
            prefix / speed if found > 0 else 0.0 for found, speed in zip(found_in, speeds, strict=True)
        ),
    )


def _host_bytes(place: Place, caches: CacheTiers) -> float:
    """Host memory per accelerator."""
    system = place.system
    if system is None or system.memory is None:
        return caches.host_memory.value
    return system.memory.value / system.accelerators.value
