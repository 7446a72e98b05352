"""Places for a training job: their kernel rates and their table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import KERNELS
from planner.plan.places import MOST_GPUS, Place, check_place, places
from planner.tables import Hardware, hardware_table

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.kernels import KernelRates

__all__ = ["MOST_GPUS", "Site", "check_place", "sites"]

SHARED_KERNELS: Final = "shared"
"""Kernel rates of every part that has no table of its own."""


@dataclass(frozen=True, kw_only=True)
class Site(Place):
    """One kind of hardware in its network, how much of it there is, and how fast its kernels run.

    Attributes
    ----------
    kernels
        The record that applies to the part.
    table : Hardware
        One row.
    """

    kernels: KernelRates
    table: Hardware

    @property
    def has_kernels(self) -> bool:
        """Whether kernel rates were measured on this part or the one it is a variant of."""
        return self.kernels.id != SHARED_KERNELS


def sites(catalog: Catalog, *, cluster: str | None, gpu: str | None, gpus: int | None) -> tuple[Site, ...]:
    """Hardware of a cluster or of an accelerator by name, as `planner.plan.places.places` finds it."""
    return tuple(_site(catalog, place) for place in places(catalog, cluster=cluster, gpu=gpu, gpus=gpus))


def _site(catalog: Catalog, place: Place) -> Site:
    part = place.accelerator
    named = part.kernels or part.id
    kernels = catalog.get(KERNELS, named if catalog.find(KERNELS, named) else SHARED_KERNELS)
    table = hardware_table(
        part,
        kernels,
        domain=place.domain,
        node=place.node,
        nic_bytes_per_s=place.nic_bytes_per_s,
        fabric=place.fabric,
    )
    return Site(**{f.name: getattr(place, f.name) for f in fields(place)}, kernels=kernels, table=table)
