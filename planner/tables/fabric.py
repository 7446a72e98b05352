"""Records of fabrics and their parts, of storage and of links between sites as the arrays that size them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InputError
from planner.tables.samples import Samples
from planner.types import FloatArray
from planner.units import PETA, format_quantity

if TYPE_CHECKING:
    from planner.catalog.schema.fabric import Fabric
    from planner.catalog.schema.link import Link
    from planner.catalog.schema.parts import Optics, Switch
    from planner.catalog.schema.storage import Storage
    from planner.catalog.schema.system import System

__all__ = [
    "MOST_TIERS",
    "FabricPlan",
    "LinkTable",
    "StorageTable",
    "fabric_table",
    "largest_tree",
    "link_table",
    "ports_down",
    "ports_per_accelerator",
    "storage_table",
]

MOST_TIERS = 4
"""Tiers of switches beyond which nobody builds."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FabricPlan:
    """How a fabric is built, whatever its size.

    Attributes
    ----------
    id : str
        Of the fabric record.
    radix : int
        Ports of a switch at the rate of one plane.
    rails, planes : int
        Trees that never meet: rails that stay apart, and planes of a split port. Rails that meet at the
        second tier count as one.
    accelerators_per_port : int
    oversubscription : tuple of float
        Of each tier of the record, below over above; 1 for the top.
    largest : int
        Accelerators that one fabric joins; more need islands.
    lanes : float
        Links of one plane that a transceiver carries.
    copper_hosts : bool
        Links of the accelerators are copper, all others fibre.
    switch_watts, switch_usd, module_watts, module_usd, cable_watts, cable_usd : FloatArray
        ``[S, 1]``, of one switch without transceivers, one transceiver with its half of the fibres, and one
        copper link.
    """

    id: str
    radix: int
    rails: int
    planes: int
    accelerators_per_port: int
    oversubscription: tuple[float, ...]
    largest: int
    lanes: float
    copper_hosts: bool
    switch_watts: FloatArray
    switch_usd: FloatArray
    module_watts: FloatArray
    module_usd: FloatArray
    cable_watts: FloatArray
    cable_usd: FloatArray


def largest_tree(radix: int, oversubscription: tuple[float, ...] = (), tiers: int = MOST_TIERS) -> FloatArray:
    """Endpoints of the largest tree of 1 to `tiers` tiers of switches, shape ``[tiers]``.

    All ports of the top face down. Below it, ``k o / (1 + o)`` of `radix` ports do for an oversubscription
    ``o``, half of them without; a switch reaches each one above it once, so that the tree grows by that
    factor with every tier: ``2 (k/2)^L`` endpoints without oversubscription.

    Parameters
    ----------
    radix
        Ports of a switch.
    oversubscription
        Of the tiers from the lowest up; 1 for those that it does not name.

    Raises
    ------
    InputError
        A radix below 2, an oversubscription below 1 or of no number, no tiers or more than `MOST_TIERS`.
    """
    if radix < 2:
        raise InputError(f"a switch of {radix} ports builds no fabric; it needs at least 2")
    if not 1 <= tiers <= MOST_TIERS:
        raise InputError(f"a fabric has 1 to {MOST_TIERS} tiers of switches, not {tiers}")
    wrong = [o for o in oversubscription if not (math.isfinite(o) and o >= 1)]
    if wrong:
        raise InputError(f"an oversubscription is 1 (none) or more, as 7 for 7:1; found {wrong[0]:g}")
    sizes = [float(radix)]
    for down in ports_down(radix, oversubscription, tiers)[:-1]:
        sizes.append(sizes[-1] * down)
    return np.array(sizes)


def ports_down(radix: int, oversubscription: tuple[float, ...], tiers: int) -> FloatArray:
    """Ports of a switch that face down at each tier, were there another above it, shape ``[tiers]``."""
    shortage = np.array([*oversubscription, *[1.0] * tiers][:tiers])
    # At least one port must go up, or the tier would be the top.
    return np.minimum(np.floor(radix * shortage / (1.0 + shortage) + 1e-9), radix - 1.0)


def fabric_table(
    fabric: Fabric, switch: Switch | None, optics: Optics | None, samples: Samples
) -> FabricPlan | None:
    """How a fabric is built of its parts; None where the record does not name them.

    Raises
    ------
    InputError
        The parts do not fit the links, or cannot build the tiers that the record states.
    """
    if switch is None or optics is None:
        return None
    rate = fabric.link.value / fabric.planes
    split = math.floor(switch.port.value / rate + 1e-9)
    lanes = math.floor(optics.rate.value / rate + 1e-9)
    if split < 1 or lanes < 1:
        slow, part = ("ports", switch) if split < 1 else ("modules", optics)
        has = switch.port if split < 1 else optics.rate
        needed = format_quantity(rate, "bytes_per_s")
        raise InputError(
            f"fabric {fabric.id}: {slow} of {part.id} carry {has}, but a link of it {needed} in each of "
            f"{fabric.planes} planes; name a faster part or more planes"
        )
    plan = FabricPlan(
        id=fabric.id,
        radix=switch.ports * split,
        rails=fabric.rails if fabric.rail_only else 1,
        planes=fabric.planes,
        accelerators_per_port=fabric.accelerators_per_port,
        oversubscription=tuple(tier.oversubscription.value for tier in fabric.tiers),
        largest=fabric.tiers[-1].endpoints,
        lanes=float(lanes),
        copper_hosts=fabric.host_links == "copper",
        switch_watts=samples.of(switch.power, f"switch.{switch.id}.power"),
        switch_usd=samples.of(switch.price, f"switch.{switch.id}.price"),
        module_watts=samples.of(optics.power, f"optics.{optics.id}.power"),
        module_usd=samples.of(optics.price, f"optics.{optics.id}.price"),
        **_copper(fabric, optics, samples),
    )
    _check_tiers(fabric, plan)
    return plan


def ports_per_accelerator(system: System, fabric: Fabric) -> float:
    """Ports of the fabric that an accelerator of the system takes.

    A network interface slower than a link takes a part of it (one plane of two, or a split port), a faster
    one the whole.
    """
    if fabric.accelerators_per_port > 1:
        return 1.0 / fabric.accelerators_per_port
    share = min(system.nics.bandwidth.value / fabric.link.value, 1.0)
    return system.nics.count.value * share / system.accelerators.value


def _copper(fabric: Fabric, optics: Optics, samples: Samples) -> dict[str, FloatArray]:
    cable = optics.copper
    if cable is None:
        if fabric.host_links == "copper":
            raise InputError(
                f"fabric {fabric.id}: its host links are copper, but optics {optics.id} names no cable; add "
                "copper: {power, price, reach} there, or host_links: optical here"
            )
        return {"cable_watts": np.zeros((1, 1)), "cable_usd": np.zeros((1, 1))}
    return {
        "cable_watts": samples.of(cable.power, f"optics.{optics.id}.copper.power"),
        "cable_usd": samples.of(cable.price, f"optics.{optics.id}.copper.price"),
    }


def _check_tiers(fabric: Fabric, plan: FabricPlan) -> None:
    """Refuse tiers that such switches cannot join; raises `InputError`."""
    count = len(fabric.tiers)
    if count > MOST_TIERS:
        raise InputError(f"fabric {fabric.id}: {count} tiers; a fabric is built of 1 to {MOST_TIERS}")
    most = largest_tree(plan.radix, plan.oversubscription, count) * plan.rails * plan.accelerators_per_port
    most[0] *= fabric.rails / plan.rails
    for tier, limit in zip(fabric.tiers, most, strict=True):
        if tier.endpoints > limit:
            raise InputError(
                f"fabric {fabric.id}: tier {tier.name} cannot join {tier.endpoints:,} accelerators: "
                f"switches of {plan.radix} ports join at most {limit:,.0f} there. Lower its endpoints (more "
                "accelerators form islands), name a switch of more ports, add a tier, or keep the rails "
                "apart (rail_only: true)"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class StorageTable:
    """What an accelerator's share of the storage does, arrays ``[S, 1]``."""

    write_bytes_per_s: FloatArray
    read_bytes_per_s: FloatArray
    capacity_bytes: FloatArray
    usd_per_byte: FloatArray
    watts_per_byte: FloatArray
    checkpoints_kept: FloatArray


def storage_table(record: Storage, samples: Samples) -> StorageTable:
    """Draw a storage record."""
    key = f"storage.{record.id}"
    per_petabyte = samples.of(record.power_per_petabyte, f"{key}.power_per_petabyte")
    return StorageTable(
        write_bytes_per_s=samples.of(record.write, f"{key}.write"),
        read_bytes_per_s=samples.of(record.read, f"{key}.read"),
        capacity_bytes=samples.of(record.capacity, f"{key}.capacity"),
        usd_per_byte=samples.of(record.price, f"{key}.price"),
        watts_per_byte=per_petabyte / PETA,
        checkpoints_kept=samples.of(record.checkpoints_kept, f"{key}.checkpoints_kept"),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkTable:
    """A ring between sites, or a line between two, arrays ``[S, 1]``."""

    sites: int
    bytes_per_s: FloatArray  # of a connection between neighbours, per direction
    length_m: FloatArray  # of the ring, or between two sites
    overlap: FloatArray  # share of the backward pass that hides the exchange
    inner_steps: int
    token_loss: FloatArray


def link_table(record: Link, samples: Samples) -> LinkTable:
    """Draw a record of a link between sites."""
    key = f"link.{record.id}"
    return LinkTable(
        sites=record.sites,
        bytes_per_s=samples.of(record.bandwidth, f"{key}.bandwidth"),
        length_m=samples.of(record.length, f"{key}.length"),
        overlap=samples.of(record.overlap, f"{key}.overlap"),
        inner_steps=record.inner_steps,
        token_loss=samples.of(record.token_loss, f"{key}.token_loss"),
    )
