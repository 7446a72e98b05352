"""Parts of a step on the ideal part, each against its sum written out, and what scales them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from planner.model.inference.experts import expert_layer_s
from planner.model.inference.mixers import mixing_s
from planner.model.inference.replica import Replica, Work, ranks
from planner.model.inference.step import StepTime, step
from planner.tables import Model

Build = Callable[..., Replica]
US = 1e-6
KERNELS = ("linear_s", "attention_s", "expert_s", "elementwise_s", "communication_s")
BUSY_ENGINE = {
    "layer_s": 11 * US, "expert_layer_s": 13 * US, "element_bytes": 8.0, "prefill_slowdown": 1.15,
    "host_step_s": 500 * US, "host_sequence_s": 3 * US, "draft_s": 300 * US, "imbalance": 1.6,
    "attention_imbalance": 1.1, "overlap": 0.7, "correction": 1.03,
}  # fmt: skip
BUSY = {"decode": 64.0, "context": 3000.0, "prompt": 2048.0, "new": 1024.0, "past": 500.0}


def work_of(**values: float) -> Work:
    plain = {"decode": 0.0, "context": 1000.0, "prompt": 0.0, "new": 1.0, "past": 0.0} | values
    return Work(**{name: np.array([value]) for name, value in plain.items()})


def timed(replica: Replica, **values: float) -> dict[str, float]:
    found = step(replica=replica, work=work_of(**values))
    return {name: float(column[0]) for name, column in vars(found).items()}


@pytest.mark.parametrize(
    ("model", "layout"),
    [
        ("llama-3-70b", {"tp": 4.0, "pp": 2.0}),
        (
            "gpt-oss-120b",
            {"tp": 2.0, "dp": 2.0, "ep": 4.0, "drafts": 2.0, "accepted": 2.0, "draft_layers": 1.0},
        ),
        ("deepseek-v3", {"dp": 32.0, "ep": 32.0, "two_batches": True, "balanced": True}),
        ("qwen3.5-397b-a17b", {"tp": 8.0, "ep": 8.0, "drafts": 1.0, "draft_layers": 1.0}),
        ("nemotron-h-56b", {"tp": 8.0}),
    ],
)
def test_parts_sum_to_the_total(replica: Build, model: str, layout: dict[str, Any]) -> None:
    found = timed(replica(model, engine=BUSY_ENGINE, **layout), **BUSY)
    assert sum(found[name] for name in StepTime.parts()) == pytest.approx(found["total_s"], rel=1e-12)
    assert set(found) == {*StepTime.parts(), "total_s"}
    assert min(found.values()) >= 0


class TestParts:
    @pytest.mark.parametrize("tp", [1, 4])
    def test_dense_layers(self, replica: Build, by_hand: SimpleNamespace, tp: float) -> None:
        """Llama 3 70B: 80 gated MLPs of 28,672."""
        r, width = replica(tp=tp), 28672 / tp
        mixers = mixing_s(
            replica=r, work=work_of(decode=64), ranks=ranks(layout=r.layout, work=work_of(decode=64))
        )
        dense = 80 * (by_hand.gemm(64, 2 * width, 8192) + by_hand.gemm(64, 8192, width))
        found = timed(r, decode=64)
        assert found["linear_s"] == pytest.approx(float(mixers.linear_s[0]) + dense)
        assert found["attention_s"] == pytest.approx(float(mixers.core_s[0]))
        assert found["expert_s"] == 0

    def test_a_dense_layer_without_a_gate(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """OPT 13B: 40 MLPs of 20,480 over a width of 5,120, 40 heads of 128."""
        mixers = by_hand.gemm(8, 3 * 5120, 5120) + by_hand.gemm(8, 5120, 5120)
        dense = by_hand.gemm(8, 20480, 5120) + by_hand.gemm(8, 5120, 20480)
        assert timed(replica("opt-13b"), decode=8)["linear_s"] == pytest.approx(40 * (mixers + dense))

    def test_small_kernels(self, replica: Build, by_hand: SimpleNamespace) -> None:
        found = timed(replica(engine={"layer_s": 11 * US, "element_bytes": 8.0}), decode=64)
        assert found["elementwise_s"] == pytest.approx(80 * (11 * US + 16 * 64 * 8192 / by_hand.memory))

    def test_mixture_layers(self, replica: Build) -> None:
        r, work = replica("deepseek-v3", dp=8.0, ep=8.0), work_of(decode=64)
        one = expert_layer_s(replica=r, ranks=ranks(layout=r.layout, work=work), prompts=np.array([False]))
        found = timed(r, decode=64)
        assert found["expert_s"] == pytest.approx(58 * float(one.compute_s[0]))
        assert found["communication_s"] == pytest.approx(58 * float(one.traffic_s[0]))

    def test_the_head(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """64 sequences and 2 prompts that end; softmax and sampling over all logits on every rank."""
        found = timed(replica(tp=4.0), **BUSY)
        vocab, last = 128256, 64 + 2
        expected = by_hand.gemm(last, vocab / 4, 8192) + 10 * US
        expected += last * vocab * 12 / (0.7 * by_hand.memory) + by_hand.ring(2 * last * vocab, 4, 1)
        assert found["head_s"] == pytest.approx(expected)

    def test_the_host(self, replica: Build) -> None:
        engine = {"host_step_s": 500 * US, "host_sequence_s": 3 * US}
        assert timed(replica(engine=engine, dp=4.0), decode=64)["host_s"] == pytest.approx(548 * US)
        assert timed(replica(engine=engine, dp=4.0, pp=2.0), decode=64)["host_s"] == pytest.approx(1048 * US)


class TestTensorParallel:
    def test_a_layer_reduces_after_its_mixer_and_its_mlp(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        found = timed(replica(tp=4.0), decode=64)
        assert found["communication_s"] == pytest.approx(160 * by_hand.ring(2 * 64 * 8192, 4, 2))
        assert timed(replica(), decode=64)["communication_s"] == 0

    def test_experts_of_attention_ranks_need_no_reduction(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        """DeepSeek-V3: 61 mixers and 3 dense MLPs reduce; 58 mixtures do so only in one attention rank."""
        alone = timed(replica("deepseek-v3", tp=8.0), decode=64)["communication_s"]
        assert alone == pytest.approx(122 * by_hand.ring(2 * 64 * 7168, 8, 2))
        r = replica("deepseek-v3", tp=4.0, dp=2.0, ep=8.0)
        on = ranks(layout=r.layout, work=work_of(decode=64))
        exchange = expert_layer_s(replica=r, ranks=on, prompts=np.array([False])).traffic_s[0]
        expected = 64 * by_hand.ring(2 * 32 * 7168, 4, 2) + 58 * exchange
        assert timed(r, decode=64)["communication_s"] == pytest.approx(expected)

    def test_a_layer_may_lack_one_of_the_two(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """Nemotron-H 56B: 118 layers with one block each."""
        found = timed(replica("nemotron-h-56b", tp=2.0), decode=64)["communication_s"]
        assert found == pytest.approx(118 * by_hand.ring(2 * 64 * 8192, 2, 2))


class TestStages:
    def test_every_stage_runs_once_per_step(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """Four stages each do a quarter of the layers for a quarter of the batch at a time."""
        staged, alone = timed(replica(pp=4.0), decode=64), timed(replica(), decode=16)
        for name in ("linear_s", "attention_s"):
            assert staged[name] == pytest.approx(alone[name]), "layers are summed over the stages"
        assert staged["head_s"] == pytest.approx(4 * alone["head_s"])
        send = 7.3 * US + 2 * 16 * 8192 / (0.82 * by_hand.link)
        assert staged["pipeline_s"] == pytest.approx(4 * send)
        assert alone["pipeline_s"] == 0

    def test_stages_in_several_domains_send_over_the_network(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        found = timed(replica(tp=8.0, pp=2.0), decode=64)["pipeline_s"]
        assert found == pytest.approx(2 * (20 * US + 2 * 32 * 8192 / (0.8 * by_hand.nic)))


class TestScales:
    def test_the_slowest_attention_rank(self, replica: Build) -> None:
        """It computes longer; the exchange itself does not slow down."""
        layout = {"dp": 8.0, "ep": 8.0}
        even, uneven = (
            timed(
                replica("deepseek-v3", engine={"layer_s": US, "attention_imbalance": x}, **layout), decode=64
            )
            for x in (1.0, 1.2)
        )
        for name in ("linear_s", "attention_s", "expert_s", "elementwise_s"):
            assert uneven[name] == pytest.approx(1.2 * even[name]), name
        assert uneven["communication_s"] == even["communication_s"]
        alone = (timed(replica(engine={"attention_imbalance": x}, tp=8.0), decode=64) for x in (1.0, 1.2))
        assert next(alone) == next(alone)

    def test_steps_with_prompts_are_slower(self, replica: Build) -> None:
        plain, slow = replica(tp=2.0), replica(tp=2.0, engine={"prefill_slowdown": 1.2})
        for name, ratio in {**dict.fromkeys(("linear_s", "communication_s"), 1.2), "head_s": 1.0}.items():
            assert timed(slow, **BUSY)[name] == pytest.approx(ratio * timed(plain, **BUSY)[name])
        assert timed(slow, decode=64) == timed(plain, decode=64)

    def test_a_correction_is_for_what_the_accelerator_does(self, replica: Build) -> None:
        plain, slow = (
            timed(replica(tp=2.0, pp=2.0, engine=BUSY_ENGINE | {"correction": c}), **BUSY) for c in (1.0, 1.3)
        )
        ratio = {name: slow[name] / plain[name] for name in StepTime.parts() if plain[name]}
        same = dict.fromkeys(("pipeline_s", "host_s"), 1.0)
        assert ratio == pytest.approx(dict.fromkeys(ratio, 1.3) | same)

    def test_launches_bound_a_step_from_below(self, replica: Build) -> None:
        free = timed(replica(tp=8.0, engine={"layer_s": 9 * US}), decode=1)
        busy = sum(free[name] for name in KERNELS)
        for floor in (0.5 * busy, 3.0 * busy):
            found = timed(replica(tp=8.0, engine={"layer_s": 9 * US, "floor_layer_s": floor / 80}), decode=1)
            assert sum(found[name] for name in KERNELS) == pytest.approx(max(busy, floor))
            assert found["head_s"] == free["head_s"]
            assert sum(found[name] for name in StepTime.parts()) == pytest.approx(found["total_s"])


class TestDrafts:
    def test_each_runs_its_layers_and_a_head(self, replica: Build) -> None:
        """Three drafts of one layer each; the step itself verifies four tokens per sequence."""
        layout = {"drafts": 3.0, "accepted": 2.5, "draft_layers": 1.0, "dp": 8.0, "ep": 8.0}
        found = timed(replica("deepseek-v3", engine={"draft_s": 300 * US}, **layout), decode=64)
        layers = sum(found[name] for name in KERNELS)
        assert found["draft_s"] == pytest.approx(3 * (layers / 61 + found["head_s"] + 300 * US))

    def test_only_decoding_tokens_are_drafted_for(self, replica: Build) -> None:
        layout = {"drafts": 1.0, "draft_layers": 2.0}
        found = timed(replica(engine={"prefill_slowdown": 1.2}, **layout), decode=16, prompt=96, new=96)
        layers = sum(found[name] for name in KERNELS)
        assert found["draft_s"] == pytest.approx(2 * layers * 32 / 128 / 80 + found["head_s"])
        assert timed(replica(**layout), prompt=96, new=96)["draft_s"] == 0
        assert timed(replica(), decode=16)["draft_s"] == 0


def test_a_part_without_the_format_has_no_time(replica: Build) -> None:
    hopper = {"peak_flop_per_s": [[1e15, 2e15, 2e15, 2e15, 0.0, 0.0]]}
    found = timed(replica("gpt-oss-120b", part=hopper, expert_class=4, expert_bytes=0.5), decode=8)
    assert np.isnan(found["total_s"])
    assert found["attention_s"] > 0
    assert np.isfinite(timed(replica("llama-3-70b", part=hopper, expert_class=4), decode=8)["total_s"])


def test_rows_are_timed_by_themselves(replica: Build, shipped: Callable[[str], Model]) -> None:
    """A table with and without stages, drafts and attention ranks; dense and mixed."""
    rows = [{"tp": 8.0}, {"dp": 4.0, "ep": 4.0}, {"pp": 2.0, "drafts": 2.0, "draft_layers": 1.0}]
    columns = {k: [float(r.get(k, 1.0 if len(k) == 2 else 0.0)) for r in rows] for r in rows for k in r}
    for model in ("llama-3-70b", "deepseek-v3"):
        found = step(replica=replica(model, engine=BUSY_ENGINE, **columns), work=work_of(**BUSY))
        alone = [timed(replica(model, engine=BUSY_ENGINE, **row), **BUSY)["total_s"] for row in rows]
        np.testing.assert_allclose(found.total_s, alone, rtol=1e-12)
