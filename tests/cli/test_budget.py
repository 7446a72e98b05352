"""``planner budget``: formats, exit codes, and what people see."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from planner.cli.documents_budget import Budget

Run = Callable[..., Any]
ASK = ["budget", "--usd", "10B", "--cluster", "million-h100", "--brief"]


def test_json_obeys_its_schema_and_is_what_the_library_says(run: Run) -> None:
    import planner

    result = run(*ASK, "--json")
    assert result.exit_code == 0, result.stderr
    read = json.loads(result.stdout)
    assert list(read) == ["schema", "inputs", "assumptions", "result", "sources"]
    Budget.model_validate(read)
    assert read["sources"]
    assert read["assumptions"]
    own = planner.budget(usd="10B", cluster="million-h100", brief=True).to_dict()
    assert read["result"] == own["result"]
    assert "planner.budget/1" in run("schema", "budget").stdout


def test_the_share_stands_in_the_first_sentence(run: Run) -> None:
    text = run("budget", "--usd", "10B", "--cluster", "million-h100", "--brief", "--price", "$2.35/h").stdout
    assert text.startswith("10 B USD pay 4.26B hours of million-h100 at 2.35 USD/h ($2.35/h)")
    assert "485,435 of them for a year, 48.5% of million-h100." in text.splitlines()[0]


def test_a_deal_is_told_as_news_with_its_break_even(run: Run) -> None:
    text = run("budget", "--deal", "anthropic-colossus", "--brief").stdout
    for words in ("The deal, as reported", "Anthropic pays SpaceX", "news of 2026-05-20", "7.78", "728,152"):
        assert words in text
    assert "Where it breaks even" in text


def test_csv_has_a_row_for_every_price_with_its_date(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*ASK, "--csv").stdout)))
    dated = {row["price"]: row for row in rows}
    assert float(dated["reserved@2026-03"]["usd_per_gpu_hour"]) == 2.35
    assert float(dated["reserved@2026-03"]["share_of_cluster"]) == pytest.approx(0.4854, abs=1e-3)
    assert "h100_equivalent_hours_by_bf16" in dated["own"]


def test_overrides_change_the_price(run: Run) -> None:
    read = json.loads(run(*ASK, "--json", "--set", "price.h100-reserved.gpu_hour=$2/h").stdout)
    assert read["result"]["usd_per_gpu_hour"]["value"] == 2.0
    assert read["inputs"]["overrides"] == ["price.h100-reserved.gpu_hour=$2/h"]


def test_too_little_is_exit_code_4_with_the_mends(run: Run) -> None:
    result = run("budget", "--usd", "100", "--days", "30", "--brief")
    assert result.exit_code == 4
    assert "Not one accelerator for all the days" in result.stdout
    assert "--days" in result.stdout
    assert "--usd 1908" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--usd", "0"], 3, "budget of nothing"),
        (["--usd", "-1B"], 3, "budget of nothing"),
        (["--mw", "0"], 3, "budget of nothing"),
        ([], 2, "a budget of what?"),
        (["--usd", "1B", "--gpus", "8"], 2, "exclude each other"),
        (["--deal", "cursr-10b"], 3, "cursor-10b"),
    ],
)
def test_what_cannot_be_answered_comes_back_with_the_mend(
    run: Run, arguments: list[str], code: int, message: str
) -> None:
    result = run("budget", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_the_whole_answer_counts_runs_and_users(run: Run) -> None:
    result = run("budget", "--usd", "50M", "--gpu", "h100", "--days", "90")
    assert result.exit_code == 0, result.stderr
    for words in (
        "Published runs",
        "deepseek-v3",
        "llama-3.1-405b",
        "Users that all of it serves",
        "coding-agent",
    ):
        assert words in result.stdout


def test_saved_it_runs_again(run: Run, tmp_path: Any) -> None:
    file = tmp_path / "budget.yaml"
    asked = run(*ASK, "--json", "--save", str(file))
    assert asked.exit_code == 0, asked.stderr
    again = run("run", str(file), "--json")
    assert json.loads(again.stdout)["result"] == json.loads(asked.stdout)["result"]
