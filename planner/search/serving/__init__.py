"""Search over serving deployments: every legal replica at every load, and fleets of them.

`search` answers a `ServingRequest` with a `ServingResult`.
"""

from planner.search.serving.fleet import Counts, FleetPlan, Frontier, Missed, PoolPlan, ServingResult
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, ROLES, Latency, Points
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
    "ServingPart",
    "ServingRequest",
    "ServingResult",
    "Target",
    "Variation",
]
