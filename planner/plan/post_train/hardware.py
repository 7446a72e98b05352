"""Hardware of a question: what trains, and what generates, where that is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import LINK
from planner.errors import UsageError
from planner.plan import numbers
from planner.plan.places import MOST_GPUS, Place
from planner.plan.post_train.step import Network
from planner.plan.rates import Where

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.plan.post_train.asked import Run

__all__ = ["Hardware", "hardware_of", "is_that_of_the_recipe", "network_of", "unit_of"]

_FEW: Final = 4
"""Hosts below which they may be divided between generation and training."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What trains, and what generates elsewhere; None where that is the same.

    Attributes
    ----------
    place
        The kind of hardware; `total` accelerators of it.
    """

    where: Where
    place: Place
    total: int
    elsewhere: Where | None = None
    elsewhere_place: Place | None = None

    @property
    def generating(self) -> Where:
        """Where rollouts are generated."""
        return self.where if self.elsewhere is None else self.elsewhere

    @property
    def generators(self) -> int | None:
        """Accelerators elsewhere."""
        return None if self.elsewhere_place is None else self.elsewhere_place.available


def hardware_of(
    base: Where,
    run: Run,
    filled: Filled,
    gpus: Number | None,
    generation_gpu: str | None,
    generation_gpus: Number | None,
    link: str | None,
) -> Hardware:
    """Find the hardware; by default that of the recipe."""
    if link and generation_gpu is None:
        raise UsageError("--link joins other hardware that generates; name it with --generation-gpu")
    limit = None if gpus is None else numbers.count("gpus", gpus, most=MOST_GPUS)
    hardware = run.recipe.hardware
    if base.cluster is None and base.gpu is None and hardware is not None:
        base = replace(base, gpu=hardware.accelerator)
        filled.assume("gpu", hardware.accelerator, f"the hardware of recipe {run.recipe.id}")
        if limit is None:
            count = hardware.count
            limit = round(count.value)
            note = f": {count.note}" if count.note else ""
            filled.assume("gpus", limit, f"those of recipe {run.recipe.id} ({count.kind}{note})")
    if base.gpu is not None and limit is None:
        raise UsageError(f"how many {base.gpu}? Give --gpus N, or name a cluster with --cluster")
    found = replace(base, gpus=limit).places()
    place = max(found, key=lambda one: one.available * _flops(one))
    cluster = base.cluster
    if len(found) > 1 and place.system is not None:
        cluster = f"{place.cluster}/{place.system.id}"
        rest = ", ".join(f"{one.available:,} {one.accelerator.id}" for one in found if one is not place)
        filled.notes.append(f"The other groups of {place.cluster} ({rest}) could generate: --generation-gpu.")
        filled.assume(
            "group",
            place.system.id,
            f"the fastest of {len(found)} groups of unlike hardware; --cluster {cluster}",
        )
    if place.why:
        filled.assume("system", place.system.id if place.system else None, place.why)
    where = replace(base, cluster=cluster, gpus=place.available)
    if generation_gpu is None:
        if generation_gpus is not None:
            raise UsageError("--generation-gpus needs --generation-gpu NAME: the kind of accelerator")
        return Hardware(where=where, place=place, total=place.available)
    if generation_gpus is None:
        raise UsageError(f"how many {generation_gpu}? Give --generation-gpus N with --generation-gpu")
    if run.mode == "sync":
        raise UsageError(
            "--generation-gpu needs --mode async: in a synchronous step one side would wait for the other"
        )
    count_there = numbers.count("generation_gpus", generation_gpus, most=MOST_GPUS)
    there = replace(base, cluster=None, gpu=generation_gpu, gpus=count_there)
    return Hardware(
        where=where, place=place, total=place.available, elsewhere=there, elsewhere_place=there.places()[0]
    )


def _flops(place: Place) -> float:
    peak = place.accelerator.flops
    matrix = peak.bf16 if peak.bf16 is not None else peak.fp16
    return 0.0 if matrix is None else matrix.value


def network_of(book: Catalog, where: Hardware, link: str | None) -> Network:
    """Return what new weights cross; their bytes are those of the engine, to be filled in."""

    def port(place: Place) -> float:
        return place.nic_bytes_per_s or place.accelerator.scale_out.bandwidth.value

    ports = [port(one) for one in (where.place, where.elsewhere_place) if one is not None]
    joined = None if link is None else book.get(LINK, link)
    return Network(
        weights_bytes=0.0,
        port_bytes_per_s=min(ports),
        link_bytes_per_s=float("inf") if joined is None else joined.bandwidth.value,
        over="the fabric" if joined is None else f"{joined.id}, then the fabric",
    )


def unit_of(where: Hardware) -> int:
    """Return the accelerators of a host, by which fleets of trainers grow; 1 where there are few hosts."""
    host = where.place.node or 1
    return host if where.total >= _FEW * host else 1


def is_that_of_the_recipe(run: Run, where: Hardware) -> bool:
    """Whether the run is put on what its recipe was run on."""
    hardware = run.recipe.hardware
    if hardware is None or where.elsewhere is not None:
        return False
    return where.place.accelerator.id == hardware.accelerator and where.total == round(hardware.count.value)
