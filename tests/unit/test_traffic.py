"""Traffic profiles: what a record may say, and the plain numbers that follow from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planner.catalog.load import Catalog
from planner.catalog.overrides import Override
from planner.errors import InputError
from planner.workload.kinds import TRAFFIC
from planner.workload.traffic import Limit, Slo, TrafficProfile
from planner.workload.traffic_given import with_given

Write = Callable[[str, str], Path]

PROFILE = """\
id: mine
name: Mine
cite: {source: trace, at: all, kind: measured}
arrival: open
input: {mean: 1000 tokens, cv: 1}
output: {mean: 200 tokens, quantiles: {p50: 150, p90: 400}}
prefix: {hit: 40 %, cache: served}
sessions: {steps: 5, growth: 300, think: {mean: 60 s, cv: 0}}
demand: {requests: 12, active: 5 %}
peak: {hour: 2, minute: 1.5}
growth: 100 %
burstiness: 1.2
latency:
  ttft: {limit: 500 ms, percentile: 95 %}
"""
SOURCES = "trace: {title: A trace, publisher: Test, accessed: 2026-01-02}\n"


@pytest.fixture
def read(write: Write, tmp_path: Path) -> Callable[[str], TrafficProfile]:
    """Read the profile ``mine`` of an overlay from its YAML."""

    def _read(text: str) -> TrafficProfile:
        write("mine/workloads/sources.yaml", SOURCES)
        write("mine/workloads/serving/mine.yaml", text)
        return Catalog((tmp_path / "mine",)).get(TRAFFIC, "mine")

    return _read


def test_the_plain_numbers_of_a_record(read: Callable[[str], TrafficProfile]) -> None:
    profile = read(PROFILE)
    assert (profile.isl, profile.osl, profile.hit) == (1000.0, 200.0, 0.4)
    assert profile.input_spread.cv == pytest.approx(1.0)
    assert profile.output_spread.quantile(0.5) == pytest.approx(150.0, rel=0.05)
    assert (profile.steps_per_session, profile.arrival_cv) == (5.0, 1.2)
    assert profile.think_spread is not None
    assert profile.think_spread.quantile(0.9) == 60.0
    assert profile.slo == Slo(ttft=Limit(0.5, 0.95))
    assert profile.unstated == ("latency.tpot",)


def test_the_rate_of_a_user_by_grain_and_year(read: Callable[[str], TrafficProfile]) -> None:
    profile = read(PROFILE)
    mean = 12 * 0.05 / 3600
    assert profile.requests_per_user_s(peak="mean") == pytest.approx(mean)
    assert profile.requests_per_user_s() == pytest.approx(2 * mean)
    assert profile.requests_per_user_s(peak="minute") == pytest.approx(3 * mean)
    assert profile.requests_per_user_s(peak="mean", years=2) == pytest.approx(4 * mean)
    assert profile.users(mean, peak="mean") == pytest.approx(1.0)


def test_a_record_may_say_next_to_nothing(read: Callable[[str], TrafficProfile]) -> None:
    profile = read("\n".join(PROFILE.splitlines()[:6]))
    assert (profile.hit, profile.arrival_cv, profile.steps_per_session) == (0.0, 1.0, 1.0)
    assert profile.think_spread is None
    assert profile.slo == Slo()
    assert profile.peak_over_mean("minute") == 1.0
    assert {"demand", "peak.hour", "latency.ttft"} <= set(profile.unstated)
    with pytest.raises(InputError, match="says nothing of its users; give a request rate"):
        profile.requests_per_user_s()


def test_a_queue_needs_no_peaks(read: Callable[[str], TrafficProfile]) -> None:
    lines = [line for line in PROFILE.splitlines() if not line.startswith(("latency", "  ttft", "peak"))]
    assert read("\n".join(lines).replace("arrival: open", "arrival: offline")).unstated == ()


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ("cv: 1}", "}", "5: input: needs a cv, or quantiles; add for example cv: 1"),
        ("p90: 400", "p90: 100", "6: output: quantiles must rise from p10 to p99; check their order"),
        ("p90: 400", "p33: 100", "p33"),
        ("mean: 1000 tokens", "mean: 0 tokens", "5: input.mean: '0 tokens' must be more than zero"),
        ("cv: 1}", "cv: -1}", "input.cv: '?-1'? must be zero or more"),
        ("hit: 40 %", "hit: 140 %", "7: prefix.hit: '140 %' must be at most 100 %"),
        ("cache: served", "cache: infinite", "'infinite' is not one of ideal, served"),
        ("hour: 2", "hour: 0.5", "10: peak: hour: a peak is at least the mean; write 1 or more"),
        ("percentile: 95 %", "percentile: 100 %", "percentile: must lie between 0 and 100 %"),
        ("arrival: open", "arrival: offline", "leave latency out, or write arrival: open"),
        ("arrival: open", "arrival: closed", "'closed' is not one of open, offline"),
        ("limit: 500 ms", "limit: 500", "has no unit"),
        ("active: 5 %", "activ: 5 %", "unknown field; did you mean 'active'?"),
        ("kind: measured", "kind: estimate", "an estimate needs its range"),
    ],
)
def test_what_a_record_may_not_say(
    read: Callable[[str], TrafficProfile], was: str, becomes: str, message: str
) -> None:
    assert was in PROFILE
    with pytest.raises(InputError, match=message):
        read(PROFILE.replace(was, becomes, 1))


def test_users_that_are_never_active(read: Callable[[str], TrafficProfile]) -> None:
    with pytest.raises(InputError, match=r"never active; raise demand\.active"):
        read(PROFILE.replace("active: 5 %", "active: 0 %")).users(1.0)


def test_a_number_of_a_profile_can_be_set() -> None:
    catalog = Catalog(overrides=("traffic.latency.ttft.limit=1 s", "traffic.chat.input.mean=*2"))
    assert Override.parse("traffic.prefix.hit=60 %").kind is TRAFFIC
    profile, before = catalog.get(TRAFFIC, "chat"), Catalog().get(TRAFFIC, "chat")
    assert profile.slo.ttft == Limit(1.0, 0.99)
    assert profile.isl == 2 * before.isl


def test_given_targets_take_the_place_of_those_stated(read: Callable[[str], TrafficProfile]) -> None:
    profile = read(PROFILE)
    assert with_given(profile) is profile
    assert with_given(profile, tpot_s=0.02).slo == Slo(Limit(0.5, 0.95), Limit(0.02, 0.99))
    assert with_given(profile, ttft_s=1.0, percentile=0.9).slo == Slo(Limit(1.0, 0.9))
    batch = Catalog().get(TRAFFIC, "offline-batch")
    assert with_given(batch, tpot_s=0.05).arrival == "open"


def test_given_numbers_carry_where_they_come_from(read: Callable[[str], TrafficProfile]) -> None:
    changed = with_given(read(PROFILE), osl=300.0)
    assert changed.output.mean.kind == "given"
    assert changed.output_spread.cv == pytest.approx(read(PROFILE).output_spread.cv)
    assert not changed.output.quantiles


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"isl": 0.0}, "input.mean.*must be more than zero"),
        ({"osl": -5.0}, "output.mean.*must be more than zero"),
        ({"isl": float("nan")}, "input.mean.*not a finite number"),
        ({"hit": 1.5}, "prefix.hit.*at most 100 %"),
        ({"ttft_s": 0.0}, "latency.ttft.limit.*must be more than zero"),
        ({"ttft_s": 1.0, "percentile": 1.0}, "must lie between 0 and 100 %"),
    ],
)
def test_given_numbers_out_of_range(
    read: Callable[[str], TrafficProfile], given: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        with_given(read(PROFILE), **given)


def test_a_percentile_without_a_target() -> None:
    with pytest.raises(InputError, match="a percentile needs a latency target"):
        with_given(Catalog().get(TRAFFIC, "offline-batch"), percentile=0.9)
