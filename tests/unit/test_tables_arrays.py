"""Tables of rows: taking, replacing, stacking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from planner.tables import GEMM_CLASSES, PRECISION_CLASS, RECOMPUTES, SHARDINGS, Strategy, stack
from planner.workload.kinds import MODEL

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]


def test_length_is_that_of_the_longest_column(layout: Layout) -> None:
    assert len(layout()) == 1
    assert len(layout(tp=[1.0, 2.0, 4.0])) == 3
    assert len(layout(tp=[1.0, 2.0]).take(np.zeros(0, dtype=int))) == 0


def test_taking_keeps_columns_that_stand_for_all_rows(layout: Layout) -> None:
    taken = layout(tp=[1.0, 2.0, 4.0]).take(np.array([2, 0, 2]))
    assert taken.tp.tolist() == [4.0, 1.0, 4.0]
    assert taken.pp.tolist() == [1.0]
    masked = layout(tp=[1.0, 2.0, 4.0]).take(np.array([False, True, False]))
    assert masked.tp.tolist() == [2.0]


def test_replacing_takes_scalars_and_leaves_the_original(layout: Layout) -> None:
    before = layout(tp=2.0)
    after = before.with_values(tp=8, pp=[1.0, 2.0])
    assert (before.tp[0], after.tp[0], len(after)) == (2.0, 8.0, 2)
    with pytest.raises(TypeError):
        before.with_values(tensor_parallel=2)


def test_stacking_spreads_columns_over_their_rows(tables: Tables, layout: Layout) -> None:
    both = stack([layout(tp=[1.0, 2.0]), layout(tp=4.0, pp=8.0)])
    assert both.tp.tolist() == [1.0, 2.0, 4.0]
    assert both.pp.tolist() == [1.0, 1.0, 8.0]
    parts = [tables("gpt3-175b", name)[0] for name in ("h100-sxm", "gb200")]
    hardware = stack(parts)
    assert hardware.peak_flop_per_s.shape == (2, len(GEMM_CLASSES))
    for f in fields(hardware):
        for i, part in enumerate(parts):
            assert np.array_equal(getattr(hardware, f.name)[i], getattr(part, f.name)[0])


def test_tables_cannot_be_changed_in_place(layout: Layout) -> None:
    with pytest.raises(AttributeError):
        layout().tp = np.ones(1)  # type: ignore[misc]


def test_names_and_indices() -> None:
    assert set(PRECISION_CLASS.values()) == set(range(len(GEMM_CLASSES)))
    for name, index in PRECISION_CLASS.items():
        assert (index == 0) == ("16" in name)
    assert SHARDINGS.index("zero3") == 3
    assert RECOMPUTES.index("full") == 2
    assert MODEL.name == "model"
