"""Curves of the frontier and of fleets over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import planner
import planner.plot
from planner.errors import InputError, UnknownNameError, UsageError
from planner.plan.curve.curve import curve
from planner.plan.curve.fleet import year_of
from planner.plan.curve.results import CurveResult
from planner.plan.job import as_catalog
from planner.plot.labels import overlapping, written

BOOK = as_catalog(None, ())
SMALL: dict[str, Any] = {"gpu": "h100-sxm", "gpus": 512, "catalog": BOOK}


@pytest.fixture(scope="module")
def frontier() -> CurveResult:
    return curve("frontier", days=[30, 90], points=40, **SMALL)


@pytest.fixture(scope="module")
def fleet() -> CurveResult:
    return curve("fleet", cluster=["colossus-1", "colossus-2"], rule="8bit", catalog=BOOK)


def test_best_sizes_are_those_of_planner_frontier(frontier: CurveResult) -> None:
    answer = planner.frontier(days=[30, 90], **SMALL)
    *isos, best = frontier.result.series
    assert [one.name for one in isos] == ["30 days", "90 days"]
    assert all(one.style == "iso" for one in isos)
    for point, want in zip(best.points, answer.result.points, strict=True):
        assert want.loss is not None
        assert point.x == want.parameters.value
        assert point.y == want.loss
        assert point.facts["model"] == want.model
    assert [mark.sentence for mark in best.marks] == [point.sentence for point in answer.result.points]


def test_each_time_is_a_valley_and_more_time_is_below(frontier: CurveResult) -> None:
    month, quarter, best = frontier.result.series
    for one, at in zip((month, quarter), best.points, strict=True):
        loss = np.array([point.y.value for point in one.points])
        low = int(np.argmin(loss))
        assert np.all(np.diff(loss[: low + 1]) < 0)
        assert np.all(np.diff(loss[low:]) > 0)
        # The exact run lies near the surface, at about its lowest size.
        assert at.y.value == pytest.approx(loss[low], abs=0.01)
        assert 0.5 < at.x / one.points[low].x < 2.0
        for point in one.points:
            assert point.y.low < point.y.value < point.y.high
    sizes = [point.x for point in month.points]
    later = np.interp(sizes, [p.x for p in quarter.points], [p.y.value for p in quarter.points])
    inside = [quarter.points[0].x <= size <= quarter.points[-1].x for size in sizes]
    assert np.all(later[inside] < np.array([p.y.value for p in month.points])[inside])


def test_a_law_without_a_loss_shows_tokens() -> None:
    answer = curve("frontier", days=90, law="deepseek", points=10, **SMALL).result
    assert answer.y.key == "tokens"
    tokens = [point.y.value for point in answer.series[0].points]
    assert np.all(np.diff(tokens) < 0)


def test_a_frontier_of_accelerators_needs_their_number() -> None:
    with pytest.raises(UsageError, match="--gpus 16384"):
        curve("frontier", gpu="h100-sxm", catalog=BOOK)


def test_phases_hold_until_the_next_and_agree_with_planner_cluster(fleet: CurveResult) -> None:
    one, *_ = fleet.result.series
    assert one.name == "colossus-1"
    states = [(point.facts["date"], point.facts["accelerators"]) for point in one.points[::2]]
    assert states == [
        ("2024-08-11", 25_000), ("2024-09-02", 100_000), ("2025-02-17", 200_000), ("2025-07-22", 230_000),
        ("2026-05-06", 220_000),
    ]  # fmt: skip
    for begin, end in zip(one.points[::2], one.points[1::2], strict=True):
        assert begin.y == end.y
    assert [p.x for p in one.points[1:-1:2]] == [p.x for p in one.points[2::2]]
    shown = planner.cluster.show("colossus-1", catalog=BOOK).result.h100_equivalents.by_8bit
    assert shown is not None
    assert one.points[6].y.value == pytest.approx(shown.value)
    # Epoch AI counts 275,796 H100 equivalents by its rule, with 1979e12 operations per second for one.
    assert one.points[6].y.value == pytest.approx(275_796, rel=2e-3)


def test_plans_are_dashed_begin_at_what_stands_and_add_up(fleet: CurveResult) -> None:
    series = {one.name: one for one in fleet.result.series}
    assert list(series) == ["colossus-1", "colossus-2", "colossus-2 (planned)", "together, built",
                            "together (planned)"]  # fmt: skip
    planned = series["colossus-2 (planned)"]
    assert planned.style == "dashed"
    assert planned.points[0].y == series["colossus-2"].points[-1].y
    assert planned.points[-1].y.low < planned.points[-1].y.value < planned.points[-1].y.high
    built = series["colossus-1"].points[-1].y.value + series["colossus-2"].points[-1].y.value
    assert series["together, built"].points[-1].y.value == pytest.approx(built)
    whole = series["colossus-1"].points[-1].y.value + planned.points[-1].y.value
    assert series["together (planned)"].points[-1].y.value == pytest.approx(whole)


def test_any_state_of_a_cluster_names_the_whole_of_it() -> None:
    one, other = (
        curve("fleet", cluster=name, catalog=BOOK).result for name in ("colossus-1", "colossus-1-2024-09")
    )
    assert one.series == other.series
    assert [series.name for series in one.series] == ["built"]
    assert "dense bf16" in one.title  # the rule is named wherever the number is


def test_rules_are_named_or_assumed() -> None:
    answer = curve("fleet", cluster="colossus-1", catalog=BOOK)
    assert [(one.field, one.value) for one in answer.assumptions] == [("rule", "bf16")]
    memory = curve("fleet", cluster="colossus-1", rule="memory", catalog=BOOK).result
    assert memory.y.title == "H100 equivalents by memory"
    with pytest.raises(UsageError, match="did you mean 'bf16'"):
        curve("fleet", cluster="colossus-1", rule="bf61", catalog=BOOK)


def test_what_a_kind_does_not_look_at_is_refused() -> None:
    with pytest.raises(UsageError, match="leave --model out"):
        curve("fleet", cluster="colossus-1", model="llama-3.1-8b", catalog=BOOK)
    with pytest.raises(UsageError, match="leave --traffic out"):
        curve("frontier", traffic="chat", **SMALL)
    with pytest.raises(UsageError, match="leave it out"):
        curve("frontier", layout="tp=8", **SMALL)


def test_fleets_are_of_whole_clusters() -> None:
    for place in ({"gpu": "h100-sxm"}, {"cluster": "colossus-1/hgx-h100"}):
        with pytest.raises(UsageError, match="whole clusters"):
            curve("fleet", catalog=BOOK, **place)
    with pytest.raises(UnknownNameError, match="colossus-1"):
        curve("fleet", cluster="colosus-1", catalog=BOOK)
    with pytest.raises(InputError, match="the curve sets it itself"):
        curve("fleet", cluster="colossus-1", budget="1B", catalog=BOOK)


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("2024", 2024.5),
        ("2024-01-01", 2024.0),
        ("2025-12-31", 2025 + 364 / 365),
        ("2026-07", 2026.5383561643835),
    ],
)
def test_dates_as_years(date: str, year: float) -> None:
    assert year_of(date) == pytest.approx(year)


@pytest.mark.parametrize("which", ["frontier", "fleet"])
def test_no_words_lie_on_words(which: str, request: pytest.FixtureRequest) -> None:
    axes = planner.plot.curve(request.getfixturevalue(which))
    assert overlapping(axes) == []
    whole = axes.figure.bbox
    for text, box in written(axes):
        assert min(box.x0, whole.x1 - box.x1, box.y0, whole.y1 - box.y1) >= -1, text


def test_years_are_written_as_years(fleet: CurveResult) -> None:
    axes = planner.plot.curve(fleet)
    ticks = {label.get_text() for label in axes.get_xticklabels()}
    assert {"2025", "2026"} <= ticks


def test_a_sum_of_clusters_begins_where_there_are_two() -> None:
    series = {one.name: one for one in curve("fleet", cluster=["colossus-1", "colossus-2"]).result.series}
    second = series["colossus-2"].points[0]
    assert series["together, built"].points[0].x == second.x > series["colossus-1"].points[0].x
