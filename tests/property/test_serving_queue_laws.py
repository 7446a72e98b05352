"""Laws of the simulation and of the queueing of replicas over random cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.model.queueing.formulas import erlang_c, mgc_wait_s
from planner.model.queueing.lengths import lognormal_lengths
from planner.model.queueing.operating import Demand, Serving
from planner.model.queueing.steady import Latency, steady_state
from planner.model.simulation.replica import Scheduler, simulate
from planner.model.simulation.requests import Requests
from planner.model.step_times import StepTimes, linear_steps

few = settings(max_examples=25, deadline=None)


def played(requests: Requests, steps: StepTimes, scheduler: Scheduler) -> tuple[list[float], list[float]]:
    """First and last tokens by the plainest loop: one step at a time, state in lists, nothing skipped."""
    n = requests.arrival_s.size
    new, output = requests.new.tolist(), requests.output.tolist()
    past = requests.cached.tolist()
    left, tokens = list(new), [0] * n
    first, last = [0.0] * n, [0.0] * n
    waiting, active, now = list(range(n)), [], 0.0  # active: admitted and not done, in order
    while waiting or active:
        if not active and requests.arrival_s[waiting[0]] > now:
            now = float(requests.arrival_s[waiting[0]])
        decoding = [i for i in active if tokens[i]]
        mixed = scheduler.kind == "mixed"
        budget = max(scheduler.chunk - (len(decoding) if mixed else 0), 1)
        parts, pairs = [], 0.0
        for i in [*active, *waiting]:
            if tokens[i] or not budget:
                continue
            if i in waiting:
                if requests.arrival_s[i] > now or len(active) == scheduler.max_batch:
                    break
                waiting.remove(i)
                active.append(i)
            part = min(left[i], budget)
            pairs += part * (past[i] + new[i] - left[i] + 0.5 * part)
            left[i] -= part
            budget -= part
            parts.append((i, part))
        carries = sum(part for _, part in parts)
        batch = decoding if mixed or not carries else []
        context = sum(past[i] + new[i] + tokens[i] for i in batch)
        at = np.array([[float(len(batch))]]), np.array([[float(carries)]])
        now += float(steps.at(batch=at[0], tokens=at[1])[0, 0])
        now += float(steps.context_s[0]) * (context - len(batch) * float(steps.context[0]))
        now += float(steps.pair_s[0]) * (pairs - carries * float(steps.past[0]))
        for i in batch:
            tokens[i] += 1
        for i, _ in parts:
            if not left[i]:
                tokens[i], first[i] = 1, now
        for i in [i for i in active if tokens[i] >= output[i]]:
            last[i] = now
            active.remove(i)
    return first, last


lengths = st.integers(1, 300)
case = st.fixed_dictionaries(
    {
        "new": st.lists(lengths, min_size=1, max_size=12),
        "output": st.lists(st.integers(1, 40), min_size=12, max_size=12),
        "cached": st.lists(st.integers(0, 200), min_size=12, max_size=12),
        "gaps": st.lists(st.floats(0.0, 0.4), min_size=12, max_size=12),
        "kind": st.sampled_from(["mixed", "prefill-first"]),
        "chunk": st.integers(1, 128),
        "places": st.integers(1, 6),
        "context_s": st.sampled_from([0.0, 1e-6]),
        "pair_s": st.sampled_from([0.0, 1e-7]),
    }
)


@few
@given(case)
def test_skipping_like_steps_changes_nothing(case: dict[str, object]) -> None:
    n = len(case["new"])  # type: ignore[arg-type]
    requests = Requests(
        new=np.array(case["new"]),
        cached=np.array(case["cached"][:n]),  # type: ignore[index]
        output=np.array(case["output"][:n]),  # type: ignore[index]
        arrival_s=np.cumsum(case["gaps"][:n]),  # type: ignore[index]
    )
    steps = linear_steps(
        base_s=0.01, sequence_s=1e-3, token_s=1e-4, context_s=case["context_s"], context=30.0,
        pair_s=case["pair_s"], past=20.0,
    )  # fmt: skip
    scheduler = Scheduler(case["kind"], case["chunk"], case["places"])  # type: ignore[arg-type]
    found = simulate(requests=requests, steps=steps, scheduler=scheduler, warm_up=0.0, drain=0.0)
    first, last = played(requests, steps, scheduler)
    np.testing.assert_allclose(found.ttft_s, np.array(first) - requests.arrival_s, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.e2e_s, np.array(last) - requests.arrival_s, rtol=1e-9, atol=1e-9)


point = st.fixed_dictionaries(
    {
        "base": st.floats(1e-3, 0.03),
        "sequence": st.floats(0.0, 1e-4),
        "token": st.floats(1e-6, 1e-4),
        "chunk": st.sampled_from([512.0, 2048.0, 8192.0, 65536.0]),
        "places": st.sampled_from([1.0, 8.0, 64.0, 512.0, np.inf]),
        "isl": st.floats(1.0, 20_000.0),
        "osl": st.floats(1.0, 2_000.0),
        "cv": st.sampled_from([0.0, 0.3, 1.0, 2.0]),
        "mixed": st.booleans(),
        "arrival": st.sampled_from([0.5, 1.0, 2.0]),
        "replicas": st.sampled_from([1.0, 3.0, 1000.0]),
        "pooled": st.booleans(),
    }
)
loads = st.floats(0.01, 0.98)


def replica(p: dict[str, float], *, scale: float = 1.0) -> tuple[Serving, Demand]:
    """A row at no load, its times multiplied by `scale`."""
    one = np.ones(1)
    steps = linear_steps(
        base_s=p["base"] * scale, sequence_s=p["sequence"] * scale, token_s=p["token"] * scale
    )
    serving = Serving(steps, np.array([bool(p["mixed"])]), one * p["chunk"], one * p["places"], one)
    prompt, output = (lognormal_lengths(mean=p[n], cv=p["cv"], limit=131_072.0) for n in ("isl", "osl"))
    pooled = np.array([bool(p["pooled"])])
    demand = Demand(1e-9 * one, prompt, output, 0.0 * one, p["arrival"] * one, p["replicas"] * one, pooled)
    return serving, demand


def at_load(p: dict[str, float], load: float, *, scale: float = 1.0) -> Latency:
    serving, demand = replica(p, scale=scale)
    most = steady_state(serving=serving, demand=demand, percentiles=()).largest_rate
    return steady_state(serving=serving, demand=replace(demand, rate=load * most))


@few
@given(point, loads)
def test_latencies_are_finite_and_in_order(p: dict[str, float], load: float) -> None:
    found = at_load(p, load)
    np.testing.assert_allclose(found.utilisation, load)
    for name in ("ttft", "e2e"):
        values = getattr(found, f"{name}_at_s")[0]
        assert np.all(np.isfinite(values))
        assert np.all(np.diff(values) >= 0.0)
    assert found.ttft_mean_s[0] > 0.0
    assert found.e2e_mean_s[0] >= found.ttft_mean_s[0]
    assert 0.0 <= found.batch[0] <= p["places"] * (1.0 + 1e-9)
    assert found.slot_mean_s[0] >= 0.0


@few
@given(point, loads)
def test_time_has_no_unit(p: dict[str, float], load: float) -> None:
    once, slower = at_load(p, load), at_load(p, load, scale=8.0)
    np.testing.assert_allclose(8.0 * slower.largest_rate, once.largest_rate, rtol=1e-9)
    for name in ("ttft_mean_s", "e2e_mean_s", "ttft_at_s", "tpot_mean_s"):
        np.testing.assert_allclose(getattr(slower, name), 8.0 * getattr(once, name), rtol=2e-3)


@few
@given(point, st.floats(0.05, 0.9))
def test_more_load_makes_no_one_faster(p: dict[str, float], load: float) -> None:
    """Up to 3 %: the law of waiting for a slot and that of waiting for a step join with small steps."""
    less, more = at_load(p, load), at_load(p, min(1.05 * load, 0.98))
    for name in ("ttft_mean_s", "e2e_mean_s", "batch"):
        assert getattr(more, name)[0] >= getattr(less, name)[0] * (1.0 - 0.03)


@few
@given(st.lists(st.tuples(point, loads), min_size=2, max_size=6))
def test_rows_do_not_see_each_other(cases: list[tuple[dict[str, float], float]]) -> None:
    kinds = [(replica(p), load) for p, load in cases]
    servings, demands = [s for (s, _), _ in kinds], [d for (_, d), _ in kinds]
    names = ("seconds", "context_s", "context", "pair_s", "past")
    steps = replace(
        servings[0].steps, **{n: np.concatenate([getattr(s.steps, n) for s in servings]) for n in names}
    )
    serving = Serving(
        steps,
        *(
            np.concatenate([getattr(s, n) for s in servings])
            for n in ("mixed", "chunk", "places", "accepted")
        ),
    )
    laws = (
        replace(
            demands[0].prompt,
            points=np.concatenate([getattr(d, n).points for d in demands]),
            weights=np.concatenate([getattr(d, n).weights for d in demands]),
        )
        for n in ("prompt", "output")
    )
    rest = (
        np.concatenate([getattr(d, n) for d in demands])
        for n in ("cached", "arrival_cv", "replicas", "least_loaded")
    )
    alone = [at_load(p, load) for p, load in cases]
    rate = np.array([load for _, load in cases]) * np.array([a.largest_rate[0] for a in alone])
    together = steady_state(serving=serving, demand=Demand(rate, *laws, *rest))
    for name in ("ttft_mean_s", "tpot_mean_s", "ttft_at_s", "itl_at_s"):
        apart = np.concatenate([getattr(a, name) for a in alone])
        np.testing.assert_allclose(getattr(together, name), apart, rtol=1e-6)


@few
@given(st.floats(1.0, 1e6), st.floats(0.01, 0.999))
def test_more_servers_wait_less(servers: float, load: float) -> None:
    c = np.array([servers, servers * 1.5 + 1.0])
    waits = erlang_c(servers=c, offered=load * c)
    assert 0.0 <= waits[1] <= waits[0] * (1.0 + 1e-9) <= 1.0 + 1e-9
    one = np.ones(2)
    wait = mgc_wait_s(rate=load * c, service_s=one, servers=c, service_cv=0.5 * one)
    assert wait[1] <= wait[0] * (1.0 + 1e-9)
