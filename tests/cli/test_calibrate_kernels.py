"""``planner calibrate kernels``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
HEADER = "accelerator,kernel,m,n,k,time_us\n"


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """Return a table of products at seven tenths of the peak."""
    sides = (2048, 4096, 8192)
    rows = [
        f"mi300x,bf16,{m},{n},{k},{2 * m * n * k / 0.7 / 1307.4e6:.6g}"
        for m in sides
        for n in sides
        for k in sides
    ]
    (tmp_path / "gemm.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return str(tmp_path / "gemm.csv")


def test_a_table_of_ones_own_as_json_and_as_an_overlay(run: Run, mine: str, tmp_path: Path) -> None:
    from planner.cli.documents_kernels import CalibrateKernels

    overlay = tmp_path / "mine"
    result = run(
        "calibrate", "kernels", "--gemm", mine, "--json", "--date", "2026-01-02", "--save", str(overlay)
    )
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    CalibrateKernels.model_validate(read)
    file = overlay / "hardware/calibration/kernels/mi300x.yaml"
    assert file.read_text() == read["result"]["records"]["mi300x"]
    assert "2026-01-02" in file.read_text()
    (rate,) = (r for r in read["result"]["rates"] if r["rate"] == "bf16")
    assert 0.65 < rate["value"] < 0.85
    assert rate["rows"] == 27
    shown = run("--catalog", str(overlay), "catalog", "show", "kernels", "mi300x", "--json")
    assert shown.exit_code == 0, shown.stderr
    assert str(round(rate["value"], 3)) in shown.stdout


def test_tables_for_people_and_for_programs(run: Run, mine: str) -> None:
    text = run("calibrate", "kernels", "--gemm", mine).stdout
    for words in ("fitted", "catalog", "change", "median error", "90 % below", "mi300x", "head_half"):
        assert words in text
    rows = list(csv.DictReader(io.StringIO(run("calibrate", "kernels", "--gemm", mine, "--csv").stdout)))
    assert [row["rate"] for row in rows][:2] == ["bf16", "fp8"]


def test_mistakes(run: Run, mine: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(HEADER + "mi300x,bf16,1,2,x,4\n")
    (tmp_path / "few.csv").write_text(HEADER + "mi300x,bf16,2048,2048,2048,40\n")
    for arguments, code, message in (
        (["--gemm", str(tmp_path / "bad.csv")], 3, "bad.csv:2: k: 'x' is not a number"),
        (["--gemm", str(tmp_path / "few.csv")], 3, "no kernel has 20 rows"),
        (["--gemm", "no/such.csv"], 5, "cannot read no/such.csv"),
        (["--attention", mine], 3, "missing columns"),
        (["--gemm", mine, "--date", "tomorrow"], 3, "--date 'tomorrow'"),
        (["--gemm", mine, "--save", mine], 5, "cannot be made"),
    ):
        result = run("calibrate", "kernels", *arguments)
        assert result.exit_code == code, (arguments, result.stderr)
        assert message in result.stderr
        assert result.stdout == ""
