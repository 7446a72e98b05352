"""Laws of the physics over random layouts, whether a search would take them or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.model.activations import kept_bytes
from planner.model.collectives import dispatch_s, place, ring_s
from planner.model.pipeline import alike, micro_batches_in_flight, split_layers
from planner.tables import Hardware, Strategy, stack
from planner.workload.flops import flops
from planner.workload.kinds import MODEL

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]
Physics = Callable[..., Any]

MODELS = (
    "llama3.1-405b", "gpt3-175b", "gemma3-27b", "deepseek-v3", "gpt-oss-120b", "nemotron-h-56b",
    "qwen3-next-80b-a3b", "nemotron3-super",
)  # fmt: skip
ACCELERATORS = ("h100-sxm", "gb200", "mi300x", "tpu-v5p", "h100-96gb-500w")
STACKS = ("megatron-bridge", "torchtitan", "megatron-lm-2021", "maxtext", "hai-llm", "meta-internal-2024")
CLOSE = 1.0 + 1e-9

named = st.tuples(st.sampled_from(MODELS), st.sampled_from(ACCELERATORS), st.sampled_from(STACKS))
powers = st.sampled_from([1.0, 2.0, 4.0, 8.0, 16.0])
shares = st.sampled_from([0.25, 0.5, 1.0])
row = st.fixed_dictionaries(
    {
        "seq_len": st.sampled_from([1000.0, 2048.0, 4096.0, 32768.0, 131072.0]),
        "global_batch": st.integers(1, 4000).map(float),
        "micro_batch": st.sampled_from([1.0, 2.0, 3.0, 8.0]),
        "tp": powers,
        "cp": st.sampled_from([1.0, 1.0, 2.0, 8.0]),
        "pp": st.sampled_from([1.0, 2.0, 3.0, 7.0, 16.0]),
        "vpp": st.sampled_from([1.0, 1.0, 2.0, 3.0]),
        "ep": powers,
        "etp": st.sampled_from([1.0, 1.0, 2.0, 8.0]),
        "dp": st.sampled_from([1.0, 2.0, 7.0, 64.0, 1024.0]),
        "sharding": st.integers(0, 4),
        "recompute": st.integers(0, 2),
        "recompute_layers": shares,
        "sequence_parallel": st.booleans(),
        "gemm_class": st.integers(0, 1),
        "zero_bubble": st.sampled_from([0.0, 0.0, 1.0]),
        "in_flight": st.sampled_from([np.nan, np.nan, 1.0, 4.0]),
        "offload": st.sampled_from([0.0, 0.0, 0.5, 1.0]),
        "shard_group": st.sampled_from([np.inf, np.inf, 1.0, 8.0]),
    }
)
rows = st.lists(row, min_size=1, max_size=4)


def columns(many: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """Columns of some rows, with some of them replaced."""
    return {name: [one[name] for one in many] for name in many[0]} | values


def everything(costs: Any) -> dict[str, np.ndarray]:
    """Every column of every table of costs."""
    return {
        f"{name}.{f.name}": getattr(table, f.name)
        for name, table in vars(costs).items()
        for f in fields(table)
    }


class TestRows:
    """No row knows of another: neither its place in a table nor its neighbours change what it costs."""

    @given(names=named, many=rows, data=st.data())
    def test_order_changes_nothing(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any, data: Any
    ) -> None:
        order = np.array(data.draw(st.permutations(range(len(many)))))
        given_tables = tables(*names)
        whole = everything(physics(*given_tables, layout(**columns(many))))
        moved = everything(physics(*given_tables, layout(**columns([many[i] for i in order]))))
        for name, values in whole.items():
            before, after = (spread(v, len(many)) for v in (values, moved[name]))
            assert np.array_equal(before[order], after, equal_nan=True), name

    @given(pairs=st.lists(st.tuples(named, row), min_size=2, max_size=4))
    def test_a_chunk_of_one_row_costs_what_it_costs_among_others(
        self, tables: Tables, layout: Layout, physics: Physics, pairs: Any
    ) -> None:
        parts = zip(*(tables(*names) for names, _ in pairs), strict=True)
        strategy = layout(**columns([one for _, one in pairs]))
        mixed = everything(physics(*(stack(list(part)) for part in parts), strategy))
        for i, (names, one) in enumerate(pairs):
            for name, values in everything(physics(*tables(*names), layout(**columns([one])))).items():
                found = spread(mixed[name], len(pairs))[i]
                assert np.allclose(found, values[0], rtol=1e-12, atol=1e-15, equal_nan=True), name

    @given(names=named, many=rows, data=st.data())
    def test_take_then_compute_is_compute_then_take(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any, data: Any
    ) -> None:
        index = np.array(data.draw(st.lists(st.integers(0, len(many) - 1), min_size=1, max_size=5)))
        strategy = layout(**columns(many))
        whole = everything(physics(*tables(*names), strategy))
        for name, values in everything(physics(*tables(*names), strategy.take(index))).items():
            assert np.array_equal(
                spread(values, len(index)), spread(whole[name], len(many))[index], equal_nan=True
            )


def spread(values: np.ndarray, many: int) -> np.ndarray:
    """A column of all rows, where one row stood for them."""
    return np.broadcast_to(values, (many, *values.shape[1:]))


class TestFaster:
    """A better part is never slower, and more work is never faster.

    Without offload: copies to the host and collectives hide behind the same compute, each as if alone, so
    that faster compute may expose more of them than it saves.
    """

    @given(
        names=named,
        many=rows,
        name=st.sampled_from(
            ["memory_bytes_per_s", "link_bytes_per_s", "nic_bytes_per_s", "peak_flop_per_s", "gemm_asymptote",
             "attention_asymptote", "mla_asymptote", "nic_achievable", "warm"]
        ),
        factor=st.floats(1.0, 20.0),
    )  # fmt: skip
    def test_a_better_part_is_never_slower(
        self,
        tables: Tables,
        layout: Layout,
        physics: Physics,
        names: Any,
        many: Any,
        name: str,
        factor: float,
    ) -> None:
        hardware, model, software = tables(*names)
        strategy = layout(**columns(many, offload=0.0))
        better = hardware.with_values(**{name: getattr(hardware, name) * factor})
        before = physics(hardware, model, software, strategy).step.step_s
        after = physics(better, model, software, strategy).step.step_s
        assert np.all((after <= before * CLOSE) | np.isnan(before))

    @given(
        names=named, many=rows, name=st.sampled_from(["seq_len", "global_batch"]), factor=st.integers(1, 5)
    )
    def test_more_tokens_are_never_faster(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any, name: str, factor: int
    ) -> None:
        given_tables = tables(*names)
        base = columns(many, vpp=1.0, zero_bubble=0.0) if name == "global_batch" else columns(many)
        more = base | {name: [v * factor for v in base[name]]}
        before = physics(*given_tables, layout(**base)).step.step_s
        after = physics(*given_tables, layout(**more)).step.step_s
        assert np.all((after >= before / CLOSE) | np.isnan(before))

    @given(names=named, many=rows)
    def test_no_step_beats_the_peak(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        hardware, model, software = tables(*names)
        strategy = layout(**columns(many))
        step = physics(hardware, model, software, strategy).step.step_s
        ranks = strategy.tp * strategy.cp * strategy.pp * strategy.dp
        for i, one in enumerate(many):
            work = training_flop(names[0], int(one["seq_len"])) * one["global_batch"]
            rate = hardware.peak_flop_per_s[0, one["gemm_class"]]
            assert np.isnan(step[i]) or step[i] >= work / (ranks[i] * rate)


@cache
def training_flop(model: str, seq_len: int) -> int:
    """FLOP of one sequence, forward and backward, counted from the architecture."""
    return flops(Catalog().get(MODEL, model).architecture, seq_len=seq_len).training


class TestMemory:
    """Memory is a sum of bytes that cannot be negative, and what is meant to save some does."""

    @given(names=named, many=rows)
    def test_nothing_is_negative(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        costs = physics(*tables(*names), layout(**columns(many)))
        for name, values in everything(costs).items():
            if "prefix_delta" not in name:
                assert not np.any(values < -1e-12), name

    @given(names=named, many=rows)
    def test_the_parts_add_up(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        m = physics(*tables(*names), layout(**columns(many))).memory
        parts = m.weights_bytes + m.gradients_bytes + m.optimizer_bytes + m.activations_bytes
        assert np.allclose(parts + m.logits_bytes + m.buffers_bytes, m.allocated_bytes, rtol=1e-12)
        assert np.all(m.device_bytes > m.allocated_bytes)

    @given(names=named, many=rows)
    def test_more_sharding_needs_no_more(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        needed = [
            physics(*tables(*names), layout(**columns(many, sharding=z))).memory.allocated_bytes
            for z in range(4)
        ]
        for more, less in pairwise(needed):
            assert np.all(less <= more * CLOSE)

    @given(names=named, many=rows, name=st.sampled_from(["tp", "dp"]), factor=st.sampled_from([2.0, 4.0]))
    def test_more_ranks_need_no_more(
        self,
        tables: Tables,
        layout: Layout,
        physics: Physics,
        names: Any,
        many: Any,
        name: str,
        factor: float,
    ) -> None:
        base = columns(many)
        before, after = (
            physics(*tables(*names), layout(**(base | {name: [v * f for v in base[name]]}))).memory
            for f in (1.0, factor)
        )
        assert np.all(after.allocated_bytes <= before.allocated_bytes * CLOSE)

    @given(names=named, many=rows, halvings=st.integers(1, 3))
    def test_more_stages_hold_fewer_states(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any, halvings: int
    ) -> None:
        hardware, model, software = tables(*names)
        model = model.with_values(layers=64.0)
        before, after = (
            physics(hardware, model, software, layout(**columns(many, pp=pp, vpp=1.0))).memory
            for pp in (2.0, 2.0 * 2.0**halvings)
        )
        for name in ("weights_bytes", "gradients_bytes", "optimizer_bytes"):
            assert np.all(getattr(after, name) <= getattr(before, name) * CLOSE)

    @given(names=named, many=rows)
    def test_heavier_recompute_keeps_no_more(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        plain = {"recompute_layers": 1.0, "offload": 0.0, "in_flight": np.nan}
        strategies = [layout(**columns(many, recompute=r, **plain)) for r in range(3)]
        costs = [physics(*tables(*names), strategy) for strategy in strategies]
        kept = [kept_bytes(s, c.activations) for s, c in zip(strategies, costs, strict=True)]
        for more, less in pairwise(kept):
            assert np.all(less <= more * CLOSE)
        none, selective, full = (c.memory.allocated_bytes for c in costs)
        assert np.all(selective <= none * CLOSE)
        # A stage of one layer and one micro-batch keeps its input beside the layer that it recomputes.
        assert np.all(full <= (none + costs[0].activations.full_bytes) * CLOSE)

    @given(names=named, many=rows)
    def test_heavier_recompute_takes_no_less_time(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        none, selective, full = (
            physics(*tables(*names), layout(**columns(many, recompute=r, recompute_layers=1.0))).step.busy_s
            for r in range(3)
        )
        for heavier in (selective, full):
            assert np.all((heavier >= none / CLOSE) | np.isnan(none))


class TestPipeline:
    """Layers are neither lost nor made, and schedules that cannot run gain nothing."""

    counts = st.integers(1, 300).map(float)

    @given(layers=st.integers(2, 300).map(float), pp=counts, vpp=st.integers(1, 20).map(float))
    def test_stages_hold_the_layers(self, layers: float, pp: float, vpp: float) -> None:
        n, p, v = (np.array([x]) for x in (layers, pp, vpp))
        stage = split_layers(layers=n, pp=p, vpp=v)
        first, most, last = (float(x[0]) for x in (stage.first, stage.most, stage.last))
        if pp == 1:
            assert first == most == last == layers
            return
        between = layers - first - last
        assert min(first, last) >= 1
        assert most >= max(first, last)
        assert 0 <= between <= (pp - 2) * most
        if pp > 2 and most > max(first, last):
            assert between > (pp - 2) * (most - 1), "some stage between the ends holds the most"
        if alike(layers=n, pp=p, vpp=v)[0] and pp > 2:
            assert between == (pp - 2) * most
        if layers % (pp * vpp) == 0:
            assert first == most == last == layers / pp

    @given(names=named, many=rows)
    def test_too_few_micro_batches_cost_what_1f1b_costs(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        plain, interleaved, split = (
            physics(*tables(*names), layout(**columns(many, **values))).step
            for values in (
                {"vpp": 1.0, "zero_bubble": 0.0},
                {"vpp": 4.0, "zero_bubble": 0.0},
                {"vpp": 1.0, "zero_bubble": 1.0},
            )
        )
        few = plain.micro_batches < np.array([one["pp"] for one in many])
        assert np.all((interleaved.bubble_s == plain.bubble_s)[few])
        assert np.all((split.step_s == plain.step_s)[few & ~np.isnan(plain.step_s)])

    @given(names=named, many=rows)
    def test_a_step_lasts_as_long_as_one_micro_batch_through_all_stages(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        hardware, model, software = tables(*names)
        software = software.with_values(correction=1.0)
        costs = physics(hardware, model, software, layout(**columns(many, recompute=0)))
        layer, step = costs.layer, costs.step
        through = (
            model.layers * (layer.forward_s + layer.backward_s) + model.dense_prefix * layer.prefix_delta_s
        )
        assert np.all((step.step_s >= through / CLOSE) | np.isnan(through))

    @given(many=rows, count=st.integers(1, 100).map(float))
    def test_no_stage_keeps_more_than_there_is_or_than_the_first(
        self, layout: Layout, many: Any, count: float
    ) -> None:
        first, second, last = micro_batches_in_flight(
            strategy=layout(**columns(many)), micro_batches=np.full(len(many), count)
        )
        for kept in (first, second, last):
            assert np.all((kept > 0) & (kept <= count))
        assert np.all(second <= first * CLOSE)

    @given(names=named, many=rows)
    def test_zero2_reduces_as_often_as_zero1_or_more_often(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        hardware, model, software = tables(*names)
        costs = {
            (z, once): physics(
                hardware, model, software.with_values(reduces_once=once), layout(**columns(many, sharding=z))
            ).step.data_s
            for z in (1, 2)
            for once in (0.0, 1.0)
        }
        known = ~np.isnan(costs[1, 0.0])
        assert np.all((costs[2, 0.0] >= costs[1, 0.0] / CLOSE)[known])
        assert np.array_equal(costs[2, 1.0][known], costs[1, 1.0][known])


class TestCollectives:
    """Nothing is exchanged with oneself, more bytes take longer, and a worse network is not faster."""

    group = st.tuples(st.integers(1, 5000).map(float), st.sampled_from([1.0, 2.0, 8.0, 64.0]))
    sizes = st.floats(0.0, 1e12)

    @staticmethod
    def times(hardware: Hardware, ranks: float, inner: float, moved: float, **changes: Any) -> list[float]:
        """Seconds of every collective over one group."""
        hw = hardware.with_values(**changes) if changes else hardware
        where = place(ranks=np.array([ranks]), inner=np.array([inner]), hardware=hw)
        one = np.ones(1)
        found = [
            ring_s(moved_bytes=one * moved, factor=f, group=where, hardware=hw, nic_share=0.8 * one)
            for f in (1.0, 2.0)
        ]
        found += [
            dispatch_s(
                token_bytes=one * moved, top_k=8.0 * one, group=where, hardware=hw, link_share=0.6 * one,
                nic_share=0.8 * one, deduplicated=d * one,
            )
            for d in (0.0, 1.0)
        ]  # fmt: skip
        return [float(x[0]) for x in found]

    @given(name=st.sampled_from(ACCELERATORS), inner=st.sampled_from([1.0, 8.0, 1000.0]), moved=sizes)
    def test_one_rank_exchanges_nothing(self, tables: Tables, name: str, inner: float, moved: float) -> None:
        assert self.times(tables("gpt3-175b", name, "hai-llm")[0], 1.0, inner, moved) == [0.0] * 4

    @given(name=st.sampled_from(ACCELERATORS), where=group, moved=sizes, factor=st.floats(1.0, 1e3))
    def test_more_bytes_take_no_less(
        self, tables: Tables, name: str, where: tuple[float, float], moved: float, factor: float
    ) -> None:
        hardware = tables("gpt3-175b", name, "hai-llm")[0]
        for less, more in zip(
            self.times(hardware, *where, moved), self.times(hardware, *where, moved * factor), strict=True
        ):
            assert 0 <= less <= more * CLOSE

    @given(
        name=st.sampled_from(ACCELERATORS),
        where=group,
        moved=sizes,
        endpoints=st.sampled_from([8.0, 72.0, 256.0, 3072.0]),
        shortage=st.floats(1.0, 20.0),
        latency=st.floats(0.0, 1e-4),
    )
    def test_one_more_tier_speeds_up_nothing(
        self,
        tables: Tables,
        name: str,
        where: Any,
        moved: float,
        endpoints: float,
        shortage: float,
        latency: float,
    ) -> None:
        hardware = tables("gpt3-175b", name, "hai-llm")[0]
        flat = self.times(hardware, *where, moved)
        tiers = {
            "tier_endpoints": [[endpoints, np.inf]],
            "tier_oversubscription": [[shortage, shortage]],
            "tier_latency_s": [[latency, 0.0]],
        }
        for without, with_tier in zip(flat, self.times(hardware, *where, moved, **tiers), strict=True):
            assert with_tier >= without / CLOSE

    @given(where=group, moved=st.floats(1e6, 1e12))
    def test_a_rank_moves_at_least_the_published_volume(
        self, tables: Tables, where: tuple[float, float], moved: float
    ) -> None:
        """``f (N-1)/N`` of the buffer over the faster of link and NIC."""
        hardware, ranks = tables("gpt3-175b", "h100-sxm", "hai-llm")[0], where[0]
        rate = max(
            float(hardware.link_bytes_per_s[0]), float(hardware.domain[0] * hardware.nic_bytes_per_s[0])
        )
        for factor, seconds in zip((1.0, 2.0), self.times(hardware, *where, moved), strict=False):
            assert seconds >= factor * moved * (1.0 - 1.0 / ranks) / rate / 2.0
            assert ranks == 1 or seconds > 0

    @given(names=named, many=rows)
    def test_tensor_parallelism_across_hosts_is_slower_than_inside(
        self, tables: Tables, layout: Layout, physics: Physics, names: Any, many: Any
    ) -> None:
        hardware, model, software = tables(names[0], "h100-sxm", names[2])
        strategy = layout(**columns(many, tp=8.0, cp=1.0, pp=1.0, ep=1.0, etp=1.0))
        inside, across = (
            physics(hardware.with_values(domain=domain, node=domain), model, software, strategy).layer
            for domain in (8, 4)
        )
        assert np.all(across.forward_s > inside.forward_s)
        assert np.all(across.backward_s > inside.backward_s)
