"""A whole answer of `planner.post_train` against what it is made of: a small model, few accelerators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.plan.defaults import Filled
from planner.plan.post_train.asked import read_run
from planner.plan.post_train.engines import engines, request_of, weights_bytes
from planner.plan.post_train.results import Plan, PostTrainResult
from planner.plan.post_train.step import Network, step_of
from planner.plan.post_train.trainers import Fleet, batch_of
from planner.plan.rates import Where
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

BOOK = Catalog()
MORE = 1 / (0.8 * 0.99) + 0.03
"""Rollouts started for one that is trained on: some are thrown away, some late, some of evaluation."""
SMALL: dict[str, Any] = {"model": "llama-3-8b", "gpu": "h100-sxm", "gpus": 64, "catalog": BOOK}


def asked(**options: Any) -> PostTrainResult:
    return planner.post_train(**{**SMALL, "steps": 100, **options})


@pytest.fixture(scope="module")
def result() -> PostTrainResult:
    return asked()


@pytest.fixture(scope="module")
def plan(result: PostTrainResult) -> Plan:
    assert result.plan is not None
    return result.plan


@pytest.fixture(scope="module")
def by_turns() -> Plan:
    found = asked(mode="sync").plan
    assert found is not None
    return found


class TestPlan:
    def test_without_comparisons_the_plan_is_the_same(self, plan: Plan) -> None:
        alone = asked(compare=False).plan
        assert alone is not None
        assert plan.fewer
        assert plan.alternative is not None
        assert (alone.fewer, alone.alternative) == ((), None)
        assert alone.gpus_used == plan.gpus_used
        assert alone.days.value == pytest.approx(plan.days.value, rel=0.01)

    def test_hours_are_steps_times_seconds_times_accelerators(self, plan: Plan) -> None:
        seconds = plan.steps.value * plan.step_time_s.value
        assert plan.days.value == pytest.approx(seconds / SECONDS_PER_DAY)
        assert plan.gpu_hours.value == pytest.approx(seconds * plan.gpus_used / SECONDS_PER_HOUR)
        assert plan.gpus_used + plan.gpus_idle == 64
        assert plan.engines.gpus + plan.trainers.gpus == plan.gpus_used

    def test_group_counts(self, result: PostTrainResult, plan: Plan) -> None:
        inputs, rollouts = result.inputs, plan.rollouts
        assert rollouts.trained_on == inputs.prompts * inputs.group == 2048
        assert rollouts.started == pytest.approx(2048 * MORE)
        assert rollouts.sampled_tokens == pytest.approx(2048 * inputs.mean_tokens)
        assert plan.sampled_tokens.value == pytest.approx(100 * rollouts.sampled_tokens)
        assert rollouts.trained_tokens == pytest.approx(2048 * (8000 + 300))

    def test_a_step_is_its_slower_side_and_the_update_of_the_weights(self, plan: Plan) -> None:
        parts = plan.step_breakdown_s
        sides = max(parts["generation"], parts["training"]) + parts["weights"]
        assert plan.step_time_s.value == pytest.approx(max(sides, parts["long rollouts over staleness"]))

    def test_the_training_side_is_that_of_planner_train(self, plan: Plan) -> None:
        trainers = plan.trainers
        alone = planner.train(
            "llama-3-8b", gpu="h100-sxm", gpus=trainers.gpus, tokens="1T", seq_len=trainers.seq_len,
            global_batch=trainers.global_batch_seqs, catalog=BOOK, top=0,
        ).plan  # fmt: skip
        assert alone is not None
        rate = alone.tokens_per_s.value * alone.goodput.value
        assert trainers.tokens_per_s.value == pytest.approx(rate)
        tokens = plan.rollouts.trained_tokens * (1 + 1 / 3)
        assert plan.step_breakdown_s["training"] == pytest.approx(tokens / rate, rel=1e-3)

    def test_the_split_is_the_best_of_all(self, plan: Plan) -> None:
        assert plan.step_time_s.value <= min(point.step_time_s for point in plan.splits) * 1.001
        assert len(plan.splits) >= 4
        assert all(point.generation_gpus + point.training_gpus <= 64 for point in plan.splits)

    def test_shares_add_up_and_differ(self, plan: Plan) -> None:
        shares = plan.shares
        assert sum(shares.flop.values()) == pytest.approx(1.0)
        assert sum(shares.gpu_time.values()) == pytest.approx(1.0)
        assert shares.flop["generation"] < shares.gpu_time["generation"]
        # Per token 2 N to generate, 2 N for a pass, 6 N to train; 1.29 are generated for one trained on.
        assert shares.flop["generation"] == pytest.approx(2 * MORE / (2 * MORE + 2 + 6))

    def test_compute_is_flop_per_token_times_tokens(self, plan: Plan) -> None:
        each = 6.0 * 8.03e9
        low = plan.trained_tokens.value * each * (1 + 1 / 3 + MORE / 3)
        assert low * 0.9 < plan.flop < low * 1.6

    def test_intervals_hold_the_value(self, plan: Plan) -> None:
        for name in ("days", "gpu_hours", "cost_usd", "step_time_s", "sampled_tokens", "trained_tokens"):
            found = getattr(plan, name)
            assert found.low <= found.value <= found.high, name
        assert plan.cost_usd.low < plan.cost_usd.value < plan.cost_usd.high

    def test_environments_follow_the_rollouts(self, plan: Plan) -> None:
        assert plan.environments.concurrent.value == pytest.approx(plan.rollouts.in_flight)
        per_s = plan.rollouts.started / plan.step_time_s.value
        assert plan.environments.starts_per_s.value == pytest.approx(per_s)
        assert plan.environments.hosts == np.ceil(plan.rollouts.in_flight / 180)

    def test_staleness_is_littles_law(self, plan: Plan) -> None:
        rollouts = plan.rollouts
        rate = rollouts.started / plan.step_breakdown_s["generation"]
        assert rollouts.in_flight == pytest.approx(rate * rollouts.mean_s.value, rel=1e-6)
        assert rollouts.staleness_steps < 4.0

    def test_every_estimate_of_the_recipe_is_said(self, result: PostTrainResult) -> None:
        said = {one.field for one in result.assumptions}
        assert {"recipe", "sampled.mean", "sampled.cv", "environment.check", "generation.discarded"} <= said
        assert all(one.why for one in result.assumptions)
        assert "arxiv-2510.13786" in result.sources


class TestModes:
    def test_by_turns_the_parts_add_up(self, by_turns: Plan) -> None:
        assert by_turns.step_time_s.value == pytest.approx(sum(by_turns.step_breakdown_s.values()))
        assert by_turns.engines.gpus == by_turns.trainers.gpus == by_turns.gpus_used == 64
        assert by_turns.rollouts.staleness_steps == 0.0

    def test_each_names_the_other(self, plan: Plan, by_turns: Plan) -> None:
        assert plan.alternative is not None
        assert by_turns.alternative is not None
        assert plan.alternative.mode == "sync"
        assert plan.alternative.step_time_s == pytest.approx(by_turns.step_time_s.value)
        assert by_turns.alternative.mode == "async"

    def test_longer_tails_hurt_a_synchronous_step(self, by_turns: Plan) -> None:
        even = asked(mode="sync", p99_tokens=9000).plan
        assert even is not None
        assert (
            even.step_breakdown_s["waiting for the longest"]
            < by_turns.step_breakdown_s["waiting for the longest"]
        )
        assert even.step_time_s.value < by_turns.step_time_s.value

    def test_tools_hold_memory(self, plan: Plan) -> None:
        slow = asked(tool_time="10min", turns=10).plan
        assert slow is not None
        assert slow.step_time_s.value > plan.step_time_s.value
        assert slow.rollouts.mean_s.value > 600.0

    def test_few_environments_bind(self, plan: Plan) -> None:
        few = asked(environments=200).plan
        assert few is not None
        assert few.environments.concurrent.value <= 200.5
        assert few.step_time_s.value > plan.step_time_s.value

    def test_more_that_may_be_late_shorten_a_step(self) -> None:
        strict, loose = (asked(late=late, staleness=1, mean_tokens=4000) for late in ("0.1 %", "10 %"))
        assert strict.plan is not None
        assert loose.plan is not None
        assert loose.plan.step_time_s.value < strict.plan.step_time_s.value
        assert loose.plan.rollouts.started > strict.plan.rollouts.started
        assert loose.plan.rollouts.long_tokens < strict.plan.rollouts.long_tokens

    def test_generation_elsewhere_leaves_the_accelerators_to_training(self) -> None:
        far = asked(generation_gpu="h200-sxm", generation_gpus=64, link="two-sites-1000km").plan
        assert far is not None
        assert far.engines.gpu == "h200-sxm"
        assert "two-sites-1000km" in far.weight_sync.over
        assert far.trainers.gpus <= 64
        assert far.engines.gpus <= 64


class TestFixed:
    @pytest.mark.parametrize(
        ("fixed", "amount"), [("tokens", "1.6384B"), ("days", None), ("gpu_hours", None)]
    )
    def test_each_leads_back_to_the_steps(self, plan: Plan, fixed: str, amount: str | None) -> None:
        given = {"days": plan.days.value * 1.001, "gpu_hours": plan.gpu_hours.value * 1.001}
        found = planner.post_train(**SMALL, **{fixed: amount or given[fixed]}).plan
        assert found is not None
        assert found.steps.value == 100
        assert found.gpu_hours.value == pytest.approx(plan.gpu_hours.value)

    def test_time_below_one_step_says_by_how_much(self, plan: Plan) -> None:
        result = planner.post_train(**SMALL, days=plan.days.value / 1000)
        assert result.plan is None
        assert "one step takes" in result.result.reasons[0]
        assert "too few" in result.result.reasons[0]
        again = planner.post_train(**SMALL, days=result.result.nearest[0].value)
        assert again.plan is not None
        assert again.plan.steps.value == 1


class TestInfeasible:
    def test_smaller_replicas_leave_room_for_training(self) -> None:
        """The layout of highest throughput takes all sixteen accelerators; one of eight is taken instead."""
        found = planner.post_train("qwen3-30b-a3b", gpu="h100-sxm", gpus=16, steps=10, catalog=BOOK).plan
        assert found is not None
        assert found.engines.replica_gpus <= 8
        assert found.engines.gpus + found.trainers.gpus <= 16

    def test_too_few_accelerators_say_how_many_would_do(self) -> None:
        asked_for = {"model": "qwen2.5-32b", "gpu": "h100-sxm", "steps": 10, "catalog": BOOK}
        result = planner.post_train(**asked_for, gpus=4)
        assert result.plan is None
        nearest = result.result.nearest[0]
        assert nearest.field == "gpus"
        assert planner.post_train(**asked_for, gpus=nearest.value).plan is not None

    def test_the_nearest_number_of_accelerators_is_the_least(self) -> None:
        """Doubling finds some number that would do; halving comes back to the first."""
        asked_for = {"model": "qwen2.5-32b", "gpu": "h100-sxm", "steps": 10, "catalog": BOOK}
        nearest = planner.post_train(**asked_for, gpus=5).result.nearest[0]
        assert planner.post_train(**asked_for, gpus=nearest.value).plan is not None
        assert planner.post_train(**asked_for, gpus=nearest.value - 1).plan is None

    def test_hopeless_hardware_says_why(self) -> None:
        result = planner.post_train("deepseek-v3", gpu="rtx-4090", gpus=8, steps=10, catalog=BOOK)
        assert result.plan is None
        assert result.result.reasons


class TestReward:
    def test_without_a_run_nothing_is_extrapolated(self, plan: Plan) -> None:
        assert plan.reward is not None
        assert plan.reward.reward is None
        assert plan.reward.asymptote == 0.610
        assert "--reward-middle" in plan.reward.sentence

    def test_half_of_the_gain_at_the_middle(self, plan: Plan) -> None:
        middle = plan.gpu_hours.value
        found = asked(reward_start=0.3, reward_middle=middle)
        assert found.plan is not None
        reward = found.plan.reward
        assert reward is not None
        assert reward.reward is not None
        assert reward.reward.value == pytest.approx((0.3 + 0.61) / 2)
        assert reward.curve[2] == pytest.approx((middle, (0.3 + 0.61) / 2))
        assert any("1,500 GPU-hours" in note for note in found.result.notes)

    @pytest.mark.parametrize(
        ("options", "mend"),
        [
            ({"reward_start": 0.3}, "give both or neither"),
            ({"reward_start": 0.7, "reward_middle": "10k"}, "give a lower start"),
            ({"reward_start": 0.3, "reward_middle": -1}, "must be above 0"),
        ],
    )
    def test_mistakes(self, options: dict[str, Any], mend: str) -> None:
        with pytest.raises(InputError, match=mend):
            asked(**options)


class TestSplit:
    def test_no_split_of_whole_hosts_is_better(self, plan: Plan) -> None:
        """Every number of replicas of every layout, with the exact rate of training on what is left."""
        run = read_run(
            BOOK, Filled(), model="llama-3-8b", recipe=None, mode=None, fixed={"steps": 100}, changes={},
            late=None, p99_tokens=None, tool_time=None, environments=None,
        )  # fmt: skip
        where = Where(book=BOOK, gpu="h100-sxm", gpus=64)
        fleet = Fleet(where=where, run=run, batch=batch_of(run), options={}, unit=8)
        found = engines(where, run, request_of(run), {})
        network = Network(weights_bytes=weights_bytes(BOOK, run, plan.engines.weights), port_bytes_per_s=50e9)
        best = np.inf
        for trainers in range(8, 64, 8):
            rate = fleet.at(trainers)
            assert rate is not None
            for engine in found:
                copies = np.arange(1, (64 - trainers) // engine.gpus + 1, dtype=float)[None, :]
                step = step_of(
                    run, run.stated, run.lengths[:1], engine, network, mode="async", replicas=copies,
                    trainers=np.full_like(copies, trainers),
                    trained_per_s=np.full_like(copies, rate.tokens_per_s.value),
                )  # fmt: skip
                best = min(best, float(step.seconds.min()))
        assert plan.step_time_s.value == pytest.approx(best, rel=0.011)
        assert plan.step_time_s.value >= best * (1 - 1e-3)
