"""Kernel rates that a layout selects, and the work of the slowest rank of a step."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from planner.model.inference.replica import Replica, Work, ranks
from planner.tables import stack
from planner.tables.operators import OPERATOR_CLASSES
from planner.tables.serving import Deployment

Build = Callable[..., Replica]
BF16, FP8, BLOCK, NVFP4 = (OPERATOR_CLASSES.index(c) for c in ("bf16", "fp8", "fp8-block", "nvfp4"))


def step_of(**values: float) -> Work:
    plain = {"decode": 0.0, "context": 1000.0, "prompt": 0.0, "new": 1.0, "past": 0.0} | values
    return Work(**{name: np.array([value]) for name, value in plain.items()})


def on(layout: Deployment, **values: float) -> dict[str, float]:
    found = ranks(layout=layout, work=step_of(**values))
    return {name: float(column[0]) for name, column in vars(found).items()}


class TestRanks:
    def test_a_single_rank_has_all_the_work(self, replica: Build) -> None:
        found = on(replica().layout, decode=48, prompt=4096, new=1024)
        assert found == {
            "sequences": 48, "decode_tokens": 48, "prompt_tokens": 4096, "prompts": 4,
            "tokens": 48 + 4096, "group_tokens": 48 + 4096, "last": 48 + 4,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("dp", "pp", "sequences", "prompts", "group_tokens"),
        [
            (1, 1, 48, 8, 48 + 4096),
            (8, 1, 6, 1, 48 + 4096),
            (2, 4, 6, 1, 12 + 1024),
            (1, 4, 12, 2, 12 + 1024),
        ],
    )
    def test_attention_ranks_and_stages_share_it(
        self, replica: Build, dp: float, pp: float, sequences: float, prompts: float, group_tokens: float
    ) -> None:
        """The ranks of one stage route to the same experts together; stages work on different sequences."""
        found = on(replica(dp=dp, pp=pp).layout, decode=48, prompt=4096, new=512)
        assert (found["sequences"], found["prompts"], found["group_tokens"]) == (
            sequences,
            prompts,
            group_tokens,
        )
        assert found["prompt_tokens"] == 512 * prompts
        assert found["tokens"] == sequences + 512 * prompts

    def test_tensor_ranks_do_not(self, replica: Build) -> None:
        assert on(replica(tp=8).layout, decode=48, prompt=64, new=64) == on(
            replica().layout, decode=48, prompt=64, new=64
        )

    def test_one_rank_has_at_least_a_whole_sequence(self, replica: Build) -> None:
        found = on(replica(dp=8).layout, decode=3)
        assert (found["sequences"], found["group_tokens"]) == (1, 3)
        assert on(replica(dp=8).layout, decode=0.25)["sequences"] == 0.25, "a mean below one stays a mean"
        staged = on(replica(dp=2, pp=4).layout, decode=3)
        assert (staged["sequences"], staged["group_tokens"]) == (1, 1)

    def test_a_prompt_stays_on_one_rank(self, replica: Build) -> None:
        found = on(replica(dp=8, pp=2).layout, prompt=3000, new=1000)
        assert (found["prompt_tokens"], found["prompts"], found["group_tokens"]) == (1000, 1, 1500)

    def test_drafts_are_verified_with_the_token_itself(self, replica: Build) -> None:
        found = on(replica(dp=4, drafts=3.0).layout, decode=40, prompt=80, new=20)
        assert (found["sequences"], found["decode_tokens"]) == (10, 40)
        assert (found["tokens"], found["group_tokens"], found["last"]) == (60, 240, 41)

    def test_few_prompts_end_in_one_step(self, replica: Build) -> None:
        assert on(replica().layout, decode=5, prompt=8192, new=8)["last"] == 5 + 64

    def test_no_work(self, replica: Build) -> None:
        assert set(on(replica(dp=8, pp=2, drafts=2.0).layout).values()) == {0.0}


class TestRates:
    def test_each_group_of_matrices_has_its_format(self, replica: Build, by_hand: SimpleNamespace) -> None:
        r = replica(
            attention_class=BLOCK, mlp_class=FP8, expert_class=NVFP4,
            attention_bytes=1.0, mlp_bytes=1.0, expert_bytes=0.5625, head_bytes=4.0,
        )  # fmt: skip
        found = {
            name: getattr(r, name).compute[0] for name in ("attention", "mlp", "head", "absorbed", "experts")
        }
        peaks = {"attention": 2e15, "mlp": 2e15, "head": 1e15, "absorbed": 1e15, "experts": 4e15}
        assert found == pytest.approx({name: 2 / peak for name, peak in peaks.items()})
        stored = {name: getattr(r, name).weight[0] * by_hand.memory for name in found}
        assert stored == pytest.approx(
            {"attention": 1, "mlp": 1, "head": 4, "absorbed": 2, "experts": 0.5625}
        )

    def test_small_weights_in_16_bit_are_widened(self, replica: Build) -> None:
        r = replica(engine={"weight_only": 0.5}, attention_bytes=0.5625, mlp_bytes=1.0, expert_bytes=2.0)
        assert r.attention.compute[0] == r.mlp.compute[0] == pytest.approx(2 / 1e15 / 0.5)
        assert r.experts.compute[0] == r.head.compute[0] == r.absorbed.compute[0] == pytest.approx(2 / 1e15)

    def test_widening_is_for_products_in_16_bit_only(self, replica: Build) -> None:
        slow = {"weight_only": 0.5}
        small = {
            "attention_class": FP8,
            "expert_class": NVFP4,
            "attention_bytes": 1.0,
            "expert_bytes": 0.5625,
        }
        r, plain = replica(engine=slow, **small), replica(**small)
        assert r.attention.compute[0] == plain.attention.compute[0]
        assert r.experts.compute[0] == plain.experts.compute[0]

    def test_a_row_is_widened_by_itself(self, replica: Build) -> None:
        r = replica(engine={"weight_only": 0.5}, attention_bytes=[2.0, 0.5625], attention_class=[0, 0])
        assert r.attention.compute.tolist() == pytest.approx([2e-15, 4e-15])

    def test_a_format_that_the_part_lacks(self, replica: Build) -> None:
        hopper: dict[str, Any] = {"peak_flop_per_s": [[1e15, 2e15, 2e15, 2e15, 0.0, 0.0]]}
        assert np.isnan(replica(part=hopper, expert_class=NVFP4).experts.compute[0])
        assert np.isfinite(replica(part=hopper, expert_class=FP8).experts.compute[0])


def test_accelerators_of_a_layout(replica: Build) -> None:
    layout = stack([replica(tp=2.0, pp=3.0, dp=4.0).layout, replica().layout])
    assert layout.stage.tolist() == [8, 1]
    assert layout.gpus.tolist() == [24, 1]
