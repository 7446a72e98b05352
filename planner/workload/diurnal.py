"""How demand follows the hours of a day: ``workloads/diurnal/ID.yaml``."""

from __future__ import annotations

from planner.catalog.quantity import Hours, IsoDate, Ratio
from planner.catalog.records import Record

__all__ = ["Diurnal"]


class Diurnal(Record):
    """A daily curve: a bell around its busiest hour; see `planner.model.sharing.daily_curve`."""

    date: IsoDate | None = None
    peak_hour: Hours
    """When demand is largest, hours from midnight at the cluster."""
    peak_over_mean: Ratio | None = None
    """Of the busiest hour; left out, it is that of the traffic."""
