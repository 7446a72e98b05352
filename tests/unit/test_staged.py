"""Staged training runs: sums over stages, the shares of experiments and failed runs, refusals."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.plan.staged.results import StagedPlan, StagedResult
from planner.plan.staged.run import staged
from planner.plan.staged.table import headline, plan_rows, records_of, stage_rows
from planner.workload.flops import flops
from planner.workload.kinds import MODEL, TRAINING_RECIPE
from planner.workload.training_recipe import TrainingRecipe

BOOK = Catalog()
HERE: dict[str, Any] = {"gpu": "h100-sxm", "gpus": 16384}
CITE = {"source": "planner-assumption", "at": "tests", "kind": "given"}
STAGE = {"name": "main", "tokens": "1T", "seq_len": 4096, "global_batch_tokens": "4M"}
RECIPE = {"id": "small", "name": "Small", "cite": CITE, "model": "llama-3-8b", "stages": [STAGE]}


@cache
def llama() -> StagedResult:
    return staged("llama-3.1-405b", catalog=BOOK, **HERE)


def plan_of(result: StagedResult) -> StagedPlan:
    assert result.plan is not None
    return result.plan


def small(**changes: Any) -> TrainingRecipe:
    return TrainingRecipe.model_validate({**RECIPE, **changes})


def test_the_run_is_the_sum_of_its_stages() -> None:
    plan = plan_of(llama())
    for name in ("days", "gpu_hours", "cost_usd", "energy_megawatt_hours", "co2_tonnes"):
        for end in ("value", "low", "high"):
            total = sum(getattr(getattr(stage, name), end) for stage in plan.stages)
            assert getattr(getattr(plan, name), end) == pytest.approx(total)
    assert sum(stage.share_of_days for stage in plan.stages) == pytest.approx(1.0)
    for stage in plan.stages:
        assert stage.gpu_hours.value == pytest.approx(24 * stage.gpus_used * stage.days.value)


def test_compute_is_counted_by_the_architecture_at_the_length_of_each_stage() -> None:
    recipe, model = BOOK.get(TRAINING_RECIPE, "llama-3.1-405b"), BOOK.get(MODEL, "llama-3.1-405b")
    expected = sum(
        stage.tokens.value * flops(model.architecture, seq_len=stage.seq_len).training_per_token
        for stage in recipe.stages
    )
    assert plan_of(llama()).flop == pytest.approx(expected, rel=1e-6)


def test_a_stage_is_the_training_question_of_its_batch_and_length() -> None:
    recipe = BOOK.get(TRAINING_RECIPE, "llama-3.1-405b")
    stage, plan = recipe.stages[2], plan_of(llama()).stages[2]
    alone = planner.train(
        "llama-3.1-405b",
        tokens=stage.tokens.value,
        seq_len=stage.seq_len,
        global_batch=2048,  # 16M tokens are published, 2,048 sequences divide well
        top=0,
        catalog=BOOK,
        **HERE,
    ).plan
    assert alone is not None
    assert plan.strategy == alone.strategy
    assert plan.days == alone.days_with_failures
    assert plan.cost_usd == alone.cost_usd


def test_experiments_and_failed_steps_come_on_top() -> None:
    result = staged(small(), gpu="h100-sxm", gpus=64, experiments="150%", failed=0.1, catalog=BOOK)
    plan = plan_of(result)
    assert (plan.all_in.factor.value, plan.all_in.factor.low, plan.all_in.factor.high) == (2.6, 2.6, 2.6)
    for name in ("gpu_hours", "days", "cost_usd"):
        alone, more = getattr(plan, name), getattr(plan.all_in, name)
        assert more.value == pytest.approx(2.6 * alone.value)
        assert (more.low, more.high) == pytest.approx((2.6 * alone.low, 2.6 * alone.high))
    assert not [a for a in result.assumptions if a.field in ("experiments", "failed")]


def test_shares_left_open_are_the_records_with_their_ranges() -> None:
    result = llama()
    assert {a.field for a in result.assumptions} >= {"experiments", "failed"}
    inputs = result.inputs
    assert (inputs.experiments.low, inputs.experiments.value, inputs.experiments.high) == (0.5, 1.0, 9.0)
    factor = plan_of(result).all_in.factor
    # Independent errors add as squares: 9.25 is 1 + 1 + 0.05 + hypot(8, 0.25) less 0.75.
    assert factor.value == pytest.approx(2.05)
    assert factor.high == pytest.approx(2.05 + (8.0**2 + 0.25**2) ** 0.5)
    assert "planner-assumption" in result.sources


def test_a_run_that_threw_nothing_away_says_so() -> None:
    assert BOOK.get(TRAINING_RECIPE, "deepseek-v3").failed is not None
    result = staged("deepseek-v3", gpu="h800-sxm", gpus=2048, catalog=BOOK)
    assert result.inputs.failed.value == 0.0
    assert any(a.field == "failed" and "deepseek-v3" in a.why for a in result.assumptions)


def test_the_published_hours_stand_beside_ours_on_the_same_hardware_only() -> None:
    said = plan_of(llama()).published
    assert said is not None
    assert said.gpu_hours == 30_840_000
    assert said.difference == pytest.approx(plan_of(llama()).gpu_hours.value / 30_840_000 - 1)
    other = plan_of(staged("llama-3.1-405b", gpu="h200-sxm", gpus=16384, catalog=BOOK)).published
    assert other is not None
    assert other.difference is None


def test_a_stage_that_does_not_fit_is_named_with_what_would_fit() -> None:
    result = staged("llama-3.1-405b", gpu="h100-sxm", gpus=8, catalog=BOOK)
    assert result.plan is None
    assert all(reason.startswith("stage ") for reason in result.result.reasons)
    assert {reason.split(":")[0] for reason in result.result.reasons} == {
        f"stage {stage.name}" for stage in BOOK.get(TRAINING_RECIPE, "llama-3.1-405b").stages
    }
    (needed,) = [near for near in result.result.nearest if near.field == "gpus"]
    again = staged("llama-3.1-405b", gpu="h100-sxm", gpus=needed.value, catalog=BOOK)
    assert again.plan is not None
    assert "cannot be trained" in headline(result)


def test_unlike_groups_train_on_the_one_that_is_best_for_the_longest_stage() -> None:
    recipe = small(stages=[STAGE, {**STAGE, "name": "long", "tokens": "10B", "seq_len": 32768}])
    result = staged(recipe, cluster="colossus-1", catalog=BOOK)
    assert result.inputs.gpu in {"h100-sxm", "h200-sxm", "gb200"}
    assert any("Of unlike groups" in note for note in result.result.notes)
    assert len({stage.strategy.precision for stage in plan_of(result).stages}) == 1


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"recipe": "lama-3.1-405b"}, UnknownNameError, "llama-3.1-405b"),
        ({"recipe": "llama-3.1-405b", "experiments": "-1"}, InputError, "--experiments '-1' must be a share"),
        ({"recipe": "llama-3.1-405b", "failed": "many"}, InputError, "--failed 'many'"),
        ({"recipe": "llama-3.1-405b", "overhead": "none"}, UnknownNameError, "overhead"),
    ],
)
def test_what_is_wrong_is_said_with_its_mend(
    asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        staged(catalog=BOOK, **HERE, **asked)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": "dense"}, "exactly one"),
        ({"model": None}, "exactly one"),
        ({"model": None, "shape": "dense"}, "belong together"),
        ({"law": "besiroglu"}, "remove it beside a model"),
        ({"stages": [STAGE, STAGE]}, "rename one of main"),
        ({"stages": []}, "at least 1"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        small(**changes)


def test_rows_for_people_and_programs() -> None:
    result = llama()
    plan = plan_of(result)
    assert len(stage_rows(plan)) == len(records_of(result)) == 4
    assert "GPU-hours" in headline(result)
    assert dict(plan_rows(result))["published"].startswith("30.8M GPU-hours on 16,384 h100-sxm")
    assert result.to_dict()["schema"] == "planner.staged/1"
    assert len(result.to_frame()) == 4
    assert "<table>" in result._repr_html_()


@pytest.mark.parametrize("where", [{"cluster": "colossus-1m"}, HERE], ids=["colossus-1m", "16384 H100"])
def test_regular_layouts_are_near_the_best_of_all(where: dict[str, Any]) -> None:
    best = plan_of(staged("llama-3.1-405b", catalog=BOOK, **where))
    regular = plan_of(staged("llama-3.1-405b", layouts="regular", catalog=BOOK, **where))
    for one, other in zip(regular.stages, best.stages, strict=True):
        assert one.step_time_s.value >= 0.999 * other.step_time_s.value
        assert one.strategy.tp & (one.strategy.tp - 1) == 0
    assert regular.days.value == pytest.approx(best.days.value, rel=0.05)


def test_where_no_regular_layout_fits_all_are_looked_at() -> None:
    refused = staged("llama-3.1-405b", gpu="h100-sxm", gpus=8, layouts="regular", catalog=BOOK)
    everything = staged("llama-3.1-405b", gpu="h100-sxm", gpus=8, catalog=BOOK)
    assert refused.result.reasons == everything.result.reasons
    with pytest.raises(InputError, match="did you mean 'regular'"):
        staged("llama-3.1-405b", layouts="regula", catalog=BOOK, **HERE)


def test_regular_layouts_train_on_the_group_with_the_highest_peak() -> None:
    result = staged(small(), cluster="colossus-1", layouts="regular", catalog=BOOK)
    peaks = {"h100-sxm": 150_000 * 1.0, "h200-sxm": 50_000 * 1.0, "gb200": 30_000 * 2.527}
    assert result.inputs.gpu == max(peaks, key=lambda name: peaks[name])


@pytest.mark.parametrize("layouts", ["all", "regular"])
def test_where_failures_take_most_of_the_time_fewer_accelerators_train(layouts: str) -> None:
    """At ten million a job on everything is interrupted every ten seconds, and its batch cannot use them."""
    plan = plan_of(staged("llama-3.1-405b", gpu="gb200", gpus=10_000_000, layouts=layouts, catalog=BOOK))
    main = max(plan.stages, key=lambda stage: stage.tokens)
    assert main.gpus_used < 2_000_000
    assert main.goodput > 0.6
    everything = planner.train(
        "llama-3.1-405b", gpu="gb200", gpus=10_000_000, tokens=main.tokens, seq_len=8192, top=0, catalog=BOOK
    ).plan
    assert everything is not None
    assert main.days.value < everything.days_with_failures.value
