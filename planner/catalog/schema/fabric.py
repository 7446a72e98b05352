"""Scale-out fabrics: ``hardware/fabrics/ID.yaml``."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.catalog.quantity import BytesPerSecond, Fraction, Ratio, Seconds, Watts
from planner.catalog.records import Items, Record, Ref, Section, Text

__all__ = ["Fabric", "Tier"]


class Tier(Section):
    """A level of the fabric, from the accelerators upward."""

    name: Text
    """For example leaf, spine, core."""
    endpoints: Annotated[int, Field(ge=1)]
    """Accelerators that reach one another without going above this tier."""
    oversubscription: Ratio
    """Bandwidth below over bandwidth above, 1 for a full fat tree; ``7:1`` is 7."""
    latency: Seconds
    """Added to a message whose path turns at this tier."""

    @model_validator(mode="after")
    def _is_not_undersubscribed(self) -> Tier:
        if self.oversubscription.value < 1:
            raise ValueError("oversubscription must be 1 (none) or more; 7:1 is written '7:1'")
        return self


class Fabric(Record):
    """A network between scale-up domains."""

    technology: Literal["infiniband", "ethernet", "efa", "ici", "omnipath"]
    link: BytesPerSecond
    """Per port and direction."""
    tiers: Annotated[Items[Tier], Field(min_length=1)]
    """The lowest first."""
    rails: Annotated[int, Field(ge=1)] = 1
    """Parallel planes, one for each accelerator of a node."""
    achievable: Fraction
    """Share of the link rate that large collectives reach."""
    switch_radix: Annotated[int, Field(ge=2)] | None = None
    """Ports of a switch at the rate of `link`."""
    switch_power: Watts | None = None
    switch: Annotated[str, Ref("switch")] | None = None
    """What it is built of; with the optics, it can be counted, powered and priced."""
    optics: Annotated[str, Ref("optics")] | None = None

    @model_validator(mode="after")
    def _tiers_grow(self) -> Fabric:
        sizes = [tier.endpoints for tier in self.tiers]
        if any(above <= below for below, above in pairwise(sizes)):
            raise ValueError(f"tiers must grow in endpoints from the lowest up, found {sizes}")
        return self
