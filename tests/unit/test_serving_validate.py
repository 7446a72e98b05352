"""Validation of serving measurements: a result per figure, scores by group, what is apart, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.errors import InputError, OutputError, UnknownNameError
from planner.evidence.serving_validate import scores, validate_serving

HEADER = (
    "id,family,engine,engine_version,model,accelerator,n_gpus,weight_precision,tp,isl,osl,client,"
    "concurrency_or_max_batch,tpot_ms,ttft_ms,output_tokens_per_s,balanced"
)
ROWS = (
    "a,one,vLLM,0.11.0,llama-3-8b,h100-sxm,1,fp8,1,1000,500,closed,16,7,90,2000,1",
    "b,one,vLLM,0.11.0,llama-3-70b,h100-sxm,4,fp8,4,1000,500,closed,64,20,,,1",
    "c,two,SGLang,0.5.3,deepseek-v3,h200-sxm,8,fp8,8,1000,500,closed,64,30,,,1",
    "d,two,SGLang,0.5.3,no-such-model,h200-sxm,8,fp8,8,1000,500,closed,64,30,,,1",
    "e,two,SGLang,0.5.3,deepseek-v3,h200-sxm,8,fp8,8,1000,500,closed,16,22,,,0",
    "f,two,SGLang,0.5.3,deepseek-v3,h200-sxm,8,fp8,8,1000,500,offline,,,900,9000,1",
)
Write = Callable[[str, str], Path]


@pytest.fixture
def mine(write: Write) -> Path:
    return write("runs.csv", "\n".join([HEADER, *ROWS, ""]))


def test_every_figure_has_a_result_in_the_order_of_the_file(mine: Path) -> None:
    found = validate_serving(mine)
    assert [(row.id, row.metric) for row in found.rows] == [
        ("a", "tpot_ms"), ("a", "ttft_ms"), ("a", "throughput"), ("b", "tpot_ms"), ("c", "tpot_ms"),
        ("d", "tpot_ms"), ("e", "tpot_ms"), ("f", "ttft_ms"), ("f", "throughput"),
    ]  # fmt: skip
    by_id = {(row.id, row.metric): row for row in found.rows}
    assert "architecture unknown" in (by_id["d", "tpot_ms"].reason or "")
    assert "kind of client" in (by_id["f", "ttft_ms"].reason or "")
    assert by_id["e", "tpot_ms"].apart == ("unbalanced",)
    for row in found.rows:
        if row.skipped:
            assert (row.predicted, row.error_pct, row.low, row.high) == (None, None, None, None)
        else:
            assert row.measured is not None
            assert row.error_pct == pytest.approx(100 * ((row.predicted or 0.0) / row.measured - 1))
            assert row.labels is not None


def test_what_is_apart_is_not_in_the_scores(mine: Path) -> None:
    found = validate_serving(mine)
    assert {metric: score.rows for metric, score in found.summary.items()} == {
        "tpot_ms": 3,
        "ttft_ms": 1,
        "throughput": 2,
    }
    assert found.apart["tpot_ms"]["unbalanced"].rows == 1
    groups = found.groups["tpot_ms"]
    assert {key: score.rows for key, score in groups["architecture"].items()} == {"dense": 2, "moe": 1}
    assert {key: score.rows for key, score in groups["kind"].items()} == {"not given": 3}
    for label, keys in groups.items():
        assert sum(score.rows for score in keys.values()) == 3, label


def test_intervals_are_those_of_the_record(mine: Path, tmp_path: Path) -> None:
    shipped = Catalog().path_of(SERVING_CALIBRATION, "serving").read_text(encoding="utf-8")
    text = shipped.partition("intervals:")[0].partition("correction:")[0]
    text += "intervals:\n  tpot: {low: 0.5, high: 3, rows: 40}\n"
    text += "  tpot closed moe: {low: 0.8, high: 1.5, rows: 20}\n"
    path = tmp_path / SERVING_CALIBRATION.folder / "serving.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    found = validate_serving(mine, catalog=Catalog(overlays=(tmp_path,)))
    rows = {(row.id, row.metric): row for row in found.rows}
    moe, dense, none = rows["c", "tpot_ms"], rows["a", "tpot_ms"], rows["a", "throughput"]
    assert (moe.interval, dense.interval, none.interval) == ("tpot closed moe", "tpot", None)
    assert ((moe.low or 0) / (moe.predicted or 1), (moe.high or 0) / (moe.predicted or 1)) == pytest.approx(
        (0.8, 1.5)
    )
    assert none.low is None
    assert found.summary["tpot_ms"].coverage_80 is not None
    assert found.summary["throughput"].coverage_80 is None


def test_scores_by_hand() -> None:
    ratio = np.array([1.1, 0.7, 1.5, 1.0])
    one = scores(ratio, np.array([True, False, True, True]), np.array([2.0, 3.0, np.nan, 4.0]))
    assert (one.rows, one.within_20_pct) == (4, 50.0)
    assert one.median_abs_pct == pytest.approx(20.0)
    assert one.mean_abs_pct == pytest.approx((10 + 30 + 50 + 0) / 4)
    assert one.bias_pct == pytest.approx(5.0)
    assert one.coverage_80 == pytest.approx(2 / 3)
    assert one.width == 3.0


def test_json_frame_and_mistakes(mine: Path, write: Write, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    found = validate_serving(mine)
    data = json.loads(found.to_json())
    assert data["schema"] == "planner.validate-serving/1"
    assert len(data["result"]["rows"]) == len(found.rows) == len(found.to_frame())
    assert "engine" in found.to_frame().columns
    with pytest.raises(InputError, match="tpot_ms"):
        validate_serving(write("wrong.csv", "\n".join([HEADER, ROWS[0].replace(",7,", ",-7,"), ""])))
    with pytest.raises(OutputError):
        validate_serving(tmp_path / "no.csv")
    with pytest.raises(UnknownNameError, match="serving"):
        validate_serving(mine, calibration="servnig")
