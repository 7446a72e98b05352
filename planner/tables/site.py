"""Site, power and embodied-carbon records, and the rated power of a system, as columns of samples.

Every array is ``[S, 1]`` (`planner.tables.samples`), or ``[1, 1]`` where its quantity has no range, and
broadcasts against clusters or plans ``[R]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from planner.catalog.kinds import EMBODIED, POWER
from planner.catalog.tops import naming
from planner.types import FloatArray
from planner.units import KILO, SECONDS_PER_YEAR

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.embodied import Embodied
    from planner.catalog.schema.power import PowerUse
    from planner.catalog.schema.site import Site
    from planner.catalog.schema.system import System
    from planner.tables.samples import Samples

__all__ = [
    "EmbodiedTable",
    "Machine",
    "PowerTable",
    "SiteTable",
    "Supply",
    "embodied_of",
    "embodied_table",
    "machine_table",
    "power_table",
    "power_use_of",
    "site_table",
]

USUAL = "usual"


class Supply(NamedTuple):
    """One source of electricity of a site."""

    name: str
    kind: str
    capacity_watts: FloatArray  # at the meter of the facility; infinite where nothing limits it
    usd_per_kwh: FloatArray
    kg_per_kwh: FloatArray
    carbon_basis: str | None = None  # what the carbon counts; None where its source does not say


class SiteTable(NamedTuple):
    """A place with power."""

    pue_mean: FloatArray
    pue_summer: FloatArray
    pue_winter: FloatArray
    supplies: tuple[Supply, ...]  # in the order of use
    liters_per_kwh: FloatArray  # evaporated on site, of energy of the equipment
    building_usd_per_watt: FloatArray | None


class PowerTable(NamedTuple):
    """Average draw over rated power."""

    training: FloatArray
    prefill: FloatArray
    decode: FloatArray
    idle: FloatArray
    host: FloatArray
    host_idle: FloatArray
    host_ratio: FloatArray
    network: FloatArray
    network_energy: FloatArray  # rated, joules per byte of the bandwidth of the ports
    peak: FloatArray
    storage_share: FloatArray
    prefill_share: FloatArray
    exponent: FloatArray


class Machine(NamedTuple):
    """Rated power of one accelerator and its share of the system around it; NaN where not published."""

    tdp_watts: FloatArray
    host_watts: FloatArray
    idle_watts: FloatArray


class EmbodiedTable(NamedTuple):
    """Carbon of making one accelerator, its share of the system, and the rest of a site."""

    accelerator_kg: FloatArray
    server_kg: FloatArray
    network: FloatArray  # of network and storage over that of servers
    building_kg_per_watt: FloatArray
    building_life_s: FloatArray


def site_table(site: Site, samples: Samples) -> SiteTable:
    """Columns of a site; the PUE of all seasons are drawn as one, a season that is not given is the mean.

    Parameters
    ----------
    site, samples
        The record, and how its ranges are drawn.
    """
    pue, key = site.pue, f"site.{site.id}"
    supplies = [
        Supply(
            name=supply.name,
            kind=supply.kind,
            capacity_watts=_or(supply.capacity, samples, f"{key}.{supply.name}.capacity", np.inf),
            usd_per_kwh=samples.of(supply.price, f"{key}.{supply.name}.price"),
            kg_per_kwh=samples.of(supply.carbon, f"{key}.{supply.name}.carbon"),
            carbon_basis=supply.carbon_basis,
        )
        for supply in site.supplies
    ]
    mean, summer, winter = (
        np.maximum(samples.of(season or pue.mean, f"{key}.pue"), 1.0)
        for season in (pue.mean, pue.summer, pue.winter)
    )
    return SiteTable(
        pue_mean=mean,
        pue_summer=summer,
        pue_winter=winter,
        supplies=tuple(supplies),
        liters_per_kwh=samples.of(site.water, f"{key}.water"),
        building_usd_per_watt=(
            samples.of(site.building, f"{key}.building") if site.building is not None else None
        ),
    )


def power_table(power: PowerUse, samples: Samples) -> PowerTable:
    """Columns of the shares of rated power."""
    draw = power.accelerator
    fields = {
        **{name: getattr(draw, name) for name in ("training", "prefill", "decode", "idle")},
        **{name: getattr(power, name) for name in PowerTable._fields if hasattr(power, name)},
    }
    return PowerTable(**{name: samples.of(value, f"power.{name}") for name, value in fields.items()})


def machine_table(accelerator: Accelerator, system: System | None, samples: Samples) -> Machine:
    """Rated power of an accelerator and of its share of everything else in its system.

    The system's rating less the accelerators' is the host's: processors, memory, NICs, fans, conversion, the
    switches of a scale-up domain.

    Parameters
    ----------
    accelerator, system
        What is bought; without a system, or one whose power is not published, the host's is NaN, for which
        `planner.model.power.it_watts` takes the ratio of the power record.
    samples
        How ranges are drawn.
    """
    tdp = samples.of(accelerator.power.tdp, f"accelerator.{accelerator.id}.tdp")
    host = np.full((1, 1), np.nan)
    if system is not None and system.power is not None:
        whole = samples.of(system.power.max, f"system.{system.id}.power.max")
        host = np.maximum(whole / system.accelerators.value - tdp, 0.0)
    idle = _or(accelerator.power.idle, samples, f"accelerator.{accelerator.id}.idle", np.nan)
    return Machine(tdp, host, idle)


def embodied_table(embodied: Embodied, accelerator: str, samples: Samples) -> EmbodiedTable:
    """Embodied carbon of one accelerator by its id: the entry that names it, else the usual one."""
    named = [part for part in embodied.parts if accelerator in part.accelerators]
    part, key = (named[0], accelerator) if named else (embodied.usual, USUAL)
    return EmbodiedTable(
        accelerator_kg=samples.of(part.accelerator, f"embodied.{key}.accelerator"),
        server_kg=samples.of(part.server, f"embodied.{key}.server"),
        network=samples.of(embodied.network, "embodied.network"),
        building_kg_per_watt=samples.of(embodied.building_per_kilowatt, "embodied.building") / KILO,
        building_life_s=samples.of(embodied.building_life, "embodied.building_life") * SECONDS_PER_YEAR,
    )


def power_use_of(catalog: Catalog, accelerator: str) -> PowerUse:
    """Return the power record that names an accelerator (its id), else the usual one."""
    return cast("PowerUse | None", naming(catalog, POWER, accelerator)) or catalog.get(POWER, USUAL)


def embodied_of(catalog: Catalog) -> Embodied:
    """Return the usual record of embodied carbon."""
    return catalog.get(EMBODIED, USUAL)


def _or(quantity: Quantity | None, samples: Samples, key: str, otherwise: float) -> FloatArray:
    return samples.of(quantity, key) if quantity is not None else np.full((1, 1), otherwise)
