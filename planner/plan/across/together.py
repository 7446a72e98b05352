"""Training on all groups of a cluster together, with the failures, the prices and the power of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.plan.across.groups import across_groups
from planner.plan.across.results import Across, AcrossGroup
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.job import Case
    from planner.plan.solve import Effort, Found

__all__ = ["together"]


def together(
    tried: Sequence[Found], filled: Filled, effort: Effort, *, cap_watts: float | None
) -> Across | None:
    """Train across groups: as `across_groups`, with goodput, cost, and a cap on the power of all of them.

    Parameters
    ----------
    tried
        The search of each group by itself.
    filled, effort
        As for `across_groups`.
    cap_watts
        At the meter of the facility; None for none.
    """
    across = across_groups(tried, filled, effort, share=_share_under(tried, cap_watts))
    if across is None:
        return None
    cases = {_key(one.case): one.case for one in tried}
    members = [(group, cases[group.gpu, group.system, group.fabric]) for group in across.groups]
    total = np.array([float(across.gpus_used)])
    share = min(float(case.goodput(total)[0]) for _, case in members)
    longer = None if across.days is None else across.days.scaled(1.0 / share)
    cost = None
    if longer is not None:
        hours = longer.value * SECONDS_PER_DAY / SECONDS_PER_HOUR
        cost = hours * sum(_hourly(group, case) for group, case in members)
    return across.model_copy(
        update={
            "goodput": share,
            "days_with_failures": longer,
            "cost_usd": cost,
            "tokens": None if across.tokens is None else across.tokens.scaled(share),
        }
    )


def _key(case: Case) -> tuple[str, str | None, str | None]:
    site = case.site
    return (
        site.accelerator.id,
        site.system.id if site.system else None,
        site.fabric.id if site.fabric else None,
    )


def _hourly(group: AcrossGroup, case: Case) -> float:
    """USD per hour of all accelerators of a group."""
    return group.gpus_used * float(case.hourly(np.array([float(group.gpus_used)]))[0])


def _share_under(tried: Sequence[Found], cap_watts: float | None) -> float:
    """Share of its accelerators that every group may run so that together they keep a cap."""
    if cap_watts is None:
        return 1.0
    sites = [(one.case, np.array([float(one.case.site.available)])) for one in tried]
    whole = sum(float(case.peak_watts(available)[0]) for case, available in sites)
    return min(cap_watts / whole, 1.0) if whole > 0 else 1.0
