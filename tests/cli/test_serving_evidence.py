"""``planner validate serving`` and ``planner calibrate serving`` on a user's own file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
HEADER = (
    "id,family,engine,engine_version,model,accelerator,n_gpus,weight_precision,tp,isl,osl,client,"
    "concurrency_or_max_batch,tpot_ms,ttft_ms,output_tokens_per_s"
)
ROWS = [
    "a,mine,vLLM,0.11.0,llama-3-8b,h100-sxm,1,fp8,1,1000,500,closed,16,7.5,90,2000",
    "b,mine,vLLM,0.11.0,llama-3-70b,h100-sxm,4,fp8,4,1000,500,closed,64,22,,",
    "c,mine,vLLM,0.11.0,no-such-model,h100-sxm,1,fp8,1,1000,500,closed,16,7.5,,",
    "d,mine,vLLM,0.11.0,llama-3-8b,h100-sxm,1,fp8,1,1000,500,burst,64,9,,",
]
TEXT = "\n".join([HEADER, *ROWS, ""])


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "runs.csv").write_text(TEXT)
    return str(tmp_path / "runs.csv")


def test_validation_as_json(run: Run, mine: str) -> None:
    from planner.cli.documents_serving import ValidateServing

    result = run("validate", "serving", mine, "--json")
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    ValidateServing.model_validate(read)
    rows = {(row["id"], row["metric"]): row for row in read["result"]["rows"]}
    assert len(rows) == 6
    assert rows["a", "tpot_ms"]["measured"] == 7.5
    assert "architecture unknown" in rows["c", "tpot_ms"]["reason"]
    assert rows["d", "tpot_ms"]["apart"] == ["burst"]
    assert read["result"]["summary"]["tpot_ms"]["rows"] == 2
    assert read["result"]["apart"]["tpot_ms"]["burst"]["rows"] == 1


def test_validation_for_people_and_from_stdin(run: Run) -> None:
    result = run("validate", "serving", "-", stdin=TEXT)
    assert result.exit_code == 0, result.stderr
    for words in (
        "time per output token",
        "time to first token",
        "throughput",
        "median error",
        "within 20 %",
        "counted apart",
        "send everything at once",
        "skipped because",
        "by concurrency",
    ):
        assert words in result.stdout
    alone = run("validate", "serving", "-", "--by", "model", stdin=TEXT).stdout
    assert "llama-3-70b" in alone
    assert "by concurrency" not in alone


def test_validation_rows_as_csv(run: Run, mine: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("validate", "serving", mine, "--csv").stdout)))
    assert [(row["id"], row["metric"]) for row in rows][:3] == [
        ("a", "tpot_ms"),
        ("a", "ttft_ms"),
        ("a", "throughput"),
    ]
    assert float(rows[0]["error_pct"]) == pytest.approx(
        100 * (float(rows[0]["predicted"]) / float(rows[0]["measured"]) - 1)
    )


def test_a_correction_is_an_overlay_that_planning_uses(run: Run, mine: str, tmp_path: Path) -> None:
    from planner.cli.documents_serving import CalibrateServing

    overlay = tmp_path / "mine"
    result = run("calibrate", "serving", mine, "--save", str(overlay), "--json", "--date", "2026-01-02")
    assert result.exit_code == 0, result.stderr
    assert "Note: one factor from 3 figures of 2 rows" in result.stderr
    read = json.loads(result.stdout)
    CalibrateServing.model_validate(read)
    assert read["result"]["rows"] == 2
    file = overlay / "hardware/calibration/serving/serving.yaml"
    assert file.read_text() == read["result"]["yaml"]
    assert run("calibrate", "serving", mine, "--date", "2026-01-02").stdout == file.read_text()
    assert run("--catalog", str(overlay), "catalog", "lint").exit_code == 0
    asked = (
        "serve",
        "llama-3-8b",
        "--accelerator",
        "h100-sxm",
        "--gpus",
        "8",
        "--isl",
        "1000",
        "--osl",
        "500",
    )
    factor = round(read["result"]["summary"]["factor"], 4)
    planned = json.loads(run("--catalog", str(overlay), *asked, "--json").stdout)["result"]
    assert f"Step times are multiplied by {factor:g}," in " ".join(planned["notes"])
    assert planned["plan"]["interval_class"] == "throughput closed dense"


@pytest.mark.parametrize("command", ["validate", "calibrate"])
@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 3, "missing columns"),
        ("a,b\n1,2\n", 3, "missing columns"),
        (HEADER + "\n", 3, "no rows"),
        (TEXT.replace("7.5", "nan"), 3, "tpot_ms"),
        (TEXT.replace("7.5", "-3"), 3, "tpot_ms"),
        (TEXT.replace("closed", "opne"), 3, "client"),
        (TEXT.replace("\nb,", "\na,"), 3, "stands already"),
        (TEXT + "\0", 3, "NUL"),
    ],
)
def test_bad_measurements(run: Run, command: str, text: str, code: int, message: str) -> None:
    result = run(command, "serving", "-", stdin=text)
    assert result.exit_code == code, result.stdout
    assert message in result.stderr
    assert result.stdout == ""


def test_other_mistakes(run: Run, mine: str, tmp_path: Path) -> None:
    for arguments, code, message in (
        (["validate", "serving", "no/such.csv"], 5, "no/such.csv"),
        (["validate", "serving", str(tmp_path)], 5, "cannot read"),
        (["validate", "serving", mine, "--by", "engin"], 3, "did you mean 'engine'"),
        (["validate", "serving", mine, "--calibration", "servnig"], 3, "Did you mean 'serving'"),
        (["calibrate", "serving", mine, "--save", mine], 5, "cannot be made"),
        (["calibrate", "serving", mine, "--date", "tomorrow"], 3, "date"),
        (["calibrate", "servnig"], 2, "Did you mean 'serving'"),
    ):
        result = run(*arguments)
        assert result.exit_code == code, (arguments, result.stderr)
        assert message in result.stderr
