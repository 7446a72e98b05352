"""Cost of one hour of one accelerator: owned, in colocation, or rented.

Of what is owned::

    USD/h = [servers crf(r, n) (1 - s (1 + r)^-n) + network crf(r, n_net) + storage crf(r, n)
             + building crf(r, n_fac) + operations] / (8766 availability) + kW USD/kWh

with the cost of capital r, lives n, the residual share s of servers and kW at the meter of the facility. The
year has 8,766 h, as everywhere in planner.

References
----------
.. [1] Epoch AI, "AI data center cost breakdown" (May 2026): 38 billion USD of capital and 0.9 billion a year
   of operation for 1 GW are 8.5 billion a year where IT lives 5 and buildings 14 years, 12 at 3 and 7 at 7
   years. A rate of 7 %, 25.1 billion for IT and 12.9 for the building reproduce all three.
.. [2] Break-even of renting: the utilisation above which an owned hour costs less than the rented hours that
   it replaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.model.cost.capital import Capital, capital_recovery
from planner.model.cost.values import Values, array
from planner.types import FloatArray
from planner.units import HOURS_PER_YEAR, KILO

if TYPE_CHECKING:
    from planner.tables.price import FinanceTable

__all__ = [
    "MONTHS_PER_YEAR",
    "HourCost",
    "break_even_utilisation",
    "colocated_usd_per_hour",
    "owned_usd_per_hour",
    "rented_usd_per_hour",
]

MONTHS_PER_YEAR: Final = 12.0

_NONE: Final = np.zeros((1, 1))


class HourCost(NamedTuple):
    """Cost of an accelerator-hour by part, USD/h, arrays that broadcast to ``[S, R]``."""

    rent: FloatArray = _NONE
    servers: FloatArray = _NONE
    network: FloatArray = _NONE
    storage: FloatArray = _NONE
    building: FloatArray = _NONE
    colocation: FloatArray = _NONE
    operations: FloatArray = _NONE
    electricity: FloatArray = _NONE

    @property
    def total(self) -> FloatArray:
        """Sum of the parts, USD/h."""
        total = self[0]
        for part in self[1:]:
            total = total + part
        return total

    def parts(self) -> dict[str, FloatArray]:
        """Return the parts that cost something, by name."""
        return {name: value for name, value in self._asdict().items() if np.any(value != 0.0)}

    def times(self, hours: Values) -> HourCost:
        """Return the cost of so many accelerator-hours, by part."""
        return HourCost(*(part * array(hours) for part in self))


def owned_usd_per_hour(
    *,
    capital: Capital,
    finance: FinanceTable,
    facility_watts: Values,
    usd_per_kwh: Values,
) -> HourCost:
    """Cost of an hour in which an owned accelerator can be used; see the formula of the module [1]_.

    Parameters
    ----------
    capital
        Of one accelerator's share, USD.
    finance
        Cost of capital, lives, residual, operations and availability.
    facility_watts
        Mean power at the meter of one accelerator's share, cooling included.
    usd_per_kwh
        Price of electricity.

    Returns
    -------
    HourCost
        USD per accelerator-hour.

    Notes
    -----
    An hour in which the machine stands idle but is paid for is not counted here: divide by the utilisation.
    Spares for hosts in repair are accelerators of their own, paid at this price;
    `availability` is without them.
    """
    hours = HOURS_PER_YEAR * finance.availability
    rate = finance.rate_per_year
    it = capital_recovery(rate=rate, years=finance.it_life_years)
    left = finance.residual * np.exp(-finance.it_life_years * np.log1p(rate))
    return HourCost(
        servers=capital.servers_usd * it * (1.0 - left) / hours,
        network=capital.network_usd * capital_recovery(rate=rate, years=finance.network_life_years) / hours,
        storage=capital.storage_usd * it / hours,
        building=capital.building_usd
        * capital_recovery(rate=rate, years=finance.facility_life_years)
        / hours,
        operations=finance.operations_per_year * (capital.servers_usd + capital.network_usd) / hours,
        electricity=array(facility_watts) / KILO * array(usd_per_kwh),
    )


def colocated_usd_per_hour(
    *,
    capital: Capital,
    finance: FinanceTable,
    rented_watts: Values,
    facility_watts: Values,
    usd_per_kwh: Values,
) -> HourCost:
    """Cost of an hour of an owned accelerator in a rented hall: rent of space and cooling for a building.

    Parameters
    ----------
    capital
        As for `owned_usd_per_hour`; its building is left out.
    rented_watts
        Power of the equipment that is reserved for one accelerator's share: its peak.
    facility_watts, usd_per_kwh
        Mean power at the meter and the price of electricity, which the rent does not include.
    """
    owned = owned_usd_per_hour(
        capital=capital._replace(building_usd=np.zeros((1, 1))),
        finance=finance,
        facility_watts=facility_watts,
        usd_per_kwh=usd_per_kwh,
    )
    per_year = MONTHS_PER_YEAR * finance.colocation_usd_per_watt_month
    hours = HOURS_PER_YEAR * finance.availability
    return owned._replace(colocation=array(rented_watts) * per_year / hours)


def rented_usd_per_hour(*, usd_per_hour: Values) -> HourCost:
    """Cost of a rented accelerator-hour, in which server, network, power and staff are included."""
    return HourCost(rent=array(usd_per_hour))


def break_even_utilisation(
    *,
    owned_usd_per_hour: Values,
    rented_usd_per_hour: Values,
    running_usd_per_hour: Values = 0.0,
) -> FloatArray:
    """Share of the hours that must be used for owning to cost no more than renting just those [2]_.

    Parameters
    ----------
    owned_usd_per_hour
        Cost of an owned hour, used or not.
    rented_usd_per_hour
        Price of a rented one, paid only while used.
    running_usd_per_hour
        Part of the cost of the owned hour that falls away while idle, at most that cost; by default none, the
        published form.

    Returns
    -------
    FloatArray
        Above 1 where renting is always cheaper; infinite where it costs no more than running alone.
    """
    running = array(running_usd_per_hour)
    fixed = array(owned_usd_per_hour) - running
    saved = array(rented_usd_per_hour) - running
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(saved > 0.0, fixed / saved, np.inf)
