"""Published figures of reinforcement learning, by the functions, recipes and answers of the planner.

What a run took is compared as the planner estimates it, without tuning; docs/post_train.md says what of each
run was published and what is assumed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import planner
from planner.catalog.load import Catalog
from planner.model.post_training.steps import asynchronous, best_split, forward_share
from planner.model.scaling.reward import generation_share, reward
from planner.plan.post_train.results import Compared, Plan
from planner.tables.laws import RewardLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named
from planner.workload.kinds import POST_TRAINING

BOOK = Catalog()


@cache
def plan(recipe: str, model: str | None = None) -> Plan:
    found = planner.post_train(model, recipe=recipe, catalog=BOOK).plan
    assert found is not None
    return found


def compared(recipe: str) -> dict[str, Compared]:
    return {one.says.partition(" of the")[0]: one for one in plan(recipe).published}


class TestShares:
    def test_time_and_flop_are_different_shares(self) -> None:
        """RL-share, trap 11: 2 N a token at 8 % and 6 N at 35 %: 59.3 % of the time, 25 % of the FLOP."""
        share = generation_share(
            generated_flop=2.0, trained_flop=6.0, generation_utilisation=0.08, training_utilisation=0.35
        )
        assert share == pytest.approx(0.593, abs=0.002)
        assert 2.0 / (2.0 + 6.0) == 0.25

    def test_the_best_split_gives_generation_that_share(self) -> None:
        """The same from our own step: accelerators divided so that neither side waits."""
        made = np.arange(1, 1000) / 1000.0
        step = asynchronous(
            generation_s=2.0 / 0.08 / made,
            training_s=6.0 / 0.35 / (1.0 - made) * forward_share(passes=0.0, epochs=1.0),
            long_s=0.0,
            staleness=1.0,
            publish_s=0.0,
            pause_s=0.0,
        )
        assert made[best_split(step.seconds)] == pytest.approx(0.593, abs=0.002)

    @pytest.mark.parametrize("recipe", ["r1-zero", "scalerl-8b", "composer-like"])
    def test_every_recipe_says_both(self, recipe: str) -> None:
        shares = plan(recipe).shares
        spent = shares.gpu_time["generation"] + shares.gpu_time.get("waiting for the longest", 0.0)
        assert shares.flop["generation"] < spent


class TestScaleRl:
    """D. Khatri et al., arXiv:2510.13786."""

    @pytest.mark.parametrize("recipe", ["scalerl-8b", "minimax-m1", "composer-like"])
    def test_half_of_the_gain_at_the_middle(self, recipe: str) -> None:
        """RL-scalerl: (A + R0) / 2, by the law that the recipe names."""
        name = BOOK.get(POST_TRAINING, recipe).reward
        assert name is not None
        law = law_named(BOOK, name, Samples(0), RewardLaw)
        assert law.asymptote == pytest.approx(0.610)
        assert reward(law=law, compute=2e4, middle=2e4, start=0.2) == pytest.approx((0.61 + 0.2) / 2)

    def test_what_is_extrapolated_is_said(self) -> None:
        """RL-scalerl-fit: fits hold after 1,500 GPU-hours and to 100,000; the answer says so."""
        asked = planner.post_train(
            recipe="scalerl-8b", reward_start=0.2, reward_middle="20k", catalog=BOOK, steps=1000
        )
        assert any("1,500 GPU-hours" in note and "100,000" in note for note in asked.result.notes)

    def test_steps_and_hours_of_the_8b_run(self) -> None:
        """RL-scalerl-fit: 7,400 steps; 100,000 GPU-hours, of which the estimate is a small part."""
        found = compared("scalerl-8b")["accelerator-hours"]
        assert plan("scalerl-8b").steps.value == 7400
        assert found.published == 1e5
        assert found.difference is not None
        assert -0.99 < found.difference < -0.9


class TestDeepSeekR1:
    """DeepSeek-AI, doi:10.1038/s41586-025-09422-z, supplement."""

    def test_the_recipe_is_the_published_run(self) -> None:
        """RL-r1-hours: 64 x 8 H800 for 198 hours are 101K, within 0.5 %; not 648 accelerators (trap 4)."""
        recipe = BOOK.get(POST_TRAINING, "r1-zero")
        assert recipe.hardware is not None
        assert recipe.published.gpu_hours is not None
        assert recipe.published.hours is not None
        assert recipe.hardware.count.value == 64 * 8
        hours = recipe.hardware.count.value * recipe.published.hours.value
        assert hours == recipe.published.gpu_hours.value == pytest.approx(101e3, rel=5e-3)

    def test_updates_are_ten_thousand(self) -> None:
        """Recalled: 10,400 updates of 512 answers, 8,192 answers a generation."""
        recipe = BOOK.get(POST_TRAINING, "r1-zero")
        groups = recipe.groups
        assert recipe.steps is not None
        assert recipe.steps.value * groups.updates.value == 10_400
        assert groups.prompts.value * groups.size.value / groups.updates.value == 512

    def test_hours_of_the_estimate(self) -> None:
        """Half of the published ones; lengths are from memory, and its software of early 2025 is not ours."""
        found = compared("r1-zero")["accelerator-hours"]
        assert found.difference is not None
        assert -0.65 < found.difference < -0.3

    def test_the_longest_answers_are_waited_for(self) -> None:
        parts = plan("r1-zero").step_breakdown_s
        assert parts["waiting for the longest"] > parts["generation"]


class TestMiniMaxM1:
    """arXiv:2506.13585: 512 H800 for three weeks, 534,700 USD."""

    def test_hours_and_price(self) -> None:
        """RL-m1: 258,048 hours at 2.07 USD, within 5 %."""
        said = BOOK.get(POST_TRAINING, "minimax-m1").published
        assert said.gpu_hours is not None
        assert said.cost is not None
        assert said.gpu_hours.value == 512 * 21 * 24 == 258_048
        assert said.cost.value / said.gpu_hours.value == pytest.approx(2.07, rel=0.05)

    def test_steps_that_the_hours_hold(self) -> None:
        found = plan("minimax-m1")
        assert found.gpu_hours.value == pytest.approx(258_048, rel=0.01)
        assert 300 < found.steps.value < 2000


class TestGrok4:
    def test_parity_of_accelerator_time(self) -> None:
        """RL-grok4: share about 0.5, 0.3 to 0.6; of Epoch's 246 million H100-hours half."""
        said = BOOK.get(POST_TRAINING, "grok-4-like").published
        assert said.time_share is not None
        assert said.gpu_hours is not None
        assert said.time_share.value == 0.5
        assert said.time_share.bounds == (0.3, 0.6)
        assert said.gpu_hours.value == 246e6 / 2

    def test_flop_are_a_smaller_share_than_time(self) -> None:
        """Half of the time, and less of the FLOP: decoding uses little of the peak."""
        found = plan("grok-4-like", "kimi-k2.5")
        pretraining_utilisation = found.trainers.mfu
        rate = found.flop / (found.gpu_hours.value * 3600.0)
        peak = 989e12
        assert rate / peak < pretraining_utilisation
        equal_time = rate / peak / (rate / peak + pretraining_utilisation)
        assert 0.05 < equal_time < 0.45


class TestComposer:
    """Cursor's blog on Composer 2.5, as cited by the recipe."""

    def test_every_assumption_is_marked(self) -> None:
        recipe = BOOK.get(POST_TRAINING, "composer-like")
        for quantity in (recipe.groups.size, recipe.sampled.mean, recipe.environment.turns, recipe.steps):
            assert quantity is not None
            assert quantity.kind == "estimate"
            assert quantity.low is not None
        assert recipe.groups.size.bounds == (8.0, 16.0)
        assert recipe.learning.epochs.kind == "reported"
        assert recipe.learning.epochs.as_of is not None

    def test_few_gigabytes_for_a_trillion_parameters(self) -> None:
        assert 1.0 < plan("composer-like").weight_sync.gigabytes < 10.0

    def test_more_compute_than_pre_training_the_base(self) -> None:
        """FL-k2: 3.18e24 FLOP; with base and continued training 1e25 to 2e25 is the order of magnitude."""
        assert 3.18e24 < plan("composer-like").flop < 2e25
