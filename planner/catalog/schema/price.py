"""Prices: rent of accelerators, purchase of systems, and how a site is financed (``hardware/prices``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.quantity import Fraction, Percent, Usd, UsdPerHour, UsdPerWatt, Years
from planner.catalog.records import Items, Record, Ref, Text

__all__ = ["Finance", "Purchase", "Rental"]

Parts = Annotated[Items[Annotated[str, Ref("accelerator")]], Field(min_length=1)]


class Rental(Record):
    """Rent of one accelerator with its share of server, network, power and staff."""

    accelerators: Parts
    terms: Literal["on-demand", "reserved", "spot", "lease"]
    gpu_hour: UsdPerHour
    """The latest; its `as_of` is the date of the price."""
    history: Items[UsdPerHour] = ()
    """Earlier prices, each with its date, the oldest first."""


class Purchase(Record):
    """Price of a server or rack per accelerator in it: processors, scale-up fabric and NICs included."""

    accelerators: Parts
    per_accelerator: Usd
    includes: Text
    """What the price covers, and what it leaves out."""


class Finance(Record):
    """How what is bought is paid for, and what running it costs."""

    cost_of_capital: Percent
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
    operations: Percent
    """Staff, maintenance, spare parts and software per year, over the capital of servers and network."""
    availability: Fraction
    """Share of the hours in which a machine that is paid for can be used."""
    colocation: UsdPerWatt
    """Rent of space and cooling per month and watt of equipment, power not included."""
