"""A cluster by name, or so many accelerators of one kind: ``colossus-1``, ``gb200:395856``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.catalog.kinds import ACCELERATOR, CLUSTER, SYSTEM
from planner.errors import InputError, PlannerError, UnknownNameError
from planner.plan import numbers
from planner.plan.places import MOST_GPUS, Place, places

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.cluster import Cluster

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


def cluster_named(catalog: Catalog, text: str) -> Named:
    """Find a cluster, or read ``PART:N``.

    Raises
    ------
    UnknownNameError
        No such cluster or part.
    InputError
        The name of a part without a number, or no whole number behind the colon.
    """
    part, colon, number = text.rpartition(":")
    if colon:
        count = numbers.count("gpus", number.strip(), most=MOST_GPUS)
        found = places(catalog, cluster=None, gpu=part.strip(), gpus=count)
        return Named(label=f"{part.strip()}:{count}", record=None, places=found)
    try:
        record = catalog.get(CLUSTER, text)
    except UnknownNameError:
        if _is_part(catalog, text):
            raise InputError(
                f"{text!r} is no cluster but an accelerator or system: say how many accelerators, as in "
                f"{text}:1024"
            ) from None
        raise
    return Named(
        label=record.id, record=record, places=places(catalog, cluster=record.id, gpu=None, gpus=None)
    )


def _is_part(catalog: Catalog, text: str) -> bool:
    for kind in (ACCELERATOR, SYSTEM):
        try:
            catalog.resolve(kind, text)
        except PlannerError:
            continue
        return True
    return False
