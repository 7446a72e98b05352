"""``planner capacity``: tables, documents, exit codes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
DOSSIER = """
id: one
name: One run
cite: {source: planner-assumption, at: tests, kind: given}
overhead: usual
recipes: [dense-1e26]
frontier: {law: besiroglu, shapes: [dense], horizons: [30 days]}
serving: {models: [kimi-k2.5], traffics: [chat]}
"""
SMALL = ("capacity", "hgx-h100-8:8", "--sections", "site")


def test_people_see_the_site_and_what_binds(run: Run) -> None:
    shown = run(*SMALL)
    assert shown.exit_code == 0
    for words in (
        "by dense bf16",
        "nameplate",
        "goodput by policy",
        "USD per GPU-hour",
        "What binds",
        "assumed",
    ):
        assert words in shown.stdout


def test_programs_get_the_document(run: Run) -> None:
    document = json.loads(run(*SMALL, "--workers", "1", "--json").stdout)
    assert document["schema"] == "planner.capacity/1"
    assert document["inputs"]["accelerators"] == 64
    assert document["result"]["site"]["accelerators"] == 64
    assert document["result"]["training"] == []
    assert document["sources"]


def test_an_override_that_a_worker_used_is_not_called_unused(run: Run) -> None:
    asked = ("--set", "site.usual.pue.mean=2", "--set", "model.kimi-k2.context=1000")
    shown = run(*SMALL, "--workers", "2", *asked)
    assert "site.usual.pue.mean=2" not in shown.stderr
    assert "--set model.kimi-k2.context=1000 changed nothing" in shown.stderr


def test_where_nothing_is_feasible_the_exit_code_is_4(run: Run, tmp_path: Path) -> None:
    (tmp_path / "workloads" / "dossiers").mkdir(parents=True)
    (tmp_path / "workloads" / "dossiers" / "one.yaml").write_text(DOSSIER)
    asked = ("--dossier", "one", "--sections", "training", "--catalog", str(tmp_path))
    shown = run("capacity", "l40s:8", *asked, "--csv")
    assert shown.exit_code == 4
    (row,) = csv.DictReader(io.StringIO(shown.stdout))
    assert row["name"] == "dense-1e26"
    assert "memory" in row["reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("capacity", "colosus-1m"), "colossus-1m"),
        ((*SMALL[:2], "--sections", "sites"), "did you mean 'site'"),
        ((*SMALL, "--workers", "some"), "--workers"),
    ],
)
def test_mistakes_are_sentences(run: Run, arguments: tuple[str, ...], words: str) -> None:
    shown = run(*arguments)
    assert (shown.exit_code, shown.stdout) == (3, "")
    assert words in shown.stderr
