"""The fabric of a group: switches, transceivers and cables, their power and price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.plan.cluster.parts import Network
from planner.plan.operating.money import interval_of
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.plan.operating.estate import Estate

__all__ = ["network_of"]


def network_of(estate: Estate, accelerators: int) -> tuple[Network | None, str | None]:
    """Return the fabric for so many accelerators, and what must be said of it."""
    fabric = estate.place.fabric
    built = estate.network(np.array([float(accelerators)]))
    if fabric is None:
        return None, "no fabric is known for this part outside of a system"
    if built is None:
        return None, (
            f"the parts of {fabric.id} are not on record: its cost is the usual share of that of the "
            "servers, its power part of that of the hosts"
        )
    islands = int(built.islands[0])
    network = Network(
        fabric=fabric.id,
        switch=fabric.switch,
        optics=fabric.optics,
        tiers=int(built.tiers[0]),
        islands=islands,
        largest=built.largest,
        switches=int(built.switches[0]),
        transceivers=int(built.optics[0]),
        copper_cables=int(built.cables[0]),
        megawatts=interval_of(built.watts / MEGA),
        usd=interval_of(built.usd),
        usd_by_part={name: float(usd[0, 0]) for name, usd in built.usd_by_part.items()},
    )
    if islands == 1:
        return network, None
    return network, (
        f"{fabric.id} joins at most {built.largest:,} accelerators: {islands} islands that nothing joins, so "
        "no job spans them over it"
    )
