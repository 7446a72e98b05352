"""Power at the meter of a facility, the supplies that carry it, and the energy, carbon and water of a run.

References
----------
.. [1] The Green Grid, PUE: power of the facility over that of its equipment; WUE: water evaporated on site
   per kWh of the equipment.
.. [2] GHG Protocol, Scope 2 Guidance: the location-based factor is that of the grid on which power is drawn,
   whatever contracts say.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.errors import InputError, suggest
from planner.tables.site import SiteTable
from planner.types import FloatArray
from planner.units import JOULES_PER_KWH

__all__ = [
    "SEASONS",
    "Supplied",
    "carbon_basis",
    "carbon_kg",
    "energy_kwh",
    "facility_watts",
    "supplied",
    "water_liters",
]

SEASONS: Final = ("mean", "summer", "winter")


class Supplied(NamedTuple):
    """How the supplies of a site carry a load.

    Attributes
    ----------
    usd_per_kwh, kg_per_kwh
        Of what is carried, weighted by power.
    short_watts
        What no supply carries: the load is not possible where this is more than zero.
    watts : dict of str to array
        By supply, in the order of use.
    """

    usd_per_kwh: FloatArray
    kg_per_kwh: FloatArray
    short_watts: FloatArray
    watts: dict[str, FloatArray]


def facility_watts(*, it_watts: FloatArray, site: SiteTable, season: str = "mean") -> FloatArray:
    """Power at the meter: that of the equipment times the PUE of the season [1]_.

    Parameters
    ----------
    it_watts
        Of the equipment; the average for energy, the peak (with ``summer``) for the connection.
    site
        The place.
    season
        ``mean`` over a year, ``summer`` (the warmest weeks) or ``winter``.

    Raises
    ------
    InputError
        No such season.
    """
    if season not in SEASONS:
        mend = suggest(season, SEASONS, otherwise="it is one of " + ", ".join(SEASONS))
        raise InputError(f"unknown season {season!r}; {mend}")
    pue: FloatArray = getattr(site, f"pue_{season}")
    return np.asarray(it_watts, dtype=float) * pue


def supplied(*, site: SiteTable, watts: FloatArray) -> Supplied:
    """Supplies in their order: each carries what it can, the next what is left.

    Parameters
    ----------
    site
        The place; a supply without a capacity carries everything.
    watts
        Load at the meter. At no load, price and carbon are those of the first supply.
    """
    left = np.asarray(watts, dtype=float)
    usd, kg, total = np.zeros_like(left), np.zeros_like(left), np.zeros_like(left)
    carried: dict[str, FloatArray] = {}
    for supply in site.supplies:
        taken = np.minimum(left, supply.capacity_watts)
        usd, kg = usd + taken * supply.usd_per_kwh, kg + taken * supply.kg_per_kwh
        left, total = left - taken, total + taken
        carried[supply.name] = taken
    some = total > np.finfo(float).tiny  # below, products lose their digits
    first, divisor = site.supplies[0], np.where(some, total, 1.0)
    return Supplied(
        usd_per_kwh=np.where(some, usd / divisor, first.usd_per_kwh),
        kg_per_kwh=np.where(some, kg / divisor, first.kg_per_kwh),
        short_watts=left,
        watts=carried,
    )


def carbon_basis(*, site: SiteTable, load: Supplied) -> str | None:
    """Say what the carbon of a load counts: ``combustion``, ``life-cycle``, or both by name.

    Parameters
    ----------
    site, load
        The place, and how its supplies carry the load by the stated values.

    Returns
    -------
    str or None
        None where a source does not say.
    """
    used = [one for one in site.supplies if np.any(np.asarray(load.watts[one.name])[:1] > 0.0)]
    bases = [one.carbon_basis for one in used or site.supplies[:1]]
    known = sorted({basis for basis in bases if basis is not None})
    return " and ".join(known) if None not in bases else None


def energy_kwh(*, watts: FloatArray | float, seconds: FloatArray | float) -> FloatArray:
    """Energy of a mean power over a time."""
    joules: FloatArray = np.asarray(watts, dtype=float) * np.asarray(seconds, dtype=float)
    return joules / JOULES_PER_KWH


def carbon_kg(*, kwh: FloatArray, kg_per_kwh: FloatArray | float) -> FloatArray:
    """Carbon dioxide equivalent of energy at the meter, by location [2]_.

    The factor is of the supply alone. A published one that already holds the PUE (Llama 3.1: 0.414 kg per kWh
    of the GPUs) goes with the energy of the GPUs and not with that of the facility.
    """
    kilograms: FloatArray = np.asarray(kwh, dtype=float) * np.asarray(kg_per_kwh, dtype=float)
    return kilograms


def water_liters(*, it_kwh: FloatArray, site: SiteTable) -> FloatArray:
    """Water evaporated on site for cooling, from the energy of the equipment [1]_; none of power plants."""
    return np.asarray(it_kwh, dtype=float) * site.liters_per_kwh
