"""Prices: rent of accelerators, purchase of systems, and how a site is financed (``hardware/prices``)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.catalog.quantity import Dimension, Fraction, Quantity, Usd, UsdPerHour, UsdPerWatt, Years
from planner.catalog.records import Items, Record, Ref, Text

__all__ = ["Finance", "Purchase", "Rental"]

Parts = Annotated[Items[Annotated[str, Ref("accelerator")]], Field(min_length=1)]

Share = Annotated[Quantity, Dimension("fraction", most=1.0)]
"""A share that divides, so that it is never zero."""


class Rental(Record):
    """Rent of one accelerator with its share of server, network, power and staff."""

    accelerators: Parts
    terms: Literal["on-demand", "reserved", "spot", "lease"]
    provider: Text | None = None
    """Whose price it is; such a record holds only where it is named. Left out, it is the market's."""
    basis: Literal["market", "sole-provider"] = "market"
    """``sole-provider``: its maker alone rents it out, and its price says nothing of other makers' parts."""
    gpu_hour: UsdPerHour
    """The latest; its `as_of` is the date of the price."""
    history: Items[UsdPerHour] = ()
    """Earlier prices, each with its date, the oldest first."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Rental:
        dates = [price.as_of for price in (*self.history, self.gpu_hour)]
        undated = [at for at, price in enumerate(self.history) if price.as_of is None]
        if undated:
            raise ValueError(
                f"the price history.{undated[0]} has no date; add as_of, or set gpu_hour, "
                "which then holds at every date"
            )
        known = [date for date in dates if date is not None]
        for earlier, later in pairwise(known):
            if earlier >= later:
                raise ValueError(
                    f"prices run from the oldest to the latest: {later} stands after {earlier}; "
                    "the latest is gpu_hour, the others are its history"
                )
        return self


class Purchase(Record):
    """Price of a server or rack per accelerator in it: processors, scale-up fabric and NICs included."""

    accelerators: Parts
    basis: Literal["market", "internal-cost"] = "market"
    """``internal-cost``: what its maker and only owner pays; no other part's price is estimated from it."""
    per_accelerator: Usd
    includes: Text
    """What the price covers, and what it leaves out."""


class Finance(Record):
    """How what is bought is paid for, and what running it costs."""

    cost_of_capital: Fraction
    """Per year, weighted over debt and equity."""
    it_life: Years
    """Over which servers and storage are written off."""
    network_life: Years
    facility_life: Years
    residual: Fraction
    """Share of the price of servers that is left at the end of their life."""
    building: UsdPerWatt
    """Shell, power and cooling per watt of the facility, where the site does not say."""
    storage_share: Fraction
    """Capital of storage, head nodes and management over that of servers."""
    network_share: Fraction
    """Capital of the network over that of servers and network, where the fabric's parts have no price."""
    operations: Fraction
    """Staff, maintenance, spare parts and software per year, over the capital of servers and network."""
    availability: Share
    """Share of the hours in which a machine that is paid for can be used.

    The rest is planned maintenance, burn-in and outages of the site; hosts in repair are replaced by spares.
    """
    colocation: UsdPerWatt
    """Rent of space and cooling per month and watt of equipment, power not included."""

    @model_validator(mode="after")
    def _network_is_not_all(self) -> Finance:
        if self.network_share.value >= 1:
            raise ValueError("network_share is the network's part of servers and network: less than 100 %")
        return self
