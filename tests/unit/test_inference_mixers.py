"""Mixers of shipped models on the ideal part, against shapes and sums written out for each kind."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from planner.model.inference.mixers import Mixing, mixing_s
from planner.model.inference.replica import Replica, Work, prepare, ranks
from planner.tables import Model, stack

Build = Callable[..., Replica]
US = 1e-6


def mixed(replica: Replica, **values: float) -> tuple[float, float]:
    found = rows(replica, **values)
    return float(found.linear_s[0]), float(found.core_s[0])


def rows(replica: Replica, **values: float) -> Mixing:
    plain = {"decode": 0.0, "context": 1000.0, "prompt": 0.0, "new": 1.0, "past": 0.0} | values
    work = Work(**{name: np.array([value]) for name, value in plain.items()})
    return mixing_s(replica=replica, work=work, ranks=ranks(layout=replica.layout, work=work))


class TestGrouped:
    """Llama 3 70B: 80 layers, 64 heads and 8 of keys and values, 128 wide."""

    @pytest.mark.parametrize(("tp", "kv"), [(1, 8), (4, 2), (8, 1), (16, 1)])
    def test_decode(self, replica: Build, by_hand: SimpleNamespace, tp: float, kv: float) -> None:
        """Beyond 8 ranks each head of keys and values is kept, and projected, several times."""
        linear, core = mixed(replica(tp=tp), decode=32, context=3000)
        gemm, heads = by_hand.gemm, 64 / tp
        assert linear == pytest.approx(
            80 * (gemm(32, heads * 128 + 2 * kv * 128, 8192) + gemm(32, 8192, heads * 128))
        )
        assert core == pytest.approx(80 * by_hand.decode(32, heads, kv, 128, 3000))

    def test_prompts(self, replica: Build, by_hand: SimpleNamespace) -> None:
        linear, core = mixed(replica(tp=8.0), prompt=6000, new=2000, past=500)
        gemm = by_hand.gemm
        assert linear == pytest.approx(80 * (gemm(6000, 1024 + 256, 8192) + gemm(6000, 8192, 1024)))
        assert core == pytest.approx(80 * by_hand.context(3, 8, 1, 128, 2000, 500))

    def test_both_in_one_step(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """They share the products and attend one after the other."""
        linear, core = mixed(replica(dp=2.0), decode=10, context=700, prompt=64, new=32)
        gemm = by_hand.gemm
        assert linear == pytest.approx(80 * (gemm(5 + 32, 80 * 128, 8192) + gemm(5 + 32, 8192, 8192)))
        expected = by_hand.decode(5, 64, 8, 128, 700) + by_hand.context(1, 64, 8, 128, 32, 0)
        assert core == pytest.approx(80 * expected)

    def test_drafts_are_more_queries_of_the_same_cache(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        linear, core = mixed(replica(drafts=3.0), decode=32, context=3000)
        gemm = by_hand.gemm
        assert linear == pytest.approx(80 * (gemm(128, 80 * 128, 8192) + gemm(128, 8192, 8192)))
        assert core == pytest.approx(80 * by_hand.decode(32, 4 * 64, 8, 128, 3000))

    def test_an_8_bit_cache_and_8_bit_products(self, replica: Build, by_hand: SimpleNamespace) -> None:
        work = {"prompt": 2000.0, "new": 2000.0, "past": 500.0}
        kept = mixed(replica(kv_bytes=1.0), **work)[1]
        both = mixed(replica(kv_bytes=1.0, eight_bit_attention=True), **work)[1]
        assert kept == pytest.approx(80 * by_hand.context(1, 64, 8, 128, 2000, 500, kv_bytes=1))
        assert both == pytest.approx(
            80 * by_hand.context(1, 64, 8, 128, 2000, 500, kv_bytes=1, peak=by_hand.peak8)
        )
        decoding = mixed(replica(kv_bytes=1.0), decode=32, context=3000)[1]
        assert decoding == pytest.approx(80 * by_hand.decode(32, 64, 8, 128, 3000, kv_bytes=1))

    def test_small_weights(self, replica: Build, by_hand: SimpleNamespace) -> None:
        linear, _ = mixed(replica(attention_class=1, attention_bytes=1.0), decode=32)
        small = {"weight": 1, "operand": 1, "peak": by_hand.peak8}
        assert linear == pytest.approx(
            80 * (by_hand.gemm(32, 80 * 128, 8192, **small) + by_hand.gemm(32, 8192, 8192, **small))
        )


class TestWindows:
    """gpt-oss 120B: 18 layers see all, 18 see 128 tokens; 64 heads of 64, 8 of keys and values."""

    @pytest.mark.parametrize("context", [100, 5000])
    def test_decode(self, replica: Build, by_hand: SimpleNamespace, context: float) -> None:
        linear, core = mixed(replica("gpt-oss-120b", tp=2.0), decode=16, context=context)
        gemm = by_hand.gemm
        assert linear == pytest.approx(36 * (gemm(16, 32 * 64 + 8 * 64, 2880) + gemm(16, 2880, 2048)))
        read = [by_hand.decode(16, 32, 4, 64, c) for c in (context, min(context, 128))]
        assert core == pytest.approx(18 * sum(read))

    def test_prompts(self, replica: Build, by_hand: SimpleNamespace) -> None:
        _, core = mixed(replica("gpt-oss-120b"), prompt=1000, new=1000, past=300)
        seen = [by_hand.context(1, 64, 8, 64, 1000, 300, window) for window in (np.inf, 128)]
        assert core == pytest.approx(18 * sum(seen))


class TestLatent:
    """DeepSeek-V3: 61 layers, 128 heads, latents of 512 + 64, queries from 1,536."""

    @pytest.mark.parametrize("tp", [1, 8])
    def test_decode(self, replica: Build, by_hand: SimpleNamespace, tp: float) -> None:
        """Every rank projects to the latents and reads all of them; only heads are divided."""
        linear, core = mixed(replica("deepseek-v3", tp=tp), decode=64, context=4000)
        gemm, h = by_hand.gemm, 128 / tp
        layer = gemm(64, 1536 + 512 + 64, 7168) + gemm(64, h * 192, 1536) + 2 * US
        layer += gemm(64, h * 256, 512) + gemm(64, 7168, h * 128)
        assert linear == pytest.approx(61 * layer)
        assert core == pytest.approx(61 * by_hand.latent(64, h, 4000))

    def test_products_that_are_absorbed_stay_in_16_bit(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        linear, _ = mixed(replica("deepseek-v3", attention_class=3, attention_bytes=1.0), decode=64)
        small = {"weight": 1, "operand": 1, "peak": by_hand.peak8}
        shapes = ((2112, 7168), (128 * 192, 1536), (7168, 128 * 128))
        layer = sum(by_hand.gemm(64, n, k, **small) for n, k in shapes) + by_hand.gemm(64, 128 * 256, 512)
        assert linear == pytest.approx(61 * (layer + 2 * US))

    def test_an_8_bit_cache_and_drafts(self, replica: Build, by_hand: SimpleNamespace) -> None:
        core = mixed(replica("deepseek-v3", kv_bytes=1.0, drafts=2.0), decode=64, context=4000)[1]
        assert core == pytest.approx(61 * by_hand.latent(64, 3 * 128, 4000, kv_bytes=1))

    def test_prompts(self, replica: Build, by_hand: SimpleNamespace) -> None:
        work = {"prompt": 8000.0, "new": 2000.0, "past": 1000.0}
        core, small = (mixed(replica("deepseek-v3", dp=4.0, kv_bytes=b), **work)[1] for b in (2.0, 1.0))
        assert core == pytest.approx(61 * by_hand.latent_context(1, 128, 2000, 1000))
        assert small == pytest.approx(61 * by_hand.latent_context(1, 128, 2000, 1000, kv_bytes=1))

    def test_queries_may_come_from_the_hidden_state(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """DeepSeek-V2-Lite: 27 layers of 16 heads over a width of 2,048, no latent of queries."""
        linear, _ = mixed(replica("deepseek-v2-lite"), decode=8)
        gemm = by_hand.gemm
        layer = gemm(8, 512 + 64, 2048) + gemm(8, 16 * 192, 2048) + 2 * US
        assert linear == pytest.approx(27 * (layer + gemm(8, 16 * 256, 512) + gemm(8, 2048, 16 * 128)))


class TestIndexer:
    """DeepSeek-V3.2: 64 index heads of 128 score all keys, 2,048 of which are read."""

    @pytest.mark.parametrize("context", [1500, 50000])
    def test_decode(self, replica: Build, by_hand: SimpleNamespace, context: float) -> None:
        dense, sparse = (
            mixed(replica(m), decode=32, context=context) for m in ("deepseek-v3", "deepseek-v3.2")
        )
        assert sparse[0] == dense[0]
        scored = 20 * US + 32 * context * 128 / (0.7 * by_hand.memory)
        assert sparse[1] == pytest.approx(61 * (by_hand.latent(32, 128, min(context, 2048)) + scored))

    def test_prompts(self, replica: Build, by_hand: SimpleNamespace) -> None:
        core = mixed(replica("deepseek-v3.2"), prompt=6000, new=3000, past=9000)[1]
        pairs = 2 * 3000 * (9000 + 1500)
        scored = 20 * US + 2 * pairs * 64 * 128 / (0.7 * by_hand.peak8)
        assert core == pytest.approx(61 * (by_hand.latent_context(2, 128, 3000, 9000, 2048) + scored))

    def test_without_8_bit_units_scores_are_computed_in_16(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        ampere = {"peak_flop_per_s": [[by_hand.peak] + [0.0] * 5]}
        work = {"prompt": 3000.0, "new": 3000.0, "past": 9000.0}
        slow, fast = (mixed(replica("deepseek-v3.2", part=p), **work)[1] for p in (ampere, {}))
        score = 2 * 3000 * 10500 * 64 * 128 / 0.7
        assert slow - fast == pytest.approx(61 * score * (1 / by_hand.peak - 1 / by_hand.peak8))


class TestRecurrent:
    """Qwen3.5 397B: 45 layers of 64 states of 128 x 128, 15 of gated attention with 32 heads of 256."""

    STATE = 64 * 128 * 128
    PROJECTED = 2 * 16 * 128 + 2 * 64 * 128 + 2 * 64
    INNER = 64 * 128

    @pytest.mark.parametrize(("tp", "kv"), [(1, 2), (4, 1)])
    def test_decode(self, replica: Build, by_hand: SimpleNamespace, tp: float, kv: float) -> None:
        linear, core = mixed(replica("qwen3.5-397b-a17b", tp=tp), decode=40, context=9000)
        gemm, heads = by_hand.gemm, 32 / tp
        recurrent = gemm(40, self.PROJECTED / tp, 4096) + gemm(40, 4096, self.INNER / tp)
        attending = gemm(40, heads * 2 * 256 + 2 * kv * 256, 4096) + gemm(40, 4096, heads * 256)
        assert linear == pytest.approx(45 * recurrent + 15 * attending)
        state = 10 * US + 40 * 2 * 4 * self.STATE / tp / (0.75 * by_hand.memory)
        assert core == pytest.approx(45 * state + 15 * by_hand.decode(40, heads, kv, 256, 9000))

    def test_prompts(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """7 FLOP per element of the state and token; tokens cross memory once more, projected."""
        core = mixed(replica("qwen3.5-397b-a17b", tp=2.0), prompt=4000, new=2000, past=100)[1]
        scan = 4000 * 7 * self.STATE / 2 / (0.22 * by_hand.peak)
        moved = 16 * 4000 * self.PROJECTED / 2 / (0.6 * by_hand.memory)
        attended = by_hand.context(2, 16, 1, 256, 2000, 100)
        assert core == pytest.approx(45 * (40 * US + scan + moved) + 15 * attended)

    def test_a_state_does_not_grow_with_the_context(
        self, replica: Build, shipped: Callable[[str], Model]
    ) -> None:
        hybrid = shipped("qwen3.5-397b-a17b").with_values(n_full=0.0)
        short, long = (mixed(replica(hybrid), decode=40, context=c)[1] for c in (100, 100000))
        assert short == long > 0


def test_nothing_to_do_takes_only_what_is_fixed(replica: Build) -> None:
    for name in ("llama-3-70b", "gpt-oss-120b", "qwen3.5-397b-a17b"):
        assert mixed(replica(name)) == (0, 0)
    assert mixed(replica("deepseek-v3.2")) == pytest.approx((61 * 2 * US, 0))


def test_models_of_all_kinds_in_one_table_give_what_each_gives_alone(
    replica: Build, shipped: Callable[[str], Model]
) -> None:
    """Branches that a row does not take must not leak into it."""
    names = (
        "llama-3-70b",
        "gpt-oss-120b",
        "deepseek-v3",
        "deepseek-v3.2",
        "qwen3.5-397b-a17b",
        "nemotron-h-56b",
    )
    alone = replica(tp=4.0)
    together = prepare(
        operators=alone.operators,
        model=stack([shipped(name) for name in names]),
        engine=alone.engine,
        layout=alone.layout,
    )
    work = {"decode": 24.0, "context": 6000.0, "prompt": 3000.0, "new": 1500.0, "past": 4000.0}
    expected = np.array([mixed(replica(name, tp=4.0), **work) for name in names])
    found = rows(together, **work)
    np.testing.assert_allclose(np.stack([found.linear_s, found.core_s], axis=1), expected, rtol=1e-12)
