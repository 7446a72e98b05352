"""Capital and the yearly charge for it.

References
----------
.. [1] Capital recovery factor of an annuity, r / (1 - (1 + r)^-n): any textbook of engineering economics, for
   example E. L. Grant, W. G. Ireson, "Principles of Engineering Economy".
.. [2] B. Cottier et al., "The rising costs of training frontier AI models", arXiv:2405.21015 (2024), and
   Epoch AI, training-cost-trends: hardware loses 0.14 orders of magnitude of its value per year, and the
   network is 19 % of a cluster's cost.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray
from planner.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from planner.tables.price import FinanceTable

__all__ = [
    "ORDERS_PER_YEAR",
    "Capital",
    "amortised_usd_per_hour",
    "capital",
    "capital_recovery",
    "depreciated_usd",
]

SMALLEST_RATE: Final = 1e-14
"""Per year; below it interest is nothing, and rates near the smallest number lose their digits."""
ORDERS_PER_YEAR: Final = 0.14
"""Orders of magnitude by which the price of a given performance falls each year [2]_."""


class Capital(NamedTuple):
    """What is bought, USD, of one accelerator's share or of a whole site; arrays broadcast.

    Attributes
    ----------
    servers_usd
        Servers or racks with what is in them.
    network_usd
        Switches, optics and cables between servers.
    storage_usd
        Storage, head nodes and management.
    building_usd
        Shell, power and cooling.
    """

    servers_usd: FloatArray
    network_usd: FloatArray
    storage_usd: FloatArray
    building_usd: FloatArray

    @property
    def total_usd(self) -> FloatArray:
        """Sum of the parts, USD."""
        return self.servers_usd + self.network_usd + self.storage_usd + self.building_usd


def capital_recovery(*, rate: Values, years: Values) -> FloatArray:
    """Share of a price that is due each year until it is paid with interest [1]_.

    Parameters
    ----------
    rate
        Cost of capital per year, 0 to 1.
    years
        Life, above 0.

    Returns
    -------
    FloatArray
        Per year; 1 / years without interest.

    Raises
    ------
    InputError
        A rate outside [0, 1] or a life of zero or less.

    Examples
    --------
    >>> round(float(capital_recovery(rate=0.07, years=5.0)), 6)
    0.243891
    """
    rate, years = array(rate), array(years)
    if not np.all((rate >= 0.0) & (rate <= 1.0)):
        raise InputError("a cost of capital is a share per year between 0 and 1; write 7 % or 0.07")
    if not np.all(years > 0.0):
        raise InputError("a life must be more than zero years; write for example 5 years")
    # -expm1(-n log1p(r)) is 1 - (1 + r)^-n without the cancellation at small rates.
    paid = -np.expm1(-years * np.log1p(rate))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rate > SMALLEST_RATE, rate / paid, 1.0 / years)


def capital(
    *,
    servers_usd: Values,
    finance: FinanceTable,
    facility_watts: Values,
    network_usd: Values | None = None,
    storage_usd: Values | None = None,
    building_usd_per_watt: Values | None = None,
) -> Capital:
    """Complete the price of servers to that of a site.

    Parameters
    ----------
    servers_usd
        Price of the servers.
    finance
        Shares and the price of building to use for what is not given.
    facility_watts
        For which the building is made: the rating of all equipment, cooling in the warmest season included.
    network_usd, storage_usd
        Price of the parts, where they were counted.
    building_usd_per_watt
        Of the site, where it says.
    """
    servers = array(servers_usd)
    share = finance.network_share
    network = servers * share / (1.0 - share) if network_usd is None else array(network_usd)
    storage = servers * finance.storage_share if storage_usd is None else array(storage_usd)
    per_watt = finance.building_usd_per_watt if building_usd_per_watt is None else building_usd_per_watt
    return Capital(servers, network, storage, per_watt * array(facility_watts))


def depreciated_usd(
    *, price_usd: Values, years: Values, orders_per_year: float = ORDERS_PER_YEAR
) -> FloatArray:
    """Value of hardware some years after it was bought, as newer hardware makes it cheaper [2]_.

    Parameters
    ----------
    years
        Since the purchase.
    orders_per_year
        Orders of magnitude per year; 0.14 halves the value every 2.15 years.
    """
    years = array(years)
    return array(price_usd) * 10.0 ** (-orders_per_year * years)


def amortised_usd_per_hour(
    *,
    price_usd: Values,
    network_share: Values = 0.0,
    orders_per_year: Values = ORDERS_PER_YEAR,
) -> FloatArray:
    """Loss of value per hour at the rate of progress of hardware, without interest: Epoch AI's form [2]_.

    It is the charge of an owner without cost of capital over a life of 1 / (0.14 ln 10) = 3.10 years.

    Parameters
    ----------
    price_usd
        Value of the accelerator with its share of the server when the use begins.
    network_share
        Network over servers and network, below 1.
    orders_per_year
        Orders of magnitude per year.

    Returns
    -------
    FloatArray
        USD per hour.
    """
    per_hour = array(orders_per_year) * log(10.0) / HOURS_PER_YEAR
    return array(price_usd) / (1.0 - array(network_share)) * per_hour
