"""Answers side by side: the same as each alone, ratios in which shared errors cancel, exact accounts."""

from __future__ import annotations

from itertools import pairwise
from math import log, prod
from pathlib import Path

import pytest

import planner
from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.plan.compare.results import CompareResult, Figure
from planner.plan.independent import over

SMALL = {"model": "llama-3.1-8b", "gpus": 64, "tokens": "1T"}


def figure(found: CompareResult, name: str) -> Figure:
    return next(one for one in found.result.figures if one.figure == name)


@pytest.fixture(scope="module")
def parts() -> CompareResult:
    return planner.compare("h100-sxm", "gb200", "h200-sxm", **SMALL)


@pytest.fixture(scope="module")
def models() -> CompareResult:
    return planner.compare("llama-3.1-8b", "llama-3.1-70b", serve=True, gpu="h200", gpus=16)


@pytest.fixture(scope="module")
def needed() -> CompareResult:
    return planner.compare("h100-sxm", "h200-sxm", serve=True, model="llama-3.1-8b", users="20k")


def test_every_side_is_what_its_question_answers_alone(parts: CompareResult) -> None:
    for at, gpu in enumerate(parts.inputs.names):
        alone = planner.train("llama-3.1-8b", gpu=gpu, gpus=64, tokens="1T").plan
        assert alone is not None
        shown = {name: figure(parts, name).values[at] for name in ("time with failures", "cost", "goodput")}
        assert shown["time with failures"] == alone.days_with_failures
        assert shown["cost"] == alone.cost_usd
        assert shown["goodput"] == alone.goodput
        assert figure(parts, "MFU").values[at].value == alone.mfu.value  # type: ignore[union-attr]


def test_ratios_are_to_the_first_and_hold_their_value(parts: CompareResult) -> None:
    for one in parts.result.figures:
        first = one.ratios[0]
        assert first is not None
        assert (first.value, first.low, first.high) == (1.0, 1.0, 1.0)
        for value, ratio in zip(one.values, one.ratios, strict=True):
            assert value is not None
            assert ratio is not None
            assert ratio.value == pytest.approx(value.value / one.values[0].value)  # type: ignore[union-attr]
            assert ratio.low <= ratio.value <= ratio.high


@pytest.mark.parametrize("name", ["time with failures", "cost", "energy", "facility power", "goodput"])
def test_what_sides_share_cancels(parts: CompareResult, name: str) -> None:
    one = figure(parts, name)
    first, second = one.values[:2]
    assert first is not None
    assert second is not None
    apart, ratio = over(second, first), one.ratios[1]
    assert ratio is not None
    assert ratio.high / ratio.low < apart.high / apart.low


def test_another_price_of_the_same_plan_leaves_nothing_to_the_estimator() -> None:
    found = planner.compare("base", "price=$2/h", gpu="h100-sxm", **SMALL)
    assert [one.kind for one in found.result.shared] == ["same"]
    for name in ("time with failures", "energy"):
        ratio = figure(found, name).ratios[1]
        assert ratio is not None
        assert (ratio.low, ratio.high) == pytest.approx((1.0, 1.0), abs=1e-9)
    (fall,) = (one for one in found.result.waterfalls if one.figure == "cost")
    assert {step.group for step in fall.steps} == {"price of an hour"}
    assert [one.kind for one in found.result.sides] == ["base", "inputs"]


def test_the_correlation_is_that_of_the_record(parts: CompareResult) -> None:
    record = Catalog().get(CALIBRATION, "training").shared
    shared = {one.sides: one for one in parts.result.shared}
    assert set(shared) == {(0, 1), (0, 2), (1, 2)}
    for one in shared.values():
        assert (one.error, one.kind) == ("step_time", "accelerator")
        assert one.correlation == record["accelerator"].correlation
        assert "pairs of published runs" in one.why


def test_accounts_add_up_exactly(parts: CompareResult, models: CompareResult, needed: CompareResult) -> None:
    for found in (parts, models, needed):
        falls = found.result.waterfalls
        assert {one.side for one in falls} == set(range(1, len(found.inputs.names)))
        for fall in falls:
            assert sum(step.log_share for step in fall.steps) == pytest.approx(log(fall.ratio), abs=1e-9)
            assert prod(step.factor for step in fall.steps) == pytest.approx(
                fall.value / fall.first, rel=1e-9
            )


def test_accounts_of_days_and_cost_name_what_they_are_made_of(parts: CompareResult) -> None:
    falls = {(one.figure, one.side): one for one in parts.result.waterfalls}
    days, cost = falls["days", 1], falls["cost", 1]
    assert {step.group for step in days.steps} <= {"accelerators", "peak FLOP/s", "utilisation", "goodput"}
    peak = next(step for step in days.steps if step.name == "peak FLOP/s")
    assert peak.factor == pytest.approx(989.4 / 2500.0, rel=1e-3)
    names = {step.name for step in cost.steps if step.group == "price of an hour"}
    assert {"servers", "electricity", "building"} <= names
    shares = {one.figure: figure(parts, name) for one, name in ((days, "time with failures"), (cost, "cost"))}
    for fall in (days, cost):
        assert fall.ratio == pytest.approx(shares[fall.figure].ratios[1].value)  # type: ignore[union-attr]


def test_accounts_of_services(models: CompareResult, needed: CompareResult) -> None:
    falls = {one.figure: one for one in models.result.waterfalls}
    assert set(falls) == {"output throughput", "users", "cost of a million output tokens"}
    assert falls["users"].ratio == pytest.approx(figure(models, "users").ratios[1].value)  # type: ignore[union-attr]
    assert {one.figure for one in needed.result.waterfalls} == {
        "accelerators", "cost of a million output tokens",
    }  # fmt: skip


def test_a_load_that_was_asked_for_is_the_same_on_all_sides(needed: CompareResult) -> None:
    users = figure(needed, "users").ratios[1]
    assert users is not None
    assert (users.low, users.high) == (1.0, 1.0)
    cost = figure(needed, "cost in a year").ratios[1]
    assert cost is not None
    assert cost.low < cost.value < cost.high


def test_deadlines_compare_tokens_and_fewest_accelerators() -> None:
    tokens = planner.compare("h100-sxm", "h200-sxm", model="llama-3.1-8b", gpus=64, days=10)
    assert tokens.result.ranks[0].figure == "tokens in that time"
    assert {one.figure for one in tokens.result.waterfalls} == {"tokens", "cost"}
    days = figure(tokens, "time with failures").ratios[1]
    assert days is not None
    assert (days.low, days.high) == pytest.approx((1.0, 1.0))
    fewest = planner.compare("h100-sxm", "gb200", model="llama-3.1-8b", tokens="1T", days=10)
    assert fewest.result.ranks[0].figure == "accelerators needed"
    for fall in fewest.result.waterfalls:
        assert sum(step.log_share for step in fall.steps) == pytest.approx(log(fall.ratio), abs=1e-9)


def test_ranks_say_how_sure_they_are_and_what_that_rests_on(parts: CompareResult) -> None:
    for rank in parts.result.ranks:
        values = [one.value for one in figure(parts, rank.figure).values if one is not None]
        assert all(values[a] <= values[b] for a, b in pairwise(rank.order))
        assert sum(share for share in rank.best if share is not None) == pytest.approx(1.0)
        assert rank.better_than_first[0] == 0.5
        assert "common samples" in rank.rests_on
        assert "correlation of 0.55" in rank.rests_on


def test_a_side_that_is_not_feasible_leaves_the_others() -> None:
    found = planner.compare("gpus=8", "gpus=64", "gpus=512", model="llama-3.1-405b", gpu="h100-sxm")
    first, second, _ = found.result.sides
    assert not found.feasible
    assert not first.feasible
    assert first.reasons
    assert first.nearest
    assert second.feasible
    one = figure(found, "cost")
    assert one.values[0] is None
    assert one.ratios == (None, None, None)
    assert one.values[1] is not None
    assert not found.result.waterfalls
    assert found.result.ranks[0].order == (2, 1)
    assert [shared.sides for shared in found.result.shared] == [(1, 2)]


def test_nothing_feasible_is_an_answer_without_figures() -> None:
    found = planner.compare("llama-3.1-405b", "deepseek-v3", serve=True, gpu="h100-sxm", gpus=1)
    assert [side.feasible for side in found.result.sides] == [False, False]
    assert (found.result.figures, found.result.ranks, found.records()) == ((), (), [])
    titles = [section.title for section in found.sections()]
    assert titles[0] == "No plan for llama-3.1-405b, deepseek-v3."
    assert len(titles) == 3


def test_turned_round_everything_is_turned_round(parts: CompareResult) -> None:
    back = planner.compare("gb200", "h100-sxm", **SMALL)
    for one in back.result.figures:
        there, again = figure(parts, one.figure).ratios[1], one.ratios[1]
        assert there is not None
        assert again is not None
        assert there.value * again.value == pytest.approx(1.0)
        assert there.low * again.high == pytest.approx(1.0, abs=0.05)
    for fall in back.result.waterfalls:
        other = next(one for one in parts.result.waterfalls if (one.figure, one.side) == (fall.figure, 1))
        shares = {(step.group, step.name): step.log_share for step in other.steps}
        for step in fall.steps:
            assert step.log_share == pytest.approx(-shares[step.group, step.name], abs=1e-9)


def test_numbers_of_a_scenario_and_of_the_call_hold_together(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "command: train\ninputs: {model: llama-3.1-8b, gpu: h100-sxm, gpus: 64, tokens: 1T}\n"
        "set: [accelerator.h100-sxm.memory.bandwidth=*0.9]\n",
        encoding="utf-8",
    )
    halved = "accelerator.h100-sxm.flops.bf16=*0.5"
    found = planner.compare(str(file), f"{file} set:{halved}", set=("accelerator.h100-sxm.power.tdp=*1.1",))
    overrides = [side.overrides for side in found.result.sides]
    assert overrides[1] == (*overrides[0], halved)
    slower = figure(found, "time with failures").ratios[1]
    power = figure(found, "facility power").values[0]
    assert slower is not None
    assert slower.value > 1.5
    assert power is not None
    plain = planner.run(str(file)).plan
    assert power.value > plain.power_megawatts.value


def test_layouts_inputs_and_numbers_of_the_catalog_vary_a_scenario() -> None:
    found = planner.compare(
        "llama-70b-qlora", "tp8", "gpus=16", "set:accelerator.h100-sxm.memory.bandwidth=*1.2",
        of="llama-70b-qlora",
    )  # fmt: skip
    kinds = [side.kind for side in found.result.sides]
    assert kinds == ["base", "layout", "inputs", "inputs"]
    assert "tp8" in found.result.sides[1].plan
    assert found.result.sides[3].overrides == ("accelerator.h100-sxm.memory.bandwidth=*1.2",)
    faster = figure(found, "time with failures").ratios[3]
    assert faster is not None
    assert faster.value < 1.0


def test_hardware_without_a_job() -> None:
    gpus = planner.compare("h100-sxm", "gb200")
    assert gpus.inputs.question == "accelerator"
    assert figure(gpus, "H100 equivalents by dense bf16").values[0].value == 1.0  # type: ignore[union-attr]
    price = figure(gpus, "owned hour per H100 equivalent by dense bf16")
    hour, counted = figure(gpus, "owned hour"), figure(gpus, "H100 equivalents by dense bf16")
    for at in range(2):
        paid, equivalents, each = hour.values[at], counted.values[at], price.values[at]
        assert paid is not None
        assert equivalents is not None
        assert each is not None
        assert each.value == pytest.approx(paid.value / equivalents.value)
    clusters = planner.compare("colossus-1", "gb200:100000")
    known = planner.cluster.compare("colossus-1", "gb200:100000").result.figures
    for one in known:
        mine = figure(clusters, one.figure)
        for value, wanted in zip(mine.values, one.values, strict=True):
            assert (None if value is None else value.value) == (
                None if wanted is None else pytest.approx(wanted)
            )


def test_a_comparison_can_be_kept_and_asked_again() -> None:
    asked = {"command": "compare", "inputs": {"names": ["h100-sxm", "h200-sxm"], **SMALL}}
    again = planner.run(asked)
    assert again.inputs.names == ("h100-sxm", "h200-sxm")
    assert planner.run(asked, gpus=32).inputs.base["gpus"] == 32
