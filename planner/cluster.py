"""Clusters as a whole: what they count as, draw, cost and how often they fail.

Every function is a command of the same name::

    import planner

    sheet = planner.cluster.show("colossus-1m").result
    sheet.h100_equivalents.by_bf16, sheet.power.peak_facility_megawatts, sheet.capital.usd
    planner.cluster.size(h100e="1M", rule="bf16", accelerator="gb200-nvl72").result.systems

=================  ==================================================================================
`show`             the fact sheet of a cluster, or of so many accelerators: ``gb200:395856``
`list`             the clusters of the catalog, in H100 equivalents by each rule
`compare`          fact sheets side by side, with ratios
`size`             how much hardware H100 equivalents, money or power come to
`RULES`            the rules by which H100 equivalents are counted
=================  ==================================================================================
"""

from __future__ import annotations

from planner.model.equivalents import RULES
from planner.plan.cluster.comparison import compare
from planner.plan.cluster.listing import clusters as list
from planner.plan.cluster.sheet import show
from planner.plan.cluster.sizing import size

__all__ = ["RULES", "compare", "list", "show", "size"]
