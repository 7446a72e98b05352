"""``planner post-train``: formats, exit codes, files, and what people see."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.cli.documents_post_train import PostTrain

Run = Callable[..., Any]
SMALL = ["post-train", "llama-3-8b", "--gpu", "h100-sxm", "--gpus", "64"]


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


def test_json_obeys_its_schema(run: Run) -> None:
    result = run(*SMALL, "--steps", "100", "--json")
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    assert list(read) == ["schema", "inputs", "assumptions", "result", "sources"]
    assert read["schema"] == "planner.post-train/1"
    PostTrain.model_validate(read)
    assert all(math.isfinite(number) for number in numbers(read))
    assert {"planner-assumption", "arxiv-2510.13786"} <= set(read["sources"])
    assert "planner.post-train/1" in run("schema", "post-train").stdout


def test_people_see_the_run_the_split_and_the_assumptions(run: Run) -> None:
    shown = run(*SMALL, "--steps", "100").stdout
    words = (
        "100 steps",
        "generation",
        "training",
        "in flight",
        "environments",
        "binds",
        "otherwise",
        "assumed",
    )
    assert all(word in shown for word in words)
    assert "of the FLOPs and" in shown


def test_csv_is_one_flat_row(run: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(run(*SMALL, "--steps", "100", "--csv").stdout))
    assert row["steps"] == "100.0"
    assert float(row["days_low"]) <= float(row["days"]) <= float(row["days_high"])
    assert int(row["generation_gpus"]) + int(row["training_gpus"]) == int(row["gpus_used"])


def test_a_recipe_brings_model_and_hardware(run: Run) -> None:
    result = run("post-train", "--recipe", "scalerl-8b", "--steps", "10", "--json")
    inputs = json.loads(result.stdout)["inputs"]
    assert (inputs["model"], inputs["gpu"], inputs["gpus"]) == ("llama-3-8b", "gb200", 80)
    assert inputs["staleness"] == 8


def test_published_figures_stand_beside_those_of_the_same_run_only(run: Run) -> None:
    same = json.loads(run("post-train", "--recipe", "scalerl-8b", "--json").stdout)
    other = json.loads(run("post-train", "--recipe", "scalerl-8b", "--gpus", "96", "--json").stdout)
    assert same["result"]["plan"]["published"][0]["difference"] is not None
    assert other["result"]["plan"]["published"][0]["difference"] is None


def test_one_value_of_a_recipe_by_set(run: Run) -> None:
    result = run(*SMALL, "--steps", "10", "--set", "post-training.usual.generation.discarded=0 %", "--json")
    read = json.loads(result.stdout)
    assert result.exit_code == 0, result.stderr
    assert read["result"]["plan"]["rollouts"]["started"] == pytest.approx(2048 * (1 / 0.99 + 0.03))
    assert read["inputs"]["overrides"] == ["post-training.usual.generation.discarded=0 %"]


def test_infeasible_is_exit_4_with_an_answer(run: Run) -> None:
    result = run(*SMALL, "--days", "0.0001", "--json")
    assert result.exit_code == 4
    read = json.loads(result.stdout)
    assert read["result"]["plan"] is None
    assert "one step takes" in read["result"]["reasons"][0]
    assert read["result"]["nearest"][0]["field"] == "days"
    shown = run(*SMALL, "--days", "0.0001")
    assert shown.exit_code == 4
    assert "feasible with" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "mend"),
    [
        ((*SMALL,), 2, "give one of --steps, --tokens, --days, --gpu-hours"),
        ((*SMALL, "--steps", "1", "--days", "1"), 2, "give one of them"),
        (("post-train", "--steps", "1"), 2, "name one, as in planner post-train kimi-k2.5"),
        ((*SMALL, "--steps", "-5"), 3, "choose one in between"),
        ((*SMALL, "--tokens", "-5"), 3, "must be positive"),
        ((*SMALL, "--steps", "5", "--recipe", "composer"), 0, ""),
        ((*SMALL, "--steps", "5", "--recipe", "composr"), 3, "composer"),
        ((*SMALL, "--steps", "5", "--mean-tokens", "200k", "--max-tokens", "300k"), 3, "do not fit into"),
    ],
)
def test_mistakes_have_their_mend(run: Run, arguments: tuple[str, ...], code: int, mend: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert mend in result.stderr


def test_a_saved_question_is_answered_alike(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rl.yaml"
    first = run(*SMALL, "--steps", "10", "--group", "8", "--save", str(file), "--json")
    again = run("run", str(file), "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["result"]["plan"] == json.loads(first.stdout)["result"]["plan"]
