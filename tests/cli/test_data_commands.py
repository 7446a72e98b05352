"""The commands that show data: what they print, and that their JSON is what ``planner schema`` says."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.cli.commands.schema import RESULTS
from planner.cli.names import all_kinds

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
Run = Callable[..., Any]


def _model(name: str) -> Any:
    module, _, cls = RESULTS[name][1].partition(":")
    return getattr(importlib.import_module(module), cls)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("catalog-list", ["catalog", "list"]),
        ("catalog-list", ["catalog", "list", "accelerator"]),
        ("catalog-list", ["catalog", "list", "clusters"]),
        ("catalog-show", ["catalog", "show", "cluster", "million-h100"]),
        ("catalog-lint", ["catalog", "lint"]),
        ("catalog-sources", ["catalog", "sources"]),
        ("catalog-sources", ["catalog", "sources", "arxiv-2407.21783"]),
        ("model-list", ["model", "list"]),
        ("model-show", ["model", "show", "deepseek-v3", "--seq-len", "8192", "--kv-precision", "fp8"]),
        ("schema-list", ["schema"]),
    ],
)
def test_json_obeys_its_schema(run: Run, name: str, arguments: list[str]) -> None:
    result = run(*arguments, "--json")
    assert result.exit_code == 0
    read = json.loads(result.stdout)
    assert read["schema"] == f"planner.{name}/1"
    _model(name).model_validate(read)


def test_every_schema_is_printed_as_json(run: Run) -> None:
    listed = json.loads(run("schema", "--json").stdout)["result"]["schemas"]
    assert {row["name"] for row in listed} == {kind.name for kind in all_kinds()} | set(RESULTS)
    for row in listed:
        schema = json.loads(run("schema", row["name"]).stdout)
        assert schema["$schema"].startswith("https://json-schema.org/")
        assert schema["type"] == "object"


def test_a_schema_goes_by_the_name_that_the_json_carries(run: Run) -> None:
    assert run("schema", "planner.catalog-list/1").stdout == run("schema", "catalog-list").stdout
    assert run("schema", "accelerators").stdout == run("schema", "accelerator").stdout


def test_listing_kinds_and_records(run: Run) -> None:
    assert "hardware/accelerators" in run("catalog", "list").stdout
    people = run("catalog", "list", "accelerators").stdout
    assert "h100-sxm" in people
    assert "3.35 TB/s" in people
    rows = [json.loads(line) for line in run("catalog", "list", "accelerator", "--jsonl").stdout.splitlines()]
    h100 = next(row for row in rows if row["id"] == "h100-sxm")
    assert h100["memory_bandwidth_bytes_per_s"] == 3.35e12
    assert "h100" in h100["aliases"]


def test_showing_a_record_by_kind_alias_or_name_alone(run: Run) -> None:
    by_kind = run("catalog", "show", "accelerator", "H100", "--json")
    alone = run("catalog", "show", "h100-sxm", "--json")
    assert json.loads(by_kind.stdout)["result"] == json.loads(alone.stdout)["result"]
    assert "Note:" in alone.stderr, "kernel rates of the same id exist too"
    people = run("catalog", "show", "h100-sxm").stdout
    assert "989.4 TFLOP/s" in people
    assert "datasheet" in people


def test_sources_of_a_record(run: Run) -> None:
    people = run("catalog", "show", "accelerator", "h100-sxm", "--sources").stdout
    assert "nvidia-h100-whitepaper" in people
    assert "peak rates of H100 SXM5, dense" in people
    read = json.loads(run("catalog", "show", "accelerator", "h100-sxm", "--json").stdout)
    assert read["sources"]["nvidia-h100-whitepaper"]["publisher"]
    bandwidth = read["result"]["record"]["memory"]["bandwidth"]
    assert bandwidth["value"] == 3.35e12
    assert bandwidth["source"] in read["sources"]


def test_prices_are_shown_with_their_dates(run: Run) -> None:
    people = run("catalog", "show", "price", "h100-reserved").stdout
    assert "2.35 USD/h (2.1 USD/h to 2.65 USD/h), 2026-03" in people
    assert "1.7 USD/h (1.6 USD/h to 2 USD/h), 2025-10" in people


def test_a_source_names_the_records_that_cite_it(run: Run) -> None:
    read = json.loads(run("catalog", "sources", "arxiv-2407.21783", "--json").stdout)
    assert {"kind": "model", "id": "llama-3.1-405b"} in read["result"]["cited_by"]


def test_an_override_shows_in_the_record_and_in_the_inputs(run: Run) -> None:
    override = "accelerator.memory.bandwidth=4 TB/s"
    for arguments in (
        ["--set", override, "catalog", "show", "accelerator", "h100-sxm", "--json"],
        ["catalog", "show", "accelerator", "h100-sxm", "-s", override, "--json"],
    ):
        read = json.loads(run(*arguments).stdout)
        assert read["result"]["record"]["memory"]["bandwidth"]["value"] == 4e12
        assert read["inputs"]["set"] == [override]


def test_an_override_of_something_else_is_noted(run: Run) -> None:
    override = "accelerator.h200-sxm.memory.bandwidth=4 TB/s"
    result = run("-s", override, "catalog", "show", "accelerator", "h100-sxm")
    assert result.exit_code == 0
    assert result.stderr == f"Note: --set {override} changed nothing: no such record was used\n"


def test_options_before_and_after_the_command_add_up(
    run: Run, root: Path, tmp_path: Path, accelerator: Any, write: Any
) -> None:
    write("second/hardware/accelerators/chip-b.yaml", accelerator("chip-b", bandwidth="9 TB/s"))
    result = run(
        "--catalog", str(root), "-s", "accelerator.chip-b.compute_units=7",
        "catalog", "show", "chip-b", "--catalog", str(tmp_path / "second"), "--json",
        "-s", "accelerator.memory.bandwidth=*2",
    )  # fmt: skip
    read = json.loads(result.stdout)
    assert read["result"]["record"]["memory"]["bandwidth"]["value"] == 18e12
    assert read["result"]["record"]["compute_units"]["value"] == 7
    assert read["inputs"]["catalog"] == [str(root), str(tmp_path / "second")]


def test_overlays_come_from_the_environment_too(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANNER_CATALOG", str(root))
    read = json.loads(run("catalog", "show", "chip-a", "--json").stdout)
    assert read["result"]["id"] == "chip-a"
    assert read["inputs"]["catalog"] == [str(root)]


def test_lint_names_every_mistake_and_fails(run: Run, root: Path) -> None:
    assert run("catalog", "lint", str(root)).stdout.startswith("No mistakes")
    bad = root / "hardware/accelerators/chip-a.yaml"
    bad.write_text(bad.read_text().replace("80 GB", "80 XB").replace("vendor:", "vender:"), encoding="utf-8")
    result = run("catalog", "lint", str(root))
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert len(lines) == 3, "an unknown unit, an unknown field, and a missing one"
    assert all("chip-a.yaml:" in line for line in lines)
    assert "did you mean 'vendor'" in result.stdout
    read = json.loads(run("catalog", "lint", str(root), "--json").stdout)
    assert read["result"]["mistakes"] == lines


def test_model_counts_for_people(run: Run) -> None:
    people = run("model", "show", "llama-3.1-405b").stdout
    assert "405,853,388,800" in people
    assert "published 405.9B (+0.00 %)" in people
    assert "causal" in people
    assert "full" in people


def test_model_counts_for_programs(run: Run) -> None:
    result = json.loads(run("model", "show", "llama-3.1-405b", "--seq-len", "8192", "--json").stdout)[
        "result"
    ]
    assert sum(result["parameters"].values()) == result["total"] == 405853388800
    assert result["kv_bytes_per_token"] == 2 * 2 * 8 * 128 * 126
    causal, full = (result["flops_per_token"][name] for name in ("causal", "full"))
    assert causal["training"] == 3 * causal["forward"]
    assert full["forward"] - causal["forward"] == 126 * 2 * 8192 * 128 * 128
    assert result["published"]["total"]["deviation_pct"] == 0


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_importing_a_model_and_planning_with_it(run: Run, tmp_path: Path, source: str) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(LLAMA))
    target = tmp_path / "mine/workloads/models/my-llama.yaml"
    target.parent.mkdir(parents=True)
    stdin = config.read_bytes() if source == "stdin" else None
    name = "-" if source == "stdin" else str(config)
    result = run("model", "import", name, "--id", "my-llama", "-o", str(target), stdin=stdin)
    assert (result.exit_code, result.stdout) == (0, "")
    shown = run("--catalog", str(tmp_path / "mine"), "model", "show", "my-llama", "--json")
    assert json.loads(shown.stdout)["result"]["total"] == 8030261248


def test_a_model_is_also_shown_from_its_file_or_from_stdin(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(LLAMA))
    record = run("model", "import", str(config), "--id", "my-llama").stdout
    (tmp_path / "record.yaml").write_text(record)
    for name, stdin in (
        (str(config), None), (str(tmp_path / "record.yaml"), None), ("-", json.dumps(LLAMA)), ("-", record),
    ):  # fmt: skip
        result = json.loads(run("model", "show", name, "--json", stdin=stdin).stdout)["result"]
        assert result["total"] == 8030261248


def test_overrides_of_a_file_of_ones_own_are_not_ignored(run: Run) -> None:
    result = run("model", "show", "-", "-s", "model.architecture.hidden=8192", stdin=json.dumps(LLAMA))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "change it there" in result.stderr


def test_an_import_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    read = json.loads(run("model", "import", str(tmp_path / "config.json"), "--json").stdout)
    _model("model-import").model_validate(read)
    assert read["result"]["record"]["architecture"]["hidden"] == 4096
