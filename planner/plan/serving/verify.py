"""A request-level simulation of one replica beside the analytic figures of a plan.

The replica serves its share of the peak: requests of random lengths at random times, step by step, with the
step times that the estimator gives. Of pools, the prefill replicas that share a queue and a decode replica
are simulated, each with as many of the others as it needs.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.inference.replica import Replica
from planner.model.simulation.disaggregated import Pools, simulate_pools
from planner.model.simulation.replica import Scheduler, simulate
from planner.model.simulation.requests import Requests, closed_loop, open_arrivals, shuffled
from planner.model.simulation.result import summary
from planner.model.step_times import StepTimes
from planner.plan.serving import results
from planner.plan.serving.layouts import by_size
from planner.search.serving import DECODE, PREFILL, of_points
from planner.search.serving.queues import queues
from planner.search.serving.times import step_times
from planner.units import MILLI

if TYPE_CHECKING:
    from planner.plan.serving.solve import Found
    from planner.search.serving import PoolPlan
    from planner.search.serving.replicas import Replicas
    from planner.types import FloatArray, IntArray
    from planner.workload.lengths import Spread

__all__ = ["verified"]

REQUESTS: Final = 100_000
PROMPTS: Final = 25_000
"""Requests that pass through simulated prefill workers."""
SEED: Final = 0
QUANTILES: Final = 20_000
"""Equally likely lengths from which requests are drawn."""


def verified(found: Found, plan: results.Plan) -> results.Verified:
    """Simulate a replica of the largest aggregated pool, or of both pools, at its operating point."""
    best = found.best
    if best is None:
        raise ValueError("there is no plan to verify")
    started = time.perf_counter()
    pools = by_size(best)
    alone = next((pool for pool in pools if pool.role not in (PREFILL, DECODE)), None)
    if alone is not None:
        run = _one(found, alone)
    else:
        prefill = next(pool for pool in pools if pool.role == PREFILL)
        decode = next(pool for pool in pools if pool.role == DECODE)
        run = _unit(found, prefill, decode)
    planned = {"ttft_ms": plan.ttft_ms, "tpot_ms": plan.tpot_ms, "e2e_ms": plan.e2e_ms}
    analytic = {name: latency for name, latency in planned.items() if latency is not None}
    measured = {name: _latency(run[name], latency) for name, latency in analytic.items()}
    seconds = time.perf_counter() - started
    load = float((alone or pools[0]).point.load[0])
    return results.Verified(
        requests=REQUESTS,
        seconds=seconds,
        load=load,
        analytic=analytic,
        simulated=measured,
        sentence=_sentence(analytic, measured, load),
    )


def _latency(seconds: FloatArray, analytic: results.Latency) -> results.Latency:
    measured = summary(seconds[np.isfinite(seconds)])
    values = {name: getattr(measured, name) / MILLI for name in measured._fields}
    ratio = values["mean"] / analytic.mean
    return results.Latency(low=analytic.low * ratio, high=analytic.high * ratio, **values)


def _sentence(
    analytic: dict[str, results.Latency], simulated: dict[str, results.Latency], load: float
) -> str:
    parts = []
    for name, label, quantile in (
        ("ttft_ms", "mean TTFT", "mean"),
        ("ttft_ms", "p99 TTFT", "p99"),
        ("tpot_ms", "mean TPOT", "mean"),
    ):
        if name not in analytic:
            continue
        ratio = getattr(simulated[name], quantile) / getattr(analytic[name], quantile) - 1.0
        parts.append(f"{label} {abs(ratio):.0%} {'above' if ratio > 0 else 'below'}")
    return f"{REQUESTS:,} requests at a load of {load:.0%}: simulated {', '.join(parts)} the analytic figure."


def _one(found: Found, pool: PoolPlan) -> dict[str, FloatArray]:
    """Simulate one aggregated replica; seconds of each request by measure."""
    replicas = of_points(found.result.request, pool.point)
    replica = replicas.replica
    accepted = float(replica.layout.accepted[0])
    scheduler = Scheduler(
        kind="prefill-first" if _stops(replica) else "mixed",
        chunk=_chunk(replica),
        max_batch=max(int(pool.point.capacity[0]), 1),
    )
    requests = _requests(found, float(pool.point.rate[0]), accepted, float(pool.point.concurrency[0]))
    run = simulate(requests=requests, steps=_steps(replicas), scheduler=scheduler)
    outside = _outside_s(found, pool)
    return {"ttft_ms": run.ttft_s + outside, "tpot_ms": run.tpot_s / accepted, "e2e_ms": run.e2e_s + outside}


def _unit(found: Found, prefill: PoolPlan, decode: PoolPlan) -> dict[str, FloatArray]:
    """Simulate the prefill replicas that share a queue, and a decode replica behind them."""
    request = found.result.request
    fills, decodes = of_points(request, prefill.point), of_points(request, decode.point)
    accepted = float(decodes.replica.layout.accepted[0])
    workers = min(prefill.replicas, request.routed)
    asked = _requests(found, workers * float(prefill.point.rate[0]), accepted, None, count=PROMPTS)
    first = simulate_pools(
        requests=replace(asked, output=np.ones_like(asked.output)),
        prefill=_steps(fills),
        decode=_steps(decodes),
        pools=Pools(workers=workers, chunk=_chunk(fills.replica), replicas=1, max_batch=1),
    )
    joins = _requests(found, float(decode.point.rate[0]), accepted, None)
    rest = simulate(
        requests=replace(joins, new=np.zeros_like(joins.new), cached=joins.new + joins.cached),
        steps=_steps(decodes),
        scheduler=Scheduler("prefill-first", 1, max(int(decode.point.capacity[0]), 1)),
    )
    ttft = first.ttft_s + _outside_s(found, prefill)
    then = np.random.default_rng(SEED).choice(ttft, len(rest.e2e_s))
    return {"ttft_ms": ttft, "tpot_ms": rest.tpot_s / accepted, "e2e_ms": then + rest.e2e_s}


def _outside_s(found: Found, pool: PoolPlan) -> float:
    """Seconds before the first token that steps do not show: transport, hand-over, a prompt on one rank."""
    queue = queues(found.result.request, pool.point, np.ones(1))
    return float(queue.outside_s(pool.point.batch)[0])


def _stops(replica: Replica) -> bool:
    """Whether prompts stop decoding; those in one place of several do not stop the others."""
    return bool(replica.engine.prefill_first[0]) and float(replica.layout.streams[0]) == 1.0


def _chunk(replica: Replica) -> int:
    """Prompt tokens of a step of all attention ranks and micro-batches."""
    return max(int(replica.engine.chunk[0] * replica.layout.streams[0]), 1)


def _requests(
    found: Found, rate: float, accepted: float, clients: float | None, *, count: int | None = None
) -> Requests:
    """Random requests of the profile's lengths; answers count in decode steps."""
    rng = np.random.default_rng(SEED)
    many = count or REQUESTS
    traffic = found.case.job.traffic
    tokens_in = _lengths(traffic.input_spread, rng, many)
    tokens_out = _lengths(traffic.output_spread, rng, many)
    # What is new in a request does not grow with what is cached of it.
    cached = np.rint(rng.permutation(tokens_in) * found.hit).astype(np.int64)
    new = np.rint(tokens_in * (1.0 - found.hit)).astype(np.int64)
    offline = found.case.job.offline and clients is not None
    arrivals = (
        closed_loop(rng, count=many)
        if offline
        else open_arrivals(rng, count=many, rate=rate, cv=traffic.arrival_cv)
    )
    return Requests(
        new=new,
        cached=cached,
        output=np.maximum(np.rint(tokens_out / accepted), 1).astype(np.int64),
        arrival_s=arrivals,
        clients=max(round(clients or 0.0), 1) if offline else 0,
    )


def _lengths(spread: Spread, rng: np.random.Generator, count: int) -> IntArray:
    """Lengths with the mean of a profile exactly, in random order."""
    normal = np.sort(rng.standard_normal(QUANTILES))
    quantiles = np.exp(spread.sigma * (normal - normal.mean()) / normal.std())
    return np.maximum(shuffled(rng, quantiles * (spread.mean / quantiles.mean()), count), 1)


def _steps(found: Replicas) -> StepTimes:
    """Step times of one replica; what single requests add counts from the mean of all."""
    load = found.load
    past = load.cached + 0.5 * load.new + load.longer
    # With speculation answers are shorter in steps than in tokens, and so is the context that is counted.
    grown = 0.5 * load.osl / found.layout.accepted * (1.0 + load.osl_variation)
    return replace(
        step_times(found), past=np.broadcast_to(past, (1,)), context=np.broadcast_to(load.isl + grown, (1,))
    )
