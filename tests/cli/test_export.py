"""``planner export``: from stdin, files and scenarios, as a script or as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
TRAIN = ("train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "64", "--tokens", "1T", "--top", "0")
SCENARIO = """
command: train
inputs: {model: llama-3.1-8b, gpu: h100-sxm, gpus: 64, tokens: 1T}
"""


def test_an_answer_is_piped_into_a_script(run: Run, tmp_path: Path) -> None:
    answer = run(*TRAIN, "--json", "--explain").stdout
    piped = run("export", "megatron-lm", "-", stdin=answer)
    assert piped.exit_code == 0
    assert "--tensor-model-parallel-size" in piped.stdout
    file = tmp_path / "plan.json"
    file.write_text(answer, encoding="utf-8")
    assert run("export", "mlm", str(file)).stdout == piped.stdout
    assert run("export", "mlm", "-", stdin=SCENARIO).stdout == piped.stdout
    script = tmp_path / "run.sh"
    assert run("export", "mlm", str(file), "-o", str(script)).exit_code == 0
    assert script.read_text(encoding="utf-8") == piped.stdout


def test_json_and_csv_say_what_each_argument_says(run: Run) -> None:
    answer = run(*TRAIN, "--json").stdout
    document = json.loads(run("export", "torchtitan", "-", "--json", stdin=answer).stdout)
    assert document["schema"] == "planner.export/1"
    assert document["inputs"]["plan_for"] == ["megatron-bridge"]
    assert {"fact", "value", "sentence"} == set(document["result"]["unsaid"][0])
    assert "torchtitan" in document["sources"]
    rows = run("export", "mlm", "-", "--csv", stdin=answer).stdout.splitlines()
    assert rows[0] == "role,hosts,argument,value,says"
    (steps,) = (row for row in rows if row.startswith("train,all,--train-iters,"))
    assert steps.endswith(",steps")


def test_what_is_not_said_is_talk_on_stderr_as_well(run: Run) -> None:
    result = run("export", "torchtitan", "-", stdin=run(*TRAIN, "--sharding", "zero1", "--json").stdout)
    assert "sharding = zero1 is not said: said as zero2" in result.stderr


def test_mistakes_name_the_place(run: Run, tmp_path: Path) -> None:
    assert "not JSON" in run("export", "mlm", "-", stdin="{").stderr
    broken = tmp_path / "asked.yaml"
    broken.write_text("command: train\ninputs: {modle: llama-3.1-8b}\n", encoding="utf-8")
    result = run("export", "mlm", str(broken))
    assert result.exit_code == 3
    assert f"{broken}:2: inputs.modle: " in result.stderr
    assert run("export", "mlm", str(tmp_path / "none.json")).exit_code == 5
    assert run("export", "mlm", "colossus-2-show").exit_code == 2
    answer = run("train", "llama-3.1-405b", "--gpu", "h100-sxm", "--gpus", "8", "--json").stdout
    assert run("export", "mlm", "-", stdin=answer).exit_code == 4
