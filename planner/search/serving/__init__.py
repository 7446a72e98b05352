"""Search over serving deployments: every legal replica at every load, and fleets of them.

`search` answers a `ServingRequest` with a `ServingResult`.

==================================  =================================================================
`planner.search.serving.request`    what is asked
`planner.search.serving.space`      legal parallel degrees
`planner.search.serving.replicas`   those that hold the weights and a request
`planner.search.serving.curves`     times at every batch, tabulated and interpolated
`planner.search.serving.waiting`    latencies in closed form
`planner.search.serving.roles`      sweeps of aggregated, prefill and decode replicas
`planner.search.serving.candidates` the few replicas worth building fleets of
`planner.search.serving.fleets`     whole replicas on one part
`planner.search.serving.cluster`    fleets on unlike parts, by `planner.search.serving.split`
`planner.search.serving.frontier`   tokens per accelerator against tokens per user
`planner.search.serving.missed`     why nothing is feasible
==================================  =================================================================
"""

from planner.search.serving.answer import fleets, loaded, search
from planner.search.serving.fleet import Counts, FleetPlan, Frontier, Missed, PoolPlan, ServingResult
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, ROLES, Latency, Points
from planner.search.serving.reasons import REASONS
from planner.search.serving.replicas import Replicas, of_points
from planner.search.serving.request import (
    GOALS,
    MODES,
    PINNABLE,
    Can,
    Option,
    ServingPart,
    ServingRequest,
    Target,
    Variation,
)

__all__ = [
    "AGGREGATED",
    "DECODE",
    "GOALS",
    "MODES",
    "PINNABLE",
    "PREFILL",
    "REASONS",
    "ROLES",
    "Can",
    "Counts",
    "FleetPlan",
    "Frontier",
    "Latency",
    "Missed",
    "Option",
    "Points",
    "PoolPlan",
    "Replicas",
    "ServingPart",
    "ServingRequest",
    "ServingResult",
    "Target",
    "Variation",
    "fleets",
    "loaded",
    "of_points",
    "search",
]
