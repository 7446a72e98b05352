"""Price records to dollars: finance tables, and rents and purchase prices, at a date or estimated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, hypot, log
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from planner.catalog.kinds import PURCHASE, RENTAL
from planner.errors import InputError
from planner.tables.price_dates import price_on
from planner.tables.price_estimates import (
    PART_SPREAD,
    RENT_SPREAD,
    Entry,
    entries,
    most_alike,
    of_part,
    purchase_hours,
    terms_ratio,
    worth_ratio,
)
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.price import Finance
    from planner.tables.samples import Samples

__all__ = [
    "TERMS",
    "FinanceTable",
    "Price",
    "Terms",
    "finance_table",
    "price_on",
    "purchase_of",
    "rental_named",
    "rental_on",
]

Terms = Literal["on-demand", "reserved", "spot"]
TERMS: Final[tuple[Terms, ...]] = ("on-demand", "reserved", "spot")
"""Terms of the market, in the order in which one stands in for another."""


class FinanceTable(NamedTuple):
    """A finance record, ``[S, 1]`` each: samples in rows."""

    rate_per_year: FloatArray
    it_life_years: FloatArray
    network_life_years: FloatArray
    facility_life_years: FloatArray
    residual: FloatArray
    building_usd_per_watt: FloatArray
    storage_share: FloatArray
    network_share: FloatArray
    operations_per_year: FloatArray
    availability: FloatArray
    colocation_usd_per_watt_month: FloatArray


def finance_table(record: Finance, samples: Samples) -> FinanceTable:
    """Draw a finance record; shares and rates stay within what they can be."""

    def of(name: str, *, most: float = np.inf) -> FloatArray:
        return np.minimum(samples.of(getattr(record, name), f"finance.{record.id}.{name}"), most)

    return FinanceTable(
        rate_per_year=of("cost_of_capital", most=1.0),
        it_life_years=of("it_life"),
        network_life_years=of("network_life"),
        facility_life_years=of("facility_life"),
        residual=of("residual", most=1.0),
        building_usd_per_watt=of("building"),
        storage_share=of("storage_share", most=1.0),
        network_share=of("network_share", most=0.99),
        operations_per_year=of("operations", most=1.0),
        availability=of("availability", most=1.0),
        colocation_usd_per_watt_month=of("colocation"),
    )


@dataclass(frozen=True)
class Price:
    """A price found in the catalog, or estimated from another one.

    Attributes
    ----------
    record : str
        Id of the record it comes from; empty for a price that was given.
    quantity : Quantity
        Of that record: USD per hour of rent, USD of a purchase.
    basis : str
        Where it comes from, with its date, for people.
    ratio : float
        By which the record's price is multiplied; 1 where it is the part's own. Hours of a purchase
        that is estimated from the part's rent.
    spread : float
        Factor up and down within which the ratio lies; 1 where it is the part's own.
    internal : bool
        Whether it is what the maker of the part pays for its own, at which nobody else can buy.
    """

    record: str
    quantity: Quantity
    basis: str
    ratio: float = 1.0
    spread: float = 1.0
    internal: bool = False

    @property
    def estimated(self) -> bool:
        """Whether it comes from another part or from other terms."""
        return self.spread > 1.0

    @property
    def warning(self) -> str | None:
        """What to know before an owner's cost is set beside a rent; None for a market price."""
        if not self.internal:
            return None
        return (
            f"{self.record} is what the maker of the part pays for its own, not a price at which one can "
            "buy: the cost of owning is the maker's."
        )

    @property
    def value(self) -> float:
        """USD, as stated."""
        return self.quantity.value * self.ratio

    def usd(self, samples: Samples) -> FloatArray:
        """Draw the price, USD (per hour for a rent), shape ``[S, 1]``."""
        key = f"price.{self.record or 'given'}"
        low, high = self.ratio / self.spread, self.ratio * self.spread
        return samples.of(self.quantity, key) * samples.ranged(self.ratio, low, high, f"{key}.ratio")


def rental_on(catalog: Catalog, accelerator: Accelerator, terms: Terms, date: str | None = None) -> Price:
    """Rent of an accelerator-hour on the market.

    Parameters
    ----------
    accelerator
        The part.
    terms
        ``reserved`` is a contract of about a year, ``on-demand`` and ``spot`` are by the hour.
    date
        ISO date: the price of that day, or at the end of that month or year; the latest where left out.

    Returns
    -------
    Price
        An estimate where no record names the part in these terms (`planner.tables.price_estimates`).

    Raises
    ------
    InputError
        The date lies before the first price, or there is no price of any part in any terms.
    """
    markets = _markets(catalog)
    if any(accelerator.id in entry.accelerators for entry in markets):
        return _in_terms(catalog, markets, accelerator.id, terms, date)
    near = most_alike(catalog, accelerator, markets)
    if near is None:
        raise InputError("there is no record in hardware/prices/rental; add one, or give '$2.50/h'")
    return _from_part(accelerator, near, _in_terms(catalog, markets, near.id, terms, date))


def purchase_of(catalog: Catalog, accelerator: Accelerator) -> Price:
    """Price of an accelerator with its share of the server, USD.

    An estimate where no record names the part (`planner.tables.price_estimates`).

    Raises
    ------
    InputError
        There is no purchase price of any part.
    """
    listed = entries(catalog, PURCHASE)
    own = [entry for entry in listed if accelerator.id in entry.accelerators]
    if own:
        return _purchase(catalog, own[0].id)
    rents = _markets(catalog)
    if any(accelerator.id in entry.accelerators and entry.basis == "market" for entry in rents):
        hours = purchase_hours(catalog, listed, rents, accelerator.id)
        if hours is not None:
            rent = _in_terms(catalog, rents, accelerator.id, "on-demand", None)
            return _estimate(rent, (hours, RENT_SPREAD), "hours of rent, where both have a price")
    near = most_alike(catalog, accelerator, listed)
    if near is None:
        raise InputError(
            "there is no record in hardware/prices/purchase of a part on the market; add one for the part"
        )
    found = next(entry for entry in listed if near.id in entry.accelerators)
    return _from_part(accelerator, near, _purchase(catalog, found.id))


def _markets(catalog: Catalog) -> list[Entry]:
    return [entry for entry in entries(catalog, RENTAL) if entry.provider is None and entry.terms in TERMS]


def _purchase(catalog: Catalog, name: str) -> Price:
    record = catalog.get(PURCHASE, name)
    internal = record.basis == "internal-cost" and record.per_accelerator.kind != "given"
    text = _dated(record.id, record.per_accelerator, "")
    if internal:
        text += ", what its maker pays for its own, not a market price"
    return Price(record.id, record.per_accelerator, text, internal=internal)


def rental_named(catalog: Catalog, name: str, date: str | None = None) -> Price:
    """Rent of a record by its id, at a date; raises as `rental_on`, and for an unknown name."""
    record = catalog.get(RENTAL, name)
    quantity = price_on(record, date)
    return Price(record.id, quantity, _dated(record.id, quantity, "/h", asked=date))


def _in_terms(catalog: Catalog, listed: list[Entry], part: str, terms: Terms, date: str | None) -> Price:
    """Rent of a part that has a price in some terms."""
    own = of_part(listed, part)
    if terms in own:
        return rental_named(catalog, own[terms].id, date)
    over = next((other for other in TERMS if other in own), None)
    ratio = None if over is None else terms_ratio(catalog, listed, terms, over)
    if over is None or ratio is None:
        raise InputError(
            f"no price of any accelerator has both {over} and {terms} terms; give a price such as '$2.50/h'"
        )
    price = rental_named(catalog, own[over].id, date)
    return _estimate(price, ratio, f"{terms} over {over}, where both have a price")


def _from_part(accelerator: Accelerator, part: Accelerator, price: Price) -> Price:
    """Price of a part from that of another one."""
    ratio = worth_ratio(accelerator, part)
    why = f"{accelerator.id} over {part.id} by 8-bit rate and memory bandwidth"
    return _estimate(price, (ratio, PART_SPREAD), why)


def _estimate(price: Price, by: tuple[float, float], why: str) -> Price:
    """Multiply a price by a ratio and its spread, and say so."""
    ratio, spread = by
    basis = price.basis if price.estimated else f"estimate from {price.basis}"
    return replace(
        price,
        basis=f"{basis} x {ratio:,.{0 if ratio > 100 else 2}f} ({why})",
        ratio=price.ratio * ratio,
        spread=exp(hypot(log(price.spread), log(spread))),
    )


def _dated(record_id: str, quantity: Quantity, per: str, *, asked: str | None = None) -> str:
    """Say a price with its record and date."""
    if quantity.kind == "given":
        return f"{record_id}: ${quantity.value:,.2f}{per}, as set"
    date = quantity.as_of or "?"
    text = f"{record_id}: ${quantity.value:,.2f}{per} of {date}"
    if asked is not None and int(asked[:4]) - int(date[:4]) > 1:
        text += f", old at {asked}"
    return text
