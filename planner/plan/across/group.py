"""One group of a mixed cluster: the layouts found for it, what they do with other shares of the batch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.across.shares import Offers
from planner.plan.solve import evaluated, find, legal, replica_step, spread_rows
from planner.tables import stack

if TYPE_CHECKING:
    from planner.plan.job import Case
    from planner.plan.solve import Effort, Found
    from planner.search import Plans
    from planner.tables import Strategy
    from planner.types import IntArray

__all__ = ["Part", "offers", "on_share", "searched"]

COARSE: Final = 32
"""Numbers of rounds of micro-batches tried from one to as many as the whole batch takes."""
FINE: Final = np.arange(-6.0, 7.0)
"""Rounds more or fewer than those of a share that are tried as well."""
NEAR: Final = 1e-9
"""Relative difference of step times that is noise."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A group of a mixed cluster and the searches made for it; the first had the whole batch to itself."""

    found: tuple[Found, ...]
    available: int
    """Accelerators that it may use."""

    @property
    def case(self) -> Case:
        """The job with the whole batch on this group."""
        return self.found[0].case

    @property
    def alone_s(self) -> float:
        """Step time with the whole batch."""
        return self.found[0].step_s

    @property
    def name(self) -> str:
        """Of its accelerator, system and fabric."""
        return self.case.site.short

    @property
    def fit(self) -> float:
        """Least probability of fitting into memory, as for the group alone."""
        return self.found[0].fit

    @property
    def fits(self) -> bool:
        """Whether any layout found is no larger than the group."""
        return any(np.any(plans.accelerators <= self.available) for one in self.found for plans in one.tables)

    def layouts(self) -> Strategy:
        """All layouts found, with the replicas they had and with as many as there is room for."""
        tables = [plans for found in self.found for plans in found.tables]
        one = stack([spread_rows(plans.strategy, len(plans)) for plans in tables])
        if "dp" not in self.case.job.pins:
            step = replica_step(one)
            most = np.floor(self.available / (one.tp * one.cp * one.pp) / step) * step
            one = stack([one, one.take(np.flatnonzero(most >= 1)).with_values(dp=most[most >= 1])])
        return one.take(_distinct(one))


def searched(part: Part, sequences: int, effort: Effort) -> Part:
    """Search the group again with a share of the batch, and keep what is found."""
    case = part.case
    share = replace(case, job=replace(case.job, global_batch=int(sequences), top=0))
    found = find(share, part.available, effort, alternatives=False)
    return part if found.plans is None else replace(part, found=(*part.found, found))


def offers(part: Part, near: int | None = None) -> Offers:
    """Shares that the layouts of a group fill in whole rounds of its replicas, and the time that each takes.

    Parameters
    ----------
    near
        A share around which every round counts; beyond it, and without it, they are tried in ever larger
        steps.
    """
    layouts, batch = part.layouts(), float(part.case.job.global_batch)
    round_size = (layouts.dp * layouts.micro_batch)[:, None]
    rounds = np.round((batch / round_size) ** np.linspace(0.0, 1.0, COARSE))
    if near is not None:
        rounds = np.concatenate([rounds, np.floor(near / round_size) + FINE], axis=1)
    rounds = np.sort(np.clip(rounds, 1.0, np.ceil(batch / round_size)), axis=1)
    fresh = np.diff(rounds, axis=1, prepend=0.0) > 0
    index = np.nonzero(fresh)[0]
    filled = layouts.take(index).with_values(global_batch=(round_size * rounds)[fresh])
    plans = _those_that_fit(part, filled)
    if plans is None:
        return Offers(np.zeros(0), np.zeros(0))
    return Offers(np.minimum(plans.strategy.global_batch, batch), plans.step.step_s)


def on_share(part: Part, sequences: int) -> Plans | None:
    """Fastest known layout for a share, on no more accelerators than it needs; None where nothing fits."""
    layouts = part.layouts()
    batches = np.ceil(sequences / layouts.micro_batch)
    step = replica_step(layouts)
    rounds = np.ceil(batches / layouts.dp)
    fewer = np.ceil(np.ceil(batches / rounds) / step) * step
    pinned = "dp" in part.case.job.pins
    tried = layouts if pinned else stack([layouts, layouts.with_values(dp=np.minimum(fewer, layouts.dp))])
    plans = _those_that_fit(part, tried.with_values(global_batch=np.full(len(tried), float(sequences))))
    if plans is None:
        return None
    fastest = plans.step.step_s <= np.min(plans.step.step_s) * (1.0 + NEAR)
    used = np.where(fastest, plans.accelerators, np.inf)
    return plans.take(np.array([int(np.argmin(used))]))


def _those_that_fit(part: Part, tried: Strategy) -> Plans | None:
    """Evaluate layouts that are legal, are no larger than the group, and find a place in memory."""
    ranks = tried.tp * tried.cp * tried.pp * tried.dp
    busy = tried.dp <= np.ceil(tried.global_batch / tried.micro_batch)
    keep = legal(tried) & busy & (ranks <= part.available)
    if not np.any(keep):
        return None
    plans = evaluated(part.found[0], tried.take(np.flatnonzero(keep)))
    fits = (plans.fit_probability >= part.fit) & np.isfinite(plans.step.step_s)
    return plans.take(np.flatnonzero(fits)) if np.any(fits) else None


def _distinct(layouts: Strategy) -> IntArray:
    """Rows that differ in more than the batch."""
    names = [f.name for f in fields(layouts) if f.name not in ("global_batch", "in_flight")]
    columns = np.stack([np.asarray(getattr(layouts, name), dtype=float) for name in names], axis=1)
    return np.sort(np.unique(columns, axis=0, return_index=True)[1])
