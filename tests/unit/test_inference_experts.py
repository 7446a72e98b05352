"""Routed and shared experts on the ideal part: which are read, how uneven it is, how tokens get there."""

from __future__ import annotations

from collections.abc import Callable
from math import log, log2, sqrt
from types import SimpleNamespace

import numpy as np
import pytest

from planner.model.inference.experts import Experts, expert_layer_s
from planner.model.inference.replica import Replica, Work, ranks

Build = Callable[..., Replica]
US = 1e-6


def layer(replica: Replica, *, decode: float = 0.0, prompt: float = 0.0) -> tuple[float, float]:
    found = rows(replica, decode, prompt)
    return float(found.compute_s[0]), float(found.traffic_s[0])


def rows(replica: Replica, decode: float, prompt: float) -> Experts:
    work = Work(*(np.array([value]) for value in (decode, 1000.0, prompt, max(prompt, 1.0), 0.0)))
    on = ranks(layout=replica.layout, work=work)
    return expert_layer_s(replica=replica, ranks=on, prompts=on.prompt_tokens > 0)


def hit(experts: int, k: int, tokens: float) -> float:
    """Distinct experts that tokens are expected to choose."""
    return float(experts * (1 - (1 - k / experts) ** tokens))


def padded(rows: float, active: float) -> float:
    tile = next(t for t in (16, 32, 64, 128) if rows / active <= t or t == 128)
    return max(active * tile, rows + active * tile / 2)


class TestOneGroup:
    """gpt-oss 120B: 4 of 128 experts, 2,880 in and between."""

    @pytest.mark.parametrize("tokens", [1, 16, 2000])
    def test_the_experts_that_tokens_hit_are_read(
        self, replica: Build, by_hand: SimpleNamespace, tokens: float
    ) -> None:
        active, copies = hit(128, 4, tokens), 4 * tokens
        compute, traffic = layer(replica("gpt-oss-120b"), decode=tokens)
        expected = by_hand.experts(tokens, copies, active, 2880, 2880, padded=padded(copies, active))
        assert compute == pytest.approx(expected)
        assert traffic == 0

    def test_tensor_ranks_cut_every_expert(self, replica: Build, by_hand: SimpleNamespace) -> None:
        active, copies = hit(128, 4, 64), 256
        compute, traffic = layer(replica("gpt-oss-120b", tp=4.0), decode=64)
        expected = by_hand.experts(64, copies, active, 2880, 2880 / 4, padded=padded(copies, active))
        assert compute == pytest.approx(expected)
        assert traffic == 0, "sums of the parts are the all-reduce of the layer"

    def test_formats(self, replica: Build, by_hand: SimpleNamespace) -> None:
        small = {"weight": 0.5625, "peak": 4 * by_hand.peak}
        active = hit(128, 4, 64)
        compute, _ = layer(replica("gpt-oss-120b", expert_class=4, expert_bytes=0.5625), decode=64)
        expected = by_hand.experts(64, 256, active, 2880, 2880, padded=padded(256, active), **small)
        assert compute == pytest.approx(expected)

    def test_small_kernels_of_the_engine(self, replica: Build) -> None:
        plain, slow = (
            layer(replica("gpt-oss-120b", engine={"expert_layer_s": s}), decode=64)[0] for s in (0.0, 17 * US)
        )
        assert slow - plain == pytest.approx(17 * US)


class TestRanks:
    """DeepSeek-V3: 8 of 256 experts of 2,048, one shared expert; a width of 7,168."""

    def compute(self, by_hand: SimpleNamespace, *, ep: int, tokens: float, own: float, hot: float) -> float:
        """Routed experts of `tokens` of the group, of which a rank has `own`, on its share of experts."""
        copies = 8 * tokens / ep * hot
        active = hit(256, 8, tokens) / ep
        return float(by_hand.experts(own, copies, active, 7168, 2048, padded=padded(copies, active)))

    def shared(self, by_hand: SimpleNamespace, m: float, tp: float = 1.0) -> float:
        width = 2048 / tp
        both = by_hand.gemm(m, 2 * width, 7168) + by_hand.gemm(m, 7168, width)
        return float(both - 2 * by_hand.gemm_s)

    def test_attention_ranks_bring_their_tokens_together(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        """256 sequences on 8 ranks of 32 experts; an extreme rank has more rows by chance alone."""
        compute, _ = layer(replica("deepseek-v3", dp=8.0, ep=8.0), decode=256)
        hot = 1 + 0.5 * sqrt(2 * log(8) / 256)
        routed = self.compute(by_hand, ep=8, tokens=256, own=32, hot=hot)
        assert compute == pytest.approx(routed + self.shared(by_hand, 32))

    @pytest.mark.parametrize(("balanced", "uneven"), [(False, 1.6), (True, 1.2)])
    def test_some_experts_are_hot(
        self, replica: Build, by_hand: SimpleNamespace, balanced: bool, uneven: float
    ) -> None:
        engine = {"imbalance": 1.6, "balanced_imbalance": 1.2}
        r = replica("deepseek-v3", engine=engine, dp=8.0, ep=8.0, balanced=balanced)
        hot = uneven + 0.5 * sqrt(2 * log(8) / 4096)
        routed = self.compute(by_hand, ep=8, tokens=4096, own=512, hot=hot)
        assert layer(r, decode=4096)[0] == pytest.approx(routed + self.shared(by_hand, 512))

    def test_without_expert_ranks_nothing_is_hot(self, replica: Build) -> None:
        mild, wild = (
            layer(replica("deepseek-v3", engine={"imbalance": x}, tp=8.0), decode=64) for x in (1.0, 3.0)
        )
        assert mild == wild

    def test_a_token_has_at_most_one_row_per_local_expert(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        """128 ranks of 2 experts: however hot, 100 tokens make no more than 200 rows, of 2 experts."""
        r = replica("deepseek-v3", engine={"imbalance": 1e3}, part={"domain": 128}, dp=128.0, ep=128.0)
        found = layer(r, decode=100 * 128.0)[0]
        rows = 2 * 12800
        expected = by_hand.experts(100, rows, 2, 7168, 2048, padded=padded(rows, 2))
        assert found == pytest.approx(expected + self.shared(by_hand, 100), rel=1e-9)

    def test_one_token(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """The hottest of 8 ranks holds one or two of its 8 experts."""
        r = replica("deepseek-v3", tp=8.0, ep=8.0)
        rows = 1 + 0.5 * sqrt(2 * log(8))
        expected = by_hand.experts(1, rows, 1, 7168, 2048, padded=padded(rows, 1))
        assert layer(r, decode=1)[0] == pytest.approx(expected + self.shared(by_hand, 1, tp=8))

    def test_expert_ranks_of_several_accelerators(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """16 accelerators in 4 expert ranks: 64 experts each, cut in 4."""
        r = replica("deepseek-v3", part={"domain": 16}, tp=4.0, dp=4.0, ep=4.0)
        copies = 8 * 1024 / 4 * (1 + 0.5 * sqrt(2 * log(4) / 2048))
        active = hit(256, 8, 1024) / 4
        expected = by_hand.experts(256, copies, active, 7168, 512, padded=padded(copies, active))
        assert layer(r, decode=1024)[0] == pytest.approx(expected + self.shared(by_hand, 256, tp=4))

    def test_more_expert_ranks_than_accelerators_is_all_of_them(self, replica: Build) -> None:
        assert layer(replica("deepseek-v3", dp=8.0, ep=64.0), decode=64) == layer(
            replica("deepseek-v3", dp=8.0, ep=8.0), decode=64
        )

    def test_experts_of_another_width_than_the_model(self, replica: Build, by_hand: SimpleNamespace) -> None:
        """Nemotron 3 Super: 22 of 512 experts, 2,688 between, not gated, in a latent space of 1,024."""
        model = replica("nemotron3-super").model
        assert (model.expert_hidden[0], model.expert_ffn[0], model.expert_gated[0]) == (1024, 2688, 0)
        compute, _ = layer(replica("nemotron3-super"), decode=64)
        active, copies = hit(512, 22, 64), 22 * 64
        weights = 2 * 1024 * 2688
        work = 2 * weights * padded(copies, active) / by_hand.peak + 2 * weights * active / by_hand.memory
        moved = copies * (6 * 1024 + 4 * 2688) + 4 * 64 * 1024
        width = float(model.shared_ffn[0])
        shared = by_hand.gemm(64, width, 4096) + by_hand.gemm(64, 4096, width) - 2 * US
        expected = 5 * US + 2 * US * log2(1 + 64 / 8) + moved / by_hand.memory + work + shared
        assert compute == pytest.approx(expected)


class TestTraffic:
    def inside(self, by_hand: SimpleNamespace, *, own: float, n: int) -> float:
        copies = own * 8 * (n - 1) / n
        exchange = 20 * US + 2.5 * US * log2(n) + 3 * 7168 * copies / (0.55 * by_hand.link)
        all_tokens = own * n * 7168
        return float(min(exchange, by_hand.ring(all_tokens, n, 1) + by_hand.ring(2 * all_tokens, n, 1)))

    @pytest.mark.parametrize("sequences", [64, 8192])
    def test_inside_a_domain(self, replica: Build, by_hand: SimpleNamespace, sequences: float) -> None:
        traffic = layer(replica("deepseek-v3", dp=8.0, ep=8.0), decode=sequences)[1]
        assert traffic == pytest.approx(self.inside(by_hand, own=sequences / 8, n=8))

    def test_across_domains_steps_with_prompts_send_in_bulk(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        r = replica("deepseek-v3", dp=32.0, ep=32.0)
        few = 48 * US + 2 * US * 2 + 3 * 7168 * 20 * 8 * 3 / 4 / (0.93 * by_hand.nic)
        assert layer(r, decode=640)[1] == pytest.approx(few)
        tokens = 20 + 100
        many = 180 * US + 15 * US * 2 + 3 * 7168 * tokens * 3 * (1 - (3 / 4) ** 4) / (0.85 * by_hand.nic)
        assert layer(r, decode=640, prompt=100)[1] == pytest.approx(many)

    def test_two_batches_hide_most_of_it(self, replica: Build) -> None:
        plain, hidden = (
            layer(replica("deepseek-v3", engine={"overlap": 0.7}, dp=8.0, ep=8.0, two_batches=b), decode=64)
            for b in (False, True)
        )
        assert hidden[1] == pytest.approx(0.3 * plain[1])
        assert hidden[0] == plain[0]

    def test_attention_ranks_that_cut_experts_exchange_too(
        self, replica: Build, by_hand: SimpleNamespace
    ) -> None:
        """Without expert ranks the tokens of all attention ranks are gathered, and all compute all."""
        compute, traffic = layer(replica("gpt-oss-120b", dp=4.0), decode=64)
        active = hit(128, 4, 64)
        expected = by_hand.experts(64, 256, active, 2880, 720, padded=padded(256, active))
        assert compute == pytest.approx(expected)
        copies, everything = 16 * 4 * 3 / 4, 64 * 2880
        exchange = 25 * US + 3 * 2880 * copies / (0.55 * by_hand.link)
        gathered = by_hand.ring(everything, 4, 1) + by_hand.ring(2 * everything, 4, 1)
        assert traffic == pytest.approx(min(exchange, gathered))

    def test_tensor_ranks_alone_send_nothing(self, replica: Build) -> None:
        assert layer(replica("deepseek-v3", tp=8.0, ep=8.0), decode=64)[1] == 0
