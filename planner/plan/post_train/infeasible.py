"""Why a run cannot be had as asked, and the nearest change with which it can."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planner.plan import numbers
from planner.plan.document import Nearest
from planner.plan.post_train.results import PostTrainAnswer
from planner.plan.post_train.trainers import Fleet
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, format_quantity

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.engines import Engine

_DOUBLINGS: Final = 8
"""Of the accelerators there are, after which the search for a size that trains ends."""

__all__ = ["does_not_fit", "none", "too_short"]


def none(filled: Filled, *reasons: str, nearest: tuple[Nearest, ...] = ()) -> PostTrainAnswer:
    """Return an answer without a plan."""
    return PostTrainAnswer(plan=None, reasons=reasons, nearest=nearest, notes=tuple(filled.notes))


def does_not_fit(
    run: Run, total: int, found: tuple[Engine, ...], fleet: Fleet, filled: Filled
) -> PostTrainAnswer:
    """Say what is missing: accelerators for one replica and the smallest fleet that trains."""
    smallest = min(engine.gpus for engine in found)
    trains = min(fleet.known) if fleet.known else _fewest(fleet, total)
    if trains is None:
        return none(filled, *dict.fromkeys(fleet.reasons.values()))
    both = max(smallest, trains) if run.mode == "sync" else smallest + trains
    reason = (
        f"{total:,} accelerators are too few: one replica that generates takes {smallest:,}, and training "
        f"takes {trains:,}" + ("" if run.mode == "sync" else " beside it")
    )
    mend = Nearest(field="gpus", value=both, sentence=f"{both:,} accelerators (--gpus {both})")
    return none(filled, reason, nearest=(mend,))


def _fewest(fleet: Fleet, total: int) -> int | None:
    """Return the least size beyond the total on which the job trains, found by doubling and halving."""
    size = fleet.whole(total)
    free = replace(fleet.where, cluster=None, gpu=fleet.where.gpu) if fleet.where.gpu else None
    if free is None:
        return None
    wider = Fleet(where=free, run=fleet.run, batch=fleet.batch, options=fleet.options, unit=fleet.unit)
    for _ in range(_DOUBLINGS):
        size *= 2
        if wider.at(size) is not None:
            return _least(wider, size // 2, size)
    return None


def _least(fleet: Fleet, few: int, enough: int) -> int:
    """Halve between a size that is too small and one that trains."""
    while (middle := fleet.whole((few + enough) // 2)) > few:
        if fleet.at(middle) is None:
            few = middle
        else:
            enough = middle
    return enough


def too_short(run: Run, used: int, seconds: float, filled: Filled) -> PostTrainAnswer:
    """Say that one step takes longer than all of the time, and by how much."""
    name: str = run.fixed
    least = seconds / SECONDS_PER_DAY if name == "days" else used * seconds / SECONDS_PER_HOUR
    enough = _rounded_up(least)
    unit = "days" if name == "days" else "accelerator-hours"
    reason = (
        f"one step takes {format_quantity(seconds, 's', digits=3)} on {used:,} accelerators, "
        f"{least:.3g} {unit}, and there are {run.amount:.3g}: {least - run.amount:.2g} too few"
    )
    mend = Nearest(field=name, value=enough, sentence=f"{enough:g} {unit} ({numbers.given(name)} {enough:g})")
    return none(filled, reason, nearest=(mend,))


def _rounded_up(value: float) -> float:
    """Return the next number of three digits that is not below."""
    grain = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / grain) * grain:.12g}")
