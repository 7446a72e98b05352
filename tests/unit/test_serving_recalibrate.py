"""The record of fitted constants, and a user's own factor: round trips, one row, rows that say nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import SERVING_CALIBRATION
from planner.catalog.lint import lint
from planner.catalog.load import Catalog
from planner.catalog.schema.serving_calibration import ServingCalibration
from planner.errors import InputError
from planner.evidence.pairs import Share
from planner.evidence.serving_calibrate import FIXED, prior_fit
from planner.evidence.serving_intervals import interval_names
from planner.evidence.serving_recalibrate import WITHIN_SWEEP, calibrate_serving
from planner.evidence.serving_record import fitted_serving_text
from planner.evidence.serving_validate import validate_serving
from planner.evidence.statistics import Quantiles
from planner.tables.engine import engine_constants

HEADER = (
    "id,family,engine,engine_version,model,accelerator,n_gpus,weight_precision,tp,isl,osl,client,"
    "concurrency_or_max_batch,tpot_ms,ttft_ms,output_tokens_per_s"
)
Write = Callable[[str, str], Path]


def rows(tpot: list[str], *, rate: str = "", client: str = "closed") -> str:
    lines = [
        f"r{i},mine,vLLM,0.11.0,llama-3-8b,h100-sxm,1,fp8,1,1000,500,{client},{2 ** (i % 6)},{t},,{rate}"
        for i, t in enumerate(tpot)
    ]
    return "\n".join([HEADER, *lines, ""])


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Milliseconds per token that the shipped constants predict for six rows."""
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    path.write_text(rows(["1"] * 6))
    return [row.predicted or math.nan for row in validate_serving(path).rows]


def overlay(found: Any, folder: Path) -> Catalog:
    found.save(folder)
    return Catalog(overlays=(folder,))


def read(found: Any, folder: Path) -> ServingCalibration:
    record = overlay(found, folder).get(SERVING_CALIBRATION, "serving")
    assert isinstance(record, ServingCalibration)
    return record


def test_a_fit_survives_being_written_and_read(tmp_path: Path) -> None:
    fit = prior_fit()
    whole = replace(fit, factors={("vllm", "layer"): 1.2345678})
    moved = replace(
        fit, shared={k: v * 0.9 for k, v in fit.shared.items()}, factors={("sglang", "wave"): 2.0}
    )
    text = fitted_serving_text(
        constants=whole.constants(),
        folds=[moved.constants()],
        quantiles={"tpot": Quantiles(0.8, 1.3, 99), "tpot closed moe": Quantiles(0.7, 1.4, 20)},
        shared={"tpot layout": Share(0.4, -0.1, 0.5, 9, 3)},
        date="2026-01-02",
        evidence="rows.csv",
        rows=99,
        families=["one", "two"],
    )
    path = tmp_path / SERVING_CALIBRATION.folder / "serving.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    catalog = Catalog(overlays=(tmp_path,))
    assert lint(catalog, folder=tmp_path) == []
    record = catalog.get(SERVING_CALIBRATION, "serving")
    for family, values in whole.constants().items():
        held = engine_constants(record, family)
        assert set(held) == set(values)
        for name, value in values.items():
            assert held[name] == pytest.approx(value, rel=6e-4), (family, name)
    assert record.engines["sglang"].wave.high == pytest.approx(
        2.0 * whole.constants()["sglang"]["wave"], 1e-3
    )
    assert record.constants.draft.low == pytest.approx(0.9 * fit.shared["draft"], rel=1e-3)
    for name in FIXED:
        section = record.client if hasattr(record.client, name) else record.constants
        assert getattr(section, name).low is None, name
    assert record.intervals["tpot closed moe"].high.value == 1.4
    assert record.shared["tpot layout"].correlation == 0.4
    assert (record.date, record.rows, record.families) == ("2026-01-02", 99, ("one", "two"))


def test_one_row_is_enough_and_is_met(write: Write, predicted: list[float], tmp_path: Path) -> None:
    path = write("mine.csv", rows([str(predicted[0] * 1.3)]))
    found = calibrate_serving(path, date="2026-01-02")
    assert found.summary["factor"] > 1.2
    catalog = overlay(found, tmp_path / "mine")
    (after,) = validate_serving(path, catalog=catalog).rows
    assert after.error_pct == pytest.approx(0.0, abs=0.1)
    assert "one factor from 1 figure of 1 row" in found.notes[0]
    again = calibrate_serving(path, catalog=catalog, date="2026-01-02")
    assert again.text == found.text


def test_the_interval_of_a_measured_class_is_that_within_a_sweep(
    write: Write, predicted: list[float], tmp_path: Path
) -> None:
    record = read(calibrate_serving(write("mine.csv", rows([str(predicted[0])]))), tmp_path / "mine")
    shipped = Catalog().get(SERVING_CALIBRATION, "serving").intervals
    half, of_median = WITHIN_SWEEP["tpot"]
    most = half * math.sqrt(1.0 + of_median)
    for metric in ("tpot", "throughput"):
        own = record.intervals[f"{metric} closed dense"]
        assert own.rows == 1
        width = math.log(own.high.value / own.low.value) / 2.0
        assert width <= most * 1.01
    assert "ttft closed dense" not in record.intervals or "ttft closed dense" in shipped
    for name, interval in shipped.items():
        if not name.endswith("closed dense"):
            assert record.intervals[name].low.value == interval.low.value


def test_the_factor_is_the_median_and_many_rows_give_their_own_interval(
    write: Write, predicted: list[float], tmp_path: Path
) -> None:
    factors = [0.5, 1.1, 1.2, 1.2, 1.2, 40.0]
    path = write("mine.csv", rows([str(p * f) for p, f in zip(predicted, factors, strict=True)]))
    assert calibrate_serving(path).summary["factor"] == pytest.approx(1.2, rel=0.03)
    spread = np.exp(np.linspace(-0.4, 0.4, 24))
    many = rows([str(predicted[i % 6] * s) for i, s in enumerate(spread)])
    record = read(calibrate_serving(write("many.csv", many)), tmp_path / "many")
    own = record.intervals["tpot closed dense"]
    assert own.rows == 24
    assert math.log(own.high.value / own.low.value) == pytest.approx(0.8 * 0.8, abs=0.1)


def test_a_rate_alone_slows_steps_too(write: Write, predicted: list[float]) -> None:
    path = write("mine.csv", rows([""], rate="100"))
    (before,) = validate_serving(path).rows
    measured = (before.predicted or math.nan) / 1.25
    found = calibrate_serving(write("slower.csv", rows([""], rate=str(measured))))
    assert found.summary["factor"] == pytest.approx(1.25, rel=0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rows(["8"]).replace("llama-3-8b", "no-such-model"), "architecture unknown"),
        (rows(["8"], client="burst"), "send everything at once"),
        (rows(["0.000001"]), "no factor on step times"),
        (rows(["1e9"]), "no factor on step times"),
        (HEADER + "\n", "no rows"),
    ],
)
def test_rows_that_give_no_factor(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        calibrate_serving(write("mine.csv", text))


def test_names_of_intervals_are_the_same_everywhere() -> None:
    assert interval_names("tpot_ms", "closed", moe=False) == interval_names("tpot", "closed", moe=False)
