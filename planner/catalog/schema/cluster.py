"""Clusters and sites: ``hardware/clusters/ID.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.quantity import Count, IsoDate, Usd, Watts
from planner.catalog.records import Items, Record, Ref, Section, Text

__all__ = ["Claim", "Cluster", "Group"]


class Group(Section):
    """Part of a cluster that is of one system on one fabric."""

    system: Annotated[str, Ref("system")]
    accelerators: Count
    """Total of this group."""
    fabric: Annotated[str, Ref("fabric")]
    note: str | None = None


class Claim(Section):
    """What the owner says of the size, and the rule by which it was counted."""

    text: Text
    rule: Text
    """How the number counts, for example H100 equivalents by dense bf16; or that no rule was given."""
    h100_equivalents: Count | None = None
    by: Literal["bf16", "8bit", "hbm-bandwidth", "memory"] = "8bit"
    """The rule of ours that is set beside it."""


class Cluster(Record):
    """Accelerators under one owner at one place."""

    owner: Text
    location: str | None = None
    site: Annotated[str, Ref("site")] | None = None
    """Where it draws its power; left out, questions take the usual site and say so."""
    date: IsoDate
    """Of the state described."""
    phase_of: Annotated[str, Ref("cluster")] | None = None
    """The cluster of which this is the state at another date: a fleet counts the latest of them."""
    status: Literal["built", "planned", "announced", "hypothetical"]
    groups: Annotated[Items[Group], Field(min_length=1)]
    power: Watts | None = None
    """Of the facility."""
    capital: Usd | None = None
    claim: Claim | None = None
