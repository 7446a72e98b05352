"""Sites: where a cluster draws its power and water, and what they cost: ``hardware/sites/ID.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.catalog.quantity import KilogramsPerKwh, LitersPerKwh, Ratio, UsdPerKwh, UsdPerWatt, Watts
from planner.catalog.records import Items, Record, Section, Text

__all__ = ["Pue", "Site", "Supply"]


class Pue(Section):
    """Power usage effectiveness: power of the facility over that of the equipment."""

    mean: Ratio
    """Over a year, weighted with energy."""
    summer: Ratio | None = None
    """In the warmest weeks: what the grid connection must carry."""
    winter: Ratio | None = None

    @model_validator(mode="after")
    def _is_at_least_one(self) -> Pue:
        for name in ("mean", "summer", "winter"):
            value = getattr(self, name)
            if value is not None and value.value < 1:
                raise ValueError(f"a PUE is 1 or more: {name} is {value}")
        return self


class Supply(Section):
    """A source of electricity; a site uses them in the order in which they stand."""

    name: Text
    kind: Literal["grid", "turbines", "other"]
    capacity: Watts | None = None
    """At the meter of the facility; left out where nothing limits it."""
    price: UsdPerKwh
    carbon: KilogramsPerKwh
    """Location-based for a grid, of its own fuel for turbines."""
    carbon_basis: Literal["combustion", "life-cycle"] | None = None
    """What it counts: what leaves the stacks, or also the supply of fuel and making the plants. The first is
    lower, for hydropower and nuclear by all of it; left out where the source does not say."""


class Site(Record):
    """A place with power: the facility, not what is in it."""

    location: Text
    cooling: Literal["air", "liquid", "mixed"]
    pue: Pue
    supplies: Annotated[Items[Supply], Field(min_length=1)]
    """In the order of use: the first carries what it can, the next what is left."""
    water: LitersPerKwh
    """Evaporated on site per kWh of the equipment."""
    building: UsdPerWatt | None = None
    """Shell, power and cooling per watt of the facility; left out, that of the finance record."""
