"""What a sum of money, a monthly lease or a number of operations comes to in accelerator-hours.

There is no option pricing: the value of a right to buy later needs a path of prices, so only break-even
figures are reported.
"""

from __future__ import annotations

import numpy as np

from planner.model.cost.hour import MONTHS_PER_YEAR
from planner.model.cost.values import Values, array
from planner.types import FloatArray
from planner.units import HOURS_PER_YEAR, SECONDS_PER_HOUR

__all__ = [
    "cluster_share",
    "hours_bought",
    "hours_for_flop",
    "lease_usd_per_hour",
    "leased_accelerators",
    "utilisation_of",
]


def hours_bought(*, usd: Values, usd_per_hour: Values) -> FloatArray:
    """Accelerator-hours that a sum buys; infinite where they are free."""
    with np.errstate(divide="ignore"):
        return array(usd) / array(usd_per_hour)


def cluster_share(
    *,
    hours: Values,
    accelerators: Values,
    years: Values = 1.0,
    availability: Values = 1.0,
) -> FloatArray:
    """Accelerator-hours over those that a cluster offers in so many years."""
    offered = array(accelerators) * HOURS_PER_YEAR * array(years)
    return array(hours) / (offered * array(availability))


def lease_usd_per_hour(*, usd_per_month: Values, accelerators: Values) -> FloatArray:
    """Price of an accelerator-hour in a lease of whole machines by the month."""
    per_year = MONTHS_PER_YEAR * array(usd_per_month)
    return per_year / (array(accelerators) * HOURS_PER_YEAR)


def leased_accelerators(*, usd_per_month: Values, usd_per_hour: Values) -> FloatArray:
    """Accelerators that a monthly payment rents around the clock."""
    per_year = MONTHS_PER_YEAR * array(usd_per_month)
    return per_year / (array(usd_per_hour) * HOURS_PER_YEAR)


def hours_for_flop(*, flop: Values, flop_per_s: Values, utilisation: Values) -> FloatArray:
    """Accelerator-hours of so many operations at a share of the peak rate."""
    reached = array(flop_per_s) * array(utilisation)
    return array(flop) / (reached * SECONDS_PER_HOUR)


def utilisation_of(*, flop: Values, flop_per_s: Values, hours: Values) -> FloatArray:
    """Share of the peak rate at which so many operations took these accelerator-hours."""
    return array(flop) / (array(flop_per_s) * array(hours) * SECONDS_PER_HOUR)
