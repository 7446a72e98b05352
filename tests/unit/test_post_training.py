"""The physics of post-training against arithmetic done another way: integrals, Little's law, simulation."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest

from planner.errors import InputError
from planner.model.post_training.decoding import Curve, decoding, pace_s, room
from planner.model.post_training.lengths import (
    BELOW,
    expected,
    longest,
    quantile,
    rollout_lengths,
    visited,
)
from planner.model.post_training.rollouts import drained, flowing
from planner.model.post_training.sandboxes import sandboxes
from planner.model.post_training.steps import asynchronous, best_split, forward_share, synchronous
from planner.model.post_training.weights import publish_s

CURVE = Curve(np.array([1.0, 8.0, 64.0, 256.0]), np.array([0.010, 0.012, 0.020, 0.050]))
LINEAR = Curve(np.array([1.0, 1000.0]), np.array([0.011, 1.01]))
"""Seconds of a step: 0.010 + 0.001 n."""
ROAD = {"port_bytes_per_s": 50e9, "efficiency": 0.5, "overhead_s": 2.0}
RNG = np.random.default_rng(5)


class TestLengths:
    def test_a_lognormal_without_a_limit(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.8)
        assert expected(found) == pytest.approx(4000.0, rel=1e-3)
        assert visited(found) == pytest.approx(4000.0 * math.exp(0.8**2), rel=2e-3)
        assert quantile(found, 0.99) == pytest.approx(4000.0 * math.exp(0.8 * 2.32635 - 0.32), rel=1e-3)

    @pytest.mark.parametrize("most", [5000.0, 8192.0, 40000.0])
    def test_the_mean_is_that_after_the_cut(self, most: float) -> None:
        found = rollout_lengths(mean=4000.0, sigma=1.2, most=most)
        assert expected(found) == pytest.approx(4000.0, rel=1e-6)
        assert found.max() == most

    def test_a_fixed_length(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.0, most=8192.0)
        assert longest(found, 1000.0) == pytest.approx(4000.0)
        assert visited(found) == pytest.approx(4000.0)

    @pytest.mark.parametrize("count", [1, 16, 512])
    def test_the_longest_of_many_against_draws(self, count: int) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.7)
        drawn = 4000.0 * np.exp(0.7 * RNG.standard_normal((4000, count)) - 0.245)
        assert longest(found, float(count)) == pytest.approx(drawn.max(axis=1).mean(), rel=0.03)

    def test_what_lies_beyond_the_window_goes_on_in_new_sequences(self) -> None:
        found = np.full(BELOW.size, 30_000.0)
        assert visited(found) == pytest.approx(30_000.0)
        assert visited(found, 10_000.0) == pytest.approx(10_000.0)

    def test_a_mean_at_the_limit_is_refused(self) -> None:
        with pytest.raises(InputError, match="raise the limit or lower the mean"):
            rollout_lengths(mean=8000.0, sigma=1.0, most=8000.0)
        with pytest.raises(InputError, match="above 0"):
            rollout_lengths(mean=0.0, sigma=1.0)


class TestDecoding:
    def test_without_waits_all_decode(self) -> None:
        assert decoding(alive=50.0, curve=CURVE, wait_s=0.0) == 50.0

    def test_those_that_wait_and_those_that_decode_are_all(self) -> None:
        busy = decoding(alive=100.0, curve=CURVE, wait_s=0.05)
        waiting = busy * 0.05 / CURVE.at(busy)
        assert busy + waiting == pytest.approx(100.0)
        assert busy < 100.0

    def test_by_hand_where_the_curve_is_a_line(self) -> None:
        # b (1 + w / (t0 + t1 b)) = n  with t0 = 0.01, t1 = 0.001, w = 0.03, n = 70: b = 50 solves it.
        assert decoding(alive=75.0, curve=LINEAR, wait_s=0.03) == pytest.approx(50.0, rel=1e-6)
        assert pace_s(alive=75.0, curve=LINEAR, wait_s=0.03) == pytest.approx(0.09, rel=1e-6)

    def test_caches_that_leave_the_device_make_room(self) -> None:
        kept, gone = (room(curve=CURVE, wait_s=0.05, kept=share) for share in (1.0, 0.0))
        assert kept == pytest.approx(256.0)
        assert gone == pytest.approx(256.0 * (1.0 + 0.05 / 0.050))

    def test_a_share_is_a_share(self) -> None:
        with pytest.raises(InputError, match="between 0 and 1"):
            room(curve=CURVE, wait_s=0.05, kept=1.5)


def simulated(lengths: np.ndarray, slots: int, replicas: int) -> float:
    """Run a batch token by token: events at the end of each rollout, a new one in its place."""
    ends = []
    for replica in range(replicas):
        waiting = list(lengths[replica::replicas])
        running = waiting[:slots]
        waiting = waiting[slots:]
        heapq.heapify(running)
        now = position = 0.0
        while running:
            pace = float(CURVE.at(float(len(running))))
            now += (running[0] - position) * pace
            position = heapq.heappop(running)
            if waiting:
                heapq.heappush(running, position + waiting.pop())
        ends.append(now)
    return max(ends)


class TestDrained:
    @pytest.mark.parametrize(
        ("rollouts", "replicas", "slots"), [(64, 1, 256), (512, 4, 256), (256, 2, 64), (640, 2, 64)]
    )
    def test_against_a_simulation(self, rollouts: int, replicas: int, slots: int) -> None:
        found = rollout_lengths(mean=4000.0, sigma=1.0, most=20_000.0)
        shares = RNG.random((40, rollouts))
        runs = [simulated(np.interp(row, BELOW, found), slots, replicas) for row in shares]
        ours = drained(
            lengths=found, rollouts=float(rollouts), replicas=float(replicas), curve=CURVE, wait_s=0.0,
            kept=1.0, slots=float(slots),
        )  # fmt: skip
        assert ours.seconds == pytest.approx(np.mean(runs), rel=0.06)

    def test_with_a_linear_pace_it_is_exact(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.8, most=30_000.0)
        ours = drained(lengths=found, rollouts=100.0, replicas=1.0, curve=LINEAR, wait_s=0.0, kept=1.0)
        by_hand = 0.010 * longest(found, 100.0) + 0.001 * 100.0 * 4000.0
        assert ours.seconds == pytest.approx(by_hand, rel=5e-3)
        assert ours.tail_s == pytest.approx(0.010 * (longest(found, 100.0) - 4000.0), rel=2e-2)

    def test_equal_lengths_leave_no_tail(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.0)
        ours = drained(lengths=found, rollouts=128.0, replicas=2.0, curve=CURVE, wait_s=0.0, kept=1.0)
        assert ours.seconds == pytest.approx(4000.0 * CURVE.at(64.0))
        assert ours.tail_s == pytest.approx(0.0, abs=1e-6)


class TestFlowing:
    def test_littles_law(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.8, most=30_000.0)
        flow = flowing(
            lengths=found, rollouts=1e6, replicas=3.0, curve=CURVE, wait_s=0.0, kept=1.0, staleness=8.0
        )
        assert flow.at_once == pytest.approx(3 * 256.0)
        assert flow.rollouts_per_s == pytest.approx(3 * 256.0 / (4000.0 * 0.050))
        assert flow.at_once == pytest.approx(flow.rollouts_per_s * flow.mean_s)

    def test_environments_bound_what_is_in_flight(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.8, most=30_000.0)
        flow = flowing(
            lengths=found, rollouts=1e6, replicas=3.0, curve=CURVE, wait_s=0.02, kept=1.0, staleness=8.0,
            check_s=30.0, most=100.0,
        )  # fmt: skip
        assert flow.at_once == pytest.approx(100.0, rel=1e-2)

    def test_fewer_run_at_a_time_where_long_rollouts_would_be_late(self) -> None:
        found = rollout_lengths(mean=4000.0, sigma=0.8, most=30_000.0)

        def least(busy: np.ndarray) -> np.ndarray:
            """Time of a step with so many at a time: the grid that the function need not look at."""
            pace = CURVE.at(busy)
            return np.maximum(200.0 * 4000.0 * pace / busy, quantile(found, 0.99) * pace / 2.0)

        flow = flowing(
            lengths=found, rollouts=200.0, replicas=1.0, curve=CURVE, wait_s=0.0, kept=1.0, staleness=2.0
        )
        step = max(200.0 / float(flow.rollouts_per_s), float(flow.long_s) / 2.0)
        assert step == pytest.approx(least(np.linspace(1.0, 256.0, 20_000)).min(), rel=1e-3)
        assert flow.at_once < 256.0


def stream(
    lengths: np.ndarray, *, rollouts: int, slots: int, staleness: int, steps: int
) -> tuple[float, float]:
    """Run a stream event by event at 0.01 s a token; returns seconds of a step and the share that is late."""
    now, version, late, marked = 0.0, 0, 0, 0.0
    running: list[tuple[float, int]] = []
    waiting: list[int] = []
    shares = RNG.random(40 * steps * rollouts)
    drawn = iter(np.interp(shares, BELOW, lengths))
    while version < steps:
        while len(running) < slots:
            heapq.heappush(running, (now + 0.01 * next(drawn), version))
        now, began = heapq.heappop(running)
        if version - began > staleness:
            late += 1
        else:
            waiting.append(began)
        if len(waiting) >= rollouts:
            del waiting[:rollouts]
            version += 1
            marked = now if version == steps // 5 else marked
    return (now - marked) / (steps - steps // 5), late / (late + steps * rollouts)


class TestStream:
    @pytest.mark.parametrize(("staleness", "late"), [(2, 0.01), (4, 0.01), (8, 0.01), (4, 0.1)])
    def test_against_a_simulation(self, staleness: int, late: float) -> None:
        """As many in flight as we say give the step that we say, and no more late rollouts than allowed."""
        found = rollout_lengths(mean=1000.0, sigma=0.8, most=8000.0)
        flat = Curve(np.array([1.0, 1e4]), np.array([0.010, 0.010]))
        flow = flowing(
            lengths=found, rollouts=64.0 / (1.0 - late), replicas=1.0, curve=flat, wait_s=0.0, kept=1.0,
            staleness=float(staleness), late=late,
        )  # fmt: skip
        ours = 64.0 / (1.0 - late) / float(flow.rollouts_per_s)
        assert ours == pytest.approx(float(flow.long_s) / staleness, rel=1e-3)
        seconds, behind = stream(
            found, rollouts=64, slots=round(float(flow.at_once)), staleness=staleness, steps=300
        )
        assert seconds == pytest.approx(ours, rel=0.05)
        assert behind <= 1.5 * late


class TestSteps:
    def test_passes_are_thirds_of_training(self) -> None:
        assert forward_share(passes=2.0, epochs=1.0) == pytest.approx(5.0 / 3.0)

    def test_one_after_the_other(self) -> None:
        found = synchronous(generation_s=100.0, check_s=5.0, training_s=40.0, publish_s=3.0, swap_s=2.0)
        assert found == 150.0

    def test_the_slower_side_decides(self) -> None:
        step = asynchronous(
            generation_s=np.array([100.0, 20.0, 20.0]), training_s=40.0, long_s=240.0, staleness=4.0,
            publish_s=np.array([0.0, 0.0, 30.0]), pause_s=0.0,
        )  # fmt: skip
        assert step.seconds.tolist() == [100.0, 60.0, 70.0]
        assert step.limit.tolist() == [0, 2, 1]
        assert step.idle_training[0] == pytest.approx(0.6)
        assert step.idle_generation[0] == 0.0

    def test_a_staleness_below_one_is_refused(self) -> None:
        with pytest.raises(InputError, match="write 1 or more"):
            asynchronous(
                generation_s=1.0, training_s=1.0, long_s=1.0, staleness=0.5, publish_s=0.0, pause_s=0.0
            )

    def test_splits_that_do_not_fit_are_never_the_best(self) -> None:
        assert best_split(np.array([np.inf, 4.0, 3.0, 3.0, np.nan])) == 2
        assert best_split(np.array([np.nan, np.inf])) == -1
        assert best_split(np.array([])) == -1


class TestWeightsAndSandboxes:
    def test_a_replica_takes_in_one_copy(self) -> None:
        found = publish_s(weights_bytes=1e12, share=1.0, replica_gpus=8.0, trainers=64.0, **ROAD)
        assert found == pytest.approx(2.0 + 1e12 / (8 * 25e9))

    def test_few_trainers_or_a_link_are_narrower(self) -> None:
        few = publish_s(weights_bytes=1e12, share=0.1, replica_gpus=8.0, trainers=2.0, **ROAD)
        assert few == pytest.approx(2.0 + 1e11 / 50e9)
        far = publish_s(
            weights_bytes=1e12,
            share=0.005,
            replica_gpus=8.0,
            trainers=64.0,
            link_bytes_per_s=1e9,
            **ROAD,
        )
        assert far == pytest.approx(2.0 + 5.0)

    def test_more_than_all_weights_cannot_be_sent(self) -> None:
        with pytest.raises(InputError, match="between 0 and 1"):
            publish_s(weights_bytes=1e12, share=1.2, replica_gpus=8.0, trainers=2.0, **ROAD)

    def test_hosts_are_whole(self) -> None:
        found = sandboxes(
            at_once=1000.0, rollouts=6000.0, step_s=600.0, per_rollout=1.0, cores=4.0, host_cores=180.0
        )
        assert (found.concurrent, found.starts_per_s, found.hosts) == (1000.0, 10.0, 23.0)
