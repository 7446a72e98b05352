"""Steady state of replicas: queues it must become in its limits, laws of Little, what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from planner.errors import InputError
from planner.model.queueing.capacity import largest_rate, memory_places
from planner.model.queueing.formulas import erlang_c, mgc_wait_s
from planner.model.queueing.lengths import Lengths, lognormal_lengths, sampled_lengths
from planner.model.queueing.operating import Demand, Serving
from planner.model.queueing.steady import Latency, steady_state
from planner.model.simulation.replica import Scheduler, simulate
from planner.model.simulation.requests import Requests, burst, shuffled
from planner.model.step_times import StepTimes, linear_steps

ONE = np.ones(1)
STEPS = linear_steps(base_s=0.008, sequence_s=3e-5, token_s=3e-5)
KINDS = [True, False]


def exponential(mean: float, points: int = 400) -> Lengths:
    """Conditional means of cells of an exponential law, finer towards its tail."""
    above = np.concatenate(
        [np.linspace(1.0, 0.1, points // 2), np.geomspace(0.1, 1e-7, points // 2)[1:], [0.0]]
    )
    partial = above - above * np.log(np.maximum(above, 1e-300))  # integral of -ln from 0 to it
    weights = above[:-1] - above[1:]
    return Lengths(mean * ((partial[:-1] - partial[1:]) / weights)[None, :], weights[None, :])


def state(
    rate: float,
    *,
    prompt: Lengths,
    output: Lengths,
    steps: StepTimes = STEPS,
    mixed: bool = True,
    chunk: float = 8192.0,
    places: float = math.inf,
    arrival_cv: float = 1.0,
    replicas: float = 1.0,
    least_loaded: bool = False,
    accepted: float = 1.0,
    percentiles: tuple[float, ...] = (0.5, 0.9, 0.99),
) -> Latency:
    serving = Serving(steps, np.array([mixed]), ONE * chunk, ONE * places, ONE * accepted)
    demand = Demand(
        ONE * rate, prompt, output, 0.0 * ONE, ONE * arrival_cv, ONE * replicas, np.array([least_loaded])
    )
    return steady_state(serving=serving, demand=demand, percentiles=percentiles)


def fixed(tokens: float) -> Lengths:
    return lognormal_lengths(mean=tokens, cv=0.0)


ALONE = linear_steps(base_s=0.0, sequence_s=0.0, token_s=1e-4)
"""Steps without anything but prompts: one server."""


@pytest.mark.parametrize("load", [0.3, 0.7, 0.9])
def test_prompts_alone_are_m_m_1_with_its_percentiles(load: float) -> None:
    found = state(load, prompt=exponential(10_000.0), output=fixed(1.0), steps=ALONE, mixed=False, chunk=16.0)
    assert found.utilisation[0] == pytest.approx(load, rel=1e-4)
    assert found.ttft_mean_s[0] == pytest.approx(1.0 / (1.0 - load), rel=0.005)
    exact = [-math.log(1.0 - q) / (1.0 - load) for q in (0.5, 0.9, 0.99)]
    assert found.ttft_at_s[0] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("cv", [0.0, 1.0, 2.0])
def test_prompts_alone_wait_as_pollaczek_and_khinchine_say(cv: float) -> None:
    prompt = lognormal_lengths(mean=10_000.0, cv=cv)
    found = state(0.6, prompt=prompt, output=fixed(1.0), steps=ALONE, mixed=False, chunk=16.0)
    wait = 0.6 * float(prompt.square[0]) * 1e-8 / (2.0 * 0.4)
    assert found.ttft_mean_s[0] == pytest.approx(1.0 + wait, rel=0.005)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("cv", [0.0, 1.0])
def test_steps_without_limit_are_a_gated_queue(load: float, cv: float) -> None:
    # V the decode step, S = token_s I, rho = rate E[S]: a step takes what came in the last,
    # E[TTFT] = V + E[S] + (1/2 + rho) (V / (1 - rho) + rate E[S^2] / (1 - rho^2))
    prompt = lognormal_lengths(mean=400.0, cv=cv)
    steps = linear_steps(base_s=0.01, sequence_s=0.0, token_s=2e-5)
    service, square = 400.0 * 2e-5, float(prompt.square[0]) * 4e-10
    rate = load / service
    found = state(rate, prompt=prompt, output=fixed(200.0), steps=steps, chunk=40_000.0)
    cycle = 0.01 / (1.0 - load) + rate * square / (1.0 - load**2)
    assert found.ttft_mean_s[0] == pytest.approx(0.01 + service + (0.5 + load) * cycle, rel=0.04)


@pytest.mark.parametrize("servers", [4.0, 30.0])
def test_slots_at_a_fixed_speed_wait_like_m_m_c(servers: float) -> None:
    steps = linear_steps(base_s=1e-3, sequence_s=0.0, token_s=0.0)
    output = exponential(2000.0)
    rate = 0.8 * servers / 2.0
    found = state(rate, prompt=fixed(1e-3), output=output, steps=steps, chunk=1e6, places=servers)
    waits = float(erlang_c(servers=np.array(servers), offered=np.array(0.8 * servers)))
    assert found.slot_mean_s[0] == pytest.approx(waits * 2.0 / (servers * 0.2), rel=0.08)
    assert found.batch[0] == pytest.approx(0.8 * servers, rel=0.01)


def step_without_waste(prefill: float) -> float:
    """Mean step where prompts take a share `prefill` of the time, for 300 steps of 4 requests/s."""
    batch = 4.0 * 300.0 * 0.008 / (1.0 - prefill - 4.0 * 300.0 * 3e-5)
    return (0.008 + 3e-5 * batch) / (1.0 - prefill)


@pytest.mark.parametrize("mixed", KINDS)
def test_decoding_leaves_no_time_unaccounted_for(mixed: bool) -> None:
    # time = steps x decode step + prompt tokens x their time; prompts first have steps of their own
    prompt, output = lognormal_lengths(mean=3000.0, cv=1.0), fixed(301.0)
    found = state(4.0, prompt=prompt, output=output, mixed=mixed, chunk=1e5, percentiles=())
    least = step_without_waste(4.0 * 3000.0 * 3e-5)
    most = 1.03 * (least if mixed else step_without_waste(4.0 * (3000.0 * 3e-5 + 0.008)))
    assert least < found.tpot_mean_s[0] < most
    assert found.batch[0] == pytest.approx(4.0 * 300.0 * found.tpot_mean_s[0], rel=1e-6)
    assert found.e2e_mean_s[0] == pytest.approx(found.ttft_mean_s[0] + 300.0 * found.tpot_mean_s[0])


@pytest.mark.parametrize("mixed", KINDS)
@pytest.mark.parametrize(
    ("isl", "osl", "places"), [(3000.0, 200.0, 60), (500.0, 400.0, 200), (6000.0, 40.0, 400)]
)
def test_largest_rate_is_what_a_flooded_replica_serves(
    mixed: bool, isl: float, osl: float, places: int
) -> None:
    rng = np.random.default_rng(0)
    count = 20_000
    prompt, output = lognormal_lengths(mean=isl, cv=1.0), lognormal_lengths(mean=osl, cv=1.0)
    drawn = [
        np.maximum(shuffled(rng, rng.choice(x.points[0], count, p=x.weights[0]), count), 1)
        for x in (prompt, output)
    ]
    flood = simulate(
        requests=Requests(drawn[0], 0 * drawn[0], drawn[1], burst(count)),
        steps=STEPS,
        scheduler=Scheduler("mixed" if mixed else "prefill-first", 4096, places),
    )
    most = largest_rate(
        steps=STEPS,
        mixed=np.array([mixed]),
        chunk=4096.0 * ONE,
        places=float(places) * ONE,
        prompt=prompt,
        output_steps=output.mean - 1.0,
    )
    assert most[0] == pytest.approx(flood.requests_per_s, rel=0.04)


def test_least_loaded_replicas_wait_as_one_queue() -> None:
    prompt = lognormal_lengths(mean=10_000.0, cv=1.0)
    for replicas in (2.0, 16.0):
        one = state(
            0.8, prompt=prompt, output=fixed(1.0), steps=ALONE, mixed=False, chunk=16.0, replicas=replicas,
            least_loaded=True,
        )  # fmt: skip
        wait = mgc_wait_s(
            rate=0.8 * replicas * ONE, service_s=ONE, servers=replicas * ONE, service_cv=np.sqrt(prompt.cv2)
        )
        # its shape is that of M/M/k times (1 + cv^2) / 2, which at a cv of 1 is M/M/k itself
        assert one.ttft_mean_s[0] == pytest.approx(1.0 + wait[0], rel=0.01)


def test_random_routing_keeps_the_wait_and_thins_bursts() -> None:
    case: dict[str, Any] = {"prompt": lognormal_lengths(mean=4000.0, cv=1.0), "output": fixed(100.0)}
    one, many = (state(5.0, **case, replicas=k).ttft_mean_s[0] for k in (1.0, 100.0))
    assert many == pytest.approx(one)
    bursts, thinned = (state(5.0, **case, replicas=k, arrival_cv=3.0).ttft_mean_s[0] for k in (1.0, 1e6))
    assert thinned == pytest.approx(one, rel=1e-3)
    assert bursts > 1.5 * one


def test_prompts_in_step_with_chunks_need_no_further_step() -> None:
    # prefill first: a prompt of a whole chunk ends with its step; one token more takes a second, which is a
    # full one if another prompt has come meanwhile
    whole, more = (
        state(1.0, prompt=fixed(n), output=fixed(2.0), mixed=False, chunk=2048.0).ttft_mean_s[0]
        for n in (2048.0, 2049.0)
    )
    full = 0.008 + 2048 * 3e-5
    assert more - whole == pytest.approx(0.008 + (1.0 - math.exp(-full)) * (full - 0.008), rel=0.05)


def test_speculation_takes_fewer_steps() -> None:
    case: dict[str, Any] = {"prompt": fixed(1000.0), "output": fixed(401.0)}
    plain, ahead = state(1.0, **case), state(1.0, **case, accepted=2.0)
    assert ahead.tpot_mean_s[0] == pytest.approx(0.5 * plain.tpot_mean_s[0], rel=0.02)
    assert ahead.batch[0] == pytest.approx(0.5 * plain.batch[0], rel=0.02)


def test_gaps_between_tokens_show_chunks_where_they_come_often() -> None:
    case: dict[str, Any] = {"prompt": fixed(8000.0), "output": fixed(200.0), "chunk": 2048.0}
    busy = state(2.0, **case)
    full = 0.008 + 3e-5 * 2048
    assert busy.itl_at_s[0, 2] == pytest.approx(full, rel=0.02)
    assert busy.itl_at_s[0, 0] < 0.25 * full
    rare = state(0.02, **case)
    assert rare.itl_at_s[0, 2] < 0.25 * full
    stalled = state(2.0, **case, mixed=False)
    assert stalled.itl_at_s[0, 2] > 8000 * 3e-5


@pytest.mark.parametrize("mixed", KINDS)
def test_overload_is_infinite_and_says_by_how_much(mixed: bool) -> None:
    found = state(1e3, prompt=fixed(1000.0), output=fixed(100.0), mixed=mixed, places=64.0)
    assert np.isinf(found.ttft_mean_s[0])
    assert np.isinf(found.ttft_at_s).all()
    assert found.headroom[0] == pytest.approx(1.0 - 1e3 / found.largest_rate[0])
    assert found.headroom[0] < 0.0


def test_answers_of_one_token_have_no_time_per_token() -> None:
    found = state(2.0, prompt=fixed(1000.0), output=fixed(1.0))
    assert np.isnan(found.tpot_mean_s[0])
    assert np.isnan(found.tpot_at_s).all()
    assert found.e2e_mean_s[0] == pytest.approx(found.ttft_mean_s[0])


def test_memory_holds_fewer_requests_than_the_average_one_suggests() -> None:
    output = lognormal_lengths(mean=500.0, cv=1.0)
    found = memory_places(kv_tokens=100_000.0 * ONE, held=fixed(1500.0), output=output)
    assert found.places[0] == pytest.approx(100_000 / (1500 + output.square[0] / output.mean[0]) - 0.5)
    assert found.places[0] < 100_000 / 2000
    assert found.cv2[0] > 0.0
    same = memory_places(kv_tokens=100_000.0 * ONE, held=fixed(1500.0), output=fixed(500.0), reserve=0.5)
    assert same.places[0] == pytest.approx(100_000 / 1750 - 0.5)
    assert same.cv2[0] == pytest.approx(0.0, abs=1e-12)


def test_lengths_keep_their_moments() -> None:
    found = lognormal_lengths(mean=np.array([1000.0, 50.0]), cv=np.array([2.0, 0.0]))
    assert found.mean == pytest.approx([1000.0, 50.0], rel=1e-5)
    assert found.cv2 == pytest.approx([4.0, 0.0], rel=0.01, abs=1e-9)
    # of two lognormals, the lesser: 2 Phi(-sigma / sqrt 2) of the mean
    assert found.lesser_of_two == pytest.approx([0.3697, 1.0], rel=0.01)
    cut = lognormal_lengths(mean=1000.0, cv=2.0, limit=4096.0)
    assert cut.points.max() == 4096.0
    rng = np.random.default_rng(0)
    drawn = rng.lognormal(6.0, 1.0, 50_000)
    sampled = sampled_lengths(drawn)
    assert sampled.mean[0] == pytest.approx(drawn.mean())
    assert sampled.cv2[0] == pytest.approx(drawn.var() / drawn.mean() ** 2, rel=0.01)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_refuses_percentiles_that_are_none(share: float) -> None:
    with pytest.raises(InputError, match=r"for example 0\.95"):
        state(1.0, prompt=fixed(10.0), output=fixed(10.0), percentiles=(share,))


def test_refuses_percentiles_that_were_not_asked_for() -> None:
    found = state(1.0, prompt=fixed(10.0), output=fixed(10.0), percentiles=(0.95,))
    assert found.at("ttft", 0.95)[0] == found.ttft_at_s[0, 0]
    with pytest.raises(InputError, match=r"percentile 0\.9 was not computed"):
        found.at("ttft", 0.9)


def test_refuses_lengths_that_are_no_law() -> None:
    with pytest.raises(InputError, match="sum to 1"):
        Lengths(np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(InputError, match="must not be negative"):
        Lengths(-np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(InputError, match=r"be \[R, J\]"):
        Lengths(np.ones(3), np.ones(3))
    with pytest.raises(InputError, match="at least one length"):
        sampled_lengths(np.array([]))
    with pytest.raises(InputError, match="must be finite"):
        lognormal_lengths(mean=math.nan, cv=0.0)
