"""Words and numbers of a serving question: units, percentiles, targets, defaults, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError
from planner.plan import numbers
from planner.plan.defaults import Filled
from planner.plan.serving.words import read_demand, read_targets, read_traffic, read_years
from planner.search.serving import Target

CATALOG = Catalog()
NOTHING: dict[str, Any] = {"isl": None, "osl": None, "hit": None}
FREE: dict[str, Any] = {"ttft": None, "tpot": None, "e2e": None}


@pytest.mark.parametrize(
    ("text", "seconds"), [("2s", 2.0), ("500 ms", 0.5), (500, 0.5), ("50", 0.05), ("1 min", 60.0)]
)
def test_latencies_have_units_or_are_milliseconds(text: Any, seconds: float) -> None:
    assert numbers.latency_s("ttft", text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["soon", "0", "-2s", "2 GB", "2 weeks"])
def test_what_is_no_latency_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(InputError, match=r"--ttft .*for example 2s or 500ms"):
        numbers.latency_s("ttft", text)


@pytest.mark.parametrize(
    ("text", "share"),
    [("p99", 0.99), ("99", 0.99), ("99.9 %", 0.999), (0.5, 0.5), ("P90", 0.9), ("mean", None)],
)
def test_percentiles_in_every_spelling(text: Any, share: float | None) -> None:
    assert numbers.percentile("percentile", text) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize("text", ["p0", "p100", "150", "-1", "most"])
def test_percentiles_lie_between_none_and_all(text: str) -> None:
    with pytest.raises(InputError, match="--percentile"):
        numbers.percentile("percentile", text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100", 100.0),
        ("20k/s", 2e4),
        ("400M requests/day", 4e8 / 86400),
        ("60/min", 1.0),
        (2.5, 2.5),
        ("3 req/s", 3.0),
    ],
)
def test_rates_are_per_second_or_say_per_what(text: Any, rate: float) -> None:
    assert numbers.rate_per_s("request_rate", text, most=1e9) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["0", "-3", "1e30", "5/fortnight", "fast"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--request-rate"):
        numbers.rate_per_s("request_rate", text, most=1e9)


def test_one_load_at_most() -> None:
    assert read_demand({"users": None, "request_rate": None, "concurrency": None}) is None
    demand = read_demand({"users": "5M", "request_rate": None, "concurrency": None})
    assert demand is not None
    assert (demand.measure, demand.value) == ("users", 5e6)
    with pytest.raises(UsageError, match="--users and --concurrency"):
        read_demand({"users": 1, "request_rate": None, "concurrency": 2})
    for wrong in (0, -1, "nan", "many"):
        with pytest.raises(InputError, match="--users"):
            read_demand({"users": wrong, "request_rate": None, "concurrency": None})


@pytest.mark.parametrize("years", ["soon", -1, 51])
def test_years_are_a_number_within_reason(years: Any) -> None:
    with pytest.raises(InputError, match="--years"):
        read_years(years)


def test_without_traffic_it_is_a_chat_and_that_is_said() -> None:
    filled = Filled()
    profile = read_traffic(CATALOG, filled, None, **NOTHING)
    assert profile.id == "chat"
    assert [a.field for a in filled.assumptions] == ["traffic"]


def test_lengths_without_traffic_come_without_hits() -> None:
    filled = Filled()
    profile = read_traffic(CATALOG, filled, None, **(NOTHING | {"isl": "4k", "osl": 500}))
    assert (profile.isl, profile.osl, profile.hit) == (4000, 500, 0)
    assert "prefix_hit" in {a.field for a in filled.assumptions}
    named = read_traffic(CATALOG, Filled(), "chat", **(NOTHING | {"isl": 4000}))
    assert named.hit == CATALOG_CHAT_HIT


CATALOG_CHAT_HIT = read_traffic(CATALOG, Filled(), "chat", **NOTHING).hit


def test_targets_are_the_profile_s_unless_given() -> None:
    profile, filled = read_traffic(CATALOG, Filled(), "chat", **NOTHING), Filled()
    found = read_targets(profile, FREE | {"tpot": "30ms"}, None, filled)
    assert found["tpot"] == Target(pytest.approx(0.03), 0.99)
    assert found["ttft"] == Target(2.0, 0.99)
    assert not found["e2e"].is_set
    assert [a.field for a in filled.assumptions] == ["ttft"]


def test_a_percentile_holds_for_all_targets_and_none_takes_one_away() -> None:
    profile = read_traffic(CATALOG, Filled(), "chat", **NOTHING)
    found = read_targets(profile, FREE | {"ttft": "none"}, "p90", Filled())
    assert not found["ttft"].is_set
    assert found["tpot"].percentile == pytest.approx(0.9)
    mean = read_targets(profile, FREE, "mean", Filled())
    assert mean["tpot"].percentile is None
    offline = read_traffic(CATALOG, Filled(), "offline-batch", **NOTHING)
    with pytest.raises(InputError, match="--percentile needs a latency target"):
        read_targets(offline, FREE, "p90", Filled())
