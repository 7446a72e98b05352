"""The rates that entered a plan, and how far the curves are from the estimator where they were used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from planner.errors import InfeasibleError
from planner.plan.mix import results
from planner.plan.mix.measured import training_rate
from planner.workload.jobs import Pretraining, Service

if TYPE_CHECKING:
    from planner.plan.mix.hardware import Group
    from planner.plan.mix.measured import Curve
    from planner.plan.mix.setup import Entry
    from planner.types import FloatArray

__all__ = ["measured_rows"]


def measured_rows(
    entries: Sequence[Entry], groups: Sequence[Group], gpus: FloatArray | None
) -> tuple[results.Measured, ...]:
    """Rates that entered; training runs are planned again at the size that they got.

    Parameters
    ----------
    gpus : array or None
        Accelerators by job, phase, period and group, ``[J, K, T, G]``; None where there is no plan.
    """
    rows = []
    for place, entry in enumerate(entries):
        for g, curve in entry.curves.items():
            used = 0.0 if gpus is None else float(gpus[place, :, :, g].max())
            again = _again(entry.job, groups[g], curve, used)
            rows.append(
                results.Measured(
                    job=entry.job.name,
                    group=groups[g].name,
                    unit="requests" if isinstance(entry.job, Service) else "tokens",
                    gpus=tuple(size for size, _ in curve.points),
                    units_per_s=tuple(speed for _, speed in curve.points),
                    low=curve.low,
                    high=curve.high,
                    watts_per_gpu=curve.watts,
                    curve_loss=curve.loss,
                    used_gpus=None if again is None else used,
                    used_error=again,
                    binds=curve.binds,
                    why_not=curve.why_not or None,
                )
            )
    return tuple(rows)


def _again(job: Any, group: Group, curve: Curve, used: float) -> float | None:
    """Share by which the curve is above the estimator at the largest size that a training run got."""
    if not isinstance(job, Pretraining) or used < group.system:
        return None
    try:
        exact = training_rate(job, group, round(used)).tokens_per_s.value
    except InfeasibleError:  # fewer than hold the model: part of the time on more
        return None
    return curve.at(used) / exact - 1.0
