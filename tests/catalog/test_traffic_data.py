"""The shipped traffic profiles say what was published."""

from __future__ import annotations

import pytest

from planner.catalog.fields import quantities
from planner.catalog.load import Catalog
from planner.workload.kinds import TRAFFIC
from planner.workload.traffic import Limit
from planner.workload.traffic_parts import LEVELS

CATALOG = Catalog()
PROFILES = CATALOG.all(TRAFFIC)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_every_profile_can_be_used(profile) -> None:  # type: ignore[no-untyped-def]
    assert profile.isl > 0
    assert profile.osl > 0
    assert profile.input_spread.quantile(0.99) >= profile.isl
    if profile.arrival == "open":
        assert {"latency.ttft", "latency.tpot"}.isdisjoint(profile.unstated)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_what_is_assumed_says_so_and_has_a_range(profile) -> None:  # type: ignore[no-untyped-def]
    for path, quantity in quantities(profile):
        if quantity.source == "planner-assumption":
            assert quantity.kind == "estimate", path
            assert quantity.low is not None, path
            assert quantity.low < quantity.high, path


def test_traces_at_their_quantiles() -> None:
    """Azure and Mooncake: the mean is exact, and the lognormal stays near the quantiles of the middle."""
    for name in ("azure-2023-code", "azure-2023-conversation", "mooncake-conversation"):
        profile = CATALOG.get(TRAFFIC, name)
        for lengths in (profile.input, profile.output):
            assert lengths.spread.mean == lengths.mean.value
            for level in ("p75", "p90"):
                stated = lengths.quantiles[level].value
                assert lengths.spread.quantile(LEVELS[level]) == pytest.approx(stated, rel=0.45), (
                    name,
                    level,
                )


@pytest.mark.parametrize(
    ("name", "isl", "osl", "hit"),
    [
        ("coding-agent", 54.9e9 / 357_161, 186.9e6 / 357_161, 52.6 / 54.9),
        ("azure-2023-code", 2047.85, 27.88, 0.0),
        ("azure-2023-conversation", 1154.70, 211.13, 0.0),
        ("mooncake-conversation", 12035.06, 342.62, 0.3736),
        ("mooncake-synthetic", 15325.48, 149.12, 0.6512),
    ],
)
def test_published_lengths_and_hits(name: str, isl: float, osl: float, hit: float) -> None:
    profile = CATALOG.get(TRAFFIC, name)
    assert profile.isl == pytest.approx(isl, rel=1e-3)
    assert profile.osl == pytest.approx(osl, rel=1e-3)
    assert profile.hit == pytest.approx(hit, abs=1e-3)


def test_sessions_of_the_coding_agent() -> None:
    agent = CATALOG.get(TRAFFIC, "coding-agent")
    assert agent.steps_per_session == pytest.approx(357_161 / 4_265, rel=1e-3)
    assert agent.isl * (1 - agent.hit) == pytest.approx(6_440, rel=0.01)
    hours = 2_782.7 / (1 - 0.643)
    assert agent.demand.requests.value == pytest.approx(357_161 / hours, rel=1e-3)


def test_the_day_of_deepseek() -> None:
    day = CATALOG.get(TRAFFIC, "deepseek-production")
    assert day.isl / day.osl == pytest.approx(608 / 168, rel=1e-3)
    assert day.isl + day.osl / 2 == pytest.approx(4_989, rel=1e-3)
    assert day.hit == pytest.approx(342 / 608, abs=1e-3)
    assert day.peak_over_mean() == pytest.approx(278 / 226.75, abs=1e-3)


@pytest.mark.parametrize(
    ("scenario", "ttft_ms", "tpot_ms"),
    [
        ("llama-2-70b", 2000, 200),
        ("llama-2-70b-interactive", 450, 40),
        ("llama-3.1-8b", 2000, 100),
        ("llama-3.1-8b-interactive", 500, 30),
        ("llama-3.1-405b", 6000, 175),
        ("llama-3.1-405b-interactive", 4500, 80),
        ("deepseek-r1", 2000, 80),
        ("deepseek-r1-interactive", 1500, 15),
        ("gpt-oss-120b", 3000, 80),
        ("gpt-oss-120b-interactive", 2000, 20),
    ],
)
def test_limits_of_mlperf(scenario: str, ttft_ms: float, tpot_ms: float) -> None:
    slo = CATALOG.get(TRAFFIC, f"mlperf-{scenario}").slo
    assert slo.ttft == Limit(pytest.approx(ttft_ms / 1e3), 0.99)
    assert slo.tpot == Limit(pytest.approx(tpot_ms / 1e3), 0.99)


def test_users_of_a_chat_as_published() -> None:
    """18e9 messages a week of 700e6 weekly users."""
    mean = CATALOG.get(TRAFFIC, "chat").requests_per_user_s(peak="mean")
    assert mean * 7 * 86_400 == pytest.approx(18e9 / 700e6, rel=0.01)


def test_completions_of_a_million_users_as_published() -> None:
    """More than 400 million requests a day are 4,630 a second."""
    mean = CATALOG.get(TRAFFIC, "tab-completion").requests_per_user_s(peak="mean")
    assert mean * 1e6 == pytest.approx(4_630, rel=0.01)
