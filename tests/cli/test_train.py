"""``planner train``: options, formats, and every way a question can be wrong."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
NODE = [
    "train",
    "llama-3.1-8b",
    "--gpu",
    "h100-sxm",
    "--gpus",
    "8",
    "--tokens",
    "10B",
    "--global-batch",
    "64",
]
TINY = {
    "model_type": "llama",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "tie_word_embeddings": True,
}


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


@pytest.fixture(scope="module")
def planned() -> dict[str, Any]:
    """One plan on one node, as JSON."""
    from typer.testing import CliRunner

    from planner.cli.tree import app

    result = CliRunner().invoke(app, [*NODE, "--json", "--explain"])
    assert result.exit_code == 0, result.stderr
    read: dict[str, Any] = json.loads(result.stdout)
    return read


def test_json_is_what_the_house_promises(planned: dict[str, Any]) -> None:
    from planner.cli.documents_train import Train

    assert planned["schema"] == "planner.train/1"
    assert list(planned)[:5] == ["schema", "inputs", "assumptions", "result", "sources"]
    Train.model_validate(planned)
    plan = planned["result"]["plan"]
    assert set(plan["strategy"]) >= {
        "tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "global_batch_seqs", "sharding",
        "recompute", "precision",
    }  # fmt: skip
    for name in ("step_time_s", "tokens_per_s", "tokens_per_s_per_gpu", "days", "gpu_hours"):
        assert plan[name]["low"] <= plan[name]["value"] <= plan[name]["high"]
    assert all(math.isfinite(value) for value in numbers(planned))


def test_explained_numbers_lead_to_sources(planned: dict[str, Any]) -> None:
    explanation = planned["explanation"]
    assert explanation["terms"]
    cited = {number["source"] for number in explanation["numbers"]} - {"planner"}
    assert cited & set(planned["sources"])


def test_people_see_the_plan(run: Run) -> None:
    result = run(*NODE, "--explain")
    assert result.exit_code == 0
    assert result.stdout.startswith("llama-3-8b trains on ")
    for words in ("step time", "MFU", "GPU-hours", "binds", "assumed", "Where the numbers come from"):
        assert words in result.stdout
    assert "without failures" in result.stdout


def test_rows_for_programs(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*NODE, "--csv", "--top", "3").stdout)))
    assert rows[0]["why"] == "chosen"
    assert float(rows[0]["step_time_s_low"]) <= float(rows[0]["step_time_s"])
    lines = run(*NODE, "--jsonl", "--top", "3").stdout.splitlines()
    assert [json.loads(line)["tp"] for line in lines] == [int(row["tp"]) for row in rows]


def test_every_layout_field_can_be_pinned(run: Run) -> None:
    pins = ["--tp", "2", "--cp", "1", "--pp", "2", "--vpp", "1", "--dp", "2", "--micro-batch", "1"]
    pins += ["--sharding", "zero1", "--recompute", "full", "--sequence-parallel", "--no-zero-bubble"]
    strategy = json.loads(run(*NODE, *pins, "--json").stdout)["result"]["plan"]["strategy"]
    expected = {"tp": 2, "cp": 1, "pp": 2, "vpp": 1, "dp": 2, "micro_batch": 1, "sharding": "zero1"}
    expected |= {"recompute": "full", "sequence_parallel": True, "zero_bubble": False}
    assert {name: strategy[name] for name in expected} == expected


def test_the_third_of_gpus_tokens_and_days_is_solved_for(run: Run) -> None:
    base = ["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--global-batch", "256", "--json"]
    tokens = json.loads(run(*base, "--gpus", "64", "--days", "30").stdout)
    assert tokens["inputs"]["question"] == "tokens"
    assert tokens["result"]["tokens"]["value"] > 1e10
    gpus = json.loads(run(*base, "--tokens", "100B", "--days", "30 days").stdout)
    assert gpus["inputs"]["question"] == "gpus"
    assert gpus["result"]["gpus"]["value"] >= 1


@pytest.mark.parametrize("kind", ["config", "record", "stdin", "record on stdin"])
def test_a_model_of_ones_own(run: Run, tmp_path: Path, kind: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    record = run("model", "import", str(tmp_path / "config.json"), "--id", "my-1b").stdout
    (tmp_path / "my-1b.yaml").write_text(record)
    name, stdin = {
        "config": (str(tmp_path / "config.json"), None),
        "record": (str(tmp_path / "my-1b.yaml"), None),
        "stdin": ("-", json.dumps(TINY)),
        "record on stdin": ("-", record),
    }[kind]
    result = run("train", name, "--gpu", "h100-sxm", "--gpus", "8", "--tokens", "1B", "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["inputs"]["parameters"] == 1235814400


def test_overrides_and_overlays_are_in_the_inputs_and_in_the_answer(
    run: Run, planned: dict[str, Any], root: Path
) -> None:
    override = "accelerator.flops.bf16=*0.5"
    read = json.loads(run("--catalog", str(root), "-s", override, *NODE, "--json").stdout)
    assert read["inputs"]["overrides"] == [override]
    assert read["inputs"]["catalog"] == [str(root)]
    slower, usual = (doc["result"]["plan"]["step_time_s"]["value"] for doc in (read, planned))
    assert slower > 1.5 * usual


def test_unknown_software_falls_back_with_a_note(run: Run) -> None:
    result = run(*NODE, "--software", "megatron-brigde", "--json")
    assert result.exit_code == 0
    assert "Did you mean 'megatron-bridge'" in result.stderr


def test_what_cannot_be_is_an_answer_with_exit_code_4(run: Run) -> None:
    asked = ["train", "llama-3.1-405b", "--gpu", "rtx-4090", "--gpus", "1"]
    result = run(*asked, "--json")
    assert result.exit_code == 4
    read = json.loads(result.stdout)["result"]
    assert read["plan"] is None
    assert read["reasons"]
    assert isinstance(read["nearest"], list)
    people = run(*asked)
    assert people.exit_code == 4
    assert people.stdout.startswith("No plan")
    assert "feasible with" in people.stdout
    rows = run(*asked, "--csv")
    assert (rows.exit_code, rows.stdout) == (4, "")


WRONG = [
    (["train"], 2, "Missing argument"),
    (["train", "llama-3.1-8b"], 2, "say on what"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm"], 2, "--gpus"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--cluster", "llama3-16k"], 2, "exclude each other"),
    ([*NODE, "--days", "3"], 2, "leave out the one to solve for"),
    ([*NODE, "--goal", "fasted"], 2, "fastest"),
    ([*NODE, "--gpsu", "8"], 2, "No such option"),
    (["train", "llama-3.1-8", "--gpu", "h100-sxm", "--gpus", "8"], 3, "Did you mean"),
    (["train", "no/such/config.json", "--gpu", "h100-sxm", "--gpus", "8"], 5, "cannot be read"),
    (["train", "llama-3.1-8b", "--gpu", "h1000", "--gpus", "8"], 3, "Did you mean"),
    (["train", "llama-3.1-8b", "--cluster", "milion-h100"], 3, "Did you mean"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "0"], 3, "--gpus"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "-8"], 3, "--gpus"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "2.5"], 3, "whole number"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "1e12"], 3, "--gpus"),
    (["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "8 GB"], 3, "--gpus"),
    ([*NODE, "--tokens", "nan"], 3, "not a finite number"),
    ([*NODE, "--tokens", "inf"], 3, "not a finite number"),
    ([*NODE, "--tokens", "0"], 3, "must be positive"),
    ([*NODE, "--tokens", "9" * 500], 3, "--tokens"),
    ([*NODE, "--seq-len", "0"], 3, "--seq-len"),
    ([*NODE, "--global-batch", "-1"], 3, "--global-batch"),
    ([*NODE, "--precision", "fp7"], 3, "--precision"),
    ([*NODE, "--tp", "0"], 3, "--tp"),
    ([*NODE, "--tp", "many"], 3, "--tp"),
    ([*NODE, "--sharding", "zero4"], 3, "--sharding"),
    ([*NODE, "--recompute", "ful"], 3, "full"),
    ([*NODE, "--offload", "1.5"], 3, "--offload"),
    ([*NODE, "--top", "-1"], 3, "--top"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "message"), WRONG, ids=[" ".join(a)[-60:] for a, _, _ in WRONG]
)
def test_wrong_questions(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
