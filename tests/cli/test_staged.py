"""``planner staged``: tables, documents, exit codes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
HERE = ("staged", "llama-3.1-405b", "--gpu", "h100", "--gpus", "16384")


def test_people_see_the_run_its_stages_and_what_was_assumed(run: Run) -> None:
    shown = run(*HERE)
    assert shown.exit_code == 0
    for words in (
        "with experiments and failed runs",
        "long context",
        "published",
        "planner-assumption",
        "binds",
    ):
        assert words in shown.stdout
    assert "Note: llama-3.1-405b: The 15.6T tokens" in shown.stderr


def test_programs_get_the_document_and_rows(run: Run) -> None:
    document = json.loads(run(*HERE, "--experiments", "50%", "--failed", "0", "--json").stdout)
    assert document["schema"] == "planner.staged/1"
    assert document["inputs"]["experiments"] == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert document["result"]["plan"]["all_in"]["factor"]["value"] == 1.5
    assert document["sources"]
    assert document["inputs"]["gpu"] == "h100-sxm"
    rows = list(csv.DictReader(io.StringIO(run(*HERE, "--csv").stdout)))
    assert [row["stage"] for row in rows] == ["first", "second", "main", "long context"]
    assert sum(float(row["share_of_days"]) for row in rows) == pytest.approx(1.0)


def test_a_stage_that_does_not_fit_is_exit_code_4_with_the_nearest_change(run: Run) -> None:
    shown = run("staged", "llama-3.1-405b", "--gpu", "h100", "--gpus", "8", "--json")
    assert shown.exit_code == 4
    document = json.loads(shown.stdout)
    assert document["result"]["plan"] is None
    assert {near["field"] for near in document["result"]["nearest"]} >= {"gpus"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("staged",), 2, "RECIPE"),
        (("staged", "nope", "--gpu", "h100", "--gpus", "8"), 3, "planner catalog list training-recipe"),
        (("staged", "llama-3.1-405b"), 2, "say on what"),
        ((*HERE, "--experiments", "-50%"), 3, "must be a share of the run"),
        ((*HERE, "--precision", "fp3"), 3, "--precision"),
    ],
)
def test_mistakes_are_sentences(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    shown = run(*arguments)
    assert (shown.exit_code, shown.stdout) == (code, "")
    assert words in shown.stderr


def test_recipes_are_listed(run: Run) -> None:
    listed = run("catalog", "list", "training-recipe").stdout
    assert "dense-1e28" in listed
    assert "deepseek-v3" in listed
