"""From names of clusters and accelerators to the hardware that a question may use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from planner.catalog.kinds import ACCELERATOR, CLUSTER, FABRIC, SYSTEM
from planner.catalog.tops import tops
from planner.errors import InputError, PlannerError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.fabric import Fabric
    from planner.catalog.schema.system import System

__all__ = ["MOST_GPUS", "Place", "check_place", "in_system", "places"]

MOST_GPUS: Final = 10_000_000
"""The largest fleet that is planned."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One kind of hardware in its network, and how much of it there is.

    Attributes
    ----------
    accelerator, system, fabric
        The records; a part that no system record holds comes without system and fabric.
    available : int
        Accelerators at most.
    cluster : str or None
        Id of the cluster it is a group of.
    why : str
        How the system was chosen, where only the accelerator was named.
    """

    accelerator: Accelerator
    system: System | None
    fabric: Fabric | None
    available: int
    cluster: str | None
    why: str = ""

    @property
    def label(self) -> str:
        """For people: the part and its surroundings."""
        where = f" in {self.system.name}" if self.system else ""
        over = f", {self.fabric.name}" if self.fabric else ""
        return f"{self.accelerator.name}{where}{over}"

    @property
    def short(self) -> str:
        """Ids of the part, its system and its fabric."""
        around = [record.id for record in (self.system, self.fabric) if record is not None]
        return f"{self.accelerator.id} ({', '.join(around)})" if around else self.accelerator.id

    @property
    def domain(self) -> int | None:
        """Accelerators in one scale-up domain of the system; None leaves it to the part."""
        return self.system.scale_up_domain if self.system else None

    @property
    def node(self) -> int | None:
        """Accelerators of one host; None leaves it to the part."""
        return self.system.node_size if self.system else None

    @property
    def nic_bytes_per_s(self) -> float | None:
        """An accelerator's share of the ports, which run no faster than the fabric's."""
        if self.system is None:
            return None
        port = self.system.nics.bandwidth.value
        if self.fabric is not None:
            port = min(port, self.fabric.link.value)
        return self.system.nics.count.value * port / self.system.accelerators.value

    def limited(self, gpus: int) -> Self:
        """Return the same hardware with fewer accelerators."""
        return replace(self, available=min(self.available, gpus))


def places(
    catalog: Catalog, *, cluster: str | None, gpu: str | None, gpus: int | None, option: str = "gpu"
) -> tuple[Place, ...]:
    """Hardware of a cluster, one `Place` for each group, or of an accelerator by name.

    Parameters
    ----------
    cluster, gpu
        Exactly one of the two; ``CLUSTER/SYSTEM`` is one group of a cluster.
    gpus
        Accelerators at most; of a cluster, no more than it has.
    option
        What the command calls the accelerator.

    Raises
    ------
    UsageError
        Both or neither of cluster and gpu.
    UnknownNameError
        No such cluster or accelerator.
    """
    check_place(cluster, gpu, option=option)
    if cluster is not None:
        return _of_cluster(catalog, cluster, gpus)
    return (_of_accelerator(catalog, gpu or "", gpus or MOST_GPUS),)


def check_place(cluster: str | None, gpu: str | None, *, option: str = "gpu") -> None:
    """Refuse both and neither; raises `UsageError`."""
    if cluster is not None and gpu is not None:
        raise UsageError(
            f"--cluster and --{option} exclude each other: a cluster says which accelerators it has"
        )
    if cluster is None and gpu is None:
        raise UsageError(
            f"say on what: --cluster NAME, or --{option} NAME with --gpus N; see planner catalog list cluster"
        )


def _of_cluster(catalog: Catalog, name: str, gpus: int | None) -> tuple[Place, ...]:
    name, only, system_id = name.partition("/")
    record = catalog.get(CLUSTER, name)
    if only:
        own = tuple(group for group in record.groups if group.system == system_id)
        if not own:
            raise UnknownNameError("system", system_id, {group.system for group in record.groups})
        record = record.model_copy(update={"groups": own})
    found: dict[tuple[str, str], Place] = {}
    for group in record.groups:
        key = (group.system, group.fabric)
        count = round(group.accelerators.value)
        if key in found:
            found[key] = replace(found[key], available=found[key].available + count)
            continue
        system, fabric = catalog.get(SYSTEM, group.system), catalog.get(FABRIC, group.fabric)
        found[key] = _place(catalog, system.accelerator, system, fabric, count, record.id)
    total = sum(place.available for place in found.values())
    if gpus is not None and gpus > total:
        raise InputError(
            f"--gpus {gpus:,} is more than the {total:,} accelerators of {record.id}; lower it or "
            "leave it out"
        )
    return tuple(place if gpus is None else place.limited(gpus) for place in found.values())


def _of_accelerator(catalog: Catalog, name: str, available: int) -> Place:
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
        return in_system(catalog, system, available, "")
    candidates = _systems_with(catalog, part)
    if not candidates:
        why = "no system record holds this part: domain and network are those of the accelerator's own record"
        return _place(catalog, part, None, None, available, None, why)
    more = f"; {', '.join(candidates[1:])} would also do" if len(candidates) > 1 else ""
    system = catalog.get(SYSTEM, candidates[0])
    return in_system(catalog, system, available, f"the usual system of {part}{more}")


def in_system(catalog: Catalog, system: System, available: int, why: str = "") -> Place:
    """Put so many accelerators into a system on its usual fabric; `why` says how it was chosen."""
    fabric = catalog.get(FABRIC, system.fabric) if system.fabric is not None else None
    return _place(catalog, system.accelerator, system, fabric, available, None, why)


def _systems_with(catalog: Catalog, accelerator: str) -> list[str]:
    """Ids of the systems that hold a part, the last in the alphabet first (an HGX board before its DGX).

    Only the top of each file is read: validating every system would take longer than the search.
    """
    found = [
        top.id
        for top in tops(catalog, SYSTEM, ("accelerator",))
        if top.texts("accelerator") == (accelerator,)
    ]
    return sorted(found, reverse=True)


def _place(
    catalog: Catalog,
    part: str,
    system: System | None,
    fabric: Fabric | None,
    available: int,
    cluster: str | None,
    why: str = "",
) -> Place:
    return Place(
        accelerator=catalog.get(ACCELERATOR, part),
        system=system,
        fabric=fabric,
        available=available,
        cluster=cluster,
        why=why,
    )
