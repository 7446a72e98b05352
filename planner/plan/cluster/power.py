"""Power of a cluster, a year of its energy, carbon and water, and its storage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from planner.model.power import carbon_basis, carbon_kg, embodied_kg, energy_kwh, facility_watts, water_liters
from planner.model.power.it import ACTIVITIES
from planner.plan.cluster.parts import Power, Storage, Year
from planner.plan.operating.money import interval_of
from planner.types import FloatArray
from planner.units import GIGA, KILO, MEGA, PETA, SECONDS_PER_YEAR, format_quantity

if TYPE_CHECKING:
    from planner.plan.cluster.held import Held
    from planner.plan.operating.estate import Estate, EstatePower

__all__ = ["average_watts", "nameplate_watts", "peak_watts", "power_of", "storage_of", "year_of"]

AT_WORK = "training"
"""What the accelerators do on average: the activity that draws the most."""


def _watts(estate: Estate, n: FloatArray) -> EstatePower:
    return estate.watts(n, AT_WORK)


def _part_watts(name: str, estate: Estate, n: FloatArray) -> FloatArray:
    """Mean of a part of the equipment per accelerator."""
    return _watts(estate, n).it.parts[name]


def _activity_watts(activity: str, estate: Estate, n: FloatArray) -> FloatArray:
    """Mean at the meter per accelerator while it does something."""
    return estate.watts(n, activity).mean


def average_watts(own: Held) -> FloatArray:
    """Mean power in training at the meter of the facility, ``[S, 1]``."""
    return own.summed(lambda estate, n: _watts(estate, n).mean)


def peak_watts(own: Held) -> FloatArray:
    """Highest power in the warmest season at the meter, ``[S, 1]``."""
    return own.summed(lambda estate, n: _watts(estate, n).peak)


def nameplate_watts(own: Held) -> FloatArray:
    """Power of all equipment at its rating in the warmest season, ``[S, 1]``."""
    return own.summed(lambda estate, n: _watts(estate, n).nameplate)


def power_of(own: Held) -> Power:
    """Return the section on power."""
    first = own.estates[0]
    average, peak = own.summed(lambda estate, n: _watts(estate, n).it.average), peak_watts(own)
    rated = own.summed(lambda estate, n: _watts(estate, n).it.nameplate)
    carried = first.supplied(peak)
    names = _watts(first, own.counts[:1]).it.parts
    parts = {name: own.summed(partial(_part_watts, name)) for name in names}
    capacity = {supply.name: _first(supply.capacity_watts) for supply in first.site_table.supplies}
    limit, short = sum(capacity.values()), _first(carried.short_watts)
    headroom = limit - _first(peak) if np.isfinite(limit) else None
    return Power(
        site=first.site.id,
        nameplate_it_megawatts=_first(rated) / MEGA,
        nameplate_facility_megawatts=interval_of(nameplate_watts(own) / MEGA),
        average_it_megawatts=interval_of(average / MEGA),
        average_it_by_part_megawatts={name: _first(watts) / MEGA for name, watts in parts.items()},
        average_facility_megawatts=interval_of(
            facility_watts(it_watts=average, site=first.site_table) / MEGA
        ),
        facility_megawatts_by_activity={
            activity: _first(own.summed(partial(_activity_watts, activity))) / MEGA for activity in ACTIVITIES
        },
        peak_facility_megawatts=interval_of(peak / MEGA),
        facility_watts_per_accelerator=_first(peak) / own.total,
        pue_mean=_first(first.site_table.pue_mean),
        pue_summer=_first(first.site_table.pue_summer),
        supplies_megawatts={
            name: watts / MEGA if np.isfinite(watts) else None for name, watts in capacity.items()
        },
        used_megawatts={name: _first(watts) / MEGA for name, watts in carried.watts.items()},
        headroom_megawatts=None if headroom is None else headroom / MEGA,
        short_megawatts=short / MEGA,
        sentence=_said(limit, _first(peak), short),
    )


def _said(limit: float, peak: float, short: float) -> str:
    if not np.isfinite(limit):
        return "Nothing on record limits the supply."
    if short > 0:
        return (
            f"The supplies fall short by {_power(short)}: {limit / peak:.0%} of the accelerators can work at "
            "once."
        )
    return f"The supplies leave {_power(limit - peak)}."


def year_of(own: Held) -> Year:
    """Return the section on a year of training without pause."""
    first = own.estates[0]
    watts = average_watts(own)
    carried = first.supplied(watts)
    kwh = energy_kwh(watts=watts, seconds=SECONDS_PER_YEAR)
    it_kwh = energy_kwh(
        watts=own.summed(lambda estate, n: _watts(estate, n).it.average), seconds=SECONDS_PER_YEAR
    )
    return Year(
        energy_megawatt_hours=interval_of(kwh / KILO),
        electricity_usd=interval_of(kwh * carried.usd_per_kwh),
        usd_per_kwh=_first(carried.usd_per_kwh),
        co2_tonnes=interval_of(carbon_kg(kwh=kwh, kg_per_kwh=carried.kg_per_kwh) / KILO),
        co2_kg_per_kwh=_first(carried.kg_per_kwh),
        co2_basis=carbon_basis(site=first.site_table, load=carried),
        embodied_co2_tonnes=interval_of(own.summed(_embodied_kg) / KILO),
        water_megalitres=interval_of(water_liters(it_kwh=it_kwh, site=first.site_table) / MEGA),
    )


def _embodied_kg(estate: Estate, n: FloatArray) -> FloatArray:
    """Of one accelerator in a year of the life of what is there."""
    return embodied_kg(
        embodied=estate.embodied,
        it_watts=_watts(estate, n).it.nameplate,
        used_s=SECONDS_PER_YEAR,
        life_s=estate.finance_table.it_life_years * SECONDS_PER_YEAR,
    ).total


def storage_of(own: Held) -> Storage:
    """Return storage of usual size: capital and power are those counted above."""
    n = own.total
    table = own.largest.storage
    return Storage(
        petabytes=_first(table.capacity_bytes) * n / PETA,
        write_gigabytes_per_s=_first(table.write_bytes_per_s) * n / GIGA,
        read_gigabytes_per_s=_first(table.read_bytes_per_s) * n / GIGA,
        usd=_first(own.summed(lambda estate, k: estate.capital(k).storage_usd)),
        megawatts=_first(own.summed(lambda estate, k: _watts(estate, k).it.parts["storage"])) / MEGA,
    )


def _first(samples: FloatArray) -> float:
    return float(np.asarray(samples).flat[0])


def _power(watts: float) -> str:
    return format_quantity(watts, "watts", digits=3)
