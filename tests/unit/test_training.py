"""The step: sends, data parallelism, optimizer, offload, growth; each part by itself and all together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.data_parallel import (
    OPTIMIZER_BANDWIDTH_SHARE,
    OPTIMIZER_LOCAL_BYTES,
    OPTIMIZER_SHARDED_BYTES,
)
from planner.model.training import StepCosts, doublings, recompute_s
from planner.tables import Strategy

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]
Physics = Callable[..., Any]


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


class TestStep:
    def step(
        self, tables: Tables, layout: Layout, physics: Physics, model: str = "gpt3-175b", **values: Any
    ) -> StepCosts:
        changes = values.pop("software", {})
        parts = values.pop("hardware", {})
        hardware, table, software = tables(model)
        return physics(
            hardware.with_values(**parts), table, software.with_values(**changes), layout(**values)
        ).step

    @pytest.fixture
    def ask(self, tables: Tables, layout: Layout, physics: Physics) -> Callable[..., StepCosts]:
        return lambda **values: self.step(tables, layout, physics, **values)

    def test_the_parts_add_up(self, ask: Callable[..., StepCosts]) -> None:
        s = ask(
            tp=8.0, pp=4.0, dp=16.0, sharding=1, offload=0.5, software={"growth": 0.01, "correction": 1.5}
        )
        parts = s.busy_s + s.bubble_s + s.pipeline_s + s.data_s + s.optimizer_s + s.offload_s
        assert s.step_s[0] == pytest.approx(1.5 * float((parts + s.growth_s + s.fixed_s)[0]))
        assert s.growth_s[0] == pytest.approx(float(parts[0]) * 0.01 * 4)
        assert all(float(getattr(s, name)[0]) > 0 for name in ("pipeline_s", "data_s", "offload_s"))

    def test_a_single_accelerator_waits_for_nobody(self, ask: Callable[..., StepCosts]) -> None:
        s = ask()
        assert s.bubble_s[0] == s.pipeline_s[0] == s.data_s[0] == s.offload_s[0] == s.growth_s[0] == 0.0

    def test_work_is_shared_by_stages_and_replicas(self, ask: Callable[..., StepCosts]) -> None:
        alone, stages, replicas = ask(), ask(pp=8.0), ask(dp=8.0)
        assert stages.busy_s[0] == pytest.approx(float(alone.busy_s[0]) / 8, rel=0.05)
        assert replicas.busy_s[0] == pytest.approx(float(alone.busy_s[0]) / 8)

    def test_a_part_empty_round_takes_as_long_as_a_full_one(self, ask: Callable[..., StepCosts]) -> None:
        assert ask(dp=8.0, global_batch=65.0).busy_s[0] == ask(dp=8.0, global_batch=72.0).busy_s[0]

    def test_the_first_stage_embeds_and_the_last_has_the_head(
        self, tables: Tables, layout: Layout, physics: Physics
    ) -> None:
        hardware, model, software = tables("gpt3-175b")
        for vocab, end in ((8.0, "first"), (400_000.0, "last")):
            model = model.with_values(vocab=vocab)
            costs = physics(hardware, model, software, layout(pp=2.0))
            layer = costs.layer
            half = 48 * float((layer.forward_s + layer.backward_s)[0])
            head = float((layer.head_forward_s + layer.head_backward_s)[0])
            slowest = half + (float(layer.embedding_s[0]) if end == "first" else head)
            assert costs.step.busy_s[0] == pytest.approx(512 * slowest), end

    def test_stages_together_do_all_the_work(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        """Also where layers are placed at will, and dense ones that cost more come first."""
        hardware, model, software = tables("deepseek-v3")
        model = model.with_values(dense_prefix=30.0, n_dense=30.0, n_moe=31.0, ffn=1e6)
        software = software.with_values(flexible_stages=1.0)
        costs = physics(hardware, model, software, layout(pp=16.0, ep=8.0, dp=8.0, global_batch=512.0))
        layer = costs.layer
        whole = 61 * (layer.forward_s + layer.backward_s) + 30 * layer.prefix_delta_s
        assert costs.step.busy_s[0] >= 64 * float(whole[0]) / 16

    def test_sends_between_stages(self, ask: Callable[..., StepCosts]) -> None:
        inside, across = ask(pp=4.0), ask(tp=8.0, pp=4.0)
        bytes_moved = 4096 * 12288 * 2
        sends = 2 * 3 + 2 * 512
        assert inside.pipeline_s[0] == pytest.approx(sends * (12e-6 + bytes_moved / (0.7 * 450e9)))
        assert across.pipeline_s[0] > inside.pipeline_s[0]
        unit = float(inside.pipeline_s[0]) / sends
        assert ask(pp=4.0, vpp=2.0).pipeline_s[0] == pytest.approx(unit * (6 + 0.6 * 512 * 2))

    def test_recompute_costs_a_forward_pass(self, ask: Callable[..., StepCosts]) -> None:
        none, selective, full = (ask(recompute=r).busy_s[0] for r in range(3))
        assert none < selective < full
        assert full / none == pytest.approx(4 / 3, rel=0.05)

    def test_recompute_by_share(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        given = tables("gpt3-175b")
        strategy = layout(recompute=[0, 1, 2, 2], recompute_layers=[1.0, 1.0, 1.0, 0.25])
        layer = physics(*given, strategy).layer
        again = recompute_s(strategy=strategy, layer=layer)
        full, selective = float(layer.full_s[0]), float(layer.selective_s[0])
        assert again.tolist() == pytest.approx([0.0, selective, full, 0.25 * full + 0.75 * selective])

    def test_overlap_hides_gradients(self, ask: Callable[..., StepCosts]) -> None:
        hidden, exposed = (
            ask(dp=64.0, sharding=1, global_batch=4096.0, software={"data_window": w}) for w in (0.56, 0.0)
        )
        assert 0 < hidden.data_s[0] < 0.5 * exposed.data_s[0]

    def test_without_sharding_gradients_are_reduced_everywhere(self, ask: Callable[..., StepCosts]) -> None:
        """An all-reduce of 4-byte gradients, or a reduce-scatter of them and a gather of 2-byte weights."""
        none, zero1 = (ask(dp=64.0, sharding=z, software={"data_window": 0.0}) for z in (0, 1))
        assert none.data_s[0] / zero1.data_s[0] == pytest.approx(8 / 6, rel=0.01)

    def test_full_sharding_gathers_in_every_micro_batch(self, ask: Callable[..., StepCosts]) -> None:
        values = {"dp": 64.0, "software": {"data_window": 0.0}}
        once, eight = (ask(sharding=3, global_batch=64.0 * m, **values).data_s[0] for m in (1, 8))
        assert eight > 7 * once
        assert once > ask(sharding=1, global_batch=64.0, **values).data_s[0]

    def test_zero2_reduces_in_every_micro_batch_unless_the_stack_does_not(
        self, ask: Callable[..., StepCosts]
    ) -> None:
        def data(sharding: int, micro: float, once: float) -> float:
            step = ask(
                dp=64.0, sharding=sharding, global_batch=64.0 * micro,
                software={"data_window": 0.0, "reduces_once": once},
            )  # fmt: skip
            return float(step.data_s[0])

        reduce = (data(2, 9, 0.0) - data(2, 1, 0.0)) / 8
        assert 0 < reduce < data(1, 1, 0.0)
        assert data(2, 1, 0.0) == data(1, 1, 0.0)
        assert data(2, 9, 1.0) == data(1, 9, 1.0) == data(1, 1, 0.0)

    def test_hybrid_sharding_keeps_gathers_inside_the_domain(self, ask: Callable[..., StepCosts]) -> None:
        values = {"dp": 64.0, "global_batch": 64.0 * 8, "hardware": {"nic_bytes_per_s": 5e9}}
        hybrid, full = (ask(sharding=z, shard_group=g, **values) for z, g in ((4, 8.0), (3, np.inf)))
        assert hybrid.data_s[0] < 0.5 * full.data_s[0]
        assert hybrid.optimizer_s[0] > full.optimizer_s[0]

    def test_shards_are_added_up_across_groups(self, ask: Callable[..., StepCosts]) -> None:
        """HSDP on 8 of 64: gathers and reductions inside, then an all-reduce of an eighth over the NICs."""
        values = {
            "sharding": 4, "shard_group": 8.0, "software": {"data_window": 0.0, "nic_share": 0.5},
            "hardware": {"nic_bytes_per_s": 1e9},
        }  # fmt: skip
        hybrid = ask(dp=64.0, global_batch=64.0, **values)
        alone = ask(dp=8.0, global_batch=8.0, **values)
        expected = 2 * 7 / 8 * 4 * 175e9 / 8 / 0.5e9
        assert float((hybrid.data_s - alone.data_s)[0]) == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize(("pp", "vpp", "share"), [(4, 1, 1 / 24), (4, 2, 1 / 2), (4, 4, 1 / 4)])
    def test_the_last_layers_or_chunks_stay_exposed(
        self, ask: Callable[..., StepCosts], pp: float, vpp: float, share: float
    ) -> None:
        """Where compute could hide everything, what becomes ready last is still to be moved."""

        def data(window: float) -> float:
            software = {"data_window": window, "slowdown": 0.0}
            step = ask(pp=pp, vpp=vpp, dp=64.0, sharding=1, global_batch=64.0 * 64, software=software)
            return float(step.data_s[0])

        assert data(1e3) == pytest.approx(share * data(0.0))

    def test_interleaving_hides_more_behind_other_chunks(self, ask: Callable[..., StepCosts]) -> None:
        """Of ``v`` chunks all but the first are complete while ``p - 1`` micro-batches of others compute."""

        def hidden(vpp: float) -> float:
            values = {"pp": 4.0, "vpp": vpp, "dp": 64.0, "sharding": 1, "global_batch": 64.0 * 64}
            some, none = (
                float(ask(**values, software={"data_window": w, "slowdown": 0.0}).data_s[0])
                for w in (1e-3, 0.0)
            )
            return none * (1.0 + 1.0 / (vpp if vpp > 1 else 24.0)) - some

        assert hidden(2.0) / hidden(1.0) == pytest.approx(1 + 3 * 1 / 2)
        assert hidden(4.0) / hidden(1.0) == pytest.approx(1 + 3 * 3 / 4)

    def test_most_stages_hold_no_table(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        hardware, model, software = tables("gpt3-175b")
        one, four = (
            float(physics(hardware, model, software, layout(pp=pp)).step.optimizer_s[0]) for pp in (1.0, 4.0)
        )
        layers = float((model.mixer_parameters + model.dense_parameters)[0])
        table = float(model.embedding_parameters[0])
        held = 1.0 if model.tied[0] else 2.0
        assert four / one == pytest.approx((layers / 4 + 0.5 * table) / (layers + held * table))

    def test_the_optimizer_sweeps_its_states(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        hardware, model, software = tables("llama-3-8b")
        whole, split, full = (
            float(physics(hardware, model, software, layout(dp=8.0, sharding=z)).step.optimizer_s[0])
            for z in (0, 1, 3)
        )
        parameters = 8_030_261_248
        rate = OPTIMIZER_BANDWIDTH_SHARE * float(hardware.memory_bytes_per_s[0])
        assert whole == pytest.approx(
            (OPTIMIZER_SHARDED_BYTES + OPTIMIZER_LOCAL_BYTES) * parameters / rate, rel=1e-4
        )
        assert split == pytest.approx(
            (OPTIMIZER_SHARDED_BYTES / 8 + OPTIMIZER_LOCAL_BYTES) * parameters / rate, rel=1e-4
        )
        assert full == pytest.approx(whole / 8)

    def test_offload_hides_behind_compute_until_the_host_link_is_full(
        self, ask: Callable[..., StepCosts]
    ) -> None:
        def offload(rate: float) -> float:
            step = ask(offload=1.0, hardware={"host_bytes_per_s": rate}, software={"slowdown": 0.0})
            return float(step.offload_s[0])

        busy = float(ask(offload=1.0).busy_s[0])
        assert offload(1e13) == 0.0
        moved = offload(5e8) - offload(1e9)  # seconds at 1 GB/s: beyond what compute hides every byte counts
        assert offload(1e9 * moved / (2.0 * busy)) == pytest.approx((2.0 - 0.9) * busy, rel=0.02)

    def test_layers_placed_at_will_balance_the_head(
        self, tables: Tables, layout: Layout, physics: Physics
    ) -> None:
        hardware, model, software = tables("gemma2-9b")
        rigid, flexible = (
            physics(hardware, model, software.with_values(flexible_stages=f), layout(pp=4.0)).step.busy_s[0]
            for f in (0.0, 1.0)
        )
        assert flexible < rigid


@pytest.mark.parametrize(
    ("ranks", "dp", "expected"),
    [(8, 8, 0), (16, 16, 0), (32, 32, 1), (1024, 1024, 6), (1024, 4, 2), (64, 1, 0)],
)
def test_growth_is_counted_in_doublings_of_the_replicas(ranks: float, dp: float, expected: float) -> None:
    assert doublings(ranks=one(ranks), dp=one(dp))[0] == expected
