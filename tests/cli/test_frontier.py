"""``planner frontier``: tables, documents, exit codes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
HERE = ("frontier", "--gpu", "h100", "--gpus", "64", "--days")


def test_people_see_the_model_its_run_and_other_sizes(run: Run) -> None:
    shown = run(*HERE, "30")
    assert shown.exit_code == 0
    for words in (
        "has the lowest expected loss",
        "planner train dense:",
        "binds",
        "by zhang-tokens",
        "days to the loss",
        "the only one with its covariance",
        "searches for",
    ):
        assert words in shown.stdout
    assert "times outside, an extrapolation" in shown.stderr


def test_programs_get_the_document_and_a_row_for_each_time(run: Run) -> None:
    document = json.loads(run(*HERE, "30,60", "--json").stdout)
    assert document["schema"] == "planner.frontier/1"
    assert document["inputs"]["days"] == [30.0, 60.0]
    points = document["result"]["points"]
    assert points[1]["loss"]["value"] < points[0]["loss"]["value"]
    assert document["sources"]
    rows = list(csv.DictReader(io.StringIO(run(*HERE, "30,60", "--csv").stdout)))
    assert [float(row["days"]) for row in rows] == [30.0, 60.0]
    assert float(rows[0]["loss_low"]) < float(rows[0]["loss"]) < float(rows[0]["loss_high"])


def test_nothing_feasible_is_exit_code_4_with_the_nearest_change(run: Run) -> None:
    shown = run("frontier", "--gpu", "a100", "--gpus", "64", "--precision", "fp8", "--json")
    assert shown.exit_code == 4
    document = json.loads(shown.stdout)
    assert document["result"]["points"] == []
    assert document["result"]["reasons"]
    people = run("frontier", "--gpu", "a100", "--gpus", "64", "--precision", "fp8")
    assert people.exit_code == 4
    assert "feasible with" in people.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("frontier",), 2, "say on what"),
        (("frontier", "nowhere"), 3, "planner catalog list cluster"),
        ((*HERE, "30", "--goal", "best"), 2, "one of loss, size, cost"),
        ((*HERE, "-1"), 3, "must be positive"),
        ((*HERE, "30", "--law", "chinchila"), 3, "Did you mean"),
    ],
)
def test_mistakes_are_sentences(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    shown = run(*arguments)
    assert (shown.exit_code, shown.stdout) == (code, "")
    assert words in shown.stderr


def test_the_schema_is_known(run: Run) -> None:
    schema = json.loads(run("schema", "frontier").stdout)
    assert "points" in json.dumps(schema)
