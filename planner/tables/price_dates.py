"""Rents at a date."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.catalog.quantity import iso_date
from planner.errors import InputError

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.price import Rental

__all__ = ["nearest", "price_on"]


def price_on(record: Rental, date: str | None = None) -> Quantity:
    """Price at a date: the latest on or before it. A price that was set holds at every date.

    After its own date the range of an earlier price reaches to the next one, to which it may have moved.

    Parameters
    ----------
    date
        A year, month or day; of a year and a month, its end. The latest price where left out.

    Raises
    ------
    InputError
        No date, or one before the first price.
    """
    if date is None:
        return record.gpu_hour
    try:
        asked = f"{iso_date(date)}-99"
    except ValueError as error:
        raise InputError(f"price of {record.id} at {date!r}: {error}") from error
    if record.gpu_hour.kind == "given":
        return record.gpu_hour
    prices = (*record.history, record.gpu_hour)
    past = [price for price in prices if (price.as_of or "") <= asked]
    if past and len(past) < len(prices) and not asked.startswith(past[-1].as_of or ""):
        return _towards(past[-1], prices[len(past)])
    if not past:
        raise InputError(
            f"{record.id} has no price on or before {date}; its first is of {prices[0].as_of}. "
            "Ask for a later date, or give a price such as '$2.50/h'"
        )
    return past[-1]


def _towards(price: Quantity, later: Quantity) -> Quantity:
    """Stretch the range of a price to the next one."""
    low, high = price.bounds
    return replace(price, low=min(low, later.value), high=max(high, later.value))


def nearest(record: Rental, date: str | None) -> Quantity:
    """Price of a rent that is nearest to a date; of equals the later."""
    if date is None or record.gpu_hour.kind == "given":
        return record.gpu_hour
    return min(
        (record.gpu_hour, *reversed(record.history)), key=lambda price: abs(_months(price) - _month(date))
    )


def _months(price: Quantity) -> int:
    return _month(price.as_of or "9999")


def _month(date: str) -> int:
    """Months since the year 0; of a year alone, its middle."""
    year, _, rest = date.partition("-")
    return 12 * int(year) + (int(rest[:2]) if rest else 6)
