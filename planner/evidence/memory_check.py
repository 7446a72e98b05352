"""Predicted against measured peak memory, and fit probabilities of runs that did and did not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.evidence.cases import build_cases
from planner.evidence.predict import Constants, chosen, predict
from planner.evidence.runs import Run
from planner.evidence.statistics import Errors, errors
from planner.model.memory import fit_probability
from planner.units import GIGA

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.workload.architecture import Architecture

__all__ = ["DEFAULT_SIGMA", "MemoryCheck", "check_memory"]

NORMAL_80 = 2.5631
"""Width of the central 80 % of a normal distribution, in standard deviations."""

DEFAULT_SIGMA = 0.15
"""Spread of log(measured/predicted) device memory where the calibration states none."""


@dataclass(frozen=True)
class MemoryCheck:
    """Errors of peak memory, and how well fit probabilities tell runs that ran from those that did not."""

    by_view: dict[str, Errors]
    by_source: dict[str, Errors]
    sigma: float  # spread used for the probabilities
    spread: float  # spread found in these rows
    ran: int
    ran_below_tenth: tuple[str, ...]  # ids of runs that ran although their fit probability is below 0.1
    out_of_memory: int
    failed_above_nine_tenths: tuple[str, ...]
    brier: float | None
    rows: tuple[dict[str, Any], ...] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return vars(self) | {
            "by_view": {k: vars(e) for k, e in self.by_view.items()},
            "by_source": {k: vars(e) for k, e in self.by_source.items()},
            "ran_below_tenth": list(self.ran_below_tenth),
            "failed_above_nine_tenths": list(self.failed_above_nine_tenths),
            "rows": list(self.rows),
        }


def check_memory(
    runs: list[Run],
    catalog: Catalog,
    *,
    constants: Constants,
    sigma: float = DEFAULT_SIGMA,
    models: dict[str, Architecture] | None = None,
) -> MemoryCheck:
    """Compare peaks where measured, and fit probabilities wherever a layout is known.

    A peak is compared by what the stack's logs count: the framework's allocation, or the device's use.
    """
    cases = build_cases(runs, catalog, models=models, need_time=False)
    if not len(cases.run):
        return MemoryCheck({}, {}, DEFAULT_SIGMA, 0.0, 0, (), 0, (), None)
    prediction = predict(cases, constants)
    index = chosen(cases, prediction)
    device = prediction.memory.device_bytes[index]
    allocated = prediction.memory.allocated_bytes[index]
    probability = fit_probability(
        device_bytes=device,
        capacity_bytes=np.broadcast_to(cases.hardware.memory_bytes, cases.run.shape)[index],
        sigma=sigma,
    )
    rows, ran_low, failed_high, score = [], [], [], []
    for k, j in enumerate(index):
        run = runs[cases.run[j]]
        fits = not run.out_of_memory
        known = run.number["micro_batch"] is not None
        if known:
            score.append((float(probability[k]) - fits) ** 2)
            if fits and probability[k] < 0.1:
                ran_low.append(run.id)
            if not fits and probability[k] > 0.9:
                failed_high.append(run.id)
        measured = run.number["memory_gb_per_gpu"]
        if measured is not None:
            view = cases.profiles[cases.profile[j]][0].states.counter
            predicted = (allocated if view == "allocated" else device)[k] / GIGA
            rows.append(
                {
                    "id": run.id,
                    "source": run.text["source"] or run.family,
                    "view": view,
                    "measured_gb": measured,
                    "predicted_gb": float(predicted),
                    "error_pct": float(predicted / measured - 1.0) * 100.0,
                    "fit_probability": float(probability[k]),
                }
            )
    ratio = np.array([r["predicted_gb"] / r["measured_gb"] for r in rows])

    def grouped(key: str) -> dict[str, Errors]:
        names = sorted({r[key] for r in rows})
        return {n: errors(ratio[[r[key] == n for r in rows]]) for n in names}

    spread = float(np.ptp(np.quantile(np.log(ratio), (0.1, 0.9))) / NORMAL_80) if len(ratio) else 0.0
    known_runs = [runs[cases.run[j]] for j in index if runs[cases.run[j]].number["micro_batch"] is not None]
    return MemoryCheck(
        by_view=grouped("view"),
        by_source=grouped("source"),
        sigma=sigma,
        spread=spread,
        ran=sum(not r.out_of_memory for r in known_runs),
        ran_below_tenth=tuple(ran_low),
        out_of_memory=sum(r.out_of_memory for r in known_runs),
        failed_above_nine_tenths=tuple(failed_high),
        brier=float(np.mean(score)) if score else None,
        rows=tuple(rows),
    )
