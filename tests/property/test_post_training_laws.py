"""Laws of post-training: more of anything good never lengthens a step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.model.post_training.decoding import Curve, decoding, room
from planner.model.post_training.lengths import expected, longest, quantile, rollout_lengths, visited
from planner.model.post_training.rollouts import drained, flowing
from planner.model.post_training.steps import asynchronous
from planner.model.post_training.weights import publish_s

MEAN = st.floats(10.0, 1e5)
SIGMA = st.floats(0.0, 2.0)
ROOM = st.floats(1.1, 50.0)
"""The limit over the mean."""
COUNT = st.integers(1, 5000).map(float)
FACTOR = st.floats(1.0, 10.0)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Steps that take longer with more in them, and give more tokens per second."""
    least, each = draw(st.floats(1e-3, 0.1)), draw(st.floats(1e-6, 1e-3))
    most = draw(st.floats(8.0, 5000.0))
    return Curve(np.array([1.0, most]), np.array([least + each, least + each * most]))


@given(MEAN, SIGMA, ROOM, COUNT, FACTOR)
def test_lengths(mean: float, sigma: float, space: float, count: float, more: float) -> None:
    lengths = rollout_lengths(mean=mean, sigma=sigma, most=mean * space)
    assert expected(lengths) == pytest.approx(mean, rel=2e-3)
    assert np.all(np.diff(lengths) >= 0.0)
    top = longest(lengths, count)
    assert mean * 0.998 <= top <= mean * space * (1.0 + 1e-9)
    assert longest(lengths, count * more) >= top * (1.0 - 1e-9)
    assert visited(lengths) >= mean * 0.998
    assert visited(lengths, mean) <= mean * (1.0 + 1e-9)
    assert quantile(lengths, 0.5) <= quantile(lengths, 0.99) <= mean * space * (1.0 + 1e-9)


@given(curves(), COUNT, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_waits_and_memory(curve: Curve, alive: float, wait: float, kept: float) -> None:
    busy = decoding(alive=alive, curve=curve, wait_s=wait)
    assert 0.0 < busy <= alive
    assert busy * (1.0 + wait / curve.at(busy)) == pytest.approx(alive, rel=1e-6)
    held = room(curve=curve, wait_s=wait, kept=kept)
    assert curve.most * (1.0 - 1e-6) <= held
    assert room(curve=curve, wait_s=wait, kept=kept / 2.0) >= held * (1.0 - 1e-6)


@given(curves(), MEAN, SIGMA, ROOM, COUNT, st.integers(1, 50).map(float), st.floats(0.0, 0.2))
def test_a_batch(
    curve: Curve, mean: float, sigma: float, space: float, rollouts: float, replicas: float, wait: float
) -> None:
    lengths = rollout_lengths(mean=mean, sigma=sigma, most=mean * space)

    def seconds(rollouts: float, replicas: float) -> float:
        return float(
            drained(
                lengths=lengths, rollouts=rollouts, replicas=replicas, curve=curve, wait_s=wait, kept=1.0
            ).seconds
        )

    once = seconds(rollouts, replicas)
    assert once >= float(expected(lengths)) * (curve.seconds[0] + wait) * 0.99 * min(1.0, rollouts)
    assert seconds(rollouts, 2.0 * replicas) <= once * (1.0 + 1e-3)
    assert seconds(2.0 * rollouts, replicas) >= once * (1.0 - 1e-3)
    assert seconds(2.0 * rollouts, 2.0 * replicas) >= once * (1.0 - 1e-3)


@given(
    curves(),
    MEAN,
    SIGMA,
    ROOM,
    COUNT,
    st.integers(1, 50).map(float),
    st.floats(1.0, 16.0),
    st.floats(0.0, 0.2),
)
def test_a_stream(
    curve: Curve,
    mean: float,
    sigma: float,
    space: float,
    rollouts: float,
    replicas: float,
    staleness: float,
    wait: float,
) -> None:
    lengths = rollout_lengths(mean=mean, sigma=sigma, most=mean * space)

    def step(replicas: float, staleness: float) -> float:
        flow = flowing(
            lengths=lengths, rollouts=rollouts, replicas=replicas, curve=curve, wait_s=wait, kept=1.0,
            staleness=staleness, check_s=1.0,
        )  # fmt: skip
        assert flow.at_once <= staleness * rollouts * (1.0 + 1e-3)
        assert flow.at_once <= flow.roomy * (1.0 + 1e-6)
        assert flow.at_once == pytest.approx(flow.rollouts_per_s * flow.mean_s)
        return max(rollouts / float(flow.rollouts_per_s), float(flow.long_s) / staleness)

    once = step(replicas, staleness)
    assert step(2.0 * replicas, staleness) <= once * (1.0 + 1e-3)
    assert step(replicas, 2.0 * staleness) <= once * (1.0 + 1e-3)


@given(st.floats(1.0, 1e5), st.floats(1.0, 1e5), st.floats(1.0, 1e5), st.floats(1.0, 16.0))
def test_a_step_is_as_long_as_its_slowest_part(making: float, using: float, long: float, late: float) -> None:
    step = asynchronous(
        generation_s=making, training_s=using, long_s=long, staleness=late, publish_s=0.0, pause_s=0.0
    )
    assert float(step.seconds) == max(making, using, long / late)
    assert min(float(step.idle_generation), float(step.idle_training)) >= 0.0


@given(st.floats(1e6, 1e13), st.floats(0.0, 1.0), st.floats(1.0, 512.0), st.floats(1.0, 1e5), FACTOR)
def test_more_ports_never_slow_weights(
    size: float, share: float, replica: float, trainers: float, more: float
) -> None:
    road = {"port_bytes_per_s": 5e10, "efficiency": 0.5, "overhead_s": 1.0}
    once = publish_s(weights_bytes=size, share=share, replica_gpus=replica, trainers=trainers, **road)
    wider = publish_s(
        weights_bytes=size, share=share, replica_gpus=more * replica, trainers=more * trainers, **road
    )
    assert 1.0 <= wider <= once * (1.0 + 1e-12)
