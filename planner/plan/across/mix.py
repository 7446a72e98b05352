"""Groups of unlike accelerators in one step: shares, layouts, exchange, and which groups take part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.groups import Exchange, exchange_costs, growth_across_s
from planner.plan.across.group import Part, offers, on_share, searched
from planner.plan.across.shares import by_speed, divided

if TYPE_CHECKING:
    from planner.plan.solve import Effort
    from planner.search import Plans
    from planner.types import FloatArray, IntArray

__all__ = ["Member", "Mix", "best_mix", "limited"]

SEARCHES: Final = 2
"""Searches of each group for its share, beside the one for the whole batch."""
WORTH: Final = 0.01
"""A group takes part where it makes the step shorter by at least this share."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A group that takes part: its layout on its share, and what the other groups add to its step."""

    part: Part
    sequences: int
    plans: Plans
    """One row."""
    exchange: Exchange
    growth_s: float

    @property
    def own_s(self) -> float:
        """Step time of the group by itself on its share."""
        return float(self.plans.step.step_s[0])

    @property
    def busy_s(self) -> float:
        """Step time with the growth that comes from waiting for more accelerators."""
        return self.own_s + self.growth_s

    @property
    def gpus(self) -> int:
        """Accelerators used."""
        return round(float(self.plans.accelerators[0]))

    @property
    def room(self) -> int:
        """Sequences that its micro-batches have room for; some are empty where the share is no multiple."""
        st, count = self.plans.strategy, self.plans.step.micro_batches
        return round(float((st.dp * st.micro_batch * count)[0]))


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Groups that train together."""

    members: tuple[Member, ...]

    @property
    def slowest_s(self) -> float:
        """Step time of the slowest group."""
        return max(one.busy_s for one in self.members)

    @property
    def exposed_s(self) -> float:
        """What the exchange of gradients adds."""
        return max(float(one.exchange.exposed_s[0]) for one in self.members)

    @property
    def step_s(self) -> float:
        """Slowest group, then what is exposed of the exchange."""
        return self.slowest_s + self.exposed_s

    @property
    def sequences(self) -> int:
        """Of all groups."""
        return sum(one.sequences for one in self.members)


def limited(parts: Sequence[Part], gpus: int | None) -> list[Part]:
    """Let the groups together have `gpus` accelerators: those that do most per accelerator come first."""
    if gpus is None:
        return list(parts)
    left, kept = gpus, []
    for part in sorted(parts, key=lambda one: (one.alone_s * _used(one), one.name)):
        if left > 0:
            kept.append(Part(found=part.found, available=min(part.available, left)))
            left -= kept[-1].available
    return kept


def best_mix(parts: Sequence[Part], batch: int, effort: Effort) -> Mix | None:
    """Fastest step of several groups.

    Each group is searched again for its share, twice, because the best layout depends on the share and the
    shares on the layouts. A group is left out where its share is worth less, or hardly more (`WORTH`), than
    what waiting for it costs; two always remain.

    Returns
    -------
    Mix or None
        None where no two groups can share the batch.
    """
    if batch < len(parts) or len(parts) < 2:
        return None
    shares = by_speed(np.array([1.0 / one.alone_s for one in parts]), batch)
    for _ in range(SEARCHES):
        parts = [searched(part, int(n), effort) for part, n in zip(parts, shares, strict=True)]
        parts = [one for one in parts if one.fits]
        balanced = _balanced(parts, batch) if len(parts) > 1 else None
        if balanced is None:
            return None
        shares = balanced
    best = _mixed(parts, batch)
    while best is not None and len(best.members) > 2:
        least = min(best.members, key=lambda one: one.sequences)
        without = _mixed([one.part for one in best.members if one is not least], batch)
        if without is None or without.step_s > best.step_s * (1.0 + WORTH):
            break
        best = without
    return best


def _used(part: Part) -> float:
    plans = part.found[0].plans
    return float(plans.accelerators[0]) if plans is not None else np.inf


def _shares(parts: Sequence[Part], batch: int) -> IntArray | None:
    """Shares of the batch with the layouts known so far; None where they cannot take it."""
    coarse = divided([offers(part) for part in parts], batch)
    if coarse is None:
        return None
    fine = divided([offers(part, int(n)) for part, n in zip(parts, coarse.sequences, strict=True)], batch)
    return (fine or coarse).sequences


def _balanced(parts: Sequence[Part], batch: int) -> IntArray | None:
    """Shares at which nobody would wait, if all kept the speed that they have on the best shares known."""
    shares = _shares(parts, batch)
    if shares is None:
        return None
    plans = [on_share(part, int(n)) for part, n in zip(parts, shares, strict=True)]
    step_s = np.array([float(one.step.step_s[0]) if one is not None else np.inf for one in plans])
    return by_speed(shares / step_s, batch) if np.all(np.isfinite(step_s)) else shares


def _mixed(parts: Sequence[Part], batch: int) -> Mix | None:
    shares = _shares(parts, batch)
    if shares is None:
        return None
    plans = [on_share(part, int(n)) for part, n in zip(parts, shares, strict=True)]
    layouts = [one for one in plans if one is not None]
    if len(layouts) < len(parts):
        return None
    ranks = np.sum([one.accelerators for one in layouts], axis=0)
    replicas = np.sum([one.strategy.dp for one in layouts], axis=0)
    return Mix(
        members=tuple(
            _member(part, int(n), one, groups=len(parts), ranks=ranks, replicas=replicas)
            for part, n, one in zip(parts, shares, layouts, strict=True)
        )
    )


def _member(
    part: Part, sequences: int, plans: Plans, *, groups: int, ranks: FloatArray, replicas: FloatArray
) -> Member:
    case = part.case
    exchange = exchange_costs(
        hardware=case.site.table,
        model=case.job.model,
        software=case.software,
        strategy=plans.strategy,
        layer=plans.layer,
        groups=np.array([float(groups)]),
        ranks=ranks,
    )
    growth = growth_across_s(
        software=case.software, strategy=plans.strategy, step=plans.step, ranks=ranks, dp=replicas
    )
    return Member(part=part, sequences=sequences, plans=plans, exchange=exchange, growth_s=float(growth[0]))
