"""What binds a plan of sharing, and who uses which hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.document import Bottleneck
from planner.plan.mix import results

if TYPE_CHECKING:
    from planner.plan.mix.answer import Use
    from planner.plan.mix.optimum import Found
    from planner.plan.mix.setup import Setup

__all__ = ["bottleneck_of", "group_rows"]

_SMALL: Final = 1e-6
_FULL: Final = 0.9999


def bottleneck_of(setup: Setup, found: Found, use: Use) -> Bottleneck:
    """Say what binds: the group, or the power cap, of which more would be worth most."""
    days = found.priced.phase_days(found.prices.x)
    weight = days[:, None] * setup.pool.share
    prices = {
        group.name: float(np.sum(found.prices.worth[found.priced.capacity[:, :, g]] * weight))
        for g, group in enumerate(setup.groups)
    }
    free = np.maximum(setup.pool.free.T * setup.pool.accelerators, 1.0)
    hours = use.hours / use.hours.sum()
    full = use.gpus.sum(axis=0) / free[None] > _FULL
    shares = {group.name: float(np.sum(full[:, :, g] * hours)) for g, group in enumerate(setup.groups)}
    cap = setup.pool.cap_watts
    if cap is not None:
        base = 1.0 - setup.pool.base_watts / cap
        prices["power"] = float(np.sum(found.prices.worth[found.priced.power] * weight * base))
        at_cap = (setup.pool.base_watts + use.peak.sum(axis=0)) / cap > _FULL
        shares["power"] = float(np.sum(at_cap * hours))
    name = max(prices, key=lambda key: (prices[key], shares[key]))
    if prices[name] <= _SMALL * abs(found.objective):
        return Bottleneck(
            resource="work",
            share=0.0,
            sentence="Nothing binds but the jobs themselves: accelerators are idle.",
        )
    what = "The power cap" if name == "power" else f"{name}"
    return Bottleneck(
        resource=name,
        share=shares[name],
        sentence=f"{what} binds: it is at its limit {shares[name]:.0%} of the time, and more of it is worth "
        "most.",
    )


def group_rows(setup: Setup, use: Use) -> tuple[results.Group, ...]:
    """One row for each group."""
    used = use.gpus.sum(axis=0)
    weight = use.hours / use.hours.sum()
    rows = []
    for g, group in enumerate(setup.groups):
        own = used[:, :, g]
        free = setup.pool.free[g] * group.number
        mean, reserved = float(np.sum(own * weight)), float(setup.reserved[g].mean()) * group.number
        rows.append(
            results.Group(
                name=group.name,
                accelerator=group.accelerator,
                accelerators=group.number,
                system_accelerators=group.system,
                used=mean,
                reserved=reserved,
                idle=max(group.number - mean - reserved, 0.0),
                busiest_share=float(np.max(own / np.maximum(free, 1.0)).clip(0.0, 1.0)),
                idle_watts=group.off_watts if setup.question.jobs.power.idle == "off" else group.idle_watts,
                busy_watts=group.busy_watts,
            )
        )
    return tuple(rows)
