"""The fabrics of a cluster: switches, transceivers and cables, their power and price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from planner.plan.cluster.parts import Network
from planner.plan.operating.money import interval_of
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.catalog.schema.fabric import Fabric
    from planner.model.fabric.built import Built
    from planner.plan.cluster.held import Held

__all__ = ["network_notes", "networks_of"]


def networks_of(own: Held) -> tuple[Network, ...]:
    """Return each fabric once, for all groups on it.

    Groups on one fabric share its tiers; where their systems have unlike ports, each takes the part of the
    fabric that its accelerators would have of one of their kind.
    """
    fabrics = {e.place.fabric.id: e.place.fabric for e in own.estates if e.place.fabric is not None}
    return tuple(_network(own, fabric) for fabric in fabrics.values())


def _network(own: Held, fabric: Fabric) -> Network:
    shares: list[tuple[float, Built]] = []
    rated = np.zeros((1, 1))
    total = 0
    for estate, n, joined in zip(own.estates, own.counts, own.joined, strict=True):
        if estate.place.fabric is not None and estate.place.fabric.id == fabric.id:
            total += round(float(n))
            rated = rated + estate.network_watts(np.array([joined])) * n
            built = estate.network(np.array([joined]))
            if built is not None:
                shares.append((float(n / joined), built))
    if not shares:
        return Network(fabric=fabric.id, accelerators=total, known=False, megawatts=interval_of(rated / MEGA))

    def count(field: str) -> int:
        return round(sum(share * float(getattr(built, field)[0]) for share, built in shares))

    none = np.zeros((1, 1))
    return Network(
        fabric=fabric.id,
        accelerators=total,
        known=True,
        switch=fabric.switch,
        optics=fabric.optics,
        tiers=max(int(built.tiers[0]) for _, built in shares),
        islands=max(int(built.islands[0]) for _, built in shares),
        largest=min(built.largest for _, built in shares),
        switches=count("switches"),
        transceivers=count("optics"),
        copper_cables=count("cables"),
        megawatts=interval_of(rated / MEGA),
        usd=interval_of(sum((share * built.usd for share, built in shares), none)),
        usd_by_part={
            part: float(sum(share * built.usd_by_part[part][0, 0] for share, built in shares))
            for part in shares[0][1].usd_by_part
        },
    )


def network_notes(networks: tuple[Network, ...]) -> Iterator[str]:
    """Yield what must be said of fabrics."""
    for one in networks:
        if not one.known:
            yield (
                f"The parts of {one.fabric} are not on record: its cost is the usual share of that of the "
                "servers, and its power the usual one for the bandwidth of the ports."
            )
        elif one.islands is not None and one.islands > 1:
            yield (
                f"{one.fabric} joins at most {one.largest:,} accelerators: {one.accelerators:,} are "
                f"{one.islands} islands that nothing joins, and no job spans them."
            )
