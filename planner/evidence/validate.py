"""``planner validate training``: measurements against the code that answers questions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.paths import data_root
from planner.evidence.cases import Cases, build_cases
from planner.evidence.crossvalidate import class_of, cross_validate
from planner.evidence.memory_check import DEFAULT_SIGMA, MemoryCheck, check_memory
from planner.evidence.predict import chosen, constants_by_class, predict
from planner.evidence.runs import Run, read_runs
from planner.evidence.statistics import Errors, errors, errors_by
from planner.types import BoolArray, FloatArray
from planner.workload.models_csv import read_models

if TYPE_CHECKING:
    import pandas as pd

    from planner.catalog.schema.calibration import TrainingCalibration

__all__ = ["GROUPS", "RowResult", "ValidationResult", "evidence_path", "validate_training"]

DEFAULT_EVIDENCE = "workloads/evidence/training_runs.csv"
SCHEMA = "planner.validate-training/1"
POOLED = (0.86, 1.26)
"""Measured over predicted where the calibration has no intervals."""

SMALLEST_CELL = 5
CELL_LIMIT_PCT = 12.0


def _scale(run: Run) -> str:
    n = run.number["n_gpus"] or 1.0
    for limit in (8, 64, 512, 2048):
        if n <= limit:
            return f"up to {limit} accelerators"
    return "above 2048 accelerators"


GROUPS = {
    "family": lambda run: run.family,
    "source": lambda run: run.text["source"] or run.family,
    "accelerator": lambda run: run.text["accelerator"],
    "model x accelerator": lambda run: f"{run.text['model']} on {run.text['accelerator']}",
    "precision": lambda run: run.text["precision"],
    "scale": _scale,
}
"""How errors are broken down, beside the class of model and software."""


@dataclass(frozen=True)
class RowResult:
    """One row of evidence; the interval covers 80 % and is in the unit of the metric."""

    id: str
    metric: str
    measured: float | None
    predicted: float | None
    low: float | None
    high: float | None
    error_pct: float | None
    skipped: bool
    reason: str | None
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidationResult:
    """Errors of the training estimator on a file of measurements."""

    evidence: str
    calibration: str
    cross_validated: bool
    rows: tuple[RowResult, ...]
    summary: Mapping[str, float | int]
    groups: Mapping[str, Mapping[str, Errors]]
    memory: MemoryCheck
    assumptions: tuple[str, ...] = ()
    sources: tuple[str, ...] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as printed by ``--json``."""
        return {
            "schema": SCHEMA,
            "inputs": {
                "evidence": self.evidence,
                "calibration": self.calibration,
                "cross_validated": self.cross_validated,
            },
            "assumptions": list(self.assumptions),
            "result": {
                "summary": dict(self.summary),
                "groups": {
                    name: {k: vars(e) for k, e in table.items()} for name, table in self.groups.items()
                },
                "memory": self.memory.to_dict(),
                "rows": [vars(r) | {"filled": list(r.filled)} for r in self.rows],
            },
            "sources": list(self.sources),
        }

    def to_json(self) -> str:
        """JSON text without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas table."""
        import pandas as pd

        return pd.DataFrame([vars(r) for r in self.rows])


def evidence_path() -> Path:
    """Return the file of evidence that planner ships."""
    return Path(str(data_root())) / DEFAULT_EVIDENCE


def validate_training(
    csv: Path | None = None,
    *,
    models: Path | None = None,
    catalog: Catalog | None = None,
    calibration: str = "training",
    cross_validate_families: bool = False,
) -> ValidationResult:
    """Predict every row of a file of measurements and report the errors.

    Parameters
    ----------
    csv
        File with the columns of `planner.evidence.runs`; default the shipped evidence.
    models
        CSV of architectures that take precedence over the catalog.
    calibration
        Record of fitted constants.
    cross_validate_families
        Refit the constants for every family without its rows (needs SciPy); otherwise the calibration's
        constants are used, which have seen the shipped rows.

    Raises
    ------
    InputError
        All mistakes of a file at once.
    OutputError
        A file cannot be read.
    """
    catalog = catalog or Catalog()
    path = csv or evidence_path()
    runs = read_runs(path)
    table = read_models(models) if models is not None else None
    architectures = {r.id: r.architecture for r in table.records} if table else None
    record = catalog.get(CALIBRATION, calibration)
    assumptions = [f"{name}: {why}" for _, name, why in table.skipped] if table else []
    cases = build_cases(runs, catalog, models=architectures)
    if cross_validate_families:
        from planner.evidence.calibrate import fit

        held = cross_validate(cases, fit(cases))
        one, predicted, low, high = held.cases, held.predicted_s, held.low_s, held.high_s
    else:
        one, predicted, low, high = _with_record(cases, record)
    rows = _rows(runs, cases, one, predicted, low, high)
    ratio = predicted / one.measured_s
    covered = (one.measured_s >= low) & (one.measured_s <= high)
    picked = [runs[i] for i in one.run]
    groups = {name: errors_by(ratio, [key(r) for r in picked]) for name, key in GROUPS.items()}
    groups["class"] = errors_by(ratio, class_of(one))
    memory = check_memory(
        runs,
        catalog,
        constants=constants_by_class(record),
        sigma=record.memory.sigma.value if record.memory else DEFAULT_SIGMA,
        models=architectures,
    )
    assumptions.append(
        "settings that a row leaves blank are filled by the policy of planner.evidence.fill; see `filled`"
    )
    return ValidationResult(
        evidence=path.name,
        calibration=record.id,
        cross_validated=cross_validate_families,
        rows=rows,
        summary=_summary(ratio, covered, groups["model x accelerator"]),
        groups=groups,
        memory=memory,
        assumptions=tuple(assumptions),
        sources=tuple(sorted({r.text["source"] for r in picked if r.text["source"]})),
    )


def _with_record(
    cases: Cases, record: TrainingCalibration
) -> tuple[Cases, FloatArray, FloatArray, FloatArray]:
    """One candidate per run, its prediction and interval under a calibration record."""
    if not len(cases.run):
        nothing = np.zeros(0)
        return cases, nothing, nothing, nothing
    prediction = predict(cases, constants_by_class(record))
    index = chosen(cases, prediction)
    one, predicted = cases.take(index), prediction.step.step_s[index]
    bounds = {name: (i.low.value, i.high.value) for name, i in record.intervals.items()}
    pooled = bounds.get("pooled", POOLED)
    pairs = [bounds.get(name, pooled) for name in class_of(one)]
    low, high = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    return one, predicted, predicted * low, predicted * high


def _rows(
    runs: list[Run], cases: Cases, one: Cases, predicted: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[RowResult, ...]:
    """Return a result per row of the file, in its order; none is left out."""
    place = {int(i): j for j, i in enumerate(one.run)}
    results = []
    for i, run in enumerate(runs):
        j = place.get(i)
        if j is None:
            why = cases.skipped.get(run.id, "no candidate could be built")
            results.append(
                RowResult(
                    run.id, "step_time_s", run.step_time_s, None, None, None, None, skipped=True, reason=why
                )
            )
            continue
        measured, value = float(one.measured_s[j]), float(predicted[j])
        results.append(
            RowResult(
                run.id,
                "step_time_s",
                measured,
                value,
                float(low[j]),
                float(high[j]),
                (value / measured - 1.0) * 100.0,
                skipped=False,
                reason=None,
                filled=tuple(cases.notes.get(run.id, ())),
            )
        )
    return tuple(results)


def _summary(ratio: FloatArray, covered: BoolArray, cells: dict[str, Errors]) -> dict[str, float | int]:
    total = errors(ratio)
    large = [e for e in cells.values() if e.rows >= SMALLEST_CELL]
    inside = sum(abs(e.bias_pct) <= CELL_LIMIT_PCT for e in large)
    return vars(total) | {
        "coverage_80": float(np.mean(covered)) if len(covered) else 0.0,
        "cells": len(large),
        "cells_within_12": inside,
    }
