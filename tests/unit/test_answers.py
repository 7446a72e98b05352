"""Every answer as pandas in one call, in a notebook, and as a report."""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

import pytest

import planner
from planner.plan.frames import frame_of
from planner.plan.sections import Section, to_html

H100: Final = {"gpu": "h100-sxm", "gpus": 64}
QUESTIONS: Final[dict[str, dict[str, Any]]] = {
    "train": {"model": "llama-3.1-8b", "tokens": "100B", **H100},
    "serve": {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "gpus": 8, "traffic": "chat"},
    "cluster show": {"name": "colossus-2"},
    "cluster compare": {"names": ["colossus-1", "colossus-2"]},
    "cluster size": {"accelerator": "gb200", "gpus": 100_000},
    "distill": {"student": "llama-3.1-8b", "teacher": "llama-3.1-70b", "tokens": "100B", **H100},
    "post-train": {"model": "llama-3.1-8b", "steps": 100, **H100},
    "frontier": {"gpu": "h100-sxm", "gpus": 1024, "days": 30},
    "staged": {"recipe": "llama-3.1-405b", "gpu": "h100-sxm", "gpus": 16384},
    "mix": {"jobs": "shared-h100"},
    "budget": {"usd": "1B", "brief": True},
    "capacity": {"cluster": "h100-sxm:1024", "sections": "site,training", "workers": 1},
    "compare": {"names": ["h100-sxm:64", "b200:64"], "model": "llama-3.1-8b", "tokens": "100B"},
}
DTYPES: Final = {"float64", "Int64", "boolean", "string"}
UNITS: Final = ("days", "cost", "time", "power", "energy")
"""Words that need a unit behind them in the name of a column of numbers."""


FEWER: Final = {"serve": "pareto,breakdown", "train": "breakdown,memory"}
"""Figures of questions whose curves take seconds; the browser looks at those of training."""


@pytest.fixture(scope="module", params=QUESTIONS)
def report(request: pytest.FixtureRequest) -> Any:
    """Ask each question once, and make its report."""
    command: str = request.param
    what = "shared-h100" if command == "mix" else {"command": command, "inputs": QUESTIONS[command]}
    return planner.report(what, figures=FEWER.get(command))


@pytest.fixture
def answer(report: Any) -> Any:
    """The answer itself."""
    return report.answer


def test_every_question_is_here() -> None:
    from planner.plan.scenario.questions import QUESTIONS as THERE

    assert set(QUESTIONS) == set(THERE)


def test_an_answer_is_a_frame_in_one_call(answer: Any) -> None:
    frame = answer.to_frame()
    assert len(frame) == len(answer.records()) > 0
    assert {str(dtype) for dtype in frame.dtypes} <= DTYPES
    assert len(set(frame.columns)) == len(frame.columns)
    numbers = [name for name in frame.columns if str(frame[name].dtype) == "float64"]
    assert numbers
    assert not [name for name in numbers if name in UNITS and name != "days"]
    for name in numbers:
        if f"{name}_low" in frame:
            known = frame[name].notna()
            assert (frame[f"{name}_low"][known] <= frame[name][known]).all()
            assert (frame[name][known] <= frame[f"{name}_high"][known]).all()


def test_an_answer_shows_itself_in_a_notebook(answer: Any) -> None:
    shown = answer._repr_html_()
    tables = list(answer.sections())
    assert shown.count("<table>") == len(tables) > 0
    assert all(len(row) == len(table.head) for table in tables if table.head for row in table.rows)
    assert tables[0].title, "the first says the answer"


def test_its_report_has_all_of_it(report: Any) -> None:
    answer, html = report.answer, report.html
    assert report.result.feasible
    assert len(report.result.figures) >= 2
    assert html.count("<svg ") == len(report.result.figures)
    heads = [escape(cell, quote=False) for section in answer.sections() for cell in section.head]
    cells = [escape(row[-1], quote=False) for section in answer.sections() for row in section.rows]
    plain = html.replace("&#39;", "'").replace("&#34;", '"')
    assert [cell for cell in (*heads, *cells) if cell not in plain] == []
    assert escape(report.result.sentence, quote=False) in plain
    assert all(escape(one.why, quote=False) in plain for one in answer.assumptions)
    assert all(f"<code>{key}</code>" in html for key in answer.sources)
    assert "<script" not in html
    links = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\')>]+)', html)
    assert {link for link in links if not link.startswith(("#", "data:"))} <= {
        source.url for source in answer.sources.values()
    }


def test_columns_keep_their_type_whatever_is_missing() -> None:
    frame = frame_of(
        [
            {
                "gpus": 8,
                "days": 1.5,
                "fits": True,
                "why": None,
                "cost_usd": {"value": 2, "low": 1, "high": 3},
            },
            {"gpus": None, "days": 2, "fits": None, "why": ("a", None), "loss_nats": None},
        ]
    )
    assert list(frame.columns) == [
        "gpus", "days", "fits", "why", "cost_usd", "cost_usd_low", "cost_usd_high", "loss_nats",
    ]  # fmt: skip
    assert [str(dtype) for dtype in frame.dtypes] == [
        "Int64", "float64", "boolean", "string", "Int64", "Int64", "Int64", "float64",
    ]  # fmt: skip
    assert frame["why"].tolist()[1] == "a;"
    assert frame["gpus"].isna().tolist() == [False, True]
    assert frame_of([]).empty


def test_text_from_outside_is_text_in_a_notebook() -> None:
    shown = to_html([Section("<b>", ("<i>",), [("<script>",)]), Section("", (), [("a", "b")])])
    assert "<script>" not in shown
    assert "<caption>&lt;b&gt;</caption><tr><th>&lt;i&gt;</th></tr><tr><td>&lt;script&gt;</td></tr>" in shown
    assert "<table><tr><th>a</th><td>b</td></tr></table>" in shown
