"""``planner compare``: tables, documents, exit codes, and the question kept in a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.cli.documents_compare import Compare

Run = Callable[..., Any]
HERE = ("compare", "h100-sxm", "h200-sxm", "--model", "llama-3.1-8b", "--gpus", "64", "--tokens", "1T")


def test_people_see_figures_ratios_and_what_explains_them(run: Run) -> None:
    shown = run(*HERE)
    assert shown.exit_code == 0
    for words in (
        "is better than",
        "Ratios to h100-sxm",
        "what multiplies it",
        "utilisation",
        "all of it",
        "common samples",
    ):
        assert words in shown.stdout, words
    assert "drawn alike" in shown.stderr


def test_programs_get_the_document_and_rows(run: Run) -> None:
    document = json.loads(run(*HERE, "--json").stdout)
    assert document["schema"] == "planner.compare/1"
    Compare.model_validate(document)
    assert json.loads(run("schema", "compare").stdout)["title"] == "Compare"
    assert document["inputs"]["base"] == {"model": "llama-3.1-8b", "gpus": "64", "tokens": "1T"}
    assert document["sources"]
    rows = list(csv.DictReader(io.StringIO(run(*HERE, "--csv").stdout)))
    days = [row for row in rows if row["figure"] == "time with failures"]
    assert [row["side"] for row in days] == ["h100-sxm", "h200-sxm"]
    assert float(days[1]["ratio"]) == pytest.approx(float(days[1]["value"]) / float(days[0]["value"]))


def test_a_side_without_a_plan_is_exit_code_4_with_the_others_shown(run: Run) -> None:
    shown = run("compare", "gpus=8", "gpus=64", "--model", "llama-3.1-405b", "--gpu", "h100-sxm")
    assert shown.exit_code == 4
    assert "gpus=8: No plan" in shown.stdout
    assert "feasible with" in shown.stdout
    assert "time with failures" in shown.stdout


def test_a_question_that_was_saved_gives_the_same_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = run(*HERE, "--with", "seq-len=4096", "--csv", "--save", "mine.yaml")
    assert first.exit_code == 0, first.stderr
    assert run("run", "mine.yaml", "--csv").stdout == first.stdout
    other = run("run", "mine.yaml", "--with", "gpus=32", "--csv")
    assert other.exit_code == 0
    assert other.stdout != first.stdout


def test_a_scenario_is_drawn_as_its_command_draws_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = run(*HERE, "--save", "mine.yaml", "-o", "first.svg", "--size", "7x5")
    assert first.exit_code == 0, first.stderr
    again = run("run", "mine.yaml", "-o", "again.svg", "--size", "7x5")
    assert again.exit_code == 0, again.stderr
    assert Path("again.svg").read_bytes() == Path("first.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "shared-h100"), "planner mix has no picture"),
        (("compare", "gb200:72", "gb200:144"), "answers of planner cluster show has no picture"),
    ],
)
def test_a_picture_of_what_has_none_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    shown = run(*arguments, "-o", str(tmp_path / "a.png"))
    assert shown.exit_code == 2
    assert words in shown.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("compare",), 2, "SIDE"),
        (("compare", "h100-sxm"), 2, "two sides or more"),
        (("compare", "h100-sxmm", "gb200"), 3, "did you mean 'h100-sxm'"),
        (("compare", "million-h100", "llama-3.1-8b"), 2, "different kinds"),
        (("compare", "tp8", "tp4", "--of", "no-such-scenario"), 3, "unknown scenario"),
        (("compare", "h100-sxm", "gb200", "--model", "llama-3.1-8b", "--gpus", "-4"), 3, "--gpus"),
    ],
)
def test_bad_input_is_a_sentence(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    shown = run(*arguments)
    assert shown.exit_code == code
    assert words in shown.stderr
