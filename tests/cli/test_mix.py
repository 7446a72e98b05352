"""``planner mix``: formats, exit codes, and what people see."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.cli.documents_mix import Mix
from planner.plan.mix import setup as setting
from planner.plan.mix.measured import curve_of

Run = Callable[..., Any]
JOBS = """
jobs:
- {name: run, kind: pretraining, model: llama-3-8b, tokens: 1T, deadline: 20}
- {name: chat, kind: service, model: llama-3-8b, users: 2M}
- {name: spare, kind: reserve, share: 12.5 %}
"""
ASK = ["mix", "hgx-h100:64", "--jobs", "-"]


@pytest.fixture(scope="module", autouse=True)
def kept_curves() -> Iterator[None]:
    """Ask the estimator once for each job of this module: it does not see tokens and deadlines."""
    curves: dict[tuple[str, str], Any] = {}

    def kept(catalog: Any, job: Any, group: Any) -> Any:
        key = (job.kind, group.name)
        if key not in curves:
            curves[key] = curve_of(catalog, job, group)
        return curves[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setting, "curve_of", kept)
        yield


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    """Keep answers of commands that several tests look at."""
    return {}


@pytest.fixture
def document(run: Run, asked: dict[str, Any]) -> dict[str, Any]:
    if "json" not in asked:
        result = run(*ASK, "--json", stdin=JOBS)
        assert result.exit_code == 0, result.stderr
        asked["json"] = json.loads(result.stdout)
    found: dict[str, Any] = asked["json"]
    return found


def test_json_obeys_its_schema_and_is_what_the_library_says(run: Run, document: dict[str, Any]) -> None:
    import planner

    assert list(document) == ["schema", "inputs", "assumptions", "result", "sources"]
    Mix.model_validate(document)
    assert document["inputs"]["objective"] == "cost"
    assert document["result"]["solver"]["status"] == "optimal"
    assert document["result"]["solver"]["gap"] == 0.0
    assert document["sources"]
    own = planner.mix("hgx-h100:64", jobs=JOBS.encode()).to_dict()
    timed = ("seconds", "seconds_of_all", "searches_seconds")
    for answer in (document["result"], own["result"]):
        for name in timed:
            answer["solver"][name] = 0.0
    assert document["result"] == own["result"]
    assert "planner.mix/1" in run("schema", "mix").stdout


def test_people_see_what_binds_who_has_what_and_what_was_assumed(run: Run) -> None:
    text = run(*ASK, stdin=JOBS).stdout
    assert text.splitlines()[0].startswith("20 days cost ")
    assert text.splitlines()[0].endswith("the optimum, proven.")
    for words in ("binds", "worth of a GPU", "Who has what, day by day", "A day of the longest phase",
                  "run elastic", "solver", "gap 0"):  # fmt: skip
        assert words in text


def test_csv_has_a_row_for_each_period_job_and_group(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*ASK, "--csv", "--periods", "6", stdin=JOBS).stdout)))
    assert {(row["job"], row["from_hour"]) for row in rows} == {
        (job, str(hour)) for job in ("run", "chat") for hour in (0.0, 4.0, 8.0, 12.0, 16.0, 20.0)
    }
    assert all(float(row["gpus"]) > 0.0 for row in rows)


def test_what_cannot_be_done_exits_with_4_and_says_what_would_mend_it(run: Run) -> None:
    late = JOBS.replace("tokens: 1T", "tokens: 40T")
    result = run(*ASK, stdin=late)
    assert result.exit_code == 4
    assert "of its tokens are done by its deadline, day 20" in result.stdout
    assert "move the deadline of run from day 20 to day" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "jobs", "code", "said"),
    [
        (["--objective", "worth"], JOBS, 3, "one of value, cost, finish"),
        (["--whole", "--objective", "finish"], JOBS, 2, "--whole"),
        ([], "jobs: []\n", 3, "standard input:1: jobs: expected at least 1"),
        ([], "", 3, "the file is empty"),
        ([], JOBS.replace("tokens: 1T", "tokens: -1T"), 3, "standard input:3: jobs.0.tokens: '-1T' must be"),
        ([], JOBS.replace("name: chat", "name: run"), 3, "two jobs are called 'run'"),
    ],
)
def test_what_is_wrong_is_said_with_the_exit_code(
    run: Run, arguments: list[str], jobs: str, code: int, said: str
) -> None:
    result = run(*ASK, *arguments, stdin=jobs)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_missing_file_or_set_of_jobs_is_said(run: Run, tmp_path: Path) -> None:
    missing = run("mix", "hgx-h100:64", "--jobs", str(tmp_path / "none.yaml"))
    assert missing.exit_code == 5
    unknown = run("mix", "hgx-h100:64", "--jobs", "colossus-1-mont")
    assert unknown.exit_code == 3
    assert "did you mean" in unknown.stderr.lower()


def test_the_question_is_saved_and_asked_again(run: Run, tmp_path: Path) -> None:
    jobs, saved = tmp_path / "jobs.yaml", tmp_path / "question.yaml"
    jobs.write_text(JOBS, encoding="utf-8")
    first = run("mix", "hgx-h100:64", "--jobs", str(jobs), "--csv", "--save", str(saved))
    assert first.exit_code == 0, first.stderr
    again = run("run", str(saved), "--csv")
    assert again.stdout == first.stdout
