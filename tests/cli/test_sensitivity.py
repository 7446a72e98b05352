"""``planner sensitivity``: formats, exit codes, and what people see."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from planner.cli.documents_sensitivity import Sensitivity

Run = Callable[..., Any]
SCENARIO = """\
command: train
inputs: {model: llama-3.1-8b, gpu: h100-sxm, gpus: 64, tokens: 1T, price: reserved}
"""
ASK = ["sensitivity", "-", "--figure", "usd", "--vary", "rent=*0.5..*2", "--vary", "precision=bf16,fp8"]


def test_json_has_the_bars_and_obeys_its_schema(run: Run) -> None:
    document = json.loads(run(*ASK, "--json", stdin=SCENARIO).stdout)
    Sensitivity.model_validate(document)
    assert document["inputs"]["vary"] == ["rent=*0.5..*2", "precision=bf16,fp8"]
    bars = {one["name"]: one for one in document["result"]["bars"]}
    assert set(bars) == {"rent", "precision", "estimator"}
    assert bars["rent"]["high"]["change"] == pytest.approx(1.0)
    assert "planner.sensitivity/1" in run("schema", "sensitivity").stdout


def test_csv_is_a_row_a_bar(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*ASK, "--csv", stdin=SCENARIO).stdout)))
    by_name = {row["input"]: row for row in rows}
    assert float(by_name["rent"]["figure_at_low"]) == pytest.approx(float(by_name["rent"]["figure_base"]) / 2)
    assert (by_name["precision"]["low"], by_name["precision"]["share_of_variance"]) == ("bf16", "")


def test_people_see_what_would_make_a_statement_true(run: Run) -> None:
    result = run(
        "sensitivity",
        "-",
        "--holds",
        "usd<=$40k",
        "--vary",
        "rent=*0.9..*1.1",
        "--top",
        "1",
        "--asks",
        "4",
        stdin=SCENARIO,
    )
    text = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert "cost usd at most 40 k USD: does not hold as asked" in text
    assert "cost usd <= 40 k USD: only with of as asked that is" in text
    assert "not by the" in text
    assert "it holds in under 1 % of the ranges" in text
    assert "Elasticities: per cent of cost usd for each per cent of an input" in text
    assert "1 more" in text
    assert "Answers keep the layout" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["no-such"], 3, "unknown scenario 'no-such'"),
        (["-", "--figure", "plan.dais"], 3, "did you mean 'plan.days'"),
        (["-", "--holds", "days=90"], 2, "expected FIGURE<=LIMIT"),
        (["-", "--vary", "gpsu=1..2"], 3, "did you mean 'gpu' or 'gpus'?"),
        (["-", "--vary", "gpus"], 2, "expected NAME=LOW..HIGH"),
        (["-", "--with", "tokens=many"], 3, "--with tokens"),
        (["-", "--with", "gpus=1", "--with", "model=llama-3.1-405b"], 4, "there is no answer to look at"),
        (["-", "--set", "accelerator.memory.bandwith=1"], 3, "bandwidth"),
    ],
)
def test_what_is_wrong_has_an_exit_code_and_a_sentence(
    run: Run, arguments: list[str], code: int, sentence: str
) -> None:
    result = run("sensitivity", *arguments, stdin=SCENARIO)
    assert (result.exit_code, result.stdout) == (code, "")
    assert sentence in result.stderr


def test_mistakes_of_a_scenario_on_stdin_have_their_line(run: Run) -> None:
    result = run("sensitivity", "-", stdin=SCENARIO.replace("gpus: 64", "gpsu: 64"))
    assert result.exit_code == 3
    assert "standard input:2: inputs.gpsu: unknown input; did you mean 'gpu' or 'gpus'?" in result.stderr
