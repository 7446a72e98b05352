"""Memory against published tables and formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.activations import activation_costs, kept_bytes
from planner.model.memory import memory_costs
from planner.tables import Strategy
from planner.units import GIGA

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]

MASK = 1.0
"""Bytes per element of the dropout mask behind the MLP, which the planner does not count."""


TABLE = {
    1: (120.0, 120.0, 120.0), 4: (52.5, 41.3, 30.0), 16: (35.6, 21.6, 7.5), 64: (31.4, 16.6, 1.88),
    256: (30.4, 15.4, 0.47), 1024: (30.1, 15.1, 0.12),
}  # fmt: skip
"""S. Rajbhandari et al., arXiv:1910.02054, table 1: GB per device of the three stages, by devices; K = 12."""
PARAMETERS = 7.5e9


class TestZero:
    def states_gb(self, tables: Tables, layout: Layout, dp: int, sharding: int) -> float:
        _, model, software = tables("gpt3-175b")
        nothing = dict.fromkeys(("dense_parameters", "embedding_parameters", "expert_parameters"), 0.0)
        model = model.with_values(mixer_parameters=PARAMETERS, **nothing)
        software = software.with_values(gradient_bytes=2.0, state_bytes=12.0, bucket_bytes=0.0)
        strategy = layout(dp=float(dp), sharding=sharding)
        found = memory_costs(
            model=model,
            software=software,
            strategy=strategy,
            activations=activation_costs(model=model, software=software, strategy=strategy),
            micro_batches=np.ones(1),
        )
        return float((found.weights_bytes + found.gradients_bytes + found.optimizer_bytes)[0]) / GIGA

    @pytest.mark.parametrize("dp", TABLE)
    def test_optimizer_and_gradients(self, tables: Tables, layout: Layout, dp: int) -> None:
        published = TABLE[dp]
        assert self.states_gb(tables, layout, dp, 0) == pytest.approx(120)
        for sharding in (1, 2):
            assert self.states_gb(tables, layout, dp, sharding) == pytest.approx(
                published[sharding - 1], rel=5e-3
            )

    @pytest.mark.parametrize("dp", TABLE)
    def test_everything(self, tables: Tables, layout: Layout, dp: int) -> None:
        """Full sharding casts its weights from the master copy, and so holds 14 of the 16 bytes."""
        found = self.states_gb(tables, layout, dp, 3)
        assert found == pytest.approx(14 * PARAMETERS / dp / GIGA)
        assert found == pytest.approx(TABLE[dp][2] * 14 / 16, rel=0.03)


class TestActivations:
    """V. Korthikanti et al., arXiv:2205.05198, table 2: bytes per layer in units of ``sbh``, with dropout."""

    s, b, h, a = 2048.0, 4.0, 12288.0, 96.0

    def kept(self, tables: Tables, layout: Layout, **values: Any) -> float:
        _, model, software = tables("gpt3-175b", "a100-sxm-80gb", "megatron-lm-2022")
        strategy = layout(seq_len=self.s, micro_batch=self.b, **values)
        costs = activation_costs(model=model, software=software, strategy=strategy)
        return float(kept_bytes(strategy, costs)[0]) / (self.s * self.b * self.h)

    @property
    def scores(self) -> float:
        return 5.0 * self.a * self.s / self.h

    def test_no_parallelism(self, tables: Tables, layout: Layout) -> None:
        assert self.kept(tables, layout) == pytest.approx(34 - MASK + self.scores)

    @pytest.mark.parametrize("t", [2.0, 8.0])
    def test_tensor_parallelism(self, tables: Tables, layout: Layout, t: float) -> None:
        assert self.kept(tables, layout, tp=t) == pytest.approx(10 - MASK + 24 / t + self.scores / t)

    @pytest.mark.parametrize("t", [2.0, 8.0])
    def test_tensor_and_sequence_parallelism(self, tables: Tables, layout: Layout, t: float) -> None:
        found = self.kept(tables, layout, tp=t, sequence_parallel=True)
        assert found == pytest.approx((34 - MASK) / t + self.scores / t)

    def test_selective_recompute(self, tables: Tables, layout: Layout) -> None:
        assert self.kept(tables, layout, recompute=1) == pytest.approx(34 - MASK)
        split = self.kept(tables, layout, recompute=1, tp=8.0, sequence_parallel=True)
        assert split == pytest.approx((34 - MASK) / 8)

    def test_full_recompute(self, tables: Tables, layout: Layout) -> None:
        assert self.kept(tables, layout, recompute=2) == pytest.approx(2.0)

    def test_published_sizes(self, tables: Tables, layout: Layout) -> None:
        """Section 5: sequence parallelism and selective recompute cut a layer's bytes about fivefold."""
        before = self.kept(tables, layout, tp=8.0)
        after = self.kept(tables, layout, tp=8.0, sequence_parallel=True, recompute=1)
        assert 4.0 < before / after < 7.0
