"""``planner cluster``: formats, exit codes, and that every number of H100 equivalents names its rule."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from planner.cli import documents_cluster as documents

Run = Callable[..., Any]
SHOW = ["cluster", "show", "colossus-1"]
COMPARE = ["cluster", "compare", "hgx-h100-node", "gb200:72", "trainium3:64"]
SIZE = ["cluster", "size", "--gpu", "gb200-nvl72", "--h100e", "10k", "--rule", "bf16"]
QUESTIONS = {
    "show": (SHOW, documents.ClusterShow),
    "list": (["cluster", "list"], documents.ClusterList),
    "compare": (COMPARE, documents.ClusterCompare),
    "size": (SIZE, documents.ClusterSize),
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


@pytest.mark.parametrize("name", QUESTIONS)
def test_json_obeys_its_schema(run: Run, name: str) -> None:
    arguments, schema = QUESTIONS[name]
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    assert list(read) == ["schema", "inputs", "assumptions", "result", "sources"]
    assert read["schema"] == f"planner.cluster-{name}/1"
    schema.model_validate(read)
    assert all(math.isfinite(number) for number in numbers(read))
    assert read["sources"]
    assert f"planner.cluster-{name}/1" in run("schema", f"cluster-{name}").stdout


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_key_of_equivalents_names_its_rule(run: Run, name: str) -> None:
    rules = {"by_bf16", "by_8bit", "by_hbm_bandwidth", "by_memory", "by_workload"}
    found = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                if key.startswith("h100_equivalents") and isinstance(item, dict):
                    found.append(set(item))
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(json.loads(run(*QUESTIONS[name][0], "--json").stdout)["result"])
    assert found
    assert all(keys == rules for keys in found)
    rows = list(csv.DictReader(io.StringIO(run(*QUESTIONS[name][0], "--csv").stdout)))
    counted = [key for key in rows[0] if "equivalent" in key]
    assert counted
    assert all(re.search(r"_by_(bf16|8bit|hbm_bandwidth|memory|workload)$", key) for key in counted)


def test_people_see_the_sheet(run: Run) -> None:
    result = run(*SHOW)
    assert result.exit_code == 0
    for text in (
        "by dense bf16", "by dense 8 bit", "by HBM bandwidth", "by memory", "spectrum-x-400", "switches",
        "facility, peak in summer", "CO2, by location", "embodied CO2", "servers", "colocation", "reserved",
        "replicas", "What is said of it", "assumed",
    ):  # fmt: skip
        assert text in result.stdout, text
    assert "All supplies of memphis-colossus-1" in result.stderr


def test_people_see_ratios(run: Run) -> None:
    out = run(*COMPARE).stdout
    assert re.search(r"H100 equivalents by dense bf16 +8 +181\.9 \(22\.7x\)", out)
    assert re.search(r"switches .*none", out)
    rows = list(csv.DictReader(io.StringIO(run(*COMPARE, "--csv").stdout)))
    assert [row["cluster"] for row in rows] == ["hgx-h100-node", "gb200:72", "trainium3:64"]
    assert float(rows[1]["capital_usd"]) > float(rows[0]["capital_usd"])


def test_people_see_the_size(run: Run) -> None:
    result = run(*SIZE)
    assert "10k H100 equivalents by bf16 are 3,960 gb200 in 55 gb200-nvl72" in result.stdout
    assert "Power" in result.stdout


def test_lists_can_be_cut(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("cluster", "list", "--status", "built", "--csv").stdout)))
    assert {row["status"] for row in rows} == {"built"}
    assert "colossus-1m" not in {row["id"] for row in rows}
    sizes = [float(row["h100_equivalents_by_bf16"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)


def test_nothing_fits_is_an_answer(run: Run) -> None:
    result = run("cluster", "size", "--gpu", "gb200-nvl72", "--power", "10 kW", "--json")
    assert result.exit_code == 4
    read = json.loads(result.stdout)
    documents.ClusterSize.model_validate(read)
    assert read["result"]["sheet"] is None
    assert read["result"]["reasons"]
    assert run("cluster", "size", "--gpu", "gb200-nvl72", "--power", "10 kW").exit_code == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["size", "--gpu", "gb200", "--h100e", "1M"], 2, "--rule bf16"),
        (["size", "--gpu", "gb200"], 2, "size for what"),
        (["size", "--gpus", "8"], 2, "Name an accelerator"),
        (["size", "--gpu", "gb2000", "--gpus", "8"], 3, "Did you mean 'gb200'"),
        (["size", "--gpu", "gb200", "--budget", "10B EUR"], 3, "USD"),
        (["size", "--gpu", "gb200", "--gpus", "8", "--fabric", "infiniband"], 3, "fabric"),
        (["show", "nowhere"], 3, "planner catalog list cluster"),
        (["show", "gb200"], 3, "gb200:1024"),
        (["show", "colossus-1", "--site", "mars"], 3, "site"),
        (["show", "colossus-1", "--workload", ":chat"], 3, "name a model to train"),
        (["compare", "colossus-1"], 2, "two clusters or more"),
        (["list", "--status", "old"], 2, "built"),
    ],
)
def test_mistakes_have_a_mend(run: Run, arguments: list[str], code: int, said: str) -> None:
    result = run("cluster", *arguments)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr
    assert result.stdout == ""


def test_overrides_change_the_answer(run: Run) -> None:
    def racks(*more: str) -> int:
        read = json.loads(run(*SIZE, "--json", *more).stdout)
        systems: int = read["result"]["systems"]
        return systems

    assert racks("--set", "accelerator.gb200.flops.bf16=*2") == math.ceil(racks() / 2)
