"""Every term of a layer against the arithmetic of its block, written out here a second time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.collectives import dispatch_s, hidden_s, place, ring_s
from planner.model.context import LayerContext, prepare
from planner.model.layer import TERMS, LayerCosts, layer_costs
from planner.model.operators import GEMM_OVERHEAD_S, KERNEL_FLOOR_S, STREAM_SHARE, flash_attention_s
from planner.tables import Strategy

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]


class Bench:
    """One configuration with what the tests compare: its costs and the rates that they were made with."""

    def __init__(self, given: tuple[Any, Any, Any], strategy: Strategy, **model: Any) -> None:
        self.hw, self.m, self.sw = given[0], given[1].with_values(**model), given[2]
        self.st = strategy
        self.c: LayerContext = prepare(hardware=self.hw, model=self.m, software=self.sw, strategy=strategy)

    @property
    def costs(self) -> LayerCosts:
        return layer_costs(hardware=self.hw, model=self.m, software=self.sw, strategy=self.st)

    def term(self, name: str) -> tuple[float, float]:
        costs, i = self.costs, TERMS.index(name)
        return float(costs.forward_terms[0, i]), float(costs.backward_terms[0, i])

    def linear(self, m: Any, n: Any, k: Any, *, low: bool = True) -> tuple[float, float]:
        sizes = {name: np.asarray(v, dtype=float) * np.ones(1) for name, v in (("m", m), ("n", n), ("k", k))}
        forward, backward = self.c.linear(**sizes, low=low)
        return float(forward[0]), float(backward[0])

    def stream_s(self, moved: Any, kernels: float = 3.0) -> float:
        rate = STREAM_SHARE * float(self.hw.memory_bytes_per_s[0])
        return float(self.sw.elementwise[0]) * (
            kernels * KERNEL_FLOOR_S + float(self.sw.passes[0]) * float(moved) / rate
        )

    def number(self, name: str) -> float:
        return float(getattr(self.m, name)[0])


def both(*pairs: tuple[float, float]) -> tuple[float, float]:
    return sum(f for f, _ in pairs), sum(b for _, b in pairs)


DENSE = {"n_moe": 0.0, "dense_prefix": 0.0, "mtp": 0.0}


class TestDense:
    @pytest.fixture
    def bench(self, tables: Tables, layout: Layout) -> Bench:
        return Bench(tables("llama3.1-405b"), layout(tp=8.0, sequence_parallel=True))

    def test_products(self, bench: Bench) -> None:
        t, h, local = 4096.0, 16384.0, 53248.0 / 8
        expected = both(
            bench.linear(t, h, 16 * 128),
            bench.linear(t, 16 * 128 + 1 * 256, h),
            bench.linear(t, 2 * local, h),
            bench.linear(t, h, local),
        )
        assert bench.term("gemm") == pytest.approx(expected)

    def test_element_wise_traffic(self, bench: Bench) -> None:
        t, norm, local = 4096.0, 10.0 * 16384 / 8, 53248.0 / 8
        rope = 4.0 * (16 + 1) * 128
        forward = bench.stream_s(t * (norm + rope)) + bench.stream_s(t * (norm + 6.0 * local))
        backward = bench.stream_s(t * (1.4 * norm + rope)) + bench.stream_s(t * (1.4 * norm + 10.0 * local))
        assert bench.term("elementwise") == pytest.approx((forward, backward))

    def test_dropout_masks_are_traffic(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("gpt3-175b")
        without, with_masks = (
            Bench((hardware, model, software.with_values(dropout=d)), layout()).term("elementwise")[0]
            for d in (0.0, 1.0)
        )
        moved = 2 * 4096 * 2.0 * 12288  # two blocks, a byte written and read
        rate = STREAM_SHARE * float(hardware.memory_bytes_per_s[0])
        elementwise = float((software.elementwise * software.passes)[0])
        assert with_masks - without == pytest.approx(elementwise * moved / rate)

    def test_eager_stacks_pass_more_often(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("llama3.1-405b")
        once, twice = (
            Bench((hardware, model, software.with_values(passes=p)), layout()).term("elementwise")[0]
            for p in (1.0, 2.0)
        )
        assert twice / once == pytest.approx(2.0, rel=0.01)

    @pytest.mark.parametrize(("gemm_class", "casts"), [(0, 0.0), (1, 1.0), (2, 1.0), (3, 1.5)])
    def test_quantisation(self, tables: Tables, layout: Layout, gemm_class: int, casts: float) -> None:
        bench = Bench(tables("llama3.1-405b", "gb200"), layout(gemm_class=gemm_class))
        elements = 4096.0 * (16384 + 128 * 128 + 16384 + 53248)
        rate = STREAM_SHARE * float(bench.hw.memory_bytes_per_s[0])
        expected = casts * float(bench.sw.quantise[0]) * 4.0 * elements / rate
        assert bench.term("quantise") == pytest.approx((expected, expected))

    def test_tensor_parallel_traffic(self, bench: Bench) -> None:
        once = ring_s(
            moved_bytes=np.array([4096.0 * 16384 * 2]),
            factor=1.0,
            hardware=bench.hw,
            nic_share=bench.sw.nic_share,
            group=place(ranks=bench.st.tp, inner=np.ones(1), hardware=bench.hw),
        )
        share = float((bench.sw.tensor_exposed * once)[0])
        assert bench.term("tensor") == pytest.approx((2 * 2.0 * share, 2 * 2.5 * share))

    def test_the_embedding_moves_six_bytes_per_element(self, bench: Bench) -> None:
        assert bench.costs.embedding_s[0] == pytest.approx(bench.stream_s(6 * 4096 * 16384 * 2 / 8, 4.0))

    def test_the_head(self, tables: Tables, layout: Layout) -> None:
        bench = Bench(tables("llama3.1-405b"), layout(gemm_class=1))
        forward, backward = bench.linear(4096.0, 128256.0, 16384.0, low=False)
        half = 0.5 * bench.stream_s(4096.0 * 128256 * float(bench.sw.loss_traffic[0]), 4.0)
        assert bench.costs.head_forward_s[0] == pytest.approx(forward + half)
        assert bench.costs.head_backward_s[0] == pytest.approx(backward + half)


class TestLatentAttention:
    @pytest.fixture
    def bench(self, tables: Tables, layout: Layout) -> Bench:
        return Bench(tables("deepseek-v3"), layout(tp=2.0, gemm_class=1), **DENSE, n_dense=61.0)

    def test_products(self, bench: Bench) -> None:
        t, h, heads = 4096.0, 7168.0, 64.0
        expected = both(
            bench.linear(t, h, heads * 128),
            bench.linear(t, 1536, h),
            bench.linear(t, heads * 192, 1536),
            bench.linear(t, 512 + 64, h),
            bench.linear(t, heads * 256, 512),
            bench.linear(t, 18432, h),
            bench.linear(t, h, 9216),
        )
        assert bench.term("gemm") == pytest.approx(expected)

    def test_without_a_query_bottleneck(self, tables: Tables, layout: Layout) -> None:
        bench = Bench(tables("deepseek-v2-lite"), layout(), **DENSE, n_dense=27.0)
        assert bench.number("q_lora") == 0.0
        t, h = 4096.0, bench.number("hidden")
        expected = both(
            bench.linear(t, h, 16 * 128),
            bench.linear(t, 16 * 192, h),
            bench.linear(t, 512 + 64, h),
            bench.linear(t, 16 * 256, 512),
            bench.linear(t, 2 * bench.number("ffn"), h),
            bench.linear(t, h, bench.number("ffn")),
        )
        assert bench.term("gemm") == pytest.approx(expected)

    def test_quantisation_casts_the_inputs_of_every_product(self, bench: Bench) -> None:
        elements = 4096.0 * (2 * 7168 + 1536 + 512 + 64 * 128 + 7168 + 9216)
        rate = STREAM_SHARE * float(bench.hw.memory_bytes_per_s[0])
        assert bench.term("quantise")[0] == pytest.approx(float(bench.sw.quantise[0]) * 4.0 * elements / rate)

    def test_selective_recompute_repeats_up_projections(self, bench: Bench) -> None:
        up, _ = bench.linear(4096.0, 64.0 * (192 + 128 + 128), 512.0)
        elementwise = 0.5 * bench.term("elementwise")[0]
        assert bench.costs.selective_s[0] == pytest.approx(elementwise + up)


class TestContextParallelism:
    @pytest.mark.parametrize("link", [450e9, 20e9])
    @pytest.mark.parametrize("seq_len", [4096.0, 16384.0, 131072.0])
    def test_keys_and_values_hide_behind_all_blocks_but_the_first(
        self, tables: Tables, layout: Layout, seq_len: float, link: float
    ) -> None:
        cp = 4.0
        hardware, model, software = tables("llama3.1-405b")
        given = hardware.with_values(link_bytes_per_s=link), model, software
        bench = Bench(given, layout(seq_len=seq_len, cp=cp))
        sent = 2.0 * 8 * 256 * seq_len / cp * (cp - 1) / (0.375 * link)
        attention = bench.term("attention")
        for found, moved, core in zip(bench.term("context"), (sent, 2 * sent), attention, strict=True):
            exposed = hidden_s(
                communication_s=np.array([moved]),
                compute_s=np.array([core * (cp - 1) / cp]),
                window=np.ones(1),
                slowdown=bench.sw.slowdown,
            )
            assert found == pytest.approx(12e-6 * (cp - 1) + float(exposed[0]))

    def test_each_rank_computes_its_share_of_the_pairs(self, tables: Tables, layout: Layout) -> None:
        bench = Bench(tables("llama3.1-405b"), layout(seq_len=65536.0, cp=4.0))
        rate = bench.hw.attention_asymptote / (1.0 + bench.hw.attention_head_half / 128.0)
        core = flash_attention_s(
            batch=np.ones(1),
            heads=np.array([128.0]),
            kv_heads=np.array([8.0]),
            qk_dim=np.array([128.0]),
            v_dim=np.array([128.0]),
            query_len=np.array([16384.0]),
            pairs=np.array([65536 * 65600 / 2 / 4.0]),
            rate_flop_per_s=rate
            * bench.sw.attention_rate
            * bench.c.sustained
            * bench.hw.peak_flop_per_s[:, 0],
            memory_bytes_per_s=bench.hw.memory_bytes_per_s,
        )
        assert bench.term("attention")[0] == pytest.approx(float(core[0]))


class TestExperts:
    """The 58 mixture layers of DeepSeek-V3 by themselves: all layers are such, and mixers are weighed out."""

    @pytest.fixture
    def pair(self, tables: Tables, layout: Layout) -> tuple[Bench, Bench]:
        """The model with mixtures in all layers, and with no feed-forward blocks at all."""
        given, strategy = tables("deepseek-v3"), layout(tp=2.0, ep=64.0, sequence_parallel=True)
        mixture = {**DENSE, "n_dense": 0.0}
        return (
            Bench(given, strategy, **(mixture | {"n_moe": 61.0})),
            Bench(given, strategy, **mixture),
        )

    def of_block(self, pair: tuple[Bench, Bench], name: str) -> tuple[float, float]:
        (f, b), (without_f, without_b) = (bench.term(name) for bench in pair)
        return f - without_f, b - without_b

    def test_products(self, pair: tuple[Bench, Bench]) -> None:
        bench, local = pair[0], 4.0
        t, held, rows = 4096.0, 2048.0, 2048.0 * 8 * 64 / 256 + float(pair[0].sw.expert_padding[0])
        one = both(bench.linear(rows, 2 * 2048, 7168), bench.linear(rows, 7168, 2048))
        saved = float(GEMM_OVERHEAD_S[0]) * (local - 1)
        expected = both(
            (local * one[0] - 2 * saved, local * one[1] - 4 * saved),
            bench.linear(held, 256, 7168, low=False),
            bench.linear(t, 2 * 1024, 7168),
            bench.linear(t, 7168, 1024),
        )
        assert self.of_block(pair, "gemm") == pytest.approx(expected)

    def test_element_wise_traffic(self, pair: tuple[Bench, Bench]) -> None:
        bench, t, held = pair[0], 4096.0, 2048.0
        copies = held * 8
        norm, activated = 10.0 * 7168 / 2 * t, copies * 2048 + t * 1024
        permute = 2.0 * copies * float(bench.sw.permute_bytes[0]) * 7168
        router = 12.0 * held * 256
        forward = bench.stream_s(norm + permute + router + 6.0 * activated, 6.0)
        backward = bench.stream_s(1.4 * norm + permute + router + 10.0 * activated, 6.0)
        assert self.of_block(pair, "elementwise") == pytest.approx((forward, backward))

    def test_dispatch_and_combine(self, pair: tuple[Bench, Bench]) -> None:
        bench = pair[0]
        one_way = dispatch_s(
            token_bytes=np.array([2048.0 * 7168 * 2]),
            top_k=np.array([8.0]),
            hardware=bench.hw,
            group=place(ranks=bench.st.ep, inner=np.ones(1), hardware=bench.hw),
            link_share=bench.sw.alltoall_share,
            nic_share=bench.sw.nic_share,
            deduplicated=bench.sw.deduplicated,
        )
        expected = 2.0 * float((one_way * bench.sw.expert_exposed)[0])
        assert bench.term("expert") == pytest.approx((expected, expected))

    def test_only_shared_experts_need_tensor_parallel_traffic(
        self, tables: Tables, layout: Layout, pair: tuple[Bench, Bench]
    ) -> None:
        attention = pair[1].term("tensor")[0]
        assert pair[0].term("tensor")[0] == pytest.approx(2.0 * attention)
        routed = Bench(
            tables("deepseek-v3"), pair[0].st, **(DENSE | {"n_dense": 0.0, "n_moe": 61.0, "shared_ffn": 0.0})
        )
        assert routed.term("tensor")[0] == pytest.approx(attention)

    def test_quantisation(self, tables: Tables, layout: Layout) -> None:
        given, strategy = tables("deepseek-v3"), layout(tp=2.0, ep=64.0, sequence_parallel=True, gemm_class=1)
        mixture = {**DENSE, "n_dense": 0.0}
        pair = Bench(given, strategy, **(mixture | {"n_moe": 61.0})), Bench(given, strategy, **mixture)
        elements = 4096.0 * (7168 + 1024) + 2048 * 8 * (7168 + 2048)
        rate = STREAM_SHARE * float(given[0].memory_bytes_per_s[0])
        assert self.of_block(pair, "quantise")[0] == pytest.approx(
            float(given[2].quantise[0]) * 4.0 * elements / rate
        )

    def test_split_experts_gather_and_scatter(self, tables: Tables, layout: Layout) -> None:
        strategy = layout(tp=8.0, etp=8.0, sequence_parallel=True)
        bench = Bench(tables("mixtral-8x22b"), strategy)
        copies = 4096.0 / 8 * 2 * 8
        once = ring_s(
            moved_bytes=np.array([copies * 6144 * 2]),
            factor=1.0,
            hardware=bench.hw,
            nic_share=bench.sw.nic_share,
            group=place(ranks=strategy.etp, inner=np.ones(1), hardware=bench.hw),
        )
        assert bench.term("expert") == pytest.approx((2.0 * float(once[0]),) * 2)

    def test_dense_layers_that_come_first_are_no_part_of_the_body(
        self, tables: Tables, layout: Layout
    ) -> None:
        given, strategy = tables("deepseek-v3"), layout(ep=64.0)
        narrow, wide = (Bench(given, strategy, ffn=f).costs for f in (18432.0, 4 * 18432.0))
        assert wide.forward_s[0] == narrow.forward_s[0]
        assert wide.prefix_delta_s[0] > narrow.prefix_delta_s[0]
        body, whole = (
            Bench(given, strategy),
            Bench(given, strategy, n_moe=61.0, n_dense=0.0, dense_prefix=0.0),
        )
        assert body.costs.forward_s[0] == pytest.approx(float(whole.costs.forward_s[0]))


class TestLinearMixers:
    @pytest.fixture
    def bench(self, tables: Tables, layout: Layout) -> Bench:
        layers = {"n_full": 0.0, "n_linear": 118.0, "n_dense": 0.0}
        return Bench(tables("nemotron-h-56b"), layout(tp=2.0), **layers)

    def test_products_and_scan(self, bench: Bench) -> None:
        t, h = 4096.0, bench.number("hidden")
        inner, projection = bench.number("linear_inner") / 2, bench.number("linear_projection") / 2
        assert bench.term("gemm") == pytest.approx(
            both(bench.linear(t, projection, h), bench.linear(t, h, inner))
        )
        scan = t * bench.number("linear_scan_flop") / 2 / (0.25 * float(bench.hw.peak_flop_per_s[0, 0]))
        assert bench.term("attention") == pytest.approx((scan, 2.5 * scan))

    def test_element_wise_traffic(self, bench: Bench) -> None:
        inner, projection = bench.number("linear_inner") / 2, bench.number("linear_projection") / 2
        moved = 4096.0 * (10.0 * bench.number("hidden") + 6.0 * (projection + inner))
        assert bench.term("elementwise") == pytest.approx(
            (bench.stream_s(moved), bench.stream_s(1.6 * moved))
        )

    def test_launches(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("nemotron-h-56b")
        blocking = software.with_values(launch_blocking=1.0, launch_s=1e-5, kernels_per_block=10.0)
        bench = Bench((hardware, model, blocking), layout(), n_full=0.0, n_linear=118.0, n_dense=0.0)
        assert bench.term("host") == pytest.approx((15e-5, 30e-5))
