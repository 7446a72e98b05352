"""``planner distill``: for people and programs, exit codes, and what it says on the way."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from planner.cli.documents_distill import Distill

Run = Callable[..., Any]
HERE = ("--gpu", "h100-sxm", "--gpus", "64")
ASKED = ("distill", "qwen3-0.6b", "--teacher", "qwen3-8b", "--tokens", "20B", "--mode", "offline", *HERE)


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


def test_people_see_the_verdict_the_split_and_the_bill(run: Run) -> None:
    result = run(*ASKED)
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert text.startswith("On 20B tokens distilling qwen3-0.6b beats training it without a teacher: ")
    for part in (
        "no teacher",
        "student trains",
        "teacher reads",
        "By the law busbridge",
        "256 logits",
        "binds",
    ):
        assert part in text
    assert "assumed" in text
    assert "was fitted on 143M to 12.6B parameters" not in result.stderr, "nothing is outside but the tokens"
    assert "was fitted on 2B to 512B tokens" in result.stderr


def test_json_obeys_its_schema(run: Run) -> None:
    result = run(*ASKED, "--json")
    assert result.exit_code == 0
    read = json.loads(result.stdout)
    assert list(read) == ["schema", "inputs", "assumptions", "result", "sources"]
    assert read["schema"] == "planner.distill/1"
    Distill.model_validate(read)
    assert all(math.isfinite(number) for number in numbers(read))
    assert "arxiv-2502.08606" in read["sources"]
    assert "planner.distill/1" in run("schema", "distill").stdout


def test_csv_has_a_row_for_each_way(run: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(run(*ASKED, "--csv").stdout))
    assert row["mode"] == "offline"
    assert float(row["cost_usd_low"]) <= float(row["cost_usd"]) <= float(row["cost_usd_high"])
    assert int(row["gpus_student_trains"]) + int(row["gpus_teacher_reads"]) == int(row["gpus_used"])


def test_too_late_is_no_plan(run: Run) -> None:
    result = run(*ASKED, "--days", "0.01")
    assert result.exit_code == 4
    text = " ".join(result.stdout.split())
    assert "Not in time: offline takes" in text
    assert "in time with" in text
    answer = json.loads(run(*ASKED, "--days", "0.01", "--json").stdout)["result"]
    assert answer["reasons"]
    assert {near["field"] for near in answer["nearest"]} >= {"tokens", "days"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("distill", "qwen3-32b", "--teacher", "qwen3-8b", *HERE), 3, "swap them"),
        (("distill", "qwen3-0.6b", "--teacher", "qwen3-8b", "--tokens", "-5B", *HERE), 3, "must be positive"),
        (("distill", "qwen3-0.6b", *HERE), 2, "who teaches"),
        (("distill", "--recipe", "grok-distilation", *HERE), 3, "Did you mean 'grok-distillation'"),
    ],
)
def test_mistakes_have_their_mend(run: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert message in result.stderr


def test_a_set_value_moves_the_bill(run: Run) -> None:
    asked = ("distill", "--recipe", "grok", *HERE, "--csv")
    rows = [
        next(csv.DictReader(io.StringIO(run(*before, *asked).stdout)))
        for before in ((), ("--set", "api-price.openai-gpt-4o.output=*2"))
    ]
    first, second = (float(row["bought_usd"]) for row in rows)
    assert first < second < 2 * first


def test_the_records_are_listed(run: Run) -> None:
    assert "grok-partly-distilled" in run("catalog", "list", "distillation").stdout
    assert "60 USD/Mtoken" in run("catalog", "list", "api-price").stdout
