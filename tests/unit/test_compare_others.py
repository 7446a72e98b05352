"""Answers of every other question side by side: what ratios rest on, and what stands on one side only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import planner
from planner.errors import UsageError
from planner.plan.compare.asked import Answered
from planner.plan.compare.curated import CURATED
from planner.plan.compare.pairs import COMMON, INDEPENDENT, STATED
from planner.plan.compare.ratios import beside
from planner.plan.compare.results import CompareResult, Figure
from planner.plan.document import Interval
from planner.plan.independent import over
from planner.plan.scenario.questions import QUESTIONS
from planner.plan.sweep.columns import wanted
from planner.tables.samples import Kept, Samples


def figure(found: CompareResult, name: str) -> Figure:
    return next(one for one in found.result.figures if one.figure == name)


@pytest.fixture(scope="module")
def money() -> CompareResult:
    sides = ("base", "usd=20B", "price=reserved", "gpu=gb200 price=reserved")
    return planner.compare(*sides, of="ten-billion-dollars", inputs={"brief": True})


@pytest.fixture(scope="module")
def staged() -> CompareResult:
    return planner.compare("base", "price=reserved", "colossus-1", "gpus=8", of="llama-405b-staged")


@pytest.mark.parametrize("command", CURATED)
def test_every_path_is_a_figure_of_its_question(command: str) -> None:
    for part in CURATED[command]:
        paths = [path for row in part.rows for path in (row.path, *row.ends, row.follows) if path]
        for path in (*paths, *([part.same] if part.same else [])):
            ways = (f"{part.of}.{path}", f"{part.of}.0.{path}") if part.of else (path,)
            assert any(not wanted(QUESTIONS[command], (way,))[1] for way in ways), ways


def test_all_questions_are_compared_but_those_that_compare() -> None:
    alone = {"train", "serve", "cluster show"}
    assert set(QUESTIONS) - alone - set(CURATED) == {"compare", "cluster compare"}


def test_amounts_of_money_differ_by_what_they_are(money: CompareResult) -> None:
    hours, price = figure(money, "accelerator-hours"), figure(money, "hour of an accelerator")
    alone = planner.budget(usd="10B", gpu="h100-sxm", price="reserved", brief=True).result
    assert hours.values[2] == alone.gpu_hours
    twice = hours.ratios[1]
    assert twice is not None
    assert (twice.value, twice.low, twice.high) == pytest.approx((2.0, 2.0, 2.0))
    for name in ("accelerator-hours", "H100-equivalent hours", "hour of an accelerator", "money"):
        assert figure(money, name).bases == (COMMON,) * 4
    for at in (2, 3):
        ratio, cost = hours.ratios[at], price.ratios[at]
        assert ratio is not None
        assert cost is not None
        assert ratio.value * cost.value == pytest.approx(1.0)
        assert (ratio.low * cost.high, ratio.high * cost.low) == pytest.approx((1.0, 1.0), rel=0.02)


def test_nothing_is_ranked_or_explained_and_the_answer_says_so(money: CompareResult) -> None:
    assert not money.result.ranks
    assert not money.result.waterfalls
    assert not money.result.shared
    assert "There is no ranking of answers of budget" in " ".join(money.result.notes)
    assert "was not measured" not in " ".join(money.result.notes)
    assert money.feasible


def test_errors_of_two_predictions_are_independent(staged: CompareResult) -> None:
    days = figure(staged, "time with failures")
    first, other = days.values[0], days.values[2]
    assert first is not None
    assert other is not None
    assert days.bases == (COMMON, COMMON, INDEPENDENT, None)
    assert days.ratios[2] == over(other, first)
    assert "errors of two answers of staged share was not measured" in " ".join(staged.result.notes)


def test_one_prediction_at_two_prices_has_no_interval_of_independent_errors(staged: CompareResult) -> None:
    days, cost = figure(staged, "time with failures").ratios[1], figure(staged, "cost")
    assert days is not None
    assert (days.low, days.high) == (1.0, 1.0)
    assert cost.bases[1] == STATED
    assert cost.ratios[1] is not None
    assert cost.ratios[1].low == cost.ratios[1].high > 1.0


def test_a_side_without_a_plan_says_why(staged: CompareResult) -> None:
    last = staged.result.sides[3]
    assert not staged.feasible
    assert not last.feasible
    assert last.nearest
    assert "cannot be trained" in last.headline
    assert all(one.values[3] is None and one.ratios[3] is None for one in staged.result.figures)
    titles = [section.title for section in staged.sections()]
    assert any("what both share cancels" in title for title in titles)
    assert any("intervals of independent errors" in title for title in titles)
    assert any("without an interval" in title for title in titles)
    rows = [row for row in staged.records() if row["figure"] == "cost"]
    assert [row["ratio_rests_on"] for row in rows] == [COMMON, STATED, INDEPENDENT, None]


def points(*found: tuple[float, float, float]) -> Answered:
    """Return an answer of the frontier with these days, losses, and parameters that are drawn by name."""
    kept = Kept()
    items = []
    for days, loss, low in found:
        drawn = 1e11 * days * np.exp(0.1 * np.concatenate([[0.0], Samples().normal("law")]))
        size = Interval(value=drawn[0], low=float(drawn.min()), high=float(drawn.max()))
        kept.add(size, drawn)
        run = SimpleNamespace(step_time_s=Interval(value=1.0, low=low, high=2.0), mfu=0.4)
        spread = Interval(value=loss, low=0.9 * loss, high=1.1 * loss)
        items.append(SimpleNamespace(days=days, parameters=size, loss=spread, run=run))
    answer: Any = SimpleNamespace(inputs=SimpleNamespace(), result=SimpleNamespace(points=tuple(items)))
    posed: Any = SimpleNamespace(name="side")
    return Answered(posed=posed, result=answer, samples=kept)


def test_items_of_one_name_stand_side_by_side_and_others_alone() -> None:
    found = beside("frontier", [points((7.0, 2.0, 0.5), (14.0, 1.9, 0.5)), points((14.0, 1.8, 0.4))])
    by_name = {one.figure: one for one in found.figures}
    assert by_name["in 7 days: loss"].values[1] is None
    assert by_name["in 7 days: loss"].ratios == (by_name["in 7 days: loss"].ratios[0], None)
    both = by_name["in 14 days: loss"]
    assert both.ratios[1] is not None
    assert both.ratios[1].value == pytest.approx(1.8 / 1.9)
    assert both.bases == (COMMON, INDEPENDENT)
    assert by_name["in 14 days: MFU"].bases == (COMMON, COMMON), "the same number"


def test_samples_of_the_same_prediction_cancel_and_of_another_do_not() -> None:
    first = points((7.0, 2.0, 0.5))
    for low, basis in ((0.5, COMMON), (0.4, INDEPENDENT)):
        other = points((7.0, 1.9, low))
        size = other.result.result.points[0].parameters
        other.result.result.points[0].parameters = twice = size.scaled(2.0)
        drawn = other.samples.of(size)
        assert drawn is not None
        other.samples.add(twice, 2.0 * drawn)
        sizes = beside("frontier", [first, other]).figures[0]
        assert sizes.bases[1] == basis
        ratio = sizes.ratios[1]
        assert ratio is not None
        assert ratio.value == pytest.approx(2.0)
        assert (ratio.high - ratio.low < 1e-9) == (basis == COMMON)


@pytest.mark.parametrize(
    ("names", "of", "sentence"),
    [
        (("ten-billion-dollars", "shared-h100"), None, "'budget' and .* 'mix'.*or variants of one.*--of"),
        (("million-h100-llama", "ten-billion-dollars"), None, "compare scenarios that ask the same"),
        (("colossus-compared", "h100-beside-gb200"), None, "planner compare colossus-1 colossus-2"),
        (("base", "gpus=8"), "h100-beside-gb200", "planner compare h100-sxm gb200"),
    ],
)
def test_different_questions_are_refused_with_the_mend(
    names: tuple[str, ...], of: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        planner.compare(*names, of=of)
