"""One layer: what each block adds, what each degree of parallelism splits, what it then exchanges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.model.context import POWER_EXPONENT, prepare
from planner.model.layer import TERMS, LayerCosts, layer_costs
from planner.model.passes import Pass
from planner.tables import Model, Strategy
from planner.workload.flops import flops
from planner.workload.kinds import MODEL

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]
MODELS = ("llama3.1-405b", "gpt3-175b", "deepseek-v3", "gpt-oss-120b", "nemotron-h-56b", "gemma3-27b")


def costs(given: tuple[Any, Any, Any], strategy: Strategy) -> LayerCosts:
    hardware, model, software = given
    return layer_costs(hardware=hardware, model=model, software=software, strategy=strategy)


def term(layer: LayerCosts, name: str, *, backward: bool = False) -> float:
    return float((layer.backward_terms if backward else layer.forward_terms)[0, TERMS.index(name)])


def with_model(given: tuple[Any, Any, Any], **values: Any) -> tuple[Any, Any, Any]:
    hardware, model, software = given
    return hardware, model.with_values(**values), software


def with_software(given: tuple[Any, Any, Any], **values: Any) -> tuple[Any, Any, Any]:
    hardware, model, software = given
    return hardware, model, software.with_values(**values)


@pytest.mark.parametrize("model", MODELS)
def test_terms_add_up(tables: Tables, layout: Layout, model: str) -> None:
    layer = costs(tables(model), layout(tp=[1.0, 8.0], ep=8.0, cp=2.0))
    assert np.allclose(np.sum(layer.forward_terms, axis=-1), layer.forward_s, rtol=1e-12)
    assert np.allclose(np.sum(layer.backward_terms, axis=-1), layer.backward_s, rtol=1e-12)
    assert np.all(layer.forward_terms >= -1e-15)


def test_terms_are_the_fields_of_a_pass() -> None:
    assert tuple(f.name for f in fields(Pass)) == TERMS
    one = Pass(*(np.array([float(i)]) for i in range(len(TERMS))))
    assert one.total()[0] == sum(range(len(TERMS)))
    assert one.plus(one).total()[0] == one.scaled(np.array([2.0])).total()[0] == 2 * one.total()[0]


@pytest.mark.parametrize(
    ("model", "share"), [("llama3.1-405b", 0.03), ("gpt3-175b", 0.03), ("deepseek-v3", 0.2)]
)
def test_large_products_take_the_time_of_their_flop(
    tables: Tables, layout: Layout, model: str, share: float
) -> None:
    """All matrix products of all layers and the head against FLOP counted from the architecture."""
    given = tables(model)
    seq_len, micro_batch = 4096.0, 16.0
    strategy = layout(seq_len=seq_len, micro_batch=micro_batch)
    layer = costs(given, strategy)
    counted = flops(Catalog().get(MODEL, model).architecture, seq_len=int(seq_len))
    work = (counted.forward - counted.attention - counted.logits) * micro_batch
    context = prepare(hardware=given[0], model=given[1], software=given[2], strategy=strategy)
    m = given[1]
    prefix = float(m.dense_prefix[0] * layer.prefix_delta_s[0]) / 3.0  # forward is a third of both
    time = float(m.layers[0]) * term(layer, "gemm") + prefix
    assert time / (work / float(context.rate16[0])) == pytest.approx(1.0, abs=share)
    assert term(layer, "gemm", backward=True) / term(layer, "gemm") == pytest.approx(2.0, rel=0.1)


def test_attention_follows_its_flop_and_its_backward_factor(tables: Tables, layout: Layout) -> None:
    given = tables("llama3.1-405b")
    short, long = (costs(given, layout(seq_len=s)) for s in (8192.0, 32768.0))
    assert term(long, "attention") / term(short, "attention") == pytest.approx(16.0, rel=0.05)
    assert term(long, "attention", backward=True) == pytest.approx(
        float(given[2].attention_backward[0]) * term(long, "attention")
    )


def test_tensor_parallelism_splits_work_and_adds_exchange(tables: Tables, layout: Layout) -> None:
    given = tables("llama3.1-405b")
    one, eight = (costs(given, layout(tp=tp, sequence_parallel=tp > 1, micro_batch=8.0)) for tp in (1.0, 8.0))
    for name in ("gemm", "attention", "elementwise"):
        assert term(one, name) / term(eight, name) == pytest.approx(8.0, rel=0.1)
    assert term(one, "tensor") == 0.0
    assert term(eight, "tensor") > 0.0


def test_without_sequence_parallelism_norms_are_repeated(tables: Tables, layout: Layout) -> None:
    given = tables("llama3.1-405b")
    split, whole = (costs(given, layout(tp=8.0, sequence_parallel=on)) for on in (True, False))
    assert term(whole, "elementwise") > 1.5 * term(split, "elementwise")
    assert term(whole, "tensor") == pytest.approx(term(split, "tensor"), rel=0.15), "the same volume forward"
    assert term(split, "tensor", backward=True) > term(split, "tensor"), "one more gather, half hidden"


def test_overlap_hides_tensor_parallel_traffic_inside_a_domain_only(tables: Tables, layout: Layout) -> None:
    def exposed(domain: int, share: float) -> float:
        hardware, model, software = tables("llama3.1-405b")
        hardware = hardware.with_values(domain=domain)
        return term(
            costs((hardware, model, software.with_values(tensor_exposed=share)), layout(tp=8.0)), "tensor"
        )

    assert exposed(8, 0.3) == pytest.approx(0.3 * exposed(8, 1.0))
    assert exposed(4, 0.3) == pytest.approx(0.8 * exposed(4, 1.0))


def test_context_parallelism_hides_behind_attention(tables: Tables, layout: Layout) -> None:
    given = tables("llama3.1-405b")
    long, short = (costs(given, layout(seq_len=s, cp=8.0)) for s in (262144.0, 4096.0))
    assert 0 < term(long, "context") < 0.1 * term(long, "attention")
    assert term(short, "context") > 0.5 * term(short, "attention")
    assert term(costs(given, layout()), "context") == 0.0


def test_a_window_cuts_attention_only(tables: Tables, layout: Layout) -> None:
    given = tables("gemma3-27b")
    all_full = with_model(given, n_full=given[1].layers, n_window=0.0)
    some, full = (costs(g, layout(seq_len=32768.0)) for g in (given, all_full))
    assert term(some, "attention") < 0.5 * term(full, "attention")
    assert term(some, "gemm") == pytest.approx(term(full, "gemm"), rel=1e-12)


def test_unfused_attention_costs_more(tables: Tables, layout: Layout) -> None:
    given = tables("gpt3-175b")
    fused, unfused = (costs(with_software(given, flash=f), layout()) for f in (2.0, 0.0))
    assert term(unfused, "attention") > 2.0 * term(fused, "attention")
    assert unfused.selective_s[0] == pytest.approx(term(unfused, "attention")), "it repeats the core"


def test_latent_attention_has_more_products_and_less_context_traffic(tables: Tables, layout: Layout) -> None:
    given = tables("deepseek-v3")
    latent = costs(given, layout(cp=2.0, seq_len=8192.0))
    plain = costs(with_model(given, mla=np.array([False]), kv_heads=128.0), layout(cp=2.0, seq_len=8192.0))
    assert term(latent, "gemm") != term(plain, "gemm")
    assert term(latent, "context") < term(plain, "context")


def test_hybrids_weigh_their_mixers(tables: Tables, layout: Layout) -> None:
    given = tables("nemotron-h-56b")
    layers = given[1].layers
    attention, linear = (
        costs(with_model(given, n_full=n, n_linear=layers - n), layout(seq_len=16384.0))
        for n in (layers, 0.0 * layers)
    )
    mixed = costs(with_model(given, n_full=0.25 * layers, n_linear=0.75 * layers), layout(seq_len=16384.0))
    expected = 0.25 * attention.forward_s + 0.75 * linear.forward_s
    assert mixed.forward_s[0] == pytest.approx(float(expected[0]), rel=1e-12)
    assert term(linear, "attention") < term(attention, "attention"), "a scan costs no pairs"


class TestExperts:
    def test_expert_parallelism_exchanges_and_batches(self, tables: Tables, layout: Layout) -> None:
        given = tables("deepseek-v3", "gb200")
        one, many = (costs(given, layout(ep=ep, gemm_class=1)) for ep in (1.0, 64.0))
        assert term(one, "expert") == 0.0
        assert term(many, "expert") > 0.0
        assert term(many, "gemm") < 0.5 * term(one, "gemm"), "four experts see more rows each than 256"

    def test_fixed_time_per_layer_and_local_expert(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("deepseek-v3")
        software = software.with_values(moe_fixed_s=1e-3, expert_fixed_s=1e-4)
        layer = costs((hardware, model, software), layout(ep=64.0))
        share = float((model.n_moe / (model.layers - model.dense_prefix))[0])
        both = term(layer, "moe_fixed") + term(layer, "moe_fixed", backward=True)
        assert both == pytest.approx(share * (1e-3 + 4 * 1e-4))
        assert term(layer, "moe_fixed", backward=True) == pytest.approx(2.0 * term(layer, "moe_fixed"))
        assert layer.full_s[0] == pytest.approx(float(layer.forward_s[0]) - 0.5 * term(layer, "moe_fixed"))

    def test_expert_tensor_parallelism_gathers_copies(self, tables: Tables, layout: Layout) -> None:
        given = tables("mixtral-8x22b")
        plain, split = (costs(given, layout(tp=8.0, etp=etp, sequence_parallel=True)) for etp in (1.0, 8.0))
        assert term(plain, "expert") == 0.0
        assert term(split, "expert") > 0.0

    def test_dense_prefix_layers_differ(self, tables: Tables, layout: Layout) -> None:
        with_prefix = costs(tables("deepseek-v3"), layout(ep=64.0))
        assert with_prefix.prefix_delta_s[0] != 0.0
        homogenous = costs(tables("llama3.1-405b"), layout())
        assert abs(homogenous.prefix_delta_s[0]) < 1e-9 * homogenous.forward_s[0]

    def test_biases_of_grouped_products_are_traffic(self, tables: Tables, layout: Layout) -> None:
        given = tables("gpt-oss-120b")
        with_bias, without = (costs(with_model(given, expert_bias=b), layout(ep=8.0)) for b in (1.0, 0.0))
        assert term(with_bias, "elementwise") > term(without, "elementwise")
        assert term(with_bias, "gemm") == term(without, "gemm")

    def test_narrow_experts_need_projections_and_send_less(self, tables: Tables, layout: Layout) -> None:
        given = tables("nemotron3-super")
        model: Model = given[1]
        assert model.expert_hidden[0] < model.hidden[0]
        wide = with_model(given, expert_hidden=model.hidden)
        narrow_layer, wide_layer = (costs(g, layout(ep=64.0)) for g in (given, wide))
        assert term(narrow_layer, "expert") < term(wide_layer, "expert")

    def test_padding_adds_rows_to_every_expert(self, tables: Tables, layout: Layout) -> None:
        given = tables("deepseek-v3")
        less, more = (
            costs(with_software(given, expert_padding=p), layout(ep=64.0, seq_len=512.0))
            for p in (0.0, 512.0)
        )
        assert term(more, "gemm") > 1.1 * term(less, "gemm")


class TestHost:
    def test_slow_launches_leave_the_device_waiting(self, tables: Tables, layout: Layout) -> None:
        given = tables("gpt-oss-20b")
        captured, eager = (
            costs(with_software(given, launch_s=s), layout(seq_len=512.0)) for s in (0.0, 20e-6)
        )
        assert abs(term(captured, "host")) < 1e-15
        assert term(eager, "host") > 0.0
        large = costs(with_software(given, launch_s=20e-6), layout(seq_len=131072.0))
        assert term(large, "host") < 1e-3 * float(large.forward_s[0]), "long kernels hide launches"

    def test_blocking_launches_add_up(self, tables: Tables, layout: Layout) -> None:
        given = with_software(tables("gpt3-175b"), launch_s=1e-5, launch_blocking=1.0, kernels_per_block=10.0)
        layer = costs(given, layout())
        assert term(layer, "host") == pytest.approx(2 * 10 * 1e-5)
        assert term(layer, "host", backward=True) == pytest.approx(4 * 10 * 1e-5)


class TestRates:
    def rate(self, given: tuple[Any, Any, Any], layout: Layout, **values: Any) -> float:
        hardware, model, software = given
        context = prepare(hardware=hardware, model=model, software=software, strategy=layout(**values))
        return float(context.rate_linear[0])

    def test_a_rate_is_peak_times_asymptote_times_sustained(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("gpt3-175b", "a100-sxm-80gb")
        hardware = hardware.with_values(warm=1.0, power_ratio=1.0)
        expected = 312e12 * float(hardware.gemm_asymptote[0, 0] * software.sustained[0])
        assert self.rate((hardware, model, software), layout) == pytest.approx(expected)

    def test_a_power_cap_costs_less_than_its_share(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("gpt3-175b")
        full, capped, raised = (
            self.rate((hardware.with_values(power_ratio=p), model, software), layout) for p in (1.0, 0.5, 1.5)
        )
        assert capped == pytest.approx(0.5**POWER_EXPONENT * full)
        assert raised == full
        catalog = Catalog()
        capped_part = catalog.get(ACCELERATOR, "h100-96gb-500w")
        assert capped_part.reference_tdp is not None

    def test_fixed_clocks_hold_the_burst_rate(self, tables: Tables, layout: Layout) -> None:
        hardware, model, software = tables("gpt3-175b", "tpu-v5p")
        assert hardware.fixed_clock[0]
        slow = software.with_values(sustained=0.5)
        given = ((hardware, model, s) for s in (software, slow))
        assert len({self.rate(g, layout) for g in given}) == 1

    def test_a_precision_that_the_part_lacks_has_no_time(self, tables: Tables, layout: Layout) -> None:
        layer = costs(tables("gpt3-175b", "a100-sxm-80gb"), layout(gemm_class=[0, 3]))
        assert np.isnan(layer.forward_s).tolist() == [False, True]

    def test_eight_bits_speed_up_products_and_cost_casts(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b")
        bf16, fp8 = (costs(given, layout(gemm_class=c, micro_batch=4.0)) for c in (0, 1))
        assert 0.5 < term(fp8, "gemm") / term(bf16, "gemm") < 0.7
        assert term(bf16, "quantise") == 0.0
        assert term(fp8, "quantise") > 0.0
        assert term(fp8, "attention") == term(bf16, "attention")


class TestEnds:
    def test_the_head_scales_with_the_vocabulary(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b")
        small, large = (costs(with_model(given, vocab=v), layout()) for v in (64000.0, 128000.0))
        assert large.head_forward_s[0] / small.head_forward_s[0] == pytest.approx(2.0, rel=0.05)
        assert large.forward_s[0] == small.forward_s[0]

    def test_logits_that_are_not_split_cost_more_traffic(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b")
        split, whole = (costs(with_software(given, loss_sharded=s), layout(tp=8.0)) for s in (1.0, 0.0))
        assert whole.head_forward_s[0] > split.head_forward_s[0]

    def test_a_prediction_module_costs_a_layer_and_a_head(self, tables: Tables, layout: Layout) -> None:
        given = tables("deepseek-v3")
        layer = costs(given, layout(ep=64.0))
        body = float((layer.forward_s + layer.backward_s)[0])
        head = float((layer.head_forward_s + layer.head_backward_s)[0])
        assert body + head < layer.mtp_s[0] < 1.5 * (body + head)
        assert costs(with_model(given, mtp=0.0), layout(ep=64.0)).mtp_s[0] == 0.0

    def test_what_goes_to_the_next_stage_is_the_hidden_state(self, tables: Tables, layout: Layout) -> None:
        layer = costs(tables("llama3.1-405b"), layout(tp=[1.0, 8.0], cp=2.0, micro_batch=3.0))
        whole = 3 * 4096 / 2 * 16384 * 2
        assert layer.boundary_bytes.tolist() == [whole, whole / 8]

    def test_selecting_by_operator_repeats_half_of_the_products(self, tables: Tables, layout: Layout) -> None:
        given = tables("llama3.1-405b", "h100-sxm", "torchtitan")
        modules, operators = (costs(with_software(given, selects_operators=s), layout()) for s in (0.0, 1.0))
        more = float((operators.selective_s - modules.selective_s)[0])
        assert more == pytest.approx(0.5 * term(modules, "gemm"))


def test_a_row_of_costs_can_be_taken(tables: Tables, layout: Layout) -> None:
    layer = costs(tables("gpt3-175b"), layout(tp=[1.0, 2.0, 4.0]))
    taken = layer.take(np.array([2, 0]))
    assert taken.forward_s.tolist() == layer.forward_s[[2, 0]].tolist()
    assert replace(layer, forward_s=layer.forward_s).forward_terms.shape == (3, len(TERMS))
