"""Training across groups and sites as rows for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan.table import layout
from planner.units import format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.across.results import Across, Multisite
    from planner.plan.document import Interval
    from planner.plan.table import Rows

__all__ = ["ACROSS_HEAD", "MULTISITE_HEAD", "across_lost_rows", "across_rows", "multisite_rows"]

ACROSS_HEAD: Final = ("group", "GPUs", "layout", "sequences", "share", "step", "waits", "alone")


def across_rows(across: Across) -> Rows:
    """Rows under `ACROSS_HEAD`: the groups that take part, then those that do not."""
    rows: Rows = [
        (
            one.gpu,
            f"{one.gpus_used:,}",
            f"{layout(one.strategy)} {one.strategy.sharding} {one.strategy.precision}",
            f"{one.strategy.global_batch_seqs:,}",
            f"{one.share_of_batch:.1%}",
            _seconds(one.step_time_s.value),
            _seconds(one.waits_s),
            _seconds(one.alone_step_time_s),
        )
        for one in across.groups
    ]
    return rows + [(name, "0", "takes no part", "0", "0.0%", "", "", "") for name in across.left_out]


def across_lost_rows(across: Across) -> Rows:
    """(cause, share of the step), the largest first."""
    return [(name, f"{share:.1%}") for name, share in sorted(across.lost.items(), key=lambda item: -item[1])]


MULTISITE_HEAD: Final = ("mode", "efficiency", "step", "exchange", "exposed", "per link", "days")


def multisite_rows(result: Multisite) -> Rows:
    """Rows under `MULTISITE_HEAD`."""
    return [
        (
            one.mode,
            f"{one.efficiency.value:.1%} ({one.efficiency.low:.1%} to {one.efficiency.high:.1%})",
            _seconds(one.step_time_s.value),
            _seconds(one.exchange_s.value),
            _seconds(one.exposed_s.value),
            f"{short_number(one.link_gigabits_per_s.value)} Gb/s",
            "" if one.days is None else _days(one.days),
        )
        for one in result.modes
    ]


def _days(days: Interval) -> str:
    return f"{short_number(days.value)} ({short_number(days.low)} to {short_number(days.high)})"


def _seconds(value: float) -> str:
    return format_quantity(value, "s", digits=3)
