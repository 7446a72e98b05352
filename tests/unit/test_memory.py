"""Peak memory: states by sharding, activations by schedule, the worst stage, and what fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.activations import activation_costs, kept_bytes, recompute_peak
from planner.model.memory import (
    FIT_SLOPE,
    MemoryCosts,
    allocated_bytes,
    device_bytes,
    fit_limit_bytes,
    fit_probability,
    memory_costs,
)
from planner.model.pipeline import micro_batches
from planner.model.sharding import dense_ranks, expert_ranks
from planner.tables import Strategy

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]


def memory(given: tuple[Any, Any, Any], strategy: Strategy) -> MemoryCosts:
    _, model, software = given
    return memory_costs(
        model=model,
        software=software,
        strategy=strategy,
        activations=activation_costs(model=model, software=software, strategy=strategy),
        micro_batches=micro_batches(strategy),
    )


def plain(given: tuple[Any, Any, Any], **values: Any) -> tuple[Any, Any, Any]:
    """A stack of 2 + 4 + 12 bytes per parameter, without buckets or reserve."""
    hardware, model, software = given
    bare = {
        "gradient_bytes": 4.0,
        "state_bytes": 12.0,
        "bucket_bytes": 0.0,
        "reserve_share": 1.0,
        "context_bytes": 0.0,
    }
    return hardware, model, software.with_values(**(bare | values))


class TestStates:
    def test_a_single_rank_holds_all_parameters_and_their_states(
        self, tables: Tables, layout: Layout
    ) -> None:
        found = memory(plain(tables("llama-3-8b")), layout())
        parameters = 8_030_261_248
        assert found.weights_bytes[0] == pytest.approx(2 * parameters, rel=1e-6)
        assert found.gradients_bytes[0] == pytest.approx(4 * parameters, rel=1e-6)
        assert found.optimizer_bytes[0] == pytest.approx(12 * parameters, rel=1e-6)

    def test_tied_embeddings_are_held_once_on_one_stage_and_twice_on_two(
        self, tables: Tables, layout: Layout
    ) -> None:
        given = plain(tables("gemma2-9b"))
        model = given[1]
        assert model.tied[0]
        single = memory(given, layout())
        layers = float((model.mixer_parameters + model.dense_parameters)[0])
        table = float(model.embedding_parameters[0])
        assert single.weights_bytes[0] == pytest.approx(2 * (layers + table))
        untied = given[0], model.with_values(tied=np.array([False])), given[2]
        assert memory(untied, layout()).weights_bytes[0] == pytest.approx(2 * (layers + 2 * table))
        pair = layout(pp=2.0)
        assert memory(given, pair).weights_bytes[0] == memory(untied, pair).weights_bytes[0]

    def test_experts_shard_over_what_expert_parallelism_leaves(self, tables: Tables, layout: Layout) -> None:
        given = plain(tables("deepseek-v3"))
        strategy = layout(dp=64.0, ep=16.0, sharding=1)
        assert dense_ranks(strategy)[0] == 64.0
        assert expert_ranks(strategy)[0] == 4.0
        m = given[1]
        share = float((m.mtp / m.n_moe)[0]) + 1.0
        routed = float(m.expert_parameters[0]) * share / 16
        found = memory(given, strategy)
        assert found.optimizer_bytes[0] > 12 * routed / 4
        assert found.optimizer_bytes[0] == pytest.approx(12 * routed / 4, rel=0.05)

    def test_prediction_modules_are_held_with_the_head(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = plain(tables("deepseek-v3"))
        without, with_module = (
            memory((hardware, model.with_values(mtp=n), software), layout()).weights_bytes[0]
            for n in (0.0, 1.0)
        )
        dense = float(((model.mixer_parameters + model.dense_parameters) / model.layers)[0])
        routed = float((model.expert_parameters / model.n_moe)[0])
        assert with_module - without == pytest.approx(2 * (dense + routed))

    def test_the_worst_stage_may_be_one_between(self, tables: Tables, layout: Layout) -> None:
        """126 layers on 16 stages: 7 on the ends, 8 between; few micro-batches leave the states to decide."""
        hardware, model, software = plain(tables("llama3.1-405b"))
        light = model.with_values(embedding_parameters=0.0)
        found = memory((hardware, light, software), layout(pp=16.0, global_batch=1.0))
        per_layer = float(((model.mixer_parameters + model.dense_parameters) / 126)[0])
        assert found.weights_bytes[0] == pytest.approx(2 * 8 * per_layer)
        kept = activation_costs(model=light, software=software, strategy=layout())
        expected = 8 * kept.layer_bytes[0] + kept.working_bytes[0]
        assert found.activations_bytes[0] == pytest.approx(expected)

    def test_a_sharding_group_limits_how_far_states_spread(self, tables: Tables, layout: Layout) -> None:
        given = plain(tables("llama-3-8b"))
        wide, narrow = (memory(given, layout(dp=64.0, sharding=3, shard_group=g)) for g in (np.inf, 8.0))
        assert narrow.optimizer_bytes[0] == pytest.approx(8.0 * wide.optimizer_bytes[0])

    def test_full_sharding_gathers_two_layers_or_the_only_one(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = plain(tables("llama-3-8b"))
        many = memory((hardware, model, software), layout(dp=8.0, sharding=3))
        assert many.weights_bytes[0] == 0.0
        assert many.buffers_bytes[0] == pytest.approx(2 * 2 * 8_030_261_248 / 32, rel=1e-6)
        one = memory((hardware, model.with_values(layers=1.0), software), layout(dp=8.0, sharding=3))
        assert one.buffers_bytes[0] == pytest.approx(2 * 8_030_261_248, rel=1e-6)


class TestActivations:
    def kept(self, given: tuple[Any, Any, Any], strategy: Strategy) -> float:
        _, model, software = given
        found = activation_costs(model=model, software=software, strategy=strategy)
        return float(kept_bytes(strategy, found)[0])

    def test_recompute_keeps_ever_less(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b")
        none, selective, half, full = (
            self.kept(given, layout(recompute=r, recompute_layers=s))
            for r, s in ((0, 1.0), (1, 1.0), (2, 0.5), (2, 1.0))
        )
        assert none > selective > half > full
        assert half == pytest.approx((selective + full) / 2)
        assert full == 2 * 4096 * 16384

    def test_full_recompute_holds_one_whole_layer_at_a_time(self, tables: Tables, layout: Layout) -> None:
        _, model, software = tables("llama3.1-405b")
        strategy = layout(recompute=[0, 1, 2])
        found = activation_costs(model=model, software=software, strategy=strategy)
        peak = recompute_peak(strategy, found)
        assert peak.tolist() == [0.0, 0.0, float(found.layer_bytes[0])]

    def test_eight_bits_keep_smaller_inputs(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b")
        bf16, fp8 = (self.kept(given, layout(gemm_class=c)) for c in (0, 1))
        assert 0.6 * bf16 < fp8 < bf16

    def test_unfused_scores_grow_with_the_square_of_the_sequence(
        self, tables: Tables, layout: Layout
    ) -> None:
        given = tables("gpt3-175b", "a100-sxm-80gb", "megatron-lm-2021")
        short, long = (self.kept(given, layout(seq_len=s)) for s in (2048.0, 8192.0))
        assert long > 8 * short
        dropped = (self.kept(given, layout(seq_len=s, recompute=1)) for s in (2048.0, 8192.0))
        assert next(dropped) * 4 == pytest.approx(next(dropped))

    def test_a_hybrid_drops_the_scores_of_its_attention_layers_only(
        self, tables: Tables, layout: Layout
    ) -> None:
        given = tables("nemotron-h-56b", "h100-sxm", "megatron-lm-2021")
        none, selective = (self.kept(given, layout(recompute=r)) for r in (0, 1))
        model = given[1]
        scores = 5.0 * 4096 * 4096 * float((model.heads * model.n_full / model.layers)[0])
        assert none - selective == pytest.approx(scores)
        assert selective > 0

    def test_dropout_masks_are_kept(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("gpt3-175b")
        without, with_masks = (
            self.kept((hardware, model, software.with_values(dropout=d)), layout()) for d in (0.0, 1.0)
        )
        assert with_masks - without == 4096 * 12288

    def test_what_else_is_live(self, tables: Tables, layout: Layout) -> None:
        """A layer's input and the gradient of its output, in 16 bit; the embedding's output and mask."""
        _, model, software = tables("gpt3-175b", "a100-sxm-80gb", "megatron-lm-2021")
        found = activation_costs(model=model, software=software, strategy=layout(micro_batch=2.0))
        hidden = 2 * 4096 * 12288
        assert found.working_bytes[0] == 4 * hidden
        assert found.embedding_bytes[0] == 3 * hidden
        assert found.logits_bytes[0] == 2 * 4096 * float((model.vocab * software.loss_bytes)[0])

    def test_routed_copies_are_kept_where_they_are_computed(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("mixtral-8x22b")
        none = model.with_values(n_moe=0.0, n_dense=0.0)
        for tp, etp in ((1.0, 1.0), (8.0, 1.0), (8.0, 8.0)):
            strategy = layout(tp=tp, etp=etp, sequence_parallel=tp > 1)
            block = self.kept((hardware, model, software), strategy) - self.kept(
                (hardware, none, software), strategy
            )
            copies = 4096 / tp * 2 * etp
            norm = 4096 * 4 * 6144 / tp
            assert block == pytest.approx(norm + copies * (4 * 6144 + 6 * 16384 / etp))

    def test_linear_mixers_keep_their_projections(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("nemotron-h-56b")
        model = model.with_values(n_full=0.0, n_linear=model.layers, n_dense=0.0)
        inner = float((model.linear_projection + model.linear_inner)[0])
        norm = 4.0 * float(model.hidden[0])
        assert self.kept((hardware, model, software), layout()) == pytest.approx(4096 * (norm + 4 * inner))

    def test_split_sequences_split_activations(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b")
        assert self.kept(given, layout(cp=4.0)) == pytest.approx(self.kept(given, layout()) / 4)
        split, whole = (self.kept(given, layout(tp=8.0, sequence_parallel=on)) for on in (True, False))
        assert split == pytest.approx(self.kept(given, layout()) / 8)
        assert split < whole


class TestStages:
    def test_the_first_stage_keeps_as_many_micro_batches_as_there_are_stages(
        self, tables: Tables, layout: Layout
    ) -> None:
        given = plain(tables("llama3.1-405b"))
        few, many = (memory(given, layout(pp=7.0, global_batch=b)).activations_bytes[0] for b in (3.0, 300.0))
        assert few / many == pytest.approx(3 / 7, rel=0.02)

    def test_an_explicit_number_in_flight_keeps_that_many(self, tables: Tables, layout: Layout) -> None:
        given = plain(tables("llama3.1-405b"))
        two, four = (memory(given, layout(pp=14.0, in_flight=f)).activations_bytes[0] for f in (2.0, 4.0))
        assert four / two == pytest.approx(2.0, rel=0.05)

    def test_logits_weigh_on_the_last_stage(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = plain(tables("llama-3-8b"))
        large = model.with_values(vocab=4_000_000.0)
        found = memory((hardware, large, software), layout(pp=4.0, global_batch=4.0))
        assert found.logits_bytes[0] == 4096 * 4e6 * float(software.loss_bytes[0])
        small = memory((hardware, model.with_values(vocab=1000.0), software), layout(pp=4.0))
        assert small.logits_bytes[0] == 0.0, "then the first stage is the worst"

    def test_offload_moves_what_is_kept(self, tables: Tables, layout: Layout) -> None:
        given = plain(tables("llama3.1-405b"))
        none, half, whole = (memory(given, layout(offload=x)).activations_bytes[0] for x in (0.0, 0.5, 1.0))
        assert half == pytest.approx((none + whole) / 2)
        assert whole < 0.05 * none


class TestFit:
    def test_the_device_shows_more_than_is_allocated_and_back(self, tables: Tables) -> None:
        software = tables("gpt3-175b")[2].with_values(reserve_share=1.1, context_bytes=3e9)
        shown = device_bytes(np.array([50e9]), software)
        assert shown[0] == pytest.approx(58e9)
        assert allocated_bytes(shown, software)[0] == pytest.approx(50e9)

    def test_a_run_that_needs_the_whole_device_fits_as_often_as_not(self) -> None:
        at = {"capacity_bytes": np.array([80e9]), "sigma": 0.1}
        assert fit_probability(device_bytes=np.array([80e9]), **at)[0] == 0.5
        one_sigma = fit_probability(device_bytes=np.array([80e9 * np.exp(-0.1)]), **at)[0]
        assert one_sigma == pytest.approx(0.841, abs=0.01), "close to the normal distribution"
        assert fit_probability(device_bytes=np.array([1e3]), **at)[0] > 1.0 - 1e-9
        assert fit_probability(device_bytes=np.array([1e15]), **at)[0] < 1e-6

    @pytest.mark.parametrize("probability", [0.1, 0.5, 0.9, 0.99])
    def test_the_limit_is_the_inverse(self, probability: float) -> None:
        at = {"capacity_bytes": np.array([80e9]), "sigma": 0.17}
        limit = fit_limit_bytes(probability=probability, **at)
        assert fit_probability(device_bytes=limit, **at)[0] == pytest.approx(probability)
        assert FIT_SLOPE == 1.702
