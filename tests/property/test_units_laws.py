from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError
from planner.units import DIMENSIONS, format_quantity, parse

DECIMALS = st.decimals(min_value="-1e9", max_value="1e9", allow_nan=False, allow_infinity=False, places=6)
SIZES = {
    "B": Fraction(1),
    "kB": Fraction(10**3),
    "MB": Fraction(10**6),
    "GB": Fraction(10**9),
    "TB": Fraction(10**12),
    "PB": Fraction(10**15),
    "KiB": Fraction(2**10),
    "GiB": Fraction(2**30),
    "b": Fraction(1, 8),
    "Gb": Fraction(10**9, 8),
}


@given(DECIMALS, st.sampled_from(sorted(SIZES)), st.sampled_from(["", " ", "  "]))
def test_a_quantity_is_read_to_the_nearest_float(number: object, unit: str, blank: str) -> None:
    exact = Fraction(str(number)) * SIZES[unit]
    assert parse(f"{number}{blank}{unit}", "bytes") == float(exact)


@given(DECIMALS, st.sampled_from(sorted(SIZES)), st.sampled_from(["ms", "s", "min", "h", "day"]))
def test_a_rate_is_the_quotient_of_its_parts(number: object, unit: str, per: str) -> None:
    seconds = {"ms": Fraction(1, 1000), "s": 1, "min": 60, "h": 3600, "day": 86400}[per]
    exact = Fraction(str(number)) * SIZES[unit] / seconds
    assert math.isclose(parse(f"{number} {unit}/{per}", "bytes_per_s"), exact, rel_tol=1e-15, abs_tol=0.0)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(st.floats(min_value=1e-15, max_value=1e27), st.sampled_from([1, -1]))
def test_what_is_written_reads_back(dimension: str, size: float, sign: int) -> None:
    value = sign * size
    exact = parse(format_quantity(value, dimension, digits=17), dimension)
    rounded = parse(format_quantity(value, dimension), dimension)
    assert math.isclose(exact, value, rel_tol=1e-15)
    assert math.isclose(rounded, value, rel_tol=0.51e-3)


@pytest.mark.parametrize("dimension", ["bytes", "bytes_per_s", "flop_per_s", "watts", "hz", "count"])
@given(st.floats(min_value=1e-3, max_value=1e15))
def test_a_shown_number_is_never_a_thousand_of_a_unit_that_has_a_larger_one(
    dimension: str, value: float
) -> None:
    text = format_quantity(value, dimension, digits=3)
    larger = [name for name, _ in DIMENSIONS[dimension].shown]
    number = parse(text.split(" ")[0].rstrip("kMBT%"), "ratio")
    is_largest = text.endswith(larger[-1])
    assert is_largest or number < 1000


@given(st.text(max_size=40), st.sampled_from(sorted(DIMENSIONS)))
def test_any_text_is_a_finite_number_or_an_input_error(text: str, dimension: str) -> None:
    try:
        value = parse(text, dimension)
    except InputError as error:
        assert str(error)
    else:
        assert math.isfinite(value)


@given(
    st.from_regex(r"[-+]?[0-9]{1,4}(\.[0-9]{0,3})?(e[-+]?[0-9]{1,4})? ?[a-zA-Z$%/:]{0,6}", fullmatch=True),
    st.sampled_from(sorted(DIMENSIONS)),
)
def test_almost_quantities_are_finite_numbers_or_input_errors(text: str, dimension: str) -> None:
    try:
        value = parse(text, dimension)
    except InputError as error:
        assert repr(text) in str(error) or "unit" in str(error) or "measures" in str(error)
    else:
        assert math.isfinite(value)
