"""The section on power of a plan: of one kind of hardware or of several at one site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.model.power import carbon_basis, embodied_kg, energy_kwh, water_liters
from planner.plan.operating import results
from planner.plan.operating.money import first, interval_of
from planner.types import FloatArray
from planner.units import KILO, MEGA, SECONDS_PER_YEAR

if TYPE_CHECKING:
    from planner.plan.operating.estate import Estate, EstatePower

__all__ = ["PartPower", "mean_watts", "power_section"]

_NONE = np.zeros((1, 1))


class PartPower(NamedTuple):
    """One kind of hardware of a plan."""

    estate: Estate
    power: EstatePower
    """Per accelerator."""
    accelerators: FloatArray


def mean_watts(parts: Sequence[PartPower]) -> FloatArray:
    """Average power of all parts at the meter, ``[S, 1]``."""
    return sum((part.power.mean * part.accelerators for part in parts), _NONE)


def power_section(parts: Sequence[PartPower], seconds: FloatArray) -> results.Power:
    """Return the section on power of accelerators at one site that are used for some seconds."""
    site, table = parts[0].estate.site, parts[0].estate.site_table
    mean = mean_watts(parts)
    it = sum((part.power.it.average * part.accelerators for part in parts), _NONE)
    peak = sum((part.power.peak * part.accelerators for part in parts), _NONE)
    named = sum((part.power.it.nameplate * part.accelerators for part in parts), _NONE)
    made = sum((_embodied_kg(part, seconds) for part in parts), _NONE)
    carried = parts[0].estate.supplied(mean)
    names = dict.fromkeys(name for part in parts for name in part.power.it.parts)
    return results.Power(
        site=site.id,
        it_megawatts=interval_of(it / MEGA),
        nameplate_megawatts=first(named) / MEGA,
        peak_megawatts=interval_of(peak / MEGA),
        watts_per_gpu=first(mean) / sum(first(part.accelerators) for part in parts),
        pue=first(table.pue_mean),
        by_part_megawatts={
            name: sum(first(part.power.it.parts[name] * part.accelerators) for part in parts) / MEGA
            for name in names
        },
        supplies_megawatts={name: first(watts) / MEGA for name, watts in carried.watts.items()},
        short_megawatts=first(parts[0].estate.supplied(peak).short_watts) / MEGA,
        usd_per_kwh=first(carried.usd_per_kwh),
        co2_kg_per_kwh=first(carried.kg_per_kwh),
        co2_basis=carbon_basis(site=table, load=carried),
        water_megalitres=interval_of(
            water_liters(it_kwh=energy_kwh(watts=it, seconds=seconds), site=table) / MEGA
        ),
        embodied_co2_tonnes=interval_of(made / KILO),
    )


def _embodied_kg(part: PartPower, seconds: FloatArray) -> FloatArray:
    finance = part.estate.finance_table
    each = embodied_kg(
        embodied=part.estate.embodied,
        it_watts=part.power.it.nameplate,
        used_s=seconds,
        life_s=finance.it_life_years * SECONDS_PER_YEAR,
        utilisation=finance.availability,
    )
    return each.total * part.accelerators
