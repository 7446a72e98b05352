"""Errors on the shipped evidence never get worse unnoticed: ``accuracy.json`` holds what they were.

Better errors pass; then, or where a change is worth its price, write the table anew with
``PYTHONPATH=. python tests/validation/test_accuracy.py`` and commit it with the change that moved it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence.runs import read_runs
from planner.evidence.statistics import errors
from planner.evidence.validate import ValidationResult, evidence_path, validate_training
from planner.workload.kinds import MODEL

TABLE = Path(__file__).with_name("accuracy.json")
POINTS = 0.3
"""Percentage points by which an error may grow, or a coverage shrink."""

BRIER = 0.003
WORSE_WHEN_LARGER = ("median_abs_pct", "p90_abs_pct", "abs_bias_pct")


def table(found: ValidationResult) -> dict[str, Any]:
    """Errors and coverage of each group of rows, and of memory."""
    catalog, runs = Catalog(), {run.id: run for run in read_runs(evidence_path())}
    mixtures = {
        name: catalog.get(MODEL, name).architecture.moe is not None
        for name in {runs[row.id].text["model"] for row in found.rows if not row.skipped}
    }
    groups: dict[str, list[Any]] = {"overall": [], "dense": [], "moe": [], "tpu": []}
    for row in found.rows:
        if not row.skipped:
            run = runs[row.id]
            groups["overall"].append(row)
            groups["moe" if mixtures[run.text["model"]] else "dense"].append(row)
            if run.text["accelerator"].startswith("tpu"):
                groups["tpu"].append(row)
    memory = found.memory
    return {
        "groups": {name: numbers(rows) for name, rows in groups.items()},
        "memory": {name: round(e.median_abs_pct, 2) for name, e in sorted(memory.by_view.items())},
        "fit": {
            "ran": memory.ran,
            "ran_below_tenth": len(memory.ran_below_tenth),
            "out_of_memory": memory.out_of_memory,
            "failed_above_nine_tenths": len(memory.failed_above_nine_tenths),
            "brier": round(memory.brier or 0.0, 4),
        },
    }


def numbers(rows: list[Any]) -> dict[str, float]:
    e = errors(np.array([row.predicted / row.measured for row in rows]))
    inside = [row.low <= row.measured <= row.high for row in rows]
    return {
        "rows": e.rows,
        "median_abs_pct": round(e.median_abs_pct, 2),
        "p90_abs_pct": round(e.p90_abs_pct, 2),
        "abs_bias_pct": round(abs(e.bias_pct), 2),
        "coverage_80_pct": round(100.0 * float(np.mean(inside)), 2),
    }


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return table(validate_training())


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return held


@pytest.mark.parametrize("group", ["overall", "dense", "moe", "tpu"])
def test_errors_are_no_worse(now: dict[str, Any], before: dict[str, Any], group: str) -> None:
    held, found = before["groups"][group], now["groups"][group]
    for name in WORSE_WHEN_LARGER:
        assert found[name] <= held[name] + POINTS, name
    assert found["coverage_80_pct"] >= held["coverage_80_pct"] - POINTS


@pytest.mark.parametrize("group", ["overall", "dense", "moe", "tpu"])
def test_no_row_is_lost(now: dict[str, Any], before: dict[str, Any], group: str) -> None:
    assert now["groups"][group]["rows"] >= before["groups"][group]["rows"]


def test_intervals_of_80_pct_hold_about_80_pct(now: dict[str, Any]) -> None:
    assert 75.0 <= now["groups"]["overall"]["coverage_80_pct"] <= 95.0


def test_memory_is_no_worse(now: dict[str, Any], before: dict[str, Any]) -> None:
    assert set(now["memory"]) == set(before["memory"])
    for view, held in before["memory"].items():
        assert now["memory"][view] <= held + POINTS, view


def test_fit_probabilities_still_tell_runs_apart(now: dict[str, Any], before: dict[str, Any]) -> None:
    held, found = before["fit"], now["fit"]
    assert found["ran"] >= held["ran"]
    assert found["out_of_memory"] >= held["out_of_memory"]
    assert found["ran_below_tenth"] <= held["ran_below_tenth"]
    assert found["failed_above_nine_tenths"] <= held["failed_above_nine_tenths"]
    assert found["brier"] <= held["brier"] + BRIER


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(validate_training()), indent=2) + "\n", encoding="utf-8")
