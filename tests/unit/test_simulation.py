"""The simulation of one replica: known queues, a step-by-step reference, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.errors import InputError
from planner.model.simulation.disaggregated import Pools, simulate_pools
from planner.model.simulation.replica import Scheduler, simulate
from planner.model.simulation.requests import Requests, burst, closed_loop, open_arrivals, shuffled
from planner.model.simulation.result import weighted_quantile
from planner.model.step_times import StepTimes, linear_steps

COUNT = 60_000


def requests(
    rate: float, *, new: Any = 0, output: Any = 1, seed: int = 1, count: int = COUNT, cv: float = 1.0
) -> Requests:
    rng = np.random.default_rng(seed)
    arrival = open_arrivals(rng, count=count, rate=rate, cv=cv)
    lengths = [np.broadcast_to(x, count).astype(np.int64) for x in (new, 0, output)]
    return Requests(lengths[0], lengths[1], lengths[2], arrival)


def drawn(mean: float, law: Callable[[np.random.Generator, int], Any], count: int = COUNT) -> Any:
    raw = law(np.random.default_rng(7), count)
    return np.maximum(np.rint(raw * (mean / raw.mean())), 1.0)


STEPS = linear_steps(base_s=0.008, sequence_s=3e-5, token_s=3e-5)
ALONE = linear_steps(base_s=0.0, sequence_s=0.0, token_s=1e-6)
ONE_SERVER = Scheduler("prefill-first", 10**9, 1)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_slot_and_exponential_prompts_are_m_m_1(load: float) -> None:
    prompts = drawn(1e6, lambda rng, n: rng.exponential(1.0, n))
    ttft = simulate(requests=requests(load, new=prompts), steps=ALONE, scheduler=ONE_SERVER).ttft()
    assert ttft.mean == pytest.approx(1.0 / (1.0 - load), rel=0.05)
    assert ttft.p50 == pytest.approx(math.log(2.0) / (1.0 - load), rel=0.05)
    assert ttft.p99 == pytest.approx(math.log(100.0) / (1.0 - load), rel=0.1)


@pytest.mark.parametrize("cv", [0.0, 0.5, 2.0])
def test_one_slot_waits_as_pollaczek_and_khinchine_say(cv: float) -> None:
    load = 0.6
    prompts = drawn(1e6, lambda rng, n: rng.gamma(cv**-2, 1.0, n)) if cv else np.full(COUNT, 1e6)
    square = (prompts**2).mean() / 1e12
    ttft = simulate(requests=requests(load, new=prompts, seed=3), steps=ALONE, scheduler=ONE_SERVER).ttft()
    assert ttft.mean - 1.0 == pytest.approx(load * square / (2.0 * (1.0 - load)), rel=0.08)


@pytest.mark.parametrize(("servers", "waiting"), [(1, 0.8), (5, 0.5541), (20, 0.2561)])
def test_slots_that_run_at_a_fixed_speed_are_m_m_c(servers: int, waiting: float) -> None:
    # waiting: Erlang's C at a load of 0.8, from its recursion by hand
    outputs = drawn(1e4, lambda rng, n: rng.exponential(1.0, n))
    steps = linear_steps(base_s=1e-4, sequence_s=0.0, token_s=0.0)
    result = simulate(
        requests=requests(0.8 * servers, output=outputs, seed=5),
        steps=steps,
        scheduler=Scheduler("mixed", 10**9, servers),
    )
    assert (result.ttft_s > 2e-4).mean() == pytest.approx(waiting, rel=0.05)
    assert result.ttft().mean == pytest.approx(waiting / (servers * 0.2), rel=0.12)
    assert result.batch == pytest.approx(0.8 * servers, rel=0.02)


def test_lone_request_takes_its_chunks_and_then_its_steps() -> None:
    one = requests(1.0, new=5000, output=101, count=1)
    for kind in ("mixed", "prefill-first"):
        result = simulate(requests=one, steps=STEPS, scheduler=Scheduler(kind, 2048, 8), warm_up=0.0)
        assert result.ttft_s[0] == pytest.approx(3 * 0.008 + 5000 * 3e-5)
        assert result.tpot_s[0] == pytest.approx(0.008 + 3e-5)


def test_context_slows_steps_as_it_grows() -> None:
    steps = linear_steps(
        base_s=0.01, sequence_s=0.0, token_s=1e-5, context_s=1e-6, context=10.0, pair_s=1e-9, past=50.0
    )
    one = Requests(np.array([2000]), np.array([500]), np.array([11]), np.zeros(1))
    result = simulate(requests=one, steps=steps, scheduler=Scheduler("mixed", 500, 4), warm_up=0.0)
    pairs = 2000 * (500 + 1000)
    assert result.ttft_s[0] == pytest.approx(4 * 0.01 + 2000e-5 + 1e-9 * (pairs - 2000 * 50))
    reads = [2501 + k - 10 for k in range(10)]
    assert result.e2e_s[0] - result.ttft_s[0] == pytest.approx(10 * 0.01 + 1e-6 * sum(reads))


def test_a_step_of_prompts_alone_reads_no_context_of_those_that_wait() -> None:
    steps = linear_steps(base_s=0.01, sequence_s=0.0, token_s=1e-5, context_s=1e-4)
    two = Requests(np.array([100, 1000]), np.zeros(2, int), np.array([500, 2]), np.array([0.0, 0.5]))
    result = simulate(requests=two, steps=steps, scheduler=Scheduler("prefill-first", 400, 4), warm_up=0.0)
    # 1,000 tokens in chunks of 400, after at most one decode step of the first request, which reads its
    # context of about 120 tokens.
    assert result.ttft_s[1] == pytest.approx(3 * 0.01 + 1000e-5, abs=0.01 + 120e-4)


def test_closed_loop_keeps_its_clients_busy() -> None:
    rng = np.random.default_rng(2)
    n = 3000
    loop = Requests(
        np.full(n, 100), np.zeros(n, int), shuffled(rng, np.arange(20, 80), n), closed_loop(rng, count=n), 12
    )
    result = simulate(requests=loop, steps=STEPS, scheduler=Scheduler("mixed", 2048, 64))
    assert result.busy == pytest.approx(1.0)
    # Little: 12 clients = rate x time in the system
    assert result.requests_per_s * result.e2e().mean == pytest.approx(12.0, rel=0.02)


def test_burst_waits_for_slots() -> None:
    n = 10
    cohort = Requests(np.full(n, 100), np.zeros(n, int), np.full(n, 51), burst(n))
    result = simulate(requests=cohort, steps=STEPS, scheduler=Scheduler("mixed", 2048, 5), warm_up=0.0)
    assert np.ptp(result.ttft_s[:5]) == pytest.approx(0.0)
    assert result.ttft_s[5:].min() > result.e2e_s[:5].max()


def test_prefill_first_stalls_the_tokens_of_others() -> None:
    two = Requests(np.array([100, 4000]), np.zeros(2, int), np.array([50, 2]), np.array([0.0, 0.1]))
    stalled = simulate(
        requests=two, steps=STEPS, scheduler=Scheduler("prefill-first", 2048, 8), warm_up=0.0, drain=0.0
    )
    riding = simulate(
        requests=two, steps=STEPS, scheduler=Scheduler("mixed", 2048, 8), warm_up=0.0, drain=0.0
    )
    assert stalled.gap_s.max() == pytest.approx(2 * 0.008 + 4000 * 3e-5 + 0.008 + 2 * 3e-5)
    assert riding.gap_s.max() == pytest.approx(0.008 + 3e-5 + 2047 * 3e-5)
    assert stalled.gap_tokens.sum() == riding.gap_tokens.sum() == 49 + 1


def test_memory_limits_admission_as_slots_do() -> None:
    n = 4000
    by_slots, by_memory = (
        simulate(
            requests=requests(3.0, new=400, output=100, count=n, seed=4),
            steps=STEPS,
            scheduler=Scheduler("mixed", 2048, slots, memory),
        )
        for slots, memory in ((3, math.inf), (64, 1700.0))
    )
    assert by_memory.ttft() == by_slots.ttft()


def test_pools_hand_over_between_prefill_and_decode() -> None:
    one = requests(1.0, new=5000, output=101, count=1)
    pools = Pools(2, 2048, 2, 8, transfer_s=0.01, transfer_token_s=1e-6)
    result = simulate_pools(requests=one, prefill=STEPS, decode=STEPS, pools=pools, warm_up=0.0)
    assert result.ttft_s[0] == pytest.approx(3 * 0.008 + 5000 * 3e-5)
    assert result.e2e_s[0] == pytest.approx(result.ttft_s[0] + 0.015 + 100 * (0.008 + 3e-5))


def test_prefill_pool_of_whole_prompts_is_m_m_c() -> None:
    prompts = drawn(1e6, lambda rng, n: rng.exponential(1.0, n))
    result = simulate_pools(
        requests=requests(2.4, new=prompts, seed=6),
        prefill=ALONE,
        decode=STEPS,
        pools=Pools(3, 1, 1, 1),
    )
    # C(3, 2.4) = 0.6472
    assert result.ttft().mean == pytest.approx(1.0 + 0.6472 / 0.6, rel=0.06)


def test_weighted_quantile_counts_weights() -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 98.0, 1.0])
    assert weighted_quantile(values, weights, np.array([0.5, 0.98, 0.985, 1.0])).tolist() == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: requests(0.0), "must be positive"),
        (
            lambda: Requests(np.zeros(2, int), np.zeros(2, int), np.ones(2, int), np.array([1.0, 0.0])),
            "ascend",
        ),
        (lambda: Requests(np.zeros(1, int), np.zeros(1, int), np.zeros(1, int), np.zeros(1)), "at least one"),
        (lambda: Requests(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0)), "no requests"),
        (lambda: Scheduler("fifo", 1, 1), "mixed or prefill-first"),
        (lambda: Scheduler("mixed", 0, 1), "at least 1"),
        (lambda: Pools(0, 1, 1, 1), "at least 1"),
        (
            lambda: simulate(
                requests=requests(1.0, new=50, count=3), steps=STEPS, scheduler=Scheduler("mixed", 9, 9, 40.0)
            ),
            "but 40 fit",
        ),
        (
            lambda: simulate(
                requests=requests(1.0, count=3), steps=STEPS, scheduler=ONE_SERVER, warm_up=1.0, drain=0.0
            ),
            "simulate more",
        ),
        (lambda: StepTimes(np.arange(2.0), np.arange(2.0), np.zeros((1, 2, 3)), *[np.zeros(1)] * 4), "shape"),
        (lambda: StepTimes(np.ones(2), np.arange(2.0), np.zeros((1, 2, 2)), *[np.zeros(1)] * 4), "ascending"),
    ],
)
def test_refuses_with_the_mend(attempt: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        attempt()


def test_times_beyond_the_grid_rise_or_stay() -> None:
    falling = np.array([[[0.0, 1.0], [3.0, 2.0]]])
    steps = StepTimes(np.arange(2.0), np.arange(2.0), falling, *[np.zeros(1)] * 4)
    at = steps.at(batch=np.array([1.0, 1.0, 3.0]), tokens=np.array([1.0, 5.0, 0.0]))
    assert at.tolist() == [2.0, 2.0, 9.0]
    one = Requests(np.array([5]), np.array([0]), np.array([1]), np.zeros(1))
    alone = simulate(requests=one, steps=steps, scheduler=Scheduler("mixed", 9, 1), warm_up=0.0)
    assert alone.ttft_s[0] == 5.0
