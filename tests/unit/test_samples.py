"""Samples of numbers with a range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.quantity import Quantity
from planner.tables.samples import Samples, interval


def quantity(value: float, low: float | None = None, high: float | None = None) -> Quantity:
    return Quantity(
        value=value,
        dimension="usd",
        text=str(value),
        source="s",
        at="p",
        kind="estimate",
        low=low,
        high=high,
        as_of="2026",
    )


def test_a_number_without_a_range_is_the_same_everywhere() -> None:
    assert Samples().of(quantity(3.0), "a").tolist() == [[3.0]]


@given(
    low=st.floats(0.1, 10),
    up=st.floats(1.01, 10),
    further=st.floats(1.01, 10),
    key=st.text(max_size=10),
)
def test_the_range_is_the_interval_of_its_samples(low: float, up: float, further: float, key: str) -> None:
    value, high = low * up, low * up * further
    drawn = Samples(1999).of(quantity(value, low, high), key)
    assert drawn.shape == (2000, 1)
    middle, below, above = interval(drawn)
    assert middle == value
    assert below == pytest.approx(low, rel=0.02)
    assert above == pytest.approx(high, rel=0.02)


def test_a_range_that_starts_at_zero_stays_at_or_above_it() -> None:
    drawn = Samples().of(quantity(0.1, 0.0, 0.4), "x")
    assert drawn.min() >= 0
    assert np.median(drawn) == pytest.approx(0.1, rel=0.05)


def test_the_same_name_draws_alike_and_another_does_not() -> None:
    samples = Samples(255)
    first, again = (samples.of(quantity(2.0, 1.0, 4.0), "site.a.pue") for _ in range(2))
    other = samples.of(quantity(2.0, 1.0, 4.0), "site.b.pue")
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first[1:, 0], other[1:, 0])[0, 1]) < 0.2
    assert np.allclose(np.sort(first[1:, 0]), np.sort(other[1:, 0]))


def test_errors_that_are_shared_cancel_in_a_ratio() -> None:
    drawn = Samples().of(quantity(2.0, 1.0, 4.0), "price")
    assert interval(3.0 * drawn / drawn)[1:] == (3.0, 3.0)


def test_the_value_lies_within_its_interval_even_at_an_end() -> None:
    value, low, high = interval(Samples().of(quantity(1.0, 1.0, 2.0), "k"))
    assert low[0] == value[0] == 1.0
    assert high[0] > 1.5


def test_without_samples_there_is_the_value_alone() -> None:
    assert Samples(0).of(quantity(2.0, 1.0, 4.0), "k").tolist() == [[2.0]]
    assert [float(x[0]) for x in interval(np.array([[2.0]]))] == [2.0, 2.0, 2.0]
