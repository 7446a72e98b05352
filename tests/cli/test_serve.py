"""``planner serve``: options, formats, and every way a question can be wrong."""

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
NODE = ["serve", "llama-3.1-8b", "--accelerator", "h100-sxm", "--gpus", "8", "--prefix-hit", "0.5"]
TINY = {
    "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True,
    "max_position_embeddings": 16384,
}  # fmt: skip


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
    from planner.cli.documents_serve import Serve

    assert planned["schema"] == "planner.serve/1"
    assert list(planned)[:5] == ["schema", "inputs", "assumptions", "result", "sources"]
    Serve.model_validate(planned)
    plan = planned["result"]["plan"]
    for name in ("output_tokens_per_s", "output_tokens_per_s_per_gpu", "requests_per_s", "users", "gpus"):
        assert plan[name]["low"] <= plan[name]["value"] <= plan[name]["high"]
    assert planned["result"]["pareto"]
    assert planned["result"]["search"]["points_evaluated"] > 100
    assert all(math.isfinite(value) for value in numbers(planned))


def test_the_schema_is_printed(run: Run) -> None:
    assert "ttft_ms" in run("schema", "serve").stdout
    assert "planner serve" in run("schema").stdout


def test_explained_numbers_lead_to_sources(planned: dict[str, Any]) -> None:
    explanation = planned["explanation"]
    parts = planned["result"]["plan"]["time_breakdown_s"]
    assert {term["name"] for term in explanation["terms"]} == {k for k, v in parts.items() if v > 0}
    from planner.plan.serving.explain import TERMS

    for term in explanation["terms"]:
        stated = TERMS[term["name"]][2]
        assert term["uses"] == [name for name in stated if name in term["uses"]]
        assert set(stated) - set(term["uses"]) <= {"part.host.speed"}  # where it is not 1
    cited = {number["source"] for number in explanation["numbers"]} - {"planner"}
    assert cited & set(planned["sources"])


def test_people_see_the_plan(run: Run) -> None:
    result = run(*NODE, "--pareto", "--explain")
    assert result.exit_code == 0
    assert result.stdout.startswith("llama-3-8b on 8 h100-sxm serves ")
    for words in ("TTFT", "TPOT", "headroom", "binds", "assumed", "Frontier", "Where the numbers come from"):
        assert words in result.stdout


def test_rows_for_programs(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*NODE, "--csv", "--top", "3").stdout)))
    assert rows[0]["why"] == "chosen"
    assert 2 <= len(rows) <= 4
    assert float(rows[0]["ttft_ms"]) > 0
    lines = run(*NODE, "--jsonl", "--top", "3").stdout.splitlines()
    assert [json.loads(line)["deployment"] for line in lines] == [row["deployment"] for row in rows]
    assert run(*NODE, "--format", "github").stdout.count("|") > 10


def test_every_field_of_a_replica_can_be_pinned(run: Run) -> None:
    pins = ["--mode", "aggregated", "--tp", "2", "--pp", "1", "--dp", "1", "--ep", "1", "--chunk", "1024"]
    result = run(
        *NODE, *pins, "--max-batch", "64", "--engine", "vllm", "--weights", "fp8", "--kv", "fp8", "--json"
    )
    deployment = json.loads(result.stdout)["result"]["plan"]["deployment"]
    assert deployment["mode"] == "aggregated"
    assert deployment["engine"] == "vllm"
    assert deployment["precisions"] == {"weights": "fp8", "kv": "fp8"}
    (layout,) = deployment["layouts"]
    assert [layout[name] for name in ("tp", "pp", "dp", "ep", "chunk")] == [2, 1, 1, 1, 1024]
    assert layout["max_batch"] <= 64


@pytest.mark.parametrize("load", [["--users", "20k"], ["--request-rate", "20/s"], ["--concurrency", "100"]])
def test_a_load_is_answered_with_accelerators(run: Run, load: list[str]) -> None:
    result = run("serve", "llama-3.1-8b", "--gpu", "h100-sxm", "--prefix-hit", "0", *load, "--json")
    answer = json.loads(result.stdout)
    assert answer["inputs"]["question"] == "gpus"
    plan = answer["result"]["plan"]
    assert plan["gpus"]["value"] == plan["fleet"]["gpus_serving"] + plan["fleet"]["gpus_spare"]


def test_verify_prints_the_simulation(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.plan.serving.verify.REQUESTS", 2000)
    result = run(*NODE, "--verify")
    assert result.exit_code == 0
    assert "Verified: 2,000 requests" in result.stdout
    assert "TTFT simulated" in result.stdout


def test_an_impossible_target_is_an_answer(run: Run) -> None:
    result = run(*NODE, "--tpot", "100us", "--json")
    assert result.exit_code == 4
    answer = json.loads(result.stdout)["result"]
    assert answer["plan"] is None
    assert "0.1 ms are asked" in answer["reasons"][0] or "100 us are asked" in answer["reasons"][0]
    assert answer["nearest"][0]["field"] == "tpot"
    people = run(*NODE, "--tpot", "100us")
    assert people.exit_code == 4
    assert people.stdout.startswith("No plan: ")
    assert "feasible with" in people.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["llama-3.1-8b"], 2, "say on what"),
        ([*NODE[1:4], "--cluster", "colossus-1"], 2, "exclude each other"),
        ([*NODE[1:], "--users", "5", "--request-rate", "3"], 2, "give one of them"),
        ([*NODE[1:], "--goal", "speed"], 2, "unknown goal"),
        ([*NODE[1:], "--users", "0"], 3, "must be above 0"),
        ([*NODE[1:], "--request-rate", "-3"], 3, "must be above 0"),
        ([*NODE[1:], "--traffic", "coding-agnt"], 3, "Did you mean 'coding-agent'"),
        ([*NODE[1:], "--engine", "sglnag"], 3, "did you mean 'SGLang'"),
        ([*NODE[1:], "--isl", "1M"], 3, "longer than the 131,072 tokens"),
        (["llama-3.1-8c", "--accelerator", "h100-sxm"], 3, "Did you mean 'llama-3.1-8b'"),
        (["nowhere.json", "--accelerator", "h100-sxm"], 5, "cannot be read"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_a_code(run: Run, arguments: list[str], code: int, says: str) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert not result.stdout


def test_a_configuration_from_stdin_is_served(run: Run) -> None:
    result = run("serve", "-", *NODE[2:], "--json", stdin=json.dumps(TINY))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["result"]["plan"]["users"]["value"] > 0


def test_overrides_and_overlays_change_the_answer(run: Run, tmp_path: Path) -> None:
    plain = json.loads(run(*NODE, "--json").stdout)
    faster = json.loads(run(*NODE, "--set", "accelerator.memory.bandwidth=*2", "--json").stdout)
    assert faster["inputs"]["overrides"] == ["accelerator.memory.bandwidth=*2"]
    rate = [one["result"]["plan"]["requests_per_s"]["value"] for one in (plain, faster)]
    assert rate[1] > rate[0]
    other = tmp_path / "hardware" / "operations"
    other.mkdir(parents=True)
    (other / "usual.yaml").write_text(
        "id: usual\nname: Nothing fails\ncite: {source: planner-assumption, at: test, kind: given}\n"
        "reliability: {node_mtbf: 1e9 h, node_repair: 1 h, upgrading: 0 %}\n"
        "caches: {host_share: 50 %, host_memory: 100 GB, disk: 1 TB, disk_bandwidth: 5 GB/s}\n",
        encoding="utf-8",
    )
    many = ["serve", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "4000", "--prefix-hit", "0", "--json"]
    spare = [
        json.loads(run(*layer, *many).stdout)["result"]["plan"]["fleet"]["gpus_spare"]
        for layer in ([], ["--catalog", str(tmp_path)])
    ]
    assert spare[0] > spare[1] == 8
