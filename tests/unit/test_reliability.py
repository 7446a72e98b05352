"""Failures, checkpoints and goodput against arithmetic of their own and a simulation."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import FAILURES, STORAGE
from planner.catalog.load import Catalog
from planner.model.reliability.costs import checkpoint_costs
from planner.model.reliability.goodput import LOSSES, Goodput, best_policy, goodput
from planner.model.reliability.rates import corruption_loss, straggler_loss
from planner.model.reliability.replicas import replicas_goodput
from planner.model.reliability.restarts import daly_goodput, daly_interval_s, restart_shares
from planner.tables.reliability import (
    FailureRates,
    Policy,
    StorageRates,
    failures_table,
    policies,
    storage_rates,
)
from planner.tables.samples import Samples

CATALOG = Catalog()
STATE = 6.4e12


def column(value: float) -> Any:
    return np.array([[float(value)]])


def storage() -> StorageRates:
    return StorageRates(
        write_bytes_per_s=column(1e8),
        read_bytes_per_s=column(2e8),
        host_bytes_per_s=column(3.2e10),
        nic_bytes_per_s=column(5e10),
    )


def failures(per_day: float = 4e-3, *, corruption: float = 0.0, stragglers: float = 0.0) -> FailureRates:
    return FailureRates(
        rate_per_s=column(per_day / 86400),
        host=8.0,
        repair_s=column(14400),
        corruption_per_s=column(corruption / 86400),
        detection_s=column(1800),
        straggler_loss=column(stragglers),
        straggler_accelerators=16384.0,
        straggler_per_doubling=column(0.0),
    )


def policy(kind: str, **values: float) -> Policy:
    plain = {"overhead": 10, "detect": 60, "restart": 90, "warm": 30, "stall": 5, "slowdown": 0}
    times = {
        name if name == "slowdown" else f"{name}_s": column(x) for name, x in {**plain, **values}.items()
    }
    whole = times.pop("whole_s", column(0.02 if kind in ("memory", "replicas") else 1))
    return Policy(id=kind, name=kind, kind=kind, whole_share=whole, **times)


def found(
    kind: str, accelerators: Any = 16384.0, *, rates: FailureRates | None = None, **plan: Any
) -> Goodput:
    return goodput(
        policy=policy(kind),
        failures=rates or failures(),
        storage=storage(),
        accelerators=np.atleast_1d(np.asarray(accelerators, float)),
        state_bytes=STATE,
        **plan,
    )


def simulated(interval: float, write: float, restart: float, delay: float, mean: float) -> dict[str, float]:
    """One job through 40,000 failures, event by event: where its time went."""
    rng = np.random.default_rng(7)
    spent = dict.fromkeys(("progress", "checkpoints", "rework", "restarts"), 0.0)
    for gap in rng.exponential(mean, 40_000):
        back = restart + delay
        if gap <= back:
            spent["restarts"] += min(gap, restart)
            spent["rework"] += max(gap - restart, 0.0)
            continue
        done = math.floor((gap - back) / (interval + write))
        spent["restarts"] += restart
        spent["progress"] += done * interval
        spent["checkpoints"] += done * write
        spent["rework"] += gap - restart - done * (interval + write)
    total = sum(spent.values())
    return {name: seconds / total for name, seconds in spent.items()}


@pytest.mark.parametrize("mean", [20_000.0, 2_000.0, 400.0])
def test_shares_of_time_are_those_of_a_simulated_job(mean: float) -> None:
    shares = restart_shares(
        interval_s=np.array(300.0),
        write_s=np.array(20.0),
        restart_s=np.array(120.0),
        rate_per_s=np.array(1 / mean),
        delay_s=np.array(30.0),
    )
    expected = simulated(300.0, 20.0, 120.0, 30.0, mean)
    for name, share in expected.items():
        assert float(getattr(shares, name)) == pytest.approx(share, abs=0.006)


def test_goodput_is_dalys_formula_as_he_writes_it() -> None:
    mean, tau, write, restart = 3600.0, 600.0, 60.0, 300.0
    attempt = mean * math.exp(restart / mean) * (math.exp((tau + write) / mean) - 1)
    value = daly_goodput(
        interval_s=np.array(tau),
        write_s=np.array(write),
        restart_s=np.array(restart),
        rate_per_s=np.array(1 / mean),
    )
    assert float(value) == pytest.approx(tau / attempt, rel=1e-12)


def test_writes_longer_than_twice_the_time_to_failure_leave_dalys_other_branch() -> None:
    assert daly_interval_s(write_s=np.array(500.0), rate_per_s=np.array(1 / 200)) == 200.0


def test_nothing_fails_nothing_is_lost() -> None:
    outcome = found("blocking", 16384.0, rates=failures(0.0))
    assert outcome.goodput[0, 0] == pytest.approx(1.0, abs=1e-5)
    assert outcome.interval_s[0, 0] == pytest.approx(31557600.0)


def test_seconds_of_a_checkpoint_follow_the_paths_of_the_state() -> None:
    n = np.array([16000.0])
    share = STATE / 16000  # 400 MB of each accelerator
    again = 60 + 90 + 30
    cost = {
        kind: checkpoint_costs(
            policy=policy(kind),
            state_bytes=np.array(STATE),
            accelerators=n,
            storage=storage(),
            replica_accelerators=np.array([1000.0]),
        )
        for kind in ("blocking", "asynchronous", "memory", "replicas")
    }
    to_storage, from_storage, to_host, to_peer = share / 1e8, share / 2e8, share / 3.2e10, share / 5e10
    seconds = {kind: [float(x.squeeze()) for x in c] for kind, c in cost.items()}
    assert seconds["blocking"] == pytest.approx(
        [10 + to_storage, 0, from_storage, again + from_storage, 0, again + from_storage]
    )
    assert seconds["asynchronous"] == pytest.approx(
        [10 + to_host, to_storage, from_storage, again + from_storage, to_storage, again + from_storage]
    )
    back = to_peer + to_host
    assert seconds["memory"] == pytest.approx(
        [10 + to_host, to_peer, back, again + back, to_storage, again + from_storage]
    )
    group = STATE / 1000 / 5e10
    assert seconds["replicas"] == pytest.approx(
        [10 + to_host, to_storage, group, again + group, to_storage, again + from_storage]
    )


def test_storage_is_reached_no_faster_than_the_network_port() -> None:
    fast = replace(storage(), write_bytes_per_s=column(1e12), read_bytes_per_s=column(1e12))
    cost = checkpoint_costs(
        policy=policy("blocking"), state_bytes=np.array(STATE), accelerators=np.array([64.0]), storage=fast
    )
    assert cost.load_s[0, 0] == pytest.approx(STATE / 64 / 5e10)
    assert cost.write_s[0, 0] == pytest.approx(10 + STATE / 64 / 5e10)


@pytest.mark.parametrize("kind", ["blocking", "asynchronous", "memory", "replicas"])
def test_ten_million_accelerators_have_finite_figures(kind: str) -> None:
    sizes = [1.0, 1e3, 1e6, 1e7]
    rates = failures(0.04, corruption=1e-4, stragglers=0.05)
    outcome = found(
        kind, sizes, rates=rates, replica_accelerators=np.full(4, 512.0), replicas=np.array(sizes) / 512
    )
    figures = [*outcome.lost.values(), *(x for x in outcome if not isinstance(x, dict))]
    assert all(np.isfinite(x).all() for x in figures)
    assert outcome.goodput[0, 3] < 1e-6
    assert sum(outcome.lost.values())[0] == pytest.approx(1 - outcome.goodput[0])


def test_samples_and_jobs_are_axes_of_one_call() -> None:
    draws = Samples(15)
    table = failures_table(CATALOG.get(FAILURES, "usual"), draws)
    rates = storage_rates(CATALOG.get(STORAGE, "usual"), draws, host_bytes_per_s=64e9, nic_bytes_per_s=5e10)
    for one in policies(CATALOG, draws):
        outcome = goodput(
            policy=one,
            failures=table,
            storage=rates,
            accelerators=np.array([8e3, 1e5, 1e6]),
            state_bytes=STATE,
        )
        shapes = {outcome.goodput.shape, *(lost.shape for lost in outcome.lost.values())}
        assert shapes == {(16, 3)}
        assert tuple(outcome.lost) == LOSSES


def test_one_group_has_no_peer_and_restarts_from_storage() -> None:
    alone = found("replicas", replicas=np.array([1.0]))
    stored = found("asynchronous")
    assert alone.goodput == pytest.approx(stored.goodput)
    many = found("replicas", replica_accelerators=np.array([2048.0]), replicas=np.array([8.0]))
    assert many.goodput[0, 0] > alone.goodput[0, 0]


def test_too_many_groups_away_is_not_trusted() -> None:
    outcome = found("replicas", 1e7, replica_accelerators=np.array([5e6]), replicas=np.array([2.0]))
    assert not outcome.valid[0, 0]
    assert best_policy([outcome, found("blocking", 1e7)])[0, 0] == 1


def test_replicas_to_first_order() -> None:
    shares = replicas_goodput(
        rate_per_s=np.array(1e-4), replicas=np.array(16.0), stall_s=np.array(5.0), repair_s=np.array(300.0)
    )
    assert float(shares.progress) == pytest.approx((1 - 5e-4) * (1 - 1e-4 * 300 / 16), abs=3e-6)
    assert float(shares.stalled) == pytest.approx(5e-4, rel=1e-3)


def test_no_interval_is_shorter_than_a_step_or_a_write_to_storage() -> None:
    assert found("memory", 1e6, step_s=60.0).interval_s[0, 0] == 60.0
    slow = replace(storage(), write_bytes_per_s=column(1e6))
    outcome = goodput(
        policy=policy("asynchronous"),
        failures=failures(),
        storage=slow,
        accelerators=np.array([1e4]),
        state_bytes=STATE,
    )
    assert outcome.interval_s[0, 0] == pytest.approx(STATE / 1e4 / 1e6)


def test_corruption_and_stragglers() -> None:
    spoiled = corruption_loss(
        accelerators=np.array([1e5]), rate_per_s=np.array(1e-9), detection_s=np.array(1800.0)
    )
    assert spoiled[0] == pytest.approx(1 - math.exp(-0.18))
    slow = straggler_loss(
        accelerators=np.array([1024, 16384, 65536.0]), loss=0.01, reference=16384.0, per_doubling=0.01
    )
    assert slow == pytest.approx([0.0, 0.01, 0.03])
    plain = found("blocking", 16384.0)
    worse = found("blocking", 16384.0, rates=failures(corruption=1e-4, stragglers=0.05))
    assert worse.goodput == pytest.approx(plain.goodput * 0.95 * math.exp(-16384 * 1e-4 / 48))
