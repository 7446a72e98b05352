from __future__ import annotations

import pytest

from planner.errors import InputError
from planner.units import DIMENSIONS, factor, format_quantity, parse, short_number


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("80 GB", "bytes", 80e9),
        ("80GB", "bytes", 80e9),
        ("80 GiB", "bytes", 80 * 2.0**30),
        ("8 b", "bytes", 1.0),
        ("3.35 TB/s", "bytes_per_s", 3.35e12),
        ("400 Gb/s", "bytes_per_s", 5e10),
        ("400 Gbps", "bytes_per_s", 5e10),
        ("400 Gbit/s", "bytes_per_s", 5e10),
        ("989.4 TFLOP/s", "flop_per_s", 989.4e12),
        ("989.4 TFLOPS", "flop_per_s", 989.4e12),
        ("1979 TOP/s", "flop_per_s", 1979e12),
        ("3.8e25 FLOP", "flop", 3.8e25),
        ("1.08 GW", "watts", 1.08e9),
        ("1 kWh", "joules", 3.6e6),
        ("2 us", "s", 2e-6),
        ("2 \u00b5s", "s", 2e-6),
        ("2 \u03bcs", "s", 2e-6),
        ("3 days", "s", 259200.0),
        ("1 year", "s", 31557600.0),
        ("3 days", "hours", 72.0),
        ("50,677 h", "hours", 50677.0),
        ("4 years", "years", 4.0),
        ("1,980 MHz", "hz", 1.98e9),
        ("$30,000", "usd", 3e4),
        ("30 k USD", "usd", 3e4),
        ("30 kUSD", "usd", 3e4),
        ("$1.25B", "usd", 1.25e9),
        ("1.25 B USD", "usd", 1.25e9),
        ("29.5 billion USD", "usd", 29.5e9),
        ("50 cents", "usd", 0.5),
        ("$2.50/h", "usd_per_hour", 2.5),
        ("2.50 USD/GPU-hour", "usd_per_hour", 2.5),
        ("2.50 USD/GPU/h", "usd_per_hour", 2.5),
        ("60 USD/day", "usd_per_hour", 2.5),
        ("0.07 USD/kWh", "usd_per_kwh", 0.07),
        ("70 USD/MWh", "usd_per_kwh", 0.07),
        ("7 cents/kWh", "usd_per_kwh", 0.07),
        ("11.7 M USD/MW", "usd_per_watt", 11.7),
        ("0.02 USD/GB", "usd_per_byte", 0.02e-9),
        ("0.50 USD/1M tokens", "usd_per_token", 0.5e-6),
        ("0.50 USD/Mtoken", "usd_per_token", 0.5e-6),
        ("350 g/kWh", "kg_per_kwh", 0.35),
        ("1.8 L/kWh", "liters_per_kwh", 1.8),
        ("1.5 t", "kg", 1500.0),
        ("5 pJ/bit", "joules_per_byte", 40e-12),
        ("1200 tokens/s", "count_per_s", 1200.0),
        ("2 km", "meters", 2000.0),
        ("90 %", "fraction", 0.9),
        ("0.9", "fraction", 0.9),
        (0.9, "fraction", 0.9),
        ("7:1", "ratio", 7.0),
        (7, "ratio", 7.0),
        ("15.6T", "count", 15.6e12),
        ("15.6 T tokens", "count", 15.6e12),
        ("405B", "count", 405e9),
        ("1 million", "count", 1e6),
        ("16M tokens", "count", 16e6),
        ("8Ki", "count", 8192.0),
        ("1_000_000", "count", 1e6),
        (132, "count", 132.0),
        ("-3 W", "watts", -3.0),
    ],
)
def test_parse(text: str | float, dimension: str, value: float) -> None:
    assert parse(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "complaint"),
    [
        ("3.35", "bytes_per_s", "has no unit"),
        (3.35, "bytes_per_s", "has no unit"),
        ("3.35 TB", "bytes_per_s", "'TB' measures bytes, not bytes per s"),
        ("3 B USD", "bytes", "unknown unit"),
        ("30 k", "usd", "unknown unit"),
        ("5 m", "s", "measures meters, not s"),
        ("3 USD", "usd_per_hour", "measures usd, not usd per s"),
        ("5 mb/s", "bytes_per_s", "unknown unit"),
        ("5 kGB", "bytes", "unknown unit"),
        ("5 mB", "bytes", "unknown unit"),
        ("5 GB/s/s", "bytes_per_s", "unknown unit"),
        ("5 /s", "bytes_per_s", "unknown unit"),
        ("5 GB/", "bytes", "unknown unit"),
        ("80 %", "count", "measures fraction, not count"),
        ("7:2", "ratio", "unknown unit"),
        ("nan GB", "bytes", "not a finite number"),
        ("inf", "count", "not a finite number"),
        (".inf", "count", "not a finite number"),
        (float("nan"), "count", "not a finite number"),
        (float("inf"), "fraction", "not a finite number"),
        ("1e999 GB", "bytes", "not a finite number"),
        ("9e307 GB", "bytes", "not a finite number"),
        ("1e99999 GB", "bytes", "not a finite number"),
        ("1e" + "9" * 60, "count", "not a finite number"),
        ("1e" + "9" * 60 + " GB", "bytes", "not a finite number"),
        ("3,35 TB", "bytes", "unknown unit"),
        ("1,2345 GB", "bytes", "unknown unit"),
        ("1.2.3 GB", "bytes", "unknown unit"),
        ("\u0661\u0662 GB", "bytes", "does not start with a number"),
        ("GB", "bytes", "does not start with a number"),
        ("", "count", "does not start with a number"),
        ("$", "usd", "does not start with a number"),
        ("9" * 500, "count", "too long"),
        (10**400, "count", "too large"),
        (True, "count", "not a quantity"),
    ],
)
def test_parse_refuses_with_the_mend(text: str | float, dimension: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, dimension)
    message = str(caught.value)
    assert complaint in message
    assert DIMENSIONS[dimension].example in message or complaint == "too large"
    assert len(message) < 250


def test_an_unknown_dimension_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match=r"unknown dimension 'byte'\. Did you mean 'bytes'\?"):
        parse("1 GB", "byte")


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_example_of_a_dimension_is_readable(dimension: str) -> None:
    assert parse(DIMENSIONS[dimension].example, dimension) > 0


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (3.35e12, "bytes_per_s", "3.35 TB/s"),
        (999.99996, "bytes", "1 kB"),
        (999.4, "bytes", "999.4 B"),
        (0.0, "bytes", "0 B"),
        (-2e9, "bytes", "-2 GB"),
        (405e9, "count", "405B"),
        (132.0, "count", "132"),
        (1.25e9, "usd", "1.25 B USD"),
        (2.5, "usd_per_hour", "2.5 USD/h"),
        (2e-6, "s", "2 us"),
        (90.0, "s", "1.5 min"),
        (0.125, "fraction", "12.5 %"),
        (7.0, "ratio", "7"),
        (50677.0, "hours", "50677 h"),
        (0.5e-6, "usd_per_token", "0.5 USD/Mtoken"),
        (1.08e9, "watts", "1.08 GW"),
    ],
)
def test_format_quantity(value: float, dimension: str, text: str) -> None:
    assert format_quantity(value, dimension) == text


def test_factor_is_the_size_of_a_unit() -> None:
    assert factor("GB", "bytes") == 1e9
    assert factor("GiB", "bytes") == 2.0**30
    assert factor("USD/MWh", "usd_per_kwh") == 1e-3
    with pytest.raises(InputError, match="measures bytes"):
        factor("GB", "watts")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5824.3, "5,824"),
        (999.7, "1,000"),
        (999.4, "999"),
        (0.0385, "0.0385"),
        (0, "0"),
        (-12345.6, "-12,346"),
    ],
)
def test_numbers_of_any_size_are_written_without_an_exponent(value: float, text: str) -> None:
    assert short_number(value) == text


def test_nothing_is_written_in_the_unit_without_a_prefix() -> None:
    assert [format_quantity(0.0, name) for name in ("watts", "s", "bytes", "usd")] == [
        "0 W",
        "0 s",
        "0 B",
        "0 USD",
    ]
