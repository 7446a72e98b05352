"""What learns and what is held: bytes and seconds of fine-tuning, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.model.activations import activation_costs
from planner.model.blocks import seen_pairs
from planner.model.data_parallel import data_parallel_s, optimizer_s, stage_parameters
from planner.model.layer import TERMS, LayerCosts, layer_costs
from planner.model.memory import MemoryCosts, memory_costs
from planner.model.operators import causal_pairs, linear_s
from planner.model.pipeline import micro_batches
from planner.plan.defaults import Filled
from planner.plan.tuning import Tuning, read_tuning
from planner.tables import Model, Strategy
from planner.workload.counts import parameters
from planner.workload.kinds import MODEL

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]
BOOK = Catalog()
BODY = 6_476_271_616  # weights of the layers of Llama 2 7B, with their norms
TABLE = 131_072_000  # its embedding, and its head
BARE = {
    "gradient_bytes": 4.0, "state_bytes": 12.0, "bucket_bytes": 0.0, "reserve_share": 1.0,
    "context_bytes": 0.0,
}  # fmt: skip


def tuning(kind: str, model: str = "llama-2-7b", **asked: Any) -> Tuning:
    record = BOOK.get(MODEL, model)
    options: dict[str, Any] = {"rank": None, "targets": None} | asked
    found = read_tuning(BOOK, kind, record, parameters(record.architecture), filled=Filled(), **options)
    assert found is not None
    return found


def memory(tables: Tables, model: Model, strategy: Strategy) -> MemoryCosts:
    software = tables("llama-2-7b")[2].with_values(**BARE)
    return memory_costs(
        model=model,
        software=software,
        strategy=strategy,
        activations=activation_costs(model=model, software=software, strategy=strategy),
        micro_batches=micro_batches(strategy),
    )


def layer(tables: Tables, model: Model, strategy: Strategy) -> LayerCosts:
    hardware, _, software = tables("llama-2-7b")
    return layer_costs(hardware=hardware, model=model, software=software, strategy=strategy)


def gemm(costs: LayerCosts, *, backward: bool) -> float:
    terms = costs.backward_terms if backward else costs.forward_terms
    return float(terms[0, TERMS.index("gemm")])


class TestStates:
    def test_frozen_weights_have_neither_gradients_nor_states(self, tables: Tables, layout: Layout) -> None:
        lora = tuning("lora", rank=8, targets="q,v")
        adapters = 32 * 2 * 8 * (4096 + 4096)
        assert lora.learning == adapters
        found = memory(tables, lora.table, layout())
        assert found.weights_bytes[0] == pytest.approx(2 * (BODY + 2 * TABLE + adapters), rel=1e-6)
        assert found.gradients_bytes[0] == 4 * adapters
        assert found.optimizer_bytes[0] == 12 * adapters

    def test_narrow_weights_take_their_bytes_and_room_for_one_wide_matrix(
        self, tables: Tables, layout: Layout
    ) -> None:
        found = memory(tables, tuning("qlora", rank=8, targets="q").table, layout())
        adapters = 32 * 8 * 8192
        held = 4.127 / 8 * BODY + 2 * (2 * TABLE + adapters)
        assert found.weights_bytes[0] == pytest.approx(held, rel=1e-6)
        assert found.buffers_bytes[0] == 2 * 4096 * 11008

    def test_full_sharding_divides_frozen_weights_and_gathers_them_as_they_are_held(
        self, tables: Tables, layout: Layout
    ) -> None:
        lora = tuning("lora", rank=8, targets="q,v")
        whole = memory(tables, lora.table, layout(dp=8.0))
        shared = memory(tables, lora.table, layout(dp=8.0, sharding=3))
        adapters = lora.learning
        assert shared.weights_bytes[0] == pytest.approx(2 * (BODY + 2 * TABLE) / 8, rel=1e-6)
        assert shared.optimizer_bytes[0] == pytest.approx(12 * adapters / 8)
        assert shared.buffers_bytes[0] == pytest.approx(whole.weights_bytes[0] * 2 / 32, rel=1e-6)

    def test_a_copy_is_held_beside_weights_that_learn_unless_it_was_asked_before(
        self, tables: Tables, layout: Layout
    ) -> None:
        parameters_ = BODY + 2 * TABLE
        kinds = {"sft": 2, "dpo": 4, "dpo-precomputed": 2}
        for kind, each in kinds.items():
            found = memory(tables, tuning(kind).table, layout())
            assert found.weights_bytes[0] == pytest.approx(each * parameters_, rel=1e-6)
            assert found.optimizer_bytes[0] == pytest.approx(12 * parameters_, rel=1e-6)

    def test_tensor_parallel_ranks_hold_one_factor_whole(self, layout: Layout) -> None:
        table = tuning("lora", rank=8, targets="q,o").table
        dense, expert = stage_parameters(model=table, strategy=layout(tp=4.0), stage_layers=np.array([32.0]))
        assert dense[0] == 32 * 2 * (8 * 4096 + 8 * 4096 / 4)
        assert expert[0] == 0.0

    def test_adapters_of_experts_follow_their_experts(self, layout: Layout) -> None:
        table = tuning("lora", "deepseek-v3", rank=4, targets="experts").table
        dense, expert = stage_parameters(model=table, strategy=layout(ep=64.0), stage_layers=np.array([61.0]))
        assert dense[0] == 0.0
        assert expert[0] == pytest.approx(58 * 256 / 64 * 3 * 4 * (7168 + 2048))

    def test_the_optimizer_sweeps_what_learns(self, tables: Tables, layout: Layout) -> None:
        hardware = tables("llama-2-7b")[0]
        times = [
            float(
                optimizer_s(
                    hardware=hardware, model=one.table, strategy=layout(), stage_layers=np.array([32.0])
                )[0]
            )
            for one in (tuning("sft"), tuning("lora"))
        ]
        share = tuning("lora").learning / tuning("sft").learning
        assert times[1] / times[0] == pytest.approx(share, rel=1e-3)


def exchanged_s(tables: Tables, model: Model, strategy: Strategy, count: float = 4.0) -> float:
    """Seconds of a step's data parallelism where nothing hides any."""
    hardware, _, software = tables("llama-2-7b")
    return float(
        data_parallel_s(
            hardware=hardware,
            model=model,
            software=software.with_values(data_window=0.0, gradient_bytes=4.0),
            strategy=strategy,
            forward_s=np.ones(1),
            backward_s=np.ones(1),
            stage_layers=np.array([32.0]),
            count=np.array([count]),
        )[0]
    )


class TestExchange:
    def test_only_what_learns_is_reduced(self, tables: Tables, layout: Layout) -> None:
        all_, few = (tuning(kind).table for kind in ("sft", "lora"))
        for sharding in (0, 1, 2):
            strategy = layout(dp=64.0, sharding=sharding)
            assert exchanged_s(tables, few, strategy) < 0.05 * exchanged_s(tables, all_, strategy)

    def test_full_sharding_gathers_frozen_weights_as_they_are_held(
        self, tables: Tables, layout: Layout
    ) -> None:
        """Twice in every micro-batch: narrow ones in a quarter of the time, but for tables."""
        strategy = layout(dp=64.0, sharding=3)
        sft, lora, qlora = (
            exchanged_s(tables, tuning(kind).table, strategy) for kind in ("sft", "lora", "qlora")
        )
        assert lora == pytest.approx(0.5 * sft, rel=0.1)  # 2 of 4 volumes of 2 bytes: no gradients of 4 bytes
        assert 0.25 < qlora / lora < 0.45

    def test_a_copy_is_gathered_once_more(self, tables: Tables, layout: Layout) -> None:
        strategy = layout(dp=64.0, sharding=3)
        dpo = tuning("dpo").table
        asked, alone = (
            exchanged_s(tables, one, strategy, count=100.0)
            for one in (dpo, dpo.with_values(reference_passes=0.0))
        )
        assert asked / alone == pytest.approx(5 / 4, rel=0.02)  # three gathers of 2 bytes and gradients of 4


class TestTime:
    def test_frozen_products_have_no_weight_gradient(self) -> None:
        options: dict[str, Any] = {
            "m": np.array([4096.0]), "n": np.array([8192.0]), "k": np.array([8192.0]),
            "gemm_class": np.array([0]), "rate_flop_per_s": np.array([6e14]),
            "memory_bytes_per_s": np.array([3e12]), "gradient_bytes": 4.0,
        }  # fmt: skip
        forward, backward = linear_s(**options)
        again, half = linear_s(**options, frozen=np.array([1.0]))
        assert again[0] == forward[0]
        assert half[0] == pytest.approx(forward[0])  # square: the input gradient has the same shape
        assert backward[0] > 1.9 * half[0]

    def test_a_frozen_layer_takes_two_thirds_and_its_adapters(self, tables: Tables, layout: Layout) -> None:
        strategy = layout(seq_len=4096.0, micro_batch=4.0)
        full = layer(tables, tuning("sft").table, strategy)
        frozen = tuning("lora", targets="q", rank=1).table.with_values(adapter_rank=0.0)
        bare, lora = layer(tables, frozen, strategy), layer(tables, tuning("lora").table, strategy)
        assert gemm(bare, backward=False) == gemm(full, backward=False)
        assert gemm(bare, backward=True) == pytest.approx(0.5 * gemm(full, backward=True), rel=0.05)
        assert gemm(bare, backward=True) < gemm(lora, backward=True) < gemm(full, backward=True)
        assert lora.forward_s[0] > bare.forward_s[0]
        assert lora.head_backward_s[0] < full.head_backward_s[0]

    def test_a_copy_adds_its_forward_pass_to_layer_and_head_and_to_no_recompute(
        self, tables: Tables, layout: Layout
    ) -> None:
        strategy = layout(seq_len=2048.0, micro_batch=4.0)
        dpo = tuning("dpo").table
        asked, alone = (
            layer(tables, dpo, strategy),
            layer(tables, dpo.with_values(reference_passes=0.0), strategy),
        )
        assert asked.forward_s[0] == pytest.approx(2 * alone.forward_s[0])
        assert asked.head_forward_s[0] == pytest.approx(2 * alone.head_forward_s[0])
        for name in ("backward_s", "full_s", "selective_s", "head_backward_s"):
            assert getattr(asked, name)[0] == getattr(alone, name)[0]
        assert asked.boundary_bytes[0] == 1.5 * alone.boundary_bytes[0]

    def test_narrow_weights_are_widened_in_every_pass(self, tables: Tables, layout: Layout) -> None:
        qlora = tuning("qlora")
        wide = qlora.table.with_values(weight_bytes=2.0)
        narrow, plain = (layer(tables, one, layout(tp=2.0)) for one in (qlora.table, wide))
        widening = qlora.record.weights.widening
        assert widening is not None
        moved = (4.127 / 8 + 2.0) * BODY / 32 / 2
        seconds = moved / (widening.value * float(tables("llama-2-7b")[0].memory_bytes_per_s[0]))
        for name in ("forward_s", "backward_s", "full_s"):
            more = getattr(narrow, name)[0] - getattr(plain, name)[0]
            assert more == pytest.approx(seconds, rel=1e-6), name

    def test_casts_of_frozen_weights_need_no_transpose(self, tables: Tables, layout: Layout) -> None:
        strategy, at = layout(gemm_class=1), TERMS.index("quantise")
        full, frozen = (layer(tables, tuning(kind).table, strategy) for kind in ("sft", "lora"))
        assert frozen.forward_terms[0, at] == pytest.approx(0.75 * full.forward_terms[0, at])

    def test_examples_that_share_a_sequence_do_not_see_each_other(self) -> None:
        s, window = np.array([4096.0]), np.array([np.inf])
        one = causal_pairs(seq_len=np.array([512.0]), window=window)
        assert seen_pairs(seq_len=s, window=window, example=np.array([512.0]))[0] == 8 * one[0]
        alone = seen_pairs(seq_len=s, window=window, example=np.array([np.inf]))
        assert alone[0] == causal_pairs(seq_len=s, window=window)[0]

    def test_adapters_keep_what_lies_between_their_factors(self, tables: Tables, layout: Layout) -> None:
        software = tables("llama-2-7b")[2].with_values(kept_share=1.0)
        strategy = layout(seq_len=1024.0, micro_batch=2.0)
        table = tuning("lora", rank=16, targets="q,k,v,o,gate,up,down").table
        kept = [
            float(activation_costs(model=one, software=software, strategy=strategy).layer_bytes[0])
            for one in (table, table.with_values(adapter_rank=0.0))
        ]
        assert kept[0] - kept[1] == pytest.approx(2 * 2048 * 16 * 7)
