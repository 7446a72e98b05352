"""Carbon of making machines and buildings: ``hardware/embodied/ID.yaml``."""

from __future__ import annotations

from typing import Annotated

from planner.catalog.quantity import Kilograms, Percent, Years
from planner.catalog.records import Items, Record, Ref, Section

__all__ = ["AcceleratorCarbon", "Embodied"]


class AcceleratorCarbon(Section):
    """Cradle to gate, of one accelerator of those named; `server` is its share of the rest of the system."""

    accelerators: Items[Annotated[str, Ref("accelerator")]] = ()
    accelerator: Kilograms
    server: Kilograms


class Embodied(Record):
    """Embodied carbon of a site."""

    usual: AcceleratorCarbon
    """For parts that no entry of `parts` names."""
    parts: Items[AcceleratorCarbon] = ()
    building_per_kilowatt: Kilograms
    """Of a facility per kilowatt of equipment."""
    building_life: Years
    network: Percent
    """Of network and storage over that of servers."""
