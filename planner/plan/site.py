"""From names of clusters and accelerators to the hardware that a job may use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import ACCELERATOR, CLUSTER, FABRIC, KERNELS, SYSTEM
from planner.catalog.strict_yaml import read_yaml
from planner.errors import InputError, PlannerError, UnknownNameError, UsageError
from planner.tables import Hardware, hardware_table

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.fabric import Fabric
    from planner.catalog.schema.kernels import KernelRates
    from planner.catalog.schema.system import System

__all__ = ["MOST_GPUS", "Site", "check_place", "sites"]

MOST_GPUS: Final = 10_000_000
"""The largest job that is planned."""
SHARED_KERNELS: Final = "shared"
"""Kernel rates of every part that has no table of its own."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One kind of hardware in its network, and how much of it there is.

    Attributes
    ----------
    accelerator, kernels, system, fabric
        The records; a part that no system record holds comes without system and fabric.
    available : int
        Accelerators at most.
    cluster : str or None
        Id of the cluster it is a group of.
    table : Hardware
        One row.
    why : str
        How the system was chosen, where only the accelerator was named.
    """

    accelerator: Accelerator
    kernels: KernelRates
    system: System | None
    fabric: Fabric | None
    available: int
    cluster: str | None
    table: Hardware
    why: str = ""

    @property
    def has_kernels(self) -> bool:
        """Whether kernel rates were measured on this part or the one it is a variant of."""
        return self.kernels.id != SHARED_KERNELS

    @property
    def label(self) -> str:
        """For people: the part and its surroundings."""
        where = f" in {self.system.name}" if self.system else ""
        over = f", {self.fabric.name}" if self.fabric else ""
        return f"{self.accelerator.name}{where}{over}"

    @property
    def short(self) -> str:
        """Ids of the part, its system and its fabric."""
        places = [record.id for record in (self.system, self.fabric) if record is not None]
        return f"{self.accelerator.id} ({', '.join(places)})" if places else self.accelerator.id

    def limited(self, gpus: int) -> Site:
        """Return the same hardware with fewer accelerators."""
        return replace(self, available=min(self.available, gpus))


def sites(catalog: Catalog, *, cluster: str | None, gpu: str | None, gpus: int | None) -> tuple[Site, ...]:
    """Hardware of a cluster, one `Site` for each group, or of an accelerator by name.

    Parameters
    ----------
    cluster, gpu
        Exactly one of the two.
    gpus
        Accelerators at most; of a cluster, no more than it has.

    Raises
    ------
    UsageError
        Both or neither of cluster and gpu.
    UnknownNameError
        No such cluster or accelerator.
    """
    check_place(cluster, gpu)
    if cluster is not None:
        return _of_cluster(catalog, cluster, gpus)
    return (_of_accelerator(catalog, gpu or "", gpus or MOST_GPUS),)


def check_place(cluster: str | None, gpu: str | None) -> None:
    """Refuse both and neither; raises `UsageError`."""
    if cluster is not None and gpu is not None:
        raise UsageError("--cluster and --gpu exclude each other: a cluster says which accelerators it has")
    if cluster is None and gpu is None:
        raise UsageError(
            "say on what: --cluster NAME, or --gpu NAME with --gpus N; see planner catalog list cluster"
        )


def _of_cluster(catalog: Catalog, name: str, gpus: int | None) -> tuple[Site, ...]:
    record = catalog.get(CLUSTER, name)
    found: dict[tuple[str, str], Site] = {}
    for group in record.groups:
        key = (group.system, group.fabric)
        count = round(group.accelerators.value)
        if key in found:
            found[key] = replace(found[key], available=found[key].available + count)
            continue
        system, fabric = catalog.get(SYSTEM, group.system), catalog.get(FABRIC, group.fabric)
        found[key] = _site(catalog, system.accelerator, system, fabric, count, record.id)
    total = sum(site.available for site in found.values())
    if gpus is not None and gpus > total:
        raise InputError(
            f"--gpus {gpus:,} is more than the {total:,} accelerators of {record.id}; lower it or "
            "leave it out"
        )
    return tuple(site if gpus is None else site.limited(gpus) for site in found.values())


def _of_accelerator(catalog: Catalog, name: str, available: int) -> Site:
    """Put an accelerator in its usual system; the name of a system stands for what is in it."""
    try:
        part = catalog.get(ACCELERATOR, name).id
    except UnknownNameError:
        try:
            system = catalog.get(SYSTEM, name)
        except PlannerError:
            system = None
        if system is None:
            raise
        return _in_system(catalog, system, available, "")
    candidates = _systems_with(catalog, part)
    if not candidates:
        why = "no system record holds this part: domain and network are those of the accelerator's own record"
        return _site(catalog, part, None, None, available, None, why)
    more = f"; {', '.join(candidates[1:])} would also do" if len(candidates) > 1 else ""
    system = catalog.get(SYSTEM, candidates[0])
    return _in_system(catalog, system, available, f"the usual system of {part}{more}")


def _in_system(catalog: Catalog, system: System, available: int, why: str) -> Site:
    fabric = catalog.get(FABRIC, system.fabric) if system.fabric is not None else None
    return _site(catalog, system.accelerator, system, fabric, available, None, why)


def _systems_with(catalog: Catalog, accelerator: str) -> list[str]:
    """Ids of the systems that hold a part, the last in the alphabet first (an HGX board before its DGX).

    Only the top of each file is read: validating every system would take longer than the search.
    """
    found = []
    for record_id in catalog.ids(SYSTEM):
        try:
            holds = read_yaml(catalog.path_of(SYSTEM, record_id), only=("accelerator",)).data.get(
                "accelerator"
            )
        except PlannerError:
            continue
        if holds == accelerator:
            found.append(record_id)
    return sorted(found, reverse=True)


def _site(
    catalog: Catalog,
    part: str,
    system: System | None,
    fabric: Fabric | None,
    available: int,
    cluster: str | None,
    why: str = "",
) -> Site:
    accelerator = catalog.get(ACCELERATOR, part)
    named = accelerator.kernels or accelerator.id
    kernels = catalog.get(KERNELS, named if catalog.find(KERNELS, named) else SHARED_KERNELS)
    table = hardware_table(
        accelerator,
        kernels,
        domain=system.scale_up_domain if system else None,
        node=system.node_size if system else None,
        nic_bytes_per_s=_nic(system, fabric) if system else None,
        fabric=fabric,
    )
    return Site(
        accelerator=accelerator,
        kernels=kernels,
        system=system,
        fabric=fabric,
        available=available,
        cluster=cluster,
        table=table,
        why=why,
    )


def _nic(system: System, fabric: Fabric | None) -> float:
    """Bytes per second and accelerator: its share of the ports, which run no faster than the fabric's."""
    port = system.nics.bandwidth.value
    if fabric is not None:
        port = min(port, fabric.link.value)
    return system.nics.count.value * port / system.accelerators.value
