"""Training across groups and sites as rows for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan.table import layout
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.across.results import Across
    from planner.plan.table import Rows

__all__ = ["ACROSS_HEAD", "across_lost_rows", "across_rows"]

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


def _seconds(value: float) -> str:
    return format_quantity(value, "s", digits=3)
