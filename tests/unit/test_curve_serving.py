"""Curves of serving: the answers of planner serve at their points, and what must hold between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import planner
import planner.plot
from planner.errors import InputError, UsageError
from planner.plan.curve.curve import curve
from planner.plan.curve.results import CurveResult, Point
from planner.plan.curve.services import _fewest, _parts, _starts
from planner.plan.job import as_catalog
from planner.plan.places import places
from planner.plan.serving.results import Plan
from planner.plot.labels import overlapping, written
from planner.units import MILLI

BOOK = as_catalog(None, ())
MODEL, GPU, TRAFFIC = "llama-3.1-8b", "h100-sxm", "chat"


def asked(kind: str, **inputs: Any) -> CurveResult:
    return curve(kind, catalog=BOOK, **{"model": MODEL, "gpu": GPU, "traffic": TRAFFIC, **inputs})


def serve(model: str = MODEL, **inputs: Any) -> Plan:
    plan = planner.serve(
        model, accelerator=GPU, traffic=TRAFFIC, top=0, pareto=False, catalog=BOOK, **inputs
    ).plan
    assert plan is not None
    return plan


@pytest.fixture(scope="module")
def users() -> CurveResult:
    return asked("users", model="deepseek-v3", points=40)


@pytest.fixture(scope="module")
def costs() -> CurveResult:
    return asked("cost-per-token", gpus=64, points=25)


@pytest.fixture(scope="module")
def pareto() -> CurveResult:
    return asked("pareto", gpus=64)


def test_users_are_those_of_planner_serve_with_spares_and_intervals(users: CurveResult) -> None:
    (series,) = users.result.series
    for point in (series.points[0], series.points[12], series.points[-1]):
        plan = serve("deepseek-v3", gpus=int(point.x))
        assert plan.users is not None
        assert point.y.model_dump() == pytest.approx(plan.users.model_dump(), rel=1e-9)
        assert point.facts["gpus_serving"] == plan.fleet.gpus_serving
        assert point.facts["gpus_spare"] == plan.fleet.gpus_spare
        assert point.facts["availability"] == pytest.approx(plan.goodput.value)
        assert point.facts["replicas"] == plan.deployment.replicas


def test_users_never_fall_and_grow_no_faster_than_accelerators_in_large_fleets(users: CurveResult) -> None:
    points = users.result.series[0].points
    values = np.array([point.y.value for point in points])
    assert np.all(np.diff(values) >= 0.0)
    each = values / np.array([point.x for point in points])
    large = each[[point.x > 1e5 for point in points]]
    assert large.max() == pytest.approx(large.min(), rel=0.01)
    for point in points:
        taken = int(point.facts["gpus_serving"] or 0) + int(point.facts["gpus_spare"] or 0)
        assert taken <= point.x


def test_users_begin_where_the_model_fits_and_say_so(users: CurveResult) -> None:
    (series,) = users.result.series
    assert 8 < series.points[0].x <= 32  # 671 GB of weights do not fit into eight times 80 GB
    assert series.marks[0].label == f"{series.points[0].x:,.0f} at least"
    assert [mark.x for mark in series.marks] == sorted(mark.x for mark in series.marks)


def test_where_nothing_serves_the_reasons_are_those_of_planner_serve() -> None:
    answer = asked("users", model="deepseek-v3", gpus="2..4", points=2)
    assert answer.result.series == ()
    assert any("weights do not fit" in reason for reason in answer.result.reasons)


def test_a_pinned_deployment_is_the_only_one() -> None:
    answer = asked("users", gpus="8..64", points=4, tp=4, mode="aggregated", max_batch=64)
    for point in answer.result.series[0].points:
        assert "tp4" in str(point.facts["layout"]), point.facts
        assert point.facts["mode"] == "aggregated"


def test_requests_are_drawn_where_the_traffic_says_nothing_of_users() -> None:
    offline = asked("users", traffic="offline", gpus="8..64", points=2).result
    assert offline.y.key == "requests_per_s"
    assert offline.series[0].points[0].y.value > 0


def test_groups_of_a_cluster_come_one_after_the_other() -> None:
    groups = places(BOOK, cluster="colossus-1", gpu=None, gpus=None)
    assert _parts(groups, 160_000) == [150_000, 10_000, 0]
    starts = _starts(groups, [8, 64, 1024, 100_000, 150_008, 200_000, 230_000])
    assert starts[0] == 8
    assert 150_008 in starts, "where a second kind of hardware begins to serve"


def test_the_fewest_accelerators_are_found_among_the_numbers() -> None:
    class Answer:
        def __init__(self, gpus: int) -> None:
            self.plan = object() if gpus >= 24 else None
            self.result = self
            self.nearest = ()

    asked_of: list[int] = []

    def on(gpus: int) -> Any:
        asked_of.append(gpus)
        return Answer(gpus)

    assert _fewest([8, 16, 24, 32, 40, 64], 8, 64, on) == 24
    assert len(asked_of) <= 5


def test_a_frontier_is_that_of_planner_serve(pareto: CurveResult) -> None:
    (series,) = pareto.result.series
    answer = planner.serve(MODEL, accelerator=GPU, gpus=64, traffic=TRAFFIC, top=0, catalog=BOOK)
    assert answer.plan is not None
    want = sorted((p.tokens_per_s_per_user, p.tokens_per_s_per_gpu) for p in answer.result.pareto)
    np.testing.assert_allclose([(p.x, p.y.value) for p in series.points], want)
    mark = series.marks[0]
    assert mark.label == "within targets"
    assert mark.x == pytest.approx(1.0 / (answer.plan.tpot_ms.mean * MILLI))
    assert mark.y == pytest.approx(answer.plan.output_tokens_per_s_per_gpu.value)


def test_yield_falls_with_speed_and_keeps_its_interval(pareto: CurveResult) -> None:
    points = pareto.result.series[0].points
    assert np.all(np.diff([p.x for p in points]) > 0)
    assert np.all(np.diff([p.y.value for p in points]) < 0)
    ratios = {round(p.y.high / p.y.value, 9) for p in points}
    assert len(ratios) == 1
    assert points[0].y.low < points[0].y.value < points[0].y.high


def test_a_target_that_nothing_meets_leaves_the_frontier() -> None:
    series = asked("pareto", gpus=8, tpot="0.01ms").result.series
    assert len(series) == 1
    assert all(mark.label != "within targets" for mark in series[0].marks)


def _both(costs: CurveResult) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    fixed, sized = costs.result.series
    assert (fixed.style, sized.style, fixed.group) == ("line", "dashed", sized.group)
    return fixed.points, sized.points


def test_a_fixed_fleet_costs_what_planner_serve_says_at_its_most(costs: CurveResult) -> None:
    fixed, _ = _both(costs)
    plan = serve(gpus=64)
    assert fixed[-1].x == pytest.approx(plan.requests_per_s.value)
    assert fixed[-1].y.value == pytest.approx(plan.usd_per_million_tokens.value, rel=1e-9)


def test_a_sized_fleet_costs_what_planner_serve_says_of_the_load(costs: CurveResult) -> None:
    _, sized = _both(costs)
    for point in (sized[3], sized[-4]):
        plan = serve(request_rate=point.x)
        assert point.facts["gpus"] == plan.gpus.value
        assert point.y.model_dump() == pytest.approx(plan.usd_per_million_tokens.model_dump(), rel=0.01)


def test_tokens_of_a_fixed_fleet_get_cheaper_with_load_until_targets_bind(costs: CurveResult) -> None:
    fixed, sized = _both(costs)
    values = np.array([point.y.value for point in fixed])
    assert np.all(np.diff(values) < 0)
    assert costs.result.series[0].marks[-1].x == fixed[-1].x
    half = np.interp(0.5 * fixed[-1].x, [p.x for p in fixed], values)
    assert 1.6 < half / values[-1] < 2.2  # nearly all of it is paid for at any load
    assert all(s.y.value <= f.y.value * 1.001 for s, f in zip(sized, fixed, strict=True))


def test_the_price_of_an_hour_goes_into_the_cost() -> None:
    rented = asked("cost-per-token", gpus=8, points=2, price="$2/h").result.series[0].points[-1]
    assert rented.y.value == pytest.approx(serve(gpus=8, price="$2/h").usd_per_million_tokens.value)
    assert rented.y.value == pytest.approx(
        0.5 * serve(gpus=8, price="$4/h").usd_per_million_tokens.value, rel=1e-6
    )


def test_lines_are_named_by_what_tells_them_apart() -> None:
    answer = asked("pareto", model=[MODEL, "llama-3.1-70b"], gpus=8).result
    assert [series.name for series in answer.series] == ["llama-3.1-8b", "llama-3.1-70b"]
    assert "llama-3.1-8b and llama-3.1-70b on h100-sxm in chat traffic" in answer.title


@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        ({"request_rate": 5}, InputError, "the curve sets it itself"),
        ({"ttfd": "2s"}, InputError, "did you mean 'ttft'"),
        ({"traffic": "chatt"}, planner.UnknownNameError, "chat"),
        ({"model": None}, UsageError, "needs a model"),
    ],
)
def test_mistakes_are_said_with_their_mend(inputs: dict[str, Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        asked("users", **inputs)


@pytest.mark.parametrize("which", ["users", "costs", "pareto"])
def test_no_words_lie_on_words(which: str, request: pytest.FixtureRequest) -> None:
    axes = planner.plot.curve(request.getfixturevalue(which))
    assert overlapping(axes) == []
    whole = axes.figure.bbox
    for text, box in written(axes):
        assert min(box.x0, whole.x1 - box.x1, box.y0, whole.y1 - box.y1) >= -1, text
