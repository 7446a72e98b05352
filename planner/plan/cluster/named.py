"""A cluster by name, or so many of a part: ``colossus-1``, ``gb200:395856``, ``gb200-nvl72:5498``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from planner.catalog.kinds import ACCELERATOR, CLUSTER, SYSTEM, Kind
from planner.errors import InputError, PlannerError, UnknownNameError
from planner.plan import numbers
from planner.plan.places import MOST_GPUS, Place, in_system, places

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.cluster import Cluster
    from planner.plan.defaults import Filled

__all__ = ["Named", "cluster_named"]


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a name stands for.

    Attributes
    ----------
    label : str
        Id of the cluster, or the part and how many, as given.
    record : Cluster or None
        None where it is so many of a part.
    places : tuple of Place
        One for each kind of hardware.
    """

    label: str
    record: Cluster | None
    places: tuple[Place, ...]

    @property
    def accelerators(self) -> int:
        """Of all groups."""
        return sum(place.available for place in self.places)


def cluster_named(catalog: Catalog, text: str, filled: Filled) -> Named:
    """Find a cluster, or read ``PART:N``: N accelerators, or N systems (servers, racks) by the system's name.

    Parameters
    ----------
    catalog, text
        Where to look, and for what.
    filled
        Receives how many accelerators there are where those asked for fill no whole hosts.

    Raises
    ------
    UnknownNameError
        No such cluster or part.
    InputError
        The name of a part without a number, or no whole number behind the colon.
    """
    part, colon, number = text.rpartition(":")
    if colon:
        return _so_many(catalog, part.strip(), number.strip(), filled)
    try:
        record = catalog.get(CLUSTER, text)
    except UnknownNameError:
        for kind, what in ((SYSTEM, "systems"), (ACCELERATOR, "accelerators")):
            if _is(catalog, kind, text):
                raise InputError(
                    f"{text!r} is no cluster but an accelerator or system: say how many {what}, as in "
                    f"{text}:{1024 if kind is ACCELERATOR else 16}"
                ) from None
        raise
    return Named(
        label=record.id, record=record, places=places(catalog, cluster=record.id, gpu=None, gpus=None)
    )


def _so_many(catalog: Catalog, part: str, number: str, filled: Filled) -> Named:
    if _is(catalog, SYSTEM, part):
        # Before the accelerators: racks lend those in them their name (gb200-nvl72).
        system = catalog.get(SYSTEM, part)
        each = round(system.accelerators.value)
        count = numbers.count("systems", number, most=MOST_GPUS // each)
        return Named(label=f"{part}:{count}", record=None, places=(in_system(catalog, system, count * each),))
    (place,) = places(catalog, cluster=None, gpu=part, gpus=None)
    asked = numbers.count("gpus", number, most=MOST_GPUS)
    host = place.node or 1
    count = -(-asked // host) * host
    if count != asked:
        filled.assume("accelerators", count, f"{asked:,} in whole hosts of {host}")
    return Named(label=f"{part}:{count}", record=None, places=(replace(place, available=count),))


def _is(catalog: Catalog, kind: Kind[Any], text: str) -> bool:
    try:
        catalog.resolve(kind, text)
    except PlannerError:
        return False
    return True
