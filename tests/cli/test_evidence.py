"""``planner validate training`` and ``planner calibrate training`` on a user's own file."""

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
    "id,family,software,model,accelerator,n_gpus,precision,seq_len,global_batch_seqs,micro_batch,tp,pp,dp,sharding,"
    "recompute,step_time_s,memory_gb_per_gpu"
)
ROWS = [
    "a,mine,megatron-bridge,llama-3-8b,h100-sxm,8,bf16,8192,128,1,1,1,8,zero1,none,10.5,70",
    "b,mine,megatron-bridge,llama-3-8b,h100-sxm,16,bf16,8192,128,1,2,1,8,zero1,none,5.6,",
    "c,mine,megatron-bridge,llama-3-8b,h100-sxm,8,bf16,8192,256,1,2,1,4,zero1,none,21,",
    "d,mine,megatron-bridge,llama-3-70b,h100-sxm,64,bf16,8192,128,1,4,4,4,zero1,none,22,",
    "e,mine,megatron-bridge,no-such-model,h100-sxm,8,bf16,8192,128,1,1,1,8,zero1,none,10.5,",
]
TEXT = "\n".join([HEADER, *ROWS, ""])


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "runs.csv").write_text(TEXT)
    return str(tmp_path / "runs.csv")


def test_validation_as_json(run: Run, mine: str) -> None:
    from planner.cli.documents import ValidateTraining

    result = run("validate", "training", mine, "--json")
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    ValidateTraining.model_validate(read)
    rows = {row["id"]: row for row in read["result"]["rows"]}
    assert list(rows) == list("abcde")
    assert rows["a"]["measured"] == 10.5
    assert rows["a"]["low"] < rows["a"]["predicted"] < rows["a"]["high"]
    assert rows["e"]["skipped"]
    assert "architecture unknown" in rows["e"]["reason"]
    assert read["result"]["summary"]["rows"] == 4


def test_validation_for_people_and_from_stdin(run: Run) -> None:
    result = run("validate", "training", "-", stdin=TEXT)
    assert result.exit_code == 0, result.stderr
    for words in (
        "median error",
        "coverage 80",
        "family",
        "accelerator",
        "precision",
        "skipped because",
        "Memory",
    ):
        assert words in result.stdout
    alone = run("validate", "training", "-", "--by", "precision", stdin=TEXT).stdout
    assert "bf16" in alone
    assert "family" not in alone


def test_validation_rows_as_csv(run: Run, mine: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("validate", "training", mine, "--csv").stdout)))
    assert [row["id"] for row in rows] == list("abcde")
    assert float(rows[0]["error_pct"]) == pytest.approx(
        100 * (float(rows[0]["predicted"]) / float(rows[0]["measured"]) - 1)
    )


def test_a_correction_is_an_overlay_that_planning_uses(run: Run, mine: str, tmp_path: Path) -> None:
    from planner.cli.documents import CalibrateTraining

    overlay = tmp_path / "mine"
    result = run("calibrate", "training", mine, "--save", str(overlay), "--json", "--date", "2026-01-02")
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    CalibrateTraining.model_validate(read)
    assert read["result"]["rows"] == 4
    file = overlay / "hardware/calibration/training/training.yaml"
    assert file.read_text() == read["result"]["yaml"]
    assert run("calibrate", "training", mine, "--date", "2026-01-02").stdout == file.read_text()
    corrected = run("--catalog", str(overlay), "validate", "training", mine, "--json")
    before = json.loads(run("validate", "training", mine, "--json").stdout)["result"]["rows"][0]["predicted"]
    after = json.loads(corrected.stdout)["result"]["rows"][0]["predicted"]
    assert after / before == pytest.approx(read["result"]["summary"]["factor"], rel=1e-3)


@pytest.mark.parametrize("command", ["validate", "calibrate"])
@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 3, "missing columns"),
        ("a,b\n1,2\n", 3, "missing columns"),
        (HEADER + "\n", 3, "no rows"),
        (TEXT.replace("10.5", "nan"), 3, "step_time_s"),
        (TEXT.replace("10.5", "1e999"), 3, "step_time_s"),
        (TEXT.replace("10.5", "-3"), 3, "step_time_s"),
        (TEXT.replace("zero1", "zero9"), 3, "sharding"),
        (TEXT.replace("\nb,", "\na,"), 3, "stands already"),
        (TEXT.replace("\nb,", '\n"b,'), 3, "stdin.csv"),
        (TEXT + "\0", 3, "NUL"),
        (TEXT[:-30], 3, "stdin.csv"),
    ],
)
def test_bad_measurements(run: Run, command: str, text: str, code: int, message: str) -> None:
    result = run(command, "training", "-", stdin=text)
    assert result.exit_code == code, result.stdout
    assert message in result.stderr
    assert result.stdout == ""


def test_other_mistakes(run: Run, mine: str, tmp_path: Path) -> None:
    for arguments, code, message in (
        (["validate", "training", "no/such.csv"], 5, "no/such.csv"),
        (["validate", "training", str(tmp_path)], 5, "cannot read"),
        (["validate", "training", mine, "--by", "prcision"], 3, "did you mean 'precision'"),
        (["validate", "training", mine, "--models", "no/such.csv"], 5, "no/such.csv"),
        (["validate", "training", mine, "--calibration", "trianing"], 3, "Did you mean 'training'"),
        (["calibrate", "training", mine, "--save", mine], 5, "cannot be made"),
        (["calibrate", "training", mine, "--date", "tomorrow"], 3, "date"),
        (["validate", "trianing"], 2, "Did you mean 'training'"),
    ):
        result = run(*arguments)
        assert result.exit_code == code, (arguments, result.stderr)
        assert message in result.stderr
