"""Scale-out fabrics: ``hardware/fabrics/ID.yaml``."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.catalog.quantity import BytesPerSecond, Fraction, Ratio, Seconds
from planner.catalog.records import Items, Record, Ref, Section, Text

__all__ = ["Fabric", "Tier"]


class Tier(Section):
    """A level of the fabric, from the accelerators upward."""

    name: Text
    """For example leaf, spine, core."""
    endpoints: Annotated[int, Field(ge=1)]
    """Accelerators that reach one another without going above this tier: the most that a fabric of so many
    tiers joins (for the lowest, the accelerators whose ports meet on one group of leaf switches)."""
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
    """Groups of leaf switches, one for each port of a node: port 3 of every node meets on rail 3."""
    rail_only: bool = False
    """Rails never meet, so that traffic between them takes the scale-up domain and as many times more
    accelerators fit; otherwise they meet at the second tier."""
    planes: Annotated[int, Field(ge=1)] = 1
    """Separate networks over which a port is split, each with an equal part of its rate."""
    accelerators_per_port: Annotated[int, Field(ge=1)] = 1
    """As the tiers count them: 2 where two accelerators share a network interface."""
    host_links: Literal["optical", "copper"] = "optical"
    """Of what the links between accelerators and leaf switches are."""
    achievable: Fraction
    """Share of the link rate that large collectives reach."""
    switch: Annotated[str, Ref("switch")] | None = None
    """What it is built of; with the optics, it can be counted, powered and priced."""
    optics: Annotated[str, Ref("optics")] | None = None

    @model_validator(mode="after")
    def _tiers_grow(self) -> Fabric:
        sizes = [tier.endpoints for tier in self.tiers]
        if any(above <= below for below, above in pairwise(sizes)):
            raise ValueError(f"tiers must grow in endpoints from the lowest up, found {sizes}")
        return self

    @model_validator(mode="after")
    def _parts_go_together(self) -> Fabric:
        if self.rail_only and self.rails == 1:
            raise ValueError("rail_only keeps rails apart, but there is one; say how many, as rails: 8")
        if (self.switch is None) != (self.optics is None):
            missing = "switch" if self.switch is None else "optics"
            raise ValueError(f"a fabric is counted with both switch and optics; name the {missing}, too")
        return self
