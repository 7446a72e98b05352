"""Parts of a network: switches and the optics between them (``hardware/switches``, ``hardware/optics``)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog.quantity import BytesPerSecond, Meters, Seconds, Usd, Watts
from planner.catalog.records import Record, Section, Text

__all__ = ["Cable", "Optics", "Switch"]


class Switch(Record):
    """A switch; ports may be split, so that it has more of them at a lower rate."""

    vendor: Text
    ports: Annotated[int, Field(ge=2)]
    port: BytesPerSecond
    """Per direction."""
    power: Watts
    """At work, without transceivers."""
    price: Usd
    latency: Seconds


class Cable(Section):
    """A copper cable with both of its ends."""

    power: Watts
    price: Usd
    reach: Meters


class Optics(Record):
    """A pluggable transceiver, and the copper cable that replaces a pair of its links.

    A module of 800 Gb/s carries two links of 400 Gb/s: where it is split, each link bears its share of power
    and price, at the switch as at the network interface.
    """

    rate: BytesPerSecond
    """Of the module, per direction."""
    power: Watts
    """Of one module."""
    price: Usd
    """Of one module with its half of the fibres."""
    copper: Cable | None = None
    """One link of copper, at the rate of the fabric's links."""
