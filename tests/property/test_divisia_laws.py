"""Laws of the exact account of a difference: it adds up, whatever the parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planner.model.divisia import logarithmic_mean, shares_of_parts
from planner.types import FloatArray

AMOUNT = st.floats(1e-6, 1e6)
PART = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))


def parts(size: int = 5) -> st.SearchStrategy[FloatArray]:
    return arrays(float, size, elements=PART).filter(lambda found: found.sum() > 0.0)


@given(parts(), parts())
def test_shares_add_up_to_the_logarithm_of_the_ratio(before: FloatArray, after: FloatArray) -> None:
    shares = shares_of_parts(before=before, after=after)
    wanted = np.log(after.sum() / before.sum())
    assert shares.sum() == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@given(parts(), parts())
def test_the_way_back_is_the_way_there_turned_round(before: FloatArray, after: FloatArray) -> None:
    there = shares_of_parts(before=before, after=after)
    back = shares_of_parts(before=after, after=before)
    np.testing.assert_allclose(there, -back, rtol=1e-9, atol=1e-12)


@given(parts())
def test_what_does_not_change_explains_nothing(before: FloatArray) -> None:
    after = before.copy()
    after[0] += 1.0
    shares = shares_of_parts(before=before, after=after)
    assert np.all(shares[1:] == 0.0)
    assert shares[0] > 0.0


@given(AMOUNT, AMOUNT)
def test_the_logarithmic_mean_lies_between_the_geometric_and_the_arithmetic_one(
    one: float, other: float
) -> None:
    mean = float(logarithmic_mean(one=np.array(one), other=np.array(other)))
    assert np.sqrt(one * other) * (1 - 1e-9) <= mean <= 0.5 * (one + other) * (1 + 1e-9)
    assert mean == pytest.approx(float(logarithmic_mean(one=np.array(other), other=np.array(one))))


def test_an_example_by_hand() -> None:
    shares = shares_of_parts(before=np.array([6.0, 2.0]), after=np.array([2.0, 2.0]))
    mean = (4.0 - 8.0) / np.log(4.0 / 8.0)
    assert mean == pytest.approx(5.7708, rel=1e-4)
    np.testing.assert_allclose(shares, [-4.0 / mean, 0.0])
