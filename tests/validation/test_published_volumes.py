"""Collective traffic against published volumes, where bytes are so many that latency does not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.collectives import LINK_SHARE, place, ring_s
from planner.model.layer import TERMS
from planner.tables import Strategy

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]
Physics = Callable[..., Any]


@pytest.mark.parametrize("ranks", [2, 3, 8, 64, 72])
@pytest.mark.parametrize(("name", "factor"), [("all-reduce", 2), ("all-gather", 1)])
def test_volume_of_a_ring(tables: Tables, ranks: int, name: str, factor: int) -> None:
    """R. Thakur et al., doi:10.1177/1094342005051521: ``2 (N-1)/N`` and ``(N-1)/N`` of the buffer."""
    hardware = tables("gpt3-175b", "gb200")[0]
    moved, one = 1e13, np.ones(1)
    group = place(ranks=one * ranks, inner=one, hardware=hardware)
    seconds = ring_s(moved_bytes=one * moved, factor=factor, group=group, hardware=hardware, nic_share=one)
    rate = LINK_SHARE * (1.0 - 0.65 / ranks) * float(hardware.link_bytes_per_s[0])
    assert seconds[0] * rate / moved == pytest.approx(factor * (ranks - 1) / ranks, rel=0.01), name


class TestZero:
    """S. Rajbhandari et al., arXiv:1910.02054, section 7: 2, 2, 2 and 3 times the parameters per step."""

    def data_s(
        self, tables: Tables, layout: Layout, physics: Physics, sharding: int, count: int = 1
    ) -> float:
        hardware, model, software = tables("gpt3-175b")
        software = software.with_values(
            data_window=0.0, gradient_bytes=2.0
        )  # equal bytes, none of them hidden
        strategy = layout(dp=64.0, sharding=sharding, global_batch=64.0 * count)
        return float(physics(hardware, model, software, strategy).step.data_s[0])

    def test_volumes(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        plain, first, second, third = (self.data_s(tables, layout, physics, z) for z in range(4))
        assert first / plain == pytest.approx(1.0, rel=0.01)
        assert second == first
        assert third / plain == pytest.approx(1.5, rel=0.02)

    def test_gradient_accumulation(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        """Sharded gradients move with every micro-batch, and so do sharded weights."""
        plain, first, second, third = (self.data_s(tables, layout, physics, z, 8) for z in range(4))
        one = plain / 2.0
        assert first / one == pytest.approx(2.0, rel=0.01)
        assert second / one == pytest.approx(8.0 + 1.0, rel=0.01)
        assert third / one == pytest.approx(3.0 * 8.0, rel=0.02)


class TestTensorParallelism:
    """M. Shoeybi et al., arXiv:1909.08053, section 3: two all-reduces of a layer's activations each way."""

    def tensor_s(
        self, tables: Tables, layout: Layout, physics: Physics, *, split: bool
    ) -> tuple[float, float]:
        hardware, model, software = tables("gpt3-175b")
        software = software.with_values(tensor_exposed=1.0)
        strategy = layout(tp=8.0, micro_batch=4096.0, sequence_parallel=split)
        layer = physics(hardware, model, software, strategy).layer
        forward, backward = (
            float(x[0, TERMS.index("tensor")]) for x in (layer.forward_terms, layer.backward_terms)
        )
        buffer = 4096.0 * 4096 * 12288 * 2
        rate = LINK_SHARE * (1.0 - 0.65 / 8) * float(hardware.link_bytes_per_s[0])
        once = buffer * 7 / 8 / rate
        return forward / once, backward / once

    def test_all_reduces(self, tables: Tables, layout: Layout, physics: Physics) -> None:
        assert self.tensor_s(tables, layout, physics, split=False) == pytest.approx((4.0, 4.0), rel=0.03)

    def test_sequence_parallelism_moves_as_much(
        self, tables: Tables, layout: Layout, physics: Physics
    ) -> None:
        """V. Korthikanti et al., arXiv:2205.05198, section 4.2.2; one more gather backward is half hidden."""
        assert self.tensor_s(tables, layout, physics, split=True) == pytest.approx((4.0, 5.0), rel=0.03)
