"""Sharing a cluster between jobs as linear programs: arrays in, arrays out; a solver is elsewhere."""

from planner.model.sharing.curves import concave_hull, daily_curve
from planner.model.sharing.finishing import finishing_program
from planner.model.sharing.linear import Linear
from planner.model.sharing.program import Program, sharing_program
from planner.model.sharing.tasks import Pool, Task, phases_of

__all__ = [
    "Linear",
    "Pool",
    "Program",
    "Task",
    "concave_hull",
    "daily_curve",
    "finishing_program",
    "phases_of",
    "sharing_program",
]
