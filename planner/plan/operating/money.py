"""The section on cost of a plan, and samples as intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.model.cost.hour import HourCost, break_even_utilisation
from planner.plan.document import Interval
from planner.plan.operating import results
from planner.plan.price_words import PriceChoice, rent_of
from planner.tables.samples import interval, keep
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate
    from planner.tables.price import Price

__all__ = ["basis_of", "break_even", "compared_rent", "cost_of", "first", "interval_of"]


def first(samples: FloatArray) -> float:
    """Return the stated value of samples of one number."""
    return float(np.asarray(samples).flat[0])


def interval_of(samples: FloatArray) -> Interval:
    """Interval of samples ``[S, 1]`` of one number."""
    drawn = np.asarray(samples).reshape(np.shape(samples)[0], -1)[:, 0]
    value, low, high = interval(drawn)
    return keep(Interval(value=float(value), low=float(low), high=float(high)), drawn)


def cost_of(
    estate: Estate,
    asked: Asked,
    price: HourCost,
    at_work: FloatArray,
    paid: FloatArray,
    kwh: FloatArray,
    catalog: Catalog,
) -> results.Cost:
    """Return where the money goes.

    Parameters
    ----------
    price
        Of an accelerator-hour.
    at_work
        Accelerators, for which the fabric is built.
    paid
        Accelerators with the spares.
    kwh
        Energy of the plan.
    """
    owned = asked.price.mode != "rent"
    rent = compared_rent(estate, asked, catalog)
    rented = rent.usd(estate.samples)
    bought = estate.capital(at_work)
    carried = estate.supplied(estate.watts(at_work, "training").mean * paid)
    return results.Cost(
        price=asked.price.text,
        basis=basis_of(estate) if owned else rent.basis,
        gpu_hour_parts_usd={name: first(part) for name, part in price.parts().items()},
        electricity_usd=interval_of(kwh * carried.usd_per_kwh),
        capital_usd=interval_of(sum(bought, np.zeros((1, 1))) * paid) if owned else None,
        rented_usd_per_gpu_hour=interval_of(rented) if owned else None,
        break_even_utilisation=break_even(price, rented) if owned else None,
    )


def basis_of(estate: Estate) -> str:
    """Say where the price of what is owned comes from."""
    return f"{estate.purchase.basis}; finance {estate.finance.id}"


def compared_rent(estate: Estate, asked: Asked, catalog: Catalog) -> Price:
    """Return the rent that is paid, or for what is owned that of the same part in a contract of a year."""
    choice = asked.price if asked.price.mode == "rent" else PriceChoice.parse("reserved")
    return rent_of(choice, catalog, estate.place.accelerator)


def break_even(price: HourCost, rented: FloatArray) -> float | None:
    """Share of the hours above which an owned hour is cheaper than a rented one; None where it never is."""
    share = break_even_utilisation(
        owned_usd_per_hour=price.total,
        rented_usd_per_hour=rented,
        running_usd_per_hour=price.electricity,
    )
    value = first(share)
    return value if np.isfinite(value) else None
