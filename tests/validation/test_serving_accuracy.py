"""Errors on the shipped serving evidence never get worse unnoticed: ``serving_accuracy.json`` holds them.

Better errors pass; then, or where a change is worth its price, write the table anew with
``PYTHONPATH=. python tests/validation/test_serving_accuracy.py`` and commit it with the change that moved it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence.serving_production import (
    ENGINES,
    MEASURED_DECODE,
    MEASURED_PREFILL,
    middle,
    production_day,
)
from planner.evidence.serving_recalibrate import WITHIN_SWEEP
from planner.evidence.serving_validate import Figures, figures, validate_serving, with_record

TABLE = Path(__file__).with_name("serving_accuracy.json")
POINTS = 0.5
"""Percentage points by which an error may grow, or a coverage shrink."""

WORSE_WHEN_LARGER = ("median_abs_pct", "mean_abs_pct", "p90_abs_pct", "abs_bias_pct")
METRICS = ("tpot_ms", "ttft_ms", "throughput")
GROUPS = {"all": ("all", "all"), "dense": ("architecture", "dense"), "moe": ("architecture", "moe")}


def table() -> dict[str, Any]:
    """Errors and coverage of each metric, over all rows and by kind of model, and of the production day."""
    found = validate_serving()
    rows = {}
    for metric in METRICS:
        for name, (label, key) in GROUPS.items():
            score = found.groups[metric][label][key]
            rows[f"{metric} {name}"] = {
                "rows": score.rows,
                "median_abs_pct": round(score.median_abs_pct, 2),
                "mean_abs_pct": round(score.mean_abs_pct, 2),
                "p90_abs_pct": round(score.p90_abs_pct, 2),
                "abs_bias_pct": round(abs(score.bias_pct), 2),
                "coverage_80_pct": round(100.0 * (score.coverage_80 or 0.0), 2),
            }
    day = middle(production_day(Catalog(), engine) for engine in ENGINES)
    return {
        "groups": rows,
        "skipped": sum(row.skipped for row in found.rows),
        "production_day": {
            "prefill_abs_pct": round(abs(day.prefill_tokens_per_s / MEASURED_PREFILL - 1.0) * 100.0, 2),
            "decode_abs_pct": round(abs(day.decode_tokens_per_s / MEASURED_DECODE - 1.0) * 100.0, 2),
        },
    }


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return table()


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return held


@pytest.fixture(scope="module")
def shipped() -> Figures:
    return figures(Catalog())


@pytest.mark.parametrize("group", [f"{metric} {name}" for metric in METRICS for name in GROUPS])
def test_errors_are_no_worse(now: dict[str, Any], before: dict[str, Any], group: str) -> None:
    held, found = before["groups"][group], now["groups"][group]
    for name in WORSE_WHEN_LARGER:
        assert found[name] <= held[name] + POINTS, name
    assert found["coverage_80_pct"] >= held["coverage_80_pct"] - POINTS
    assert found["rows"] >= held["rows"]


def test_no_figure_is_lost(now: dict[str, Any], before: dict[str, Any]) -> None:
    assert now["skipped"] <= before["skipped"]


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_of_80_pct_hold_about_80_pct(now: dict[str, Any], metric: str) -> None:
    assert 75.0 <= now["groups"][f"{metric} all"]["coverage_80_pct"] <= 95.0


def test_the_production_day_is_predicted_no_worse(now: dict[str, Any], before: dict[str, Any]) -> None:
    for name, held in before["production_day"].items():
        assert now["production_day"][name] <= held + 2.0, name


@pytest.mark.parametrize("metric", METRICS)
def test_the_spread_within_a_sweep_is_what_corrections_assume(shipped: Figures, metric: str) -> None:
    """One stack and layout at three loads or more: 80 % of the figures lie so near the sweep's median."""
    from planner.catalog.kinds import SERVING_CALIBRATION

    values, _ = with_record(shipped, Catalog().get(SERVING_CALIBRATION, "serving"))
    spread = shipped.log_ratio(values)
    sweeps: dict[tuple[object, ...], list[float]] = {}
    for target, one in zip(shipped.targets, spread, strict=True):
        run = target.run
        if target.metric == metric and np.isfinite(one) and not set(target.apart) - {"unbalanced"}:
            key = (run.source, run.engine_version, run.model, run.accelerator, run.weight_format, run.workers)
            load = (run.prefill, run.isl, run.osl, run.client, run.spec_method)
            sweeps.setdefault((*key, *load), []).append(float(one))
    apart = [abs(one - np.median(many)) for many in sweeps.values() if len(many) > 2 for one in many]
    assert len(apart) >= 50
    assert np.quantile(apart, 0.8) == pytest.approx(WITHIN_SWEEP[metric.removesuffix("_ms")][0], rel=0.35)


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=2) + "\n", encoding="utf-8")
