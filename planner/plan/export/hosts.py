"""Hosts that a job or a replica lies on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import SYSTEM
from planner.plan.document import Assumption

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["gpus_of_host", "spread"]

USUAL: Final = 8
"""Accelerators of a host where no system is named."""


def gpus_of_host(catalog: Catalog, system: str | None) -> tuple[int, tuple[Assumption, ...]]:
    """Return accelerators of one host of a system, and what was assumed."""
    if system is not None:
        return int(catalog.get(SYSTEM, system).node_size), ()
    why = "the plan names no system; most servers hold as many"
    return USUAL, (Assumption(field="gpus_per_node", value=USUAL, why=why),)


def spread(gpus: int, host: int) -> tuple[int, int]:
    """Return the fewest hosts over which accelerators spread evenly, and how many of each are used."""
    nodes = next(count for count in range(math.ceil(gpus / host), gpus + 1) if gpus % count == 0)
    return nodes, gpus // nodes
