"""``planner train --kind``: what is printed, what JSON says, and every way it can be wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
SECONDS = re.compile(r"in \d+\.\d+ s")
LORA = ("train", "llama-3-8b", "--kind", "lora", "--gpu", "h100-sxm", "--gpus", "8", "--top", "0")


def test_the_answer_says_what_learns(run: Run) -> None:
    result = run(*LORA, "--rank", "8", "--targets", "q,v", "--tokens", "10M")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "llama-3-8b is fine-tuned (lora) on 8 of 8 h100-sxm for 30M tokens" in text
    assert "lora: 3.41M parameters learn: adapters of rank 8 on q v; data seen 3 times" in text
    assert "4,096 positions, 90% of them filled, = 118k tokens" in text


def test_json_has_the_kind_as_resolved(run: Run) -> None:
    result = run(*LORA, "--rank", "8", "--targets", "v,q", "--epochs", "2", "--packing", "80%", "--json")
    inputs = json.loads(result.stdout)["inputs"]
    wanted = {
        "kind": "lora", "rank": 8, "targets": ["q", "v"], "epochs": 2.0, "packing": 0.8,
        "learning_parameters": 32 * 8 * (8192 + 5120),
    }  # fmt: skip
    assert {name: inputs[name] for name in wanted} == wanted


def test_pre_training_is_the_default_and_says_so_in_json_only(run: Run) -> None:
    asked = ("train", "llama-3-8b", "--gpu", "h100-sxm", "--gpus", "8", "--tokens", "1B", "--top", "0")
    plain, named = run(*asked), run(*asked, "--kind", "pretrain")
    shown, again = (SECONDS.sub("", one.stdout) for one in (plain, named))
    assert shown == again
    assert "kind " not in plain.stdout
    inputs = json.loads(run(*asked, "--json").stdout)["inputs"]
    assert (inputs["kind"], inputs["epochs"], inputs["packing"], inputs["rank"]) == (
        "pretrain",
        1.0,
        1.0,
        None,
    )
    assert inputs["learning_parameters"] == inputs["parameters"]


def test_a_record_can_be_changed_for_one_run(run: Run) -> None:
    result = run("--set", "fine-tuning.lora.data.example=4000", *LORA, "--json")
    slow, fast = json.loads(result.stdout), json.loads(run(*LORA, "--json").stdout)
    times = [one["result"]["plan"]["time_breakdown_s"]["attention"] for one in (slow, fast)]
    assert times[0] > 2 * times[1]


def test_what_does_not_fit_says_what_would(run: Run) -> None:
    result = run("train", "llama-1-65b", "--kind", "sft", "--gpu", "l40s", "--gpus", "8", "--json")
    assert result.exit_code == 4
    answer = json.loads(result.stdout)["result"]
    assert answer["plan"] is None
    assert any(one["field"] == "gpus" for one in answer["nearest"])


def test_explain_traces_the_kind(run: Run) -> None:
    found = json.loads(run(*LORA, "--explain", "--json").stdout)
    names = {number["name"]: number for number in found["explanation"]["numbers"]}
    assert names["fine_tuning.weights.held"]["record"] == "fine-tuning/lora"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--kind", "sff"), 3, "Did you mean 'sft'"),
        (("--rank", "8"), 2, "--rank belongs to adapters"),
        (("--kind", "sft", "--targets", "q"), 2, "--targets belongs to adapters"),
        (("--kind", "lora", "--packing", "1.5"), 3, "--packing '1.5' must be between 0 and 1"),
        (("--kind", "lora", "--epochs", "0"), 3, "--epochs '0'"),
    ],
)
def test_mistakes_have_a_mend(run: Run, options: tuple[str, ...], code: int, said: str) -> None:
    result = run("train", "llama-3-8b", "--gpu", "h100-sxm", "--gpus", "8", *options)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_kinds_are_in_the_catalog_and_have_a_schema(run: Run) -> None:
    listed = run("catalog", "list", "fine-tuning")
    assert listed.exit_code == 0
    assert "qlora" in listed.stdout
    schema = json.loads(run("schema", "fine-tuning").stdout)
    assert "weights" in schema["properties"]
