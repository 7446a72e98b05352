"""Laws of failures and goodput over random jobs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from planner.model.reliability.goodput import Goodput, best_policy, goodput
from planner.model.reliability.replicas import replicas_goodput
from planner.model.reliability.restarts import (
    daly_goodput,
    daly_interval_s,
    effective_training_time,
    restart_shares,
)
from planner.model.reliability.spares import spares
from planner.tables.reliability import FailureRates, Policy, StorageRates

KINDS = ("blocking", "asynchronous", "memory", "replicas")
PATHS = ("write", "read", "host", "nic")
seconds = st.floats(0.01, 3000.0)
means = st.floats(1.0, 1e8)


def column(value: float) -> Any:
    return np.array([[value]])


@st.composite
def questions(draw: DrawFn) -> dict[str, Any]:
    """A policy, rates and storage."""
    kind = draw(st.sampled_from(KINDS))
    times = {
        f"{name}_s": column(draw(seconds)) for name in ("overhead", "detect", "restart", "warm", "stall")
    }
    whole = draw(st.floats(0.0, 1.0)) if kind in ("memory", "replicas") else 1.0
    return {
        "policy": Policy(
            id=kind,
            name=kind,
            kind=kind,
            slowdown=column(draw(st.floats(0.0, 0.2))),
            whole_share=column(whole),
            **times,
        ),
        "failures": FailureRates(
            rate_per_s=column(draw(st.floats(0.0, 1e-5))),
            host=8.0,
            repair_s=column(14400.0),
            corruption_per_s=column(draw(st.floats(0.0, 1e-9))),
            detection_s=column(draw(seconds)),
            straggler_loss=column(draw(st.floats(0.0, 0.1))),
            straggler_accelerators=16384.0,
            straggler_per_doubling=column(draw(st.floats(0.0, 0.03))),
        ),
        "storage": StorageRates(
            **{f"{name}_bytes_per_s": column(draw(st.floats(1e6, 1e11))) for name in PATHS}
        ),
        "state_bytes": draw(st.floats(1e9, 1e15)),
    }


def answer(question: dict[str, Any], accelerators: Any) -> Goodput:
    n = np.asarray(accelerators, float)
    return goodput(**question, accelerators=n, replica_accelerators=np.minimum(n, 1024.0), replicas=n / 1024)


@given(questions(), st.lists(st.integers(1, 10_000_000), min_size=1, max_size=4))
def test_losses_and_goodput_are_shares_of_one_whole(question: dict[str, Any], sizes: list[int]) -> None:
    found = answer(question, sizes)
    shares = [found.goodput, *found.lost.values()]
    assert all((np.isfinite(x) & (x >= -1e-12) & (x <= 1.0 + 1e-12)).all() for x in shares)
    assert np.allclose(sum(shares), 1.0, rtol=0.0, atol=1e-9)


@given(questions(), st.integers(1, 1_000_000), st.floats(1.0, 100.0))
def test_more_failures_leave_less(question: dict[str, Any], size: int, times: float) -> None:
    rates: FailureRates = question["failures"]
    often = FailureRates(**{**vars(rates), "rate_per_s": rates.rate_per_s * times})
    few = answer(question, [size])
    many = answer({**question, "failures": often}, [size])
    # the interval is Daly's, near the best one but not the best where writes last as long as the job does
    assert (many.goodput <= few.goodput * 1.01 + 1e-9).all()


@given(questions(), st.integers(1, 10_000_000))
def test_a_plan_alone_has_the_answer_it_has_among_others(question: dict[str, Any], size: int) -> None:
    alone, among = answer(question, [size]), answer(question, [7, size, 5_000_000])
    assert np.allclose(alone.goodput[:, 0], among.goodput[:, 1], rtol=1e-12, atol=0.0)
    assert np.allclose(alone.interval_s[:, 0], among.interval_s[:, 1], rtol=1e-12, atol=0.0)


@given(st.lists(questions(), min_size=2, max_size=4), st.integers(1, 10_000_000))
def test_the_best_policy_is_beaten_by_none_that_holds(several: list[dict[str, Any]], size: int) -> None:
    outcomes = [answer(question, [size]) for question in several]
    best = int(best_policy(outcomes)[0, 0])
    valid = [float(x.goodput[0, 0]) for x in outcomes if x.valid[0, 0]]
    assert not valid or float(outcomes[best].goodput[0, 0]) == max(valid)


@given(means, seconds, seconds, st.floats(0.2, 5.0))
def test_no_interval_beats_dalys_by_much(mean: float, write: float, restart: float, times: float) -> None:
    rate, d, r = np.array(1.0 / mean), np.array(write), np.array(restart)
    tau = daly_interval_s(write_s=d, rate_per_s=rate)
    best = daly_goodput(interval_s=tau, write_s=d, restart_s=r, rate_per_s=rate)
    other = daly_goodput(interval_s=tau * times, write_s=d, restart_s=r, rate_per_s=rate)
    assert other <= best * (1.03 if write < mean / 2 else 2.0) + 1e-300


@given(means, seconds, seconds, seconds, st.floats(1e-3, 1e3))
def test_only_ratios_of_times_matter(
    mean: float, write: float, restart: float, interval: float, unit: float
) -> None:
    def shares(scale: float) -> Any:
        return restart_shares(
            interval_s=np.array(interval * scale),
            write_s=np.array(write * scale),
            restart_s=np.array(restart * scale),
            rate_per_s=np.array(1.0 / (mean * scale)),
            delay_s=np.array(write * scale),
        )

    assert np.allclose(np.array(shares(1.0)), np.array(shares(unit)), rtol=1e-9, atol=1e-12)


@given(means, seconds, seconds)
def test_metas_ratio_is_near_the_exact_one_where_it_says_so(
    mean: float, write: float, restart: float
) -> None:
    rate, w, u = np.array(1.0 / mean), np.array(write), np.array(restart)
    found = effective_training_time(write_s=w, restart_s=u, rate_per_s=rate)
    exact = daly_goodput(
        interval_s=daly_interval_s(write_s=w, rate_per_s=rate), write_s=w, restart_s=u, rate_per_s=rate
    )
    assert not found.valid or abs(float(found.value - exact)) < 0.02


@given(st.floats(0.0, 10.0), st.integers(1, 10_000), seconds, seconds)
def test_more_groups_lose_less(rate: float, groups: int, stall: float, repair: float) -> None:
    one, two = (
        replicas_goodput(
            rate_per_s=np.array(rate),
            replicas=np.array(float(k)),
            stall_s=np.array(stall),
            repair_s=np.array(repair),
        )
        for k in (groups, 2 * groups)
    )
    assert one.progress <= two.progress
    for shares in (one, two):
        assert np.isclose(shares.progress + shares.stalled + shares.away, 1.0)


@given(st.integers(1, 10_000_000), st.floats(0.0, 1.0), st.floats(0.5, 0.9999))
def test_spares_grow_with_hosts_and_confidence(hosts: int, away: float, confidence: float) -> None:
    few, more = spares(
        hosts=np.array([hosts, hosts + 1000]), unavailable=np.array(away), confidence=confidence
    ).tolist()
    surer = spares(hosts=np.array(hosts), unavailable=np.array(away), confidence=0.5 + confidence / 2)
    assert few <= more <= few + 1000
    assert few <= float(surer) <= hosts
