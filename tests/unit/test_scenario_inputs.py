"""What a question takes from a scenario, and the table of the questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.cli.tree import COMMANDS
from planner.errors import UsageError
from planner.plan.scenario import questions
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.scenario.questions import QUESTIONS, Question, question_named, question_of
from planner.plan.scenario.read import changes
from planner.plan.scenario.run import run


def anything(
    model: object,
    *names: str,
    days: int | str | None = None,
    sure: bool = False,
    lengths: Iterable[float] = (),
    settings: Mapping[str, Any] | None = None,
    unknown: NotThere = None,  # type: ignore[name-defined]  # noqa: F821
    catalog: Any = None,
    set: Iterable[str] = (),
) -> tuple[object, ...]:
    """Stand in for a question."""
    return model, names, days, sure, lengths, settings, unknown


TABLE = Path(str(questions.__file__)).read_text(encoding="utf-8")
TOY = Question(command="toy", home=f"{__name__}:anything", shown=("explain",), spelled={"gpu": "names"})


def test_what_a_question_takes_is_read_from_its_function() -> None:
    found = parameters_of(TOY)
    assert list(found) == ["model", "names", "days", "sure", "lengths", "settings", "unknown", "explain"]
    assert {name for name, one in found.items() if one.required} == {"model", "names"}
    assert found["days"].takes == {"number", "text"}
    assert (found["sure"].takes, found["explain"].takes) == ({"flag"}, {"flag"})
    assert (found["names"].takes, found["lengths"].takes) == ({"list"}, {"list"})
    assert found["settings"].takes == {"fields"}
    assert found["unknown"].takes == found["model"].takes == {"text", "number", "flag", "list", "fields"}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("days", True, "expected a number, with its unit where it has one, found true"),
        ("days", [1], "expected a number, with its unit where it has one, found a list"),
        ("sure", "yes", "expected true or false, found 'yes'"),
        ("lengths", 5, "expected a list ([a, b] or lines with '- '), found 5"),
        ("settings", "a", "expected fields (name: value, indented below), found 'a'"),
        ("dais", 1, "unknown input; did you mean 'days'?"),
        ("Days", 1, "unknown input; did you mean 'days'?"),
        ("gpu", "h100", "unknown input; it is called 'names' here"),
        ("set", [], "unknown input; 'set' stands beside inputs, not in them"),
    ],
)
def test_a_name_or_type_that_is_wrong_gets_a_sentence(name: str, value: object, sentence: str) -> None:
    assert mistakes_of(TOY, {"model": "m", "names": ["a"], name: value}) == {name: sentence}


def test_what_must_be_given_and_is_not_is_said() -> None:
    assert set(mistakes_of(TOY, {"names": None})) == {"model", "names"}
    assert mistakes_of(TOY, {"model": {"any": 1}, "names": ["a"], "days": None, "unknown": 3}) == {}


def test_changes_are_scalars_lists_or_left_open() -> None:
    assert changes(["days=90", "seq-len=8k", "top=", "names=[a, b]", "price=$2/h", "sure=true"]) == {
        "days": 90, "seq_len": "8k", "top": None, "names": ["a", "b"], "price": "$2/h", "sure": True,
    }  # fmt: skip
    for wrong in (["days"], ["=5"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--with"):
            changes(wrong)


def test_every_command_that_asks_a_question_of_the_library_is_in_the_table() -> None:
    groups = {"validate", "calibrate", "catalog", "model", "traffic"}
    alone = {"run", "export", "report", "curve", "sweep", "sensitivity", "schema", "cluster list"}
    single = {name for name, entry in COMMANDS.items() if isinstance(entry, str)}
    below = {f"cluster {name}" for name in COMMANDS["cluster"][1]}
    assert set(COMMANDS) - single == {*groups, "cluster"}
    assert set(QUESTIONS) == (single | below) - alone, "add it to planner/plan/scenario/questions.py"
    assert len(set(re.findall(r'command="([^"]+)"', TABLE))) == TABLE.count("command="), "it is there twice"


def test_every_question_is_a_command_and_a_function_of_the_library() -> None:
    for command, question in QUESTIONS.items():
        assert question.command == command
        assert question_of(f"planner.cli.commands.{question.module}") is question
        assert {"catalog", "set"} <= set(question.function.__annotations__)
        assert not set(question.files) - set(parameters_of(question))
        assert set(question.spelled.values()) <= set(parameters_of(question))
    assert question_named("planner  train") == (QUESTIONS["train"], "")
    assert question_of("planner.cli.commands.catalog_list") is None
    assert run.__module__ == planner._HOMES["run"]
