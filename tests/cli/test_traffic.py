"""``planner traffic``: formats, notes, exit codes, and a record that the catalog takes."""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.cli.commands.schema import RESULTS

Run = Callable[..., Any]
TRACE = "timestamp,input_tokens,output_tokens\n" + "".join(
    f"{t},{100 + t},{10 + t % 7}\n" for t in range(900)
)


def model(name: str) -> Any:
    module, _, cls = RESULTS[name][1].partition(":")
    return getattr(importlib.import_module(module), cls)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("traffic-list", ["traffic", "list"]),
        ("traffic-show", ["traffic", "show", "coding-agent"]),
        ("traffic-show", ["traffic", "show", "offline-batch"]),
        ("traffic-import", ["traffic", "import", "-"]),
    ],
)
def test_json_obeys_its_schema(run: Run, name: str, arguments: list[str]) -> None:
    result = run(*arguments, "--json", stdin=TRACE)
    assert result.exit_code == 0
    read = json.loads(result.stdout)
    assert read["schema"] == f"planner.{name}/1"
    model(name).model_validate(read)


def test_the_list_is_a_table_of_numbers(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("traffic", "list", "--csv").stdout)))
    agent = next(row for row in rows if row["id"] == "coding-agent")
    assert float(agent["input_tokens"]) == 153_712
    assert (float(agent["prefix_hit"]), float(agent["ttft_s"])) == (0.958, 2.0)
    batch = next(row for row in rows if row["id"] == "offline-batch")
    assert (batch["arrival"], batch["ttft_s"]) == ("offline", "")
    assert "153.7k" in run("traffic", "list").stdout


def test_show_says_what_is_assumed_and_what_is_not_stated(run: Run) -> None:
    people = run("traffic", "show", "azure-code").stdout
    assert "stated 1469" in people
    assert "Not stated: prefix.hit, demand, peak.hour." in people
    assert "Assumed, with a range in the record: latency.ttft.limit" in people
    read = json.loads(run("traffic", "show", "coding-agent", "--json").stdout)
    assert read["result"]["requests_per_s_per_million_users"]["mean"] == pytest.approx(
        45.8 * 0.1 / 3600 * 1e6
    )
    assert read["result"]["targets"]["ttft"] == {"limit_s": 2.0, "percentile": 0.9}
    assert "tracelab-atlas" in read["sources"]


def test_an_override_shows(run: Run) -> None:
    override = "traffic.latency.tpot.limit=25 ms"
    read = json.loads(run("traffic", "show", "chat", "-s", override, "--json").stdout)
    assert read["result"]["targets"]["tpot"]["limit_s"] == 0.025
    assert read["inputs"]["set"] == [override]


def test_an_imported_trace_is_a_record_of_the_catalog(run: Run, tmp_path: Path) -> None:
    trace = tmp_path / "mine.csv"
    trace.write_text(TRACE, encoding="utf-8")
    result = run("traffic", "import", str(trace), "--id", "mine", "--name", "My service")
    assert result.exit_code == 0
    assert "Note: 900 requests in 14.98 min, 1.001 a second" in result.stderr
    assert "Note: times taken for seconds; --time-unit says it for certain" in result.stderr
    record = tmp_path / "own" / "workloads" / "serving" / "mine.yaml"
    record.parent.mkdir(parents=True)
    record.write_text(result.stdout, encoding="utf-8")
    assert run("--catalog", str(tmp_path / "own"), "catalog", "lint").exit_code == 0
    shown = run("--catalog", str(tmp_path / "own"), "traffic", "show", "My service", "--json")
    assert json.loads(shown.stdout)["result"]["input_tokens"]["mean"] == pytest.approx(549.5)


def test_standard_input_has_a_name_in_messages_and_none_in_the_record(run: Run) -> None:
    result = run("traffic", "import", "-", stdin=TRACE)
    assert result.stdout.startswith("id: trace\nname: trace\n")
    broken = run("traffic", "import", "-", stdin=TRACE.replace("105,15", "x,y", 1))
    assert broken.exit_code == 3
    assert "standard input:7: input_tokens: 'x' is no number of tokens" in broken.stderr
    assert "standard input:7: output_tokens: 'y" in broken.stderr
    assert broken.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "coding-agnet"], 3, "Did you mean 'coding-agent'?"),
        (["show"], 2, "Missing argument"),
        (["import", "-"], 3, "standard input:1: empty"),
        (["import", "no/such/trace.csv"], 5, "cannot read no/such/trace.csv"),
        (["import", "-", "--id", "Not An Id"], 3, "for example not-an-id"),
        (["import", "-", "--name", " "], 2, "--name is blank"),
        (["import", "-", "--time-unit", "minutes"], 2, "no such unit"),
        (["import", "-", "--csv"], 3, "empty"),
    ],
)
def test_bad_input(run: Run, arguments: list[str], code: int, message: str) -> None:
    result = run("traffic", *arguments, stdin="")
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert result.stdout == ""


def test_an_import_is_no_table(run: Run) -> None:
    result = run("traffic", "import", "-", "--csv", stdin=TRACE)
    assert result.exit_code == 2
    assert "use --json" in result.stderr
