"""What pairs of predictions share of their error: found where it is known, and as records have it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import CALIBRATION, SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.evidence.pairs import KINDS, Rows, kind_of, pair_coverage, shared_errors
from planner.evidence.runs import read_runs
from planner.evidence.serving_pairs import rows_by_metric
from planner.evidence.serving_runs import read_serving_runs
from planner.evidence.serving_targets import serving_targets
from planner.evidence.validate import evidence_path

STORED = Path(__file__).resolve().parents[2] / "docs" / "data"
WIDTH = 0.2
Z80 = 1.2816


def made(correlation: float, *, families: int = 60, rows: int = 20) -> Rows:
    """Rows of one model and accelerator whose errors share that much inside a family."""
    rng = np.random.default_rng(7)
    shared = np.repeat(rng.standard_normal(families), rows)
    own = rng.standard_normal(families * rows)
    error = (np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own) * WIDTH / Z80
    count = families * rows
    return Rows(
        error=error,
        low=np.full(count, -WIDTH),
        high=np.full(count, WIDTH),
        families=[f"family {i // rows}" for i in range(count)],
        classes=["dense"] * count,
        models=["a model"] * count,
        accelerators=["a part"] * count,
    )


@pytest.fixture(scope="module")
def training_rows() -> Rows:
    """Errors of the stored cross-validation of training."""
    stored = json.loads((STORED / "crossvalidation.json").read_text(encoding="utf-8"))["rows"]
    runs = {run.id: run for run in read_runs(evidence_path())}
    mine = [runs[key] for key in stored]
    value, low, high = (np.array([row[at] for row in stored.values()]) for at in (1, 2, 3))
    measured = np.array([run.step_time_s for run in mine])
    return Rows(
        error=np.log(measured / value),
        low=np.log(low / value),
        high=np.log(high / value),
        families=[run.family for run in mine],
        classes=[row[0] for row in stored.values()],
        models=[run.text["model"] for run in mine],
        accelerators=[run.text["accelerator"] for run in mine],
    )


@pytest.fixture(scope="module")
def serving_rows() -> dict[str, Rows]:
    """Errors of the stored cross-validation of serving, by metric."""
    stored = json.loads((STORED / "crossvalidation_serving.json").read_text(encoding="utf-8"))["rows"]
    found = serving_targets(read_serving_runs(), Catalog()).targets
    mine = [one for one in found if one.scored and f"{one.run.id} {one.metric}" in stored]
    rows = [stored[f"{one.run.id} {one.metric}"] for one in mine]
    value, low, high = (np.array([row[at] for row in rows]) for at in (2, 3, 4))
    measured = np.array([one.measured for one in mine])
    return rows_by_metric(
        mine,
        np.log(measured / value),
        np.log(low / value),
        np.log(high / value),
        [row[0] for row in rows],
        np.ones(len(mine), dtype=bool),
    )


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_a_known_correlation_is_found(correlation: float) -> None:
    found = shared_errors(made(correlation))["layout"]
    assert found.value == pytest.approx(correlation, abs=0.1)
    assert found.low <= found.value <= found.high
    assert (found.families, found.pairs) == (60, 60 * 20 * 19 // 2)


def test_intervals_of_pairs_hold_four_in_five_where_independent_ones_hold_all() -> None:
    with_shared, independent = pair_coverage(made(0.8))["layout"]
    assert with_shared == pytest.approx(0.8, abs=0.03)
    assert independent > 0.98


def test_pairs_of_too_few_families_say_nothing() -> None:
    assert shared_errors(made(0.5, families=2)) == {}
    assert pair_coverage(made(0.5, families=2)) == {}


def test_every_pair_has_one_kind() -> None:
    flags = (False, True)
    found = {kind_of(classes=c, models=m, accelerators=a) for c in flags for m in flags for a in flags}
    assert found == set(KINDS)
    assert kind_of(classes=False, models=True, accelerators=True) == "class"


def test_the_record_of_training_is_that_of_the_stored_cross_validation(training_rows: Rows) -> None:
    record = Catalog().get(CALIBRATION, "training").shared
    found = shared_errors(training_rows)
    assert set(record) == set(found)
    for kind, one in found.items():
        assert record[kind].correlation == pytest.approx(one.value, abs=2e-3), kind
        assert (record[kind].pairs, record[kind].families) == (one.pairs, one.families)


def test_the_record_of_serving_is_that_of_the_stored_cross_validation(serving_rows: dict[str, Rows]) -> None:
    record = Catalog().get(SERVING_CALIBRATION, "serving").shared
    found = {
        f"{metric} {kind}": share
        for metric, rows in serving_rows.items()
        for kind, share in shared_errors(rows).items()
    }
    assert set(record) == set(found)
    for name, one in found.items():
        assert record[name].correlation == pytest.approx(one.value, abs=2e-3), name


def test_ratios_of_training_cover_on_families_that_were_left_out(training_rows: Rows) -> None:
    found = pair_coverage(training_rows)
    assert set(found) == set(KINDS)
    for kind, (covered, _) in found.items():
        assert 0.73 < covered < 0.87, kind
    for kind in ("layout", "accelerator", "model"):
        assert found[kind][1] > 0.9, f"independent errors would cover {kind} as well"


def test_ratios_of_serving_cover_on_families_that_were_left_out(serving_rows: dict[str, Rows]) -> None:
    for metric, rows in serving_rows.items():
        for kind, (covered, _) in pair_coverage(rows).items():
            assert 0.75 < covered < 0.88, (metric, kind)
