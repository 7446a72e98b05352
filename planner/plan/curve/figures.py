"""Everything that a curve of training says of its points, all points of a line at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.assemble import costs_of, spread_at, strategy_of
from planner.plan.bottleneck import bottleneck
from planner.plan.document import Interval
from planner.plan.evaluate import time_breakdown
from planner.plan.solve import request_of, spread_rows
from planner.plan.table import layout
from planner.search import evaluate
from planner.tables import Strategy, stack
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.plan.curve.scaled import Line
    from planner.plan.document import Bottleneck
    from planner.plan.sweep.training_case import Operated

__all__ = ["FIGURES", "Figures", "figures_of"]

FIGURES: Final = (
    "tokens_per_s", "mfu_percent", "goodput_percent", "days", "cost_usd", "power_megawatts",
    "energy_megawatt_hours", "gpu_hours",
)  # fmt: skip
_ONE_ROW: Final = 1
_SENDS: Final = ("data_parallel", "pipeline_transfer")
"""Parts of a step that the fabric between scale-up domains takes."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A point of a line.

    Attributes
    ----------
    gpus, used
        Accelerators available, and at work.
    values
        Of `FIGURES`, by name.
    binds
        What binds the step.
    network
        Share of the step that exposed exchange between replicas and stages takes.
    fit
        Probability of fitting into memory.
    layout
        In words.
    """

    gpus: int
    used: int
    batch: int
    step_s: float
    values: dict[str, Interval]
    binds: Bottleneck
    network: float
    fit: float
    layout: str


def figures_of(line: Line, layouts: Sequence[Strategy | None]) -> list[Figures | None]:
    """Evaluate the layouts of a line: the figures of `planner.train` at each point."""
    there = [at for at, one in enumerate(layouts) if one is not None]
    if not there:
        return [None] * len(layouts)
    case, shared = line.shared.case, line.shared
    rows = stack([spread_rows(one, _ONE_ROW) for one in layouts if one is not None])
    plans = evaluate(
        hardware=case.site.table,
        model=case.job.model,
        software=case.software,
        strategy=rows,
        request=request_of(case, int(line.gpus[-1])),
    )
    st = plans.strategy
    of_model = np.maximum(st.tp * st.cp * st.pp, st.ep * st.etp * st.pp)
    cases = [replace(case, job=replace(case.job, global_batch=int(line.batches[at]))) for at in there]
    costs = [costs_of(own, plans, row) for row, own in enumerate(cases)]
    spreads = [spread_at(own, cost) for own, cost in zip(cases, costs, strict=True)]
    wide = np.array([bool(spread.reasons) for spread in spreads])
    running, places = shared.operated(plans.accelerators, of_model, wide, plans.step.step_s)
    found: list[Figures | None] = [None] * len(layouts)
    for row, at in enumerate(there):
        own, cost, spread, place = cases[row], costs[row], spreads[row], int(places[row])
        used, step = round(cost.gpus), cost.step_s
        rate = own.job.batch_tokens / step
        seconds = (own.job.tokens or 0.0) / own.job.batch_tokens * step
        goodput = _of(running, "goodput", place)
        days = _of(running, "days", place, seconds)
        parts = time_breakdown(cost)
        strategy = strategy_of(own, cost)
        found[at] = Figures(
            gpus=int(line.gpus[at]),
            used=used,
            batch=own.job.global_batch,
            step_s=step,
            values={
                "tokens_per_s": spread.of_rate(rate).scaled(goodput.value),
                "mfu_percent": spread.of_rate(100.0 * shared.work.causal * rate / used / shared.peak),
                "goodput_percent": goodput.scaled(100.0),
                "days": days,
                "cost_usd": _of(running, "cost", place, seconds),
                "power_megawatts": _of(running, "power", place),
                "energy_megawatt_hours": _of(running, "energy", place, seconds),
                "gpu_hours": days.scaled(used * SECONDS_PER_DAY / SECONDS_PER_HOUR),
            },
            binds=bottleneck(
                parts,
                step_s=step,
                available=int(line.gpus[at]),
                used=used,
                replicas=strategy.dp,
                micro_batches=strategy.micro_batches,
                stages=strategy.pp,
                replica=round(used / strategy.dp),
                global_batch=own.job.global_batch,
            ),
            network=sum(parts[name] for name in _SENDS) / step,
            fit=float(plans.fit_probability[row]),
            layout=layout(strategy),
        )
    return found


def _of(running: Operated, name: str, place: int, times: float = 1.0) -> Interval:
    """Take one figure of what running takes, some of which are per second of the run."""
    value, low, high = (float(end[name][place]) * times for end in (running.value, running.low, running.high))
    return Interval(value=value, low=low, high=high)
