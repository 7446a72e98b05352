"""Laws of shapes: the count is what was asked for, and larger models are larger."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.tables import model_table
from planner.workload.counts import parameters
from planner.workload.kinds import SHAPE
from planner.workload.record import ModelRecord
from planner.workload.shape import Shape, shaped

BOOK = Catalog()
SHAPES = {name: BOOK.get(SHAPE, name) for name in BOOK.ids(SHAPE)}
SIZES = st.floats(8.0, 14.0).map(lambda power: 10.0**power)


def counted(shape: Shape, record: ModelRecord) -> int:
    counts = parameters(record.architecture)
    return counts.total if shape.counted == "all" else counts.active


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(SHAPES)), size=SIZES)
def test_the_count_is_within_three_percent(name: str, size: float) -> None:
    shape = SHAPES[name]
    record = shaped(shape, parameters=size)
    assert counted(shape, record) == pytest.approx(size, rel=0.03)
    assert 0.5 < record.architecture.hidden / record.architecture.depth / shape.aspect.value < 2.0


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(SHAPES)), size=SIZES.filter(lambda n: n < 5e13))
def test_twice_the_parameters_are_a_larger_model(name: str, size: float) -> None:
    small, large = (shaped(SHAPES[name], parameters=n) for n in (size, 2.0 * size))
    assert counted(SHAPES[name], large) > 1.9 * counted(SHAPES[name], small)
    assert large.architecture.hidden >= small.architecture.hidden


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(sorted(SHAPES)), size=SIZES.filter(lambda n: n > 4e9))
def test_heads_and_columns_divide_by_eight(name: str, size: float) -> None:
    table = model_table(shaped(SHAPES[name], parameters=size).architecture)
    assert table.heads[0] % 4 == 0
    assert table.ffn[0] % 8 == 0
