"""Scripts of every launcher, word for word, and what they cannot be told.

To renew the scripts: ``PLANNER_UPDATE_GOLDEN=1 pytest tests/unit/test_export.py``.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import planner
from planner.catalog.load import Catalog
from planner.errors import InfeasibleError, InputError, UnknownNameError, UsageError
from planner.plan.export.results import ExportResult
from planner.plan.results import TrainResult
from planner.plan.serving.results import ServeResult
from planner.workload.kinds import LAUNCHER

GOLDEN = Path(__file__).parent / "golden_export"
DENSE: dict[str, Any] = {
    "tp": 8, "cp": 2, "pp": 8, "vpp": 8, "dp": 128, "micro_batch": 1, "global_batch_seqs": 2048,
    "seq_len": 8192, "sequence_parallel": True, "precision": "bf16", "in_flight": None, "zero_bubble": False,
    "offload": 0.0, "ep": 1, "etp": 1, "shard_group": None,
}  # fmt: skip
MIXTURE = DENSE | {
    "tp": 1, "cp": 1, "pp": 16, "vpp": 1, "ep": 64, "sequence_parallel": False, "seq_len": 4096,
    "precision": "fp8", "global_batch_seqs": 15360,
}  # fmt: skip

PREFILL = {"role": "prefill", "tp": 1, "pp": 1, "dp": 16, "ep": 16, "gpus": 16, "replicas": 3, "chunk": 2048}
DECODE = {"role": "decode", "tp": 1, "pp": 1, "dp": 32, "ep": 32, "gpus": 32, "replicas": 2, "chunk": 8192}


@cache
def _trained() -> TrainResult:
    return planner.train("llama-3.1-8b", gpu="h100-sxm", gpus=64, tokens="1T", top=0)


@cache
def _served() -> ServeResult:
    return planner.serve("llama-3.1-8b", accelerator="h200-sxm", gpus=8, traffic="chat", top=0, pareto=False)


def training(model: str, *, inputs: dict[str, Any] | None = None, **strategy: Any) -> TrainResult:
    """Return a plan of a layout that is given; nothing of it is estimated."""
    result = _trained()
    plan = result.plan
    assert plan is not None
    layout = plan.strategy.model_copy(update={"sharding": "zero1", "recompute": "selective"} | strategy)
    ranks = layout.tp * layout.cp * layout.pp * layout.dp
    batch = {"micro_batches": layout.global_batch_seqs // (layout.dp * layout.micro_batch)}
    asked = {"model": model, "global_batch_tokens": layout.global_batch_seqs * layout.seq_len} | (
        inputs or {}
    )
    told = plan.model_copy(update={"strategy": layout.model_copy(update=batch), "gpus_used": ranks})
    return result.model_copy(
        update={
            "inputs": result.inputs.model_copy(update=asked),
            "result": result.result.model_copy(update={"plan": told}),
        }
    )


def serving(*layouts: dict[str, Any], inputs: dict[str, Any] | None = None, **deployment: Any) -> ServeResult:
    """Return a plan of replicas that are given, of a mixture unless it is said otherwise."""
    result = _served()
    plan = result.plan
    assert plan is not None
    first = plan.deployment.layouts[0]
    precisions = first.precisions.model_copy(update={"weights": "fp8-block", "kv": "fp8"})
    shared = {"precisions": precisions, "engine": "vllm"}
    told = tuple(
        first.model_copy(update=shared | {"max_batch": 64 * one.get("dp", 1), **one}) for one in layouts
    )
    asked = {"model": "deepseek-v3", "parameters": 671, "active_parameters": 37, "prefix_hit": 0.5}
    serving_gpus = sum(one.gpus * one.replicas for one in told)
    plan = plan.model_copy(
        update={
            "deployment": plan.deployment.model_copy(update={"layouts": told} | deployment),
            "fleet": plan.fleet.model_copy(update={"gpus_serving": serving_gpus}),
        }
    )
    return result.model_copy(
        update={
            "inputs": result.inputs.model_copy(update=asked | (inputs or {})),
            "result": result.result.model_copy(update={"plan": plan}),
        }
    )


def said(result: ExportResult, command: int = 0) -> dict[str, Any]:
    """Return the arguments of a command by name."""
    return {one.name: one.value for one in result.result.commands[command].arguments}


def unsaid(result: ExportResult) -> dict[str, str]:
    return {one.fact: one.sentence for one in result.result.unsaid}


PLANS: dict[str, Any] = {
    "megatron-lm-dense": lambda: ("megatron-lm", training("llama-3.1-405b", **DENSE)),
    "megatron-lm-mixture": lambda: ("megatron-lm", training("deepseek-v3", **MIXTURE)),
    "megatron-bridge": lambda: ("megatron-bridge", training("deepseek-v3", **MIXTURE)),
    "torchtitan": lambda: ("torchtitan", training("llama-3.1-405b", **DENSE | {"sharding": "zero3"})),
    "vllm": lambda: ("vllm", serving(PREFILL, DECODE)),
    "sglang": lambda: ("sglang", serving(PREFILL, DECODE, speculation="mtp", drafts=1)),
    "tensorrt-llm": lambda: ("tensorrt-llm", serving(PREFILL, DECODE, speculation="mtp", drafts=3)),
}


@pytest.mark.parametrize("name", PLANS)
def test_the_script_is_word_for_word(name: str) -> None:
    script = planner.export(*PLANS[name]()).script
    file = GOLDEN / f"{name}.sh"
    if os.environ.get("PLANNER_UPDATE_GOLDEN"):
        file.write_text(script, encoding="utf-8")
    assert script == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PLANS)
def test_a_shell_reads_the_words_that_json_has(name: str) -> None:
    result = planner.export(*PLANS[name]())
    for command in result.result.commands:
        last = command.text.rpartition("EOF\n")[2].replace("\\\n", " ")
        lines = [line for line in last.splitlines() if not line.startswith("export ")]
        assert shlex.split(" ".join(lines)) == list(command.words)
        for variable in re.findall(r"\$([A-Z_]+)", " ".join(command.words)):
            assert variable in result.result.variables


def test_no_golden_script_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == set(PLANS)


def test_files_beside_commands_are_what_they_say() -> None:
    titan = planner.export("torchtitan", training("llama-3.1-405b", **DENSE | {"sharding": "zero3"}))
    file = titan.result.commands[0].file
    assert file is not None
    job = tomllib.loads(file.text)
    assert job["model"] == {"name": "llama3", "flavor": "405B"}
    assert job["parallelism"]["data_parallel_shard_degree"] == 128
    assert job["training"]["local_batch_size"] * 128 == job["training"]["global_batch_size"]
    prefill, decode = planner.export("tensorrt-llm", serving(PREFILL, DECODE)).result.commands
    assert prefill.file is not None
    assert decode.file is not None
    assert yaml.safe_load(prefill.file.text)["disable_overlap_scheduler"] is True
    assert yaml.safe_load(decode.file.text)["cache_transceiver_config"] == {"backend": "NIXL"}


def test_limits_of_a_step_are_those_of_a_rank_or_of_all_as_the_engine_counts() -> None:
    plan = serving(PREFILL | {"role": "aggregated", "max_batch": 1024}, speculation="mtp", drafts=1)
    assert said(planner.export("vllm", plan))["--max-num-seqs"] == 64
    assert said(planner.export("vllm", plan))["--max-num-batched-tokens"] == 2048 + 2 * 64
    assert said(planner.export("sglang", plan))["--max-running-requests"] == 1024
    assert said(planner.export("sglang", plan))["--chunked-prefill-size"] == 16 * 2048
    assert said(planner.export("tensorrt-llm", plan))["--max_batch_size"] == 64


def test_a_replica_on_one_host_needs_no_address() -> None:
    plan = serving(
        {"role": "aggregated", "tp": 8, "pp": 1, "dp": 1, "ep": 1, "gpus": 8, "replicas": 4, "chunk": 8192}
    )
    for name in ("vllm", "sglang", "tensorrt-llm"):
        result = planner.export(name, plan)
        assert list(result.result.variables) == ["MODEL"]
        assert len(result.result.commands) == 1
        assert result.result.commands[0].replicas == 4
    assert "--enable-expert-parallel" not in said(planner.export("vllm", plan))


def test_hosts_of_a_replica_start_apart_where_the_engine_wants_it() -> None:
    first, other = planner.export("vllm", serving(DECODE)).result.commands
    assert (first.hosts, other.hosts) == ("first", "other")
    assert set(other.words) - set(first.words) >= {"--headless", "--data-parallel-start-rank"}
    across = {
        "role": "aggregated",
        "tp": 16,
        "pp": 1,
        "dp": 1,
        "ep": 1,
        "gpus": 16,
        "replicas": 1,
        "chunk": 8192,
    }
    assert said(planner.export("vllm", serving(across)))["--nnodes"] == 2


@pytest.mark.parametrize(
    ("launcher", "changed", "fact", "mend"),
    [
        ("megatron-lm", {"in_flight": 4}, "in_flight", "the schedule decides"),
        ("megatron-lm", {"zero_bubble": True, "vpp": 1}, "schedule", "said as 1f1b"),
        ("megatron-lm", {"offload": 0.5}, "offload", "--fine-grained-activation-offloading"),
        ("torchtitan", {"sharding": "zero1"}, "sharding", "--sharding zero2"),
        ("torchtitan", {"recompute": "full", "recompute_layers": 0.5}, "recompute_share", "every layer"),
        ("torchtitan", {"sequence_parallel": False}, "sequence_parallel", "--sequence-parallel"),
        ("megatron-bridge", {"precision": "int8"}, "precision", "trains in bf16"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_named(launcher: str, changed: dict[str, Any], fact: str, mend: str) -> None:
    result = planner.export(launcher, training("llama-3.1-405b", **DENSE | changed))
    assert mend in unsaid(result)[fact]
    assert f"# - {fact} = " in result.script


def test_parts_of_a_model_without_an_argument_are_named() -> None:
    one = {"pp": 1, "vpp": 1, "cp": 1, "tp": 1, "dp": 64, "sequence_parallel": False}
    lacks = unsaid(planner.export("megatron-lm", training("gpt-oss-120b", **DENSE | one)))
    assert "attention.sinks" in planner.export("megatron-lm", training("gpt-oss-120b", **DENSE | one)).script
    assert set(lacks) == {"beyond"}
    odd = planner.export("torchtitan", training("kimi-k2", **DENSE | one | {"ep": 8}))
    assert "does not know this model by name" in unsaid(odd)["model"]
    bridge = planner.export("megatron-bridge", training("kimi-k2.5", **DENSE | one | {"ep": 8}))
    assert said(bridge)["--model"] == "$RECIPE"
    assert "RECIPE" in bridge.result.variables


def test_a_plan_for_another_program_is_marked() -> None:
    (of_titan,) = planner.export("torchtitan", training("llama-3-8b", **DENSE)).result.notes
    assert of_titan.endswith("not those of torchtitan; plan with --software torchtitan.")
    assert "not those of SGLang" in planner.export("sglang", serving(DECODE)).result.notes[0]
    assert not [note for note in planner.export("vllm", serving(DECODE)).result.notes if "not those" in note]


@pytest.mark.parametrize(
    ("format", "plan", "error", "message"),
    [
        ("vlm", "colossus-1-train", UnknownNameError, "Did you mean 'vllm'"),
        ("vllm", lambda: training("llama-3-8b", **DENSE), UsageError, "export it for megatron-bridge or"),
        ("mlm", lambda: serving(DECODE), UsageError, "this is a plan of planner serve"),
        ("mlm", "shared-h100", UsageError, "a scenario of planner mix has no plan"),
        ("mlm", {"schema": "planner.mix/1"}, InputError, "planner train ... --json"),
        ("mlm", {"schema": "planner.train/1"}, InputError, "no inputs"),
        ("mlm", {"schema": "planner.train/1", "inputs": {"gpus": "x"}}, InputError, "another version"),
        ("mlm", lambda: training("nobody-1b", **DENSE), InputError, "name it with --model"),
    ],
)  # fmt: skip
def test_mistakes_are_sentences_with_a_mend(
    format: str, plan: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        planner.export(format, plan() if callable(plan) else plan)


def test_another_model_than_the_answers_is_refused() -> None:
    with pytest.raises(InputError, match="the answer is of one with"):
        planner.export("mlm", training("dense-7b", **DENSE), model="llama-3.2-1b")


def test_an_answer_without_a_plan_says_why() -> None:
    result = planner.train("llama-3.1-405b", gpu="h100-sxm", gpus=8, top=0)
    with pytest.raises(InfeasibleError, match="there is no plan to export: "):
        planner.export("mlm", result)


def test_every_form_of_a_plan_gives_the_same(tmp_path: Path) -> None:
    inputs = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 64, "tokens": "1T"}
    result = planner.train(**inputs, top=0)
    file = tmp_path / "plan.json"
    file.write_text(result.to_json(), encoding="utf-8")
    scripts = {
        planner.export("mlm", plan).script
        for plan in (result, result.to_dict(), file, {"command": "train", "inputs": inputs})
    }
    assert len(scripts) == 1


def test_every_launcher_says_or_names_every_fact() -> None:
    catalog = Catalog()
    for launcher in catalog.all(LAUNCHER):
        known = launcher.settings.keys() | launcher.unsaid.keys() | launcher.named() | {"model"}
        assert known == launcher.facts().keys(), launcher.id
        for name in launcher.runs:
            kind = "software" if launcher.command == "train" else "engines"
            assert (catalog.roots[0] / "workloads" / kind / f"{name}.yaml").is_file()


def test_layouts_that_do_the_same_work_keep_their_files_apart() -> None:
    two = (PREFILL, DECODE, PREFILL | {"accelerator": "gb200", "chunk": 4096})
    result = planner.export("tensorrt-llm", serving(*two))
    files = [one.file.name for one in result.result.commands if one.file is not None]
    assert files == [f"deepseek-v3-{pool}.yaml" for pool in ("prefill", "decode", "prefill-2")]
    assert "16 gb200 of" in result.script
    assert "160 h200-sxm and gb200: a plan" in result.script
