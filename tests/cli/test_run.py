"""``planner run`` and ``--save``: a question that was saved is answered as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.catalog.strict_yaml import read_yaml
from planner.plan.scenario.questions import QUESTIONS

Run = Callable[..., Any]
GPUS = ("--gpu", "h100-sxm", "--gpus", "64")
JOBS = """
jobs:
  - {name: run, kind: pretraining, model: llama-3.1-8b, tokens: 100B, deadline: 14, run_usd: $1M}
"""
TRAIN = ("train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "64", "--top", "0")


def answer(result: Any) -> dict[str, Any]:
    """Return the JSON of an answer without the time that it took."""
    assert result.exit_code in (0, 4), result.stderr
    document: dict[str, Any] = json.loads(result.stdout, object_hook=_without_time)
    return document


def _without_time(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if "seconds" not in name}


def test_every_question_is_saved_below() -> None:
    marks = test_a_saved_question_gets_the_same_answer.pytestmark  # type: ignore[attr-defined]
    asked = {" ".join(words) for words in marks[0].args[1]}
    assert [name for name in QUESTIONS if not any(line.startswith(f"{name} ") for line in asked)] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--days", "30", "--seq-len", "4k", "--global-batch", "4M tokens", "--explain"),
        (*TRAIN, "--no-sequence-parallel", "--price", "$2.35/h", "--set", "accelerator.flops.bf16=*0.5"),
        (*TRAIN, "--tokens", "100", "--power-cap", "1kW"),
        ("serve", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "8", "--ttft", "none", "--top", "0"),
        ("cluster", "show", "gb200:72"),
        ("cluster", "compare", "hgx-h100-node", "gb200-nvl72:2", "--site", "us-texas"),
        ("cluster", "size", "--system", "gb200-nvl72", "--h100e", "1M", "--rule", "8bit"),
        (
            "distill",
            "llama-3.2-1b",
            "--teacher",
            "llama-3.1-8b",
            "--tokens",
            "100B",
            *GPUS,
            "--mode",
            "offline",
        ),
        ("post-train", "--recipe", "scalerl-8b", "--days", "2"),
        ("frontier", *GPUS, "--days", "7,30"),
        ("staged", "llama-3.1-405b", "--cluster", "colossus-1m", "--experiments", "150%"),
        ("mix", "h100-sxm:64", "--jobs", "jobs.yaml", "--periods", "2", "--whole"),
        ("budget", "--gpus", "8", "--days", "7"),
        ("capacity", "gb200:72", "--sections", "site"),
        ("compare", "gpus=16", "gpus=32", "--gpu", "h100-sxm", "--model", "llama-3.1-8b", "--tokens", "1T"),
    ],
    ids=" ".join,
)
def test_a_saved_question_gets_the_same_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs.yaml").write_text(JOBS, encoding="utf-8")
    file = tmp_path / "Asked Once.yaml"
    asked = run(*arguments, "--json", "--save", str(file))
    assert asked.stderr.count(f"Wrote {file}") == 1
    again = run("run", str(file), "--json")
    assert answer(again) == answer(asked)
    assert again.exit_code == asked.exit_code
    assert read_yaml(file).data["id"] == "asked-once"


def test_what_was_filled_in_is_not_saved(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    run(*TRAIN, "--save", str(file))
    assert read_yaml(file).data == {
        "id": "s",
        "name": "planner train llama-3.1-8b",
        "command": "train",
        "inputs": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 64, "top": 0},
    }


def test_a_file_is_not_replaced_in_silence(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    assert "Note:" not in run("cluster", "show", "hgx-h100-node", "--save", str(file)).stderr
    result = run("cluster", "show", "gb200:72", "--save", str(file))
    assert f"Note: {file} held something else, which is replaced" in result.stderr
    assert read_yaml(file).data["inputs"] == {"name": "gb200:72"}


def test_what_cannot_be_saved_is_refused_before_it_is_answered(run: Run, tmp_path: Path) -> None:
    result = run(*TRAIN, "--save", "-")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "name a file for the scenario" in result.stderr
    result = run("train", "-", "--gpu", "h100-sxm", "--save", str(tmp_path / "s.yaml"), stdin="{}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the model comes from standard input" in result.stderr
    result = run("cluster", "show", "gb200:72", "--save", str(tmp_path / "no" / "s.yaml"))
    assert result.exit_code == 5
    assert list(tmp_path.iterdir()) == []
    assert run("cluster", "show", "nowhere", "--save", str(tmp_path / "s.yaml")).exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_is_changed_from_the_command_line_and_saved(run: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    run("cluster", "size", "--gpu", "gb200-nvl72", "--gpus", "720", "--save", str(first))
    first.write_text(first.read_text(encoding="utf-8") + "note: mine\n", encoding="utf-8")
    changed = run("run", str(first), "--with", "gpus=1440", "-w", "site=us-texas", "--save", str(second))
    assert changed.stdout == run("cluster", "size", "--gpu", "gb200-nvl72", "--gpus", "1440", "--site",
                                 "us-texas").stdout  # fmt: skip
    kept = read_yaml(second).data
    assert (kept["name"], kept["note"]) == ("planner cluster size gb200-nvl72", "mine")
    assert kept["inputs"] == {"accelerator": "gb200-nvl72", "gpus": 1440, "site": "us-texas"}
    assert run("run", str(second)).stdout == changed.stdout


def test_paths_of_overlays_and_models_follow_the_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "workloads" / "scenarios").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 512,
              "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": 32000,
              "intermediate_size": 2048, "max_position_embeddings": 4096}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ("train", "config.json", "--gpu", "h100-sxm", "--gpus", "8", "--tokens", "1B", "--catalog",
                 "mine", "--json")  # fmt: skip
    asked = run(*arguments, "--save", "kept/s.yaml")
    data = read_yaml(Path("kept/s.yaml")).data
    assert (data["inputs"]["model"], data["catalog"]) == ("../config.json", ["../mine"])
    monkeypatch.chdir(tmp_path / "kept")
    again = run("run", "s.yaml", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["result"]["plan"] == json.loads(asked.stdout)["result"]["plan"]


def test_overlays_of_the_environment_are_saved_and_not_laid_twice(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine" / "workloads").mkdir(parents=True)
    monkeypatch.setenv("PLANNER_CATALOG", str(tmp_path / "mine"))
    file = tmp_path / "s.yaml"
    asked = run("cluster", "show", "gb200:72", "--json", "--save", str(file))
    assert read_yaml(file).data["catalog"] == ["mine"]
    again = run("run", str(file), "--json")
    assert json.loads(again.stdout) == json.loads(asked.stdout)
    assert json.loads(again.stdout)["inputs"]["catalog"] == [str(tmp_path / "mine")]


def test_standard_input_is_a_scenario_too(run: Run) -> None:
    given = "command: cluster show\ninputs: {name: gb200:72}\n"
    for options in ((), ("--csv",), ("--format", "github")):
        assert (
            run("run", "-", *options, stdin=given).stdout
            == run("cluster", "show", "gb200:72", *options).stdout
        )
    assert run("run", "-", stdin=given.replace("{name: gb200:72}", "{}")).exit_code == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "standard input:1: the file is empty"),
        ("[a, b]", "standard input:1: the file holds a list"),
        ("command: train\n---\ncommand: serve\n", "standard input:2: a second document starts here"),
        ("command: train\ninputs: " + "{a: " * 40 + "1" + "}" * 40, "nested more than 32 deep"),
        ("command: train\ncommand: serve\n", "standard input:2: 'command' appears twice, first on line 1"),
        ("command: &x train\n", "standard input:1: command: anchor '&x' is not allowed"),
        ("command: train\ninputs:\n  modle: x\n  gpus: [", "not valid YAML"),
        ("command: run\ninputs: {scenario: colossus-1-train}\n", "unknown command 'run'"),
    ],
)
def test_what_is_no_scenario_gets_a_sentence(run: Run, given: str, sentence: str) -> None:
    result = run("run", "-", stdin=given)
    assert (result.exit_code, result.stdout) == (3, "")
    assert sentence in result.stderr


def test_files_that_are_not_there_and_changes_that_are_none(run: Run, tmp_path: Path) -> None:
    assert run("run", str(tmp_path / "no.yaml")).exit_code == 5
    assert run("run", str(tmp_path)).exit_code == 5
    assert run("run", "no-such-scenario").exit_code == 3
    assert run("run", "colossus-1-train", "--with", "days").exit_code == 2
    result = run("run", "colossus-1-train", "-w", "dais=30", "-w", "gpus=lots")
    assert result.exit_code == 3
    assert "--with dais: unknown input; did you mean 'days'?" in result.stderr
    assert "--with gpus: 'lots' does not start with a number" in result.stderr


def test_an_override_of_a_scenario_that_changes_nothing_is_said(run: Run) -> None:
    given = "command: cluster show\ninputs: {name: hgx-h100-node}\nset: [traffic.chat.input.mean=5]\n"
    assert "--set traffic.chat.input.mean=5 changed nothing" in run("run", "-", stdin=given).stderr
