"""What an amount of compute is counted in: ``workloads/yardsticks/ID.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog.quantity import Flops, Fraction
from planner.catalog.records import Items, Record, Ref, Section, Text

__all__ = ["Operations", "Served", "Utilisation", "Yardstick"]


class Operations(Section):
    """A number of operations that people speak of."""

    name: Text
    flop: Flops


class Utilisation(Section):
    """Share of the dense bf16 peak that somebody reached, or is said to have reached."""

    who: Text
    share: Fraction


class Served(Section):
    """A service whose users are counted."""

    model: Annotated[str, Ref("model")]
    traffic: Annotated[str, Ref("traffic")]


class Yardstick(Record):
    """Runs, operations and services in which an amount of compute is counted."""

    runs: Annotated[Items[Annotated[str, Ref("model")]], Field(min_length=1)]
    """Models whose published run is counted."""
    operations: Items[Operations]
    utilisations: Annotated[Items[Utilisation], Field(min_length=1)]
    """The first is the one by which operations become hours."""
    served: Items[Served]
