"""Pipelines: micro-batches, layers per stage, what is in flight, and the bubble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.pipeline import (
    alike,
    bubble_s,
    free_split_s,
    micro_batches,
    micro_batches_in_flight,
    runnable,
    split_layers,
)
from planner.tables import Strategy

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


class TestMicroBatches:
    @pytest.mark.parametrize(
        ("batch", "dp", "micro_batch", "count"),
        [
            (512, 8, 1, 64),
            (512, 8, 2, 32),
            (100, 8, 1, 13),
            (7, 8, 1, 1),
            (96, 32, 3, 1),
            (0.3 * 30, 9, 1, 1),
        ],
    )
    def test_count(self, layout: Layout, batch: float, dp: float, micro_batch: float, count: float) -> None:
        assert micro_batches(layout(global_batch=batch, dp=dp, micro_batch=micro_batch))[0] == count

    @pytest.mark.parametrize(
        ("pp", "vpp", "count", "kept"),
        [
            (4, 1, 100, (4, 3, 1)),
            (4, 1, 2, (2, 2, 1)),
            (1, 1, 100, (1, 0.5, 1)),
            (4, 2, 100, (5.5, 4.5, 2.5)),
            (8, 4, 100, (9.75, 9.25, 6.25)),
        ],
    )
    def test_in_flight(
        self, layout: Layout, pp: float, vpp: float, count: float, kept: tuple[float, float, float]
    ) -> None:
        """1F1B and interleaving, counted from their schedules [Narayanan et al., section 2.2]."""
        found = micro_batches_in_flight(strategy=layout(pp=pp, vpp=vpp), micro_batches=one(count))
        assert [float(x[0]) for x in found][::2] == [kept[0], kept[2]]
        if pp > 1:
            assert found[1][0] == kept[1]

    def test_fewer_in_flight_on_request(self, layout: Layout) -> None:
        found = micro_batches_in_flight(
            strategy=layout(pp=16.0, vpp=8.0, in_flight=16.0), micro_batches=one(100)
        )
        assert found[0][0] == 16.0
        assert found[1][0] == 15.75


class TestStages:
    @pytest.mark.parametrize(
        ("layers", "pp", "vpp", "expected"),
        [
            (96, 8, 1, (12, 12, 12)),
            (126, 16, 1, (7, 8, 7)),
            (126, 16, 8, (7, 8, 7)),
            (61, 16, 1, (3, 4, 2)),
            (5, 2, 1, (3, 3, 2)),
            (5, 2, 2, (3, 3, 2)),
            (80, 32, 1, (1, 3, 1)),
            (17, 16, 1, (1, 2, 1)),
            (8, 4, 4, (1, 3, 1)),
            (40, 1, 1, (40, 40, 40)),
        ],
    )
    def test_split(self, layers: float, pp: float, vpp: float, expected: tuple[float, float, float]) -> None:
        stage = split_layers(layers=one(layers), pp=one(pp), vpp=one(vpp))
        assert (stage.first[0], stage.most[0], stage.last[0]) == expected

    @pytest.mark.parametrize(
        ("layers", "pp", "vpp", "placed"),
        [(126, 16, 8, True), (80, 32, 1, False), (17, 16, 1, False), (5, 1, 1, True), (61, 16, 1, True)],
    )
    def test_what_schedulers_place(self, layers: float, pp: float, vpp: float, placed: bool) -> None:
        assert alike(layers=one(layers), pp=one(pp), vpp=one(vpp))[0] == placed

    def test_free_placement_leaves_the_head_room(self) -> None:
        """Eight layers of one second and a head of three on four stages: 3, 3, 2 and none with the head."""
        assert free_split_s(layers=one(8), pp=one(4), layer_s=one(1), head_s=one(3))[0] == 3.0
        assert free_split_s(layers=one(8), pp=one(4), layer_s=one(1), head_s=one(0))[0] == 2.0
        assert free_split_s(layers=one(8), pp=one(2), layer_s=one(1), head_s=one(100))[0] == 100.0


class TestBubble:
    def bubble(self, layout: Layout, software: Any, count: float, **values: float) -> float:
        """Equal stages of one second each."""
        strategy = runnable(layout(**values), one(count))
        found = bubble_s(
            software=software,
            strategy=strategy,
            count=one(count),
            whole_s=strategy.pp * 1.0,
            slowest_s=one(1),
        )
        return float(found[0])

    @pytest.mark.parametrize(
        ("values", "count", "expected"),
        [
            ({"pp": 8.0}, 64, 7.0),
            ({"pp": 8.0, "vpp": 2.0}, 64, 3.5),
            ({"pp": 8.0, "vpp": 2.0}, 63, 3.5 + 0.5),
            ({"pp": 8.0, "vpp": 4.0}, 57, 7 / 4 + 7 * 3 / 4),
            ({"pp": 8.0, "vpp": 4.0}, 7, 7.0),
            ({"pp": 8.0, "zero_bubble": 1.0}, 64, 7 * 0.3),
            ({"pp": 8.0, "zero_bubble": 1.0}, 7, 7.0),
            ({"pp": 1.0}, 64, 0.0),
        ],
    )
    def test_equal_stages(
        self, tables: Tables, layout: Layout, values: dict[str, float], count: float, expected: float
    ) -> None:
        software = tables("gpt3-175b")[2].with_values(bubble_share=0.3)
        assert self.bubble(layout, software, count, **values) == pytest.approx(expected)

    def test_what_can_run_is_left_as_it_is(self, layout: Layout) -> None:
        strategy = layout(pp=4.0, vpp=2.0)
        assert runnable(strategy, one(4)) is strategy
        plain = layout(pp=4.0)
        assert runnable(plain, one(1)) is plain
        mixed = runnable(layout(pp=4.0, vpp=[2.0, 2.0]), np.array([3.0, 4.0]))
        assert mixed.vpp.tolist() == [1.0, 2.0]
