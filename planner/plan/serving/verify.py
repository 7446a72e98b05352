"""A request-level simulation of one replica beside the analytic figures of a plan.

The replica serves its share of the peak: requests of random lengths at random times, step by step, with the
step times that the estimator gives. Of pools, the smallest number of prefill and decode replicas in their
ratio is simulated together.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.model.inference.batching import prompt_work
from planner.model.inference.disaggregated import transfer_s
from planner.model.inference.replica import Replica, Work
from planner.model.inference.step import step
from planner.model.simulation.disaggregated import Pools, simulate_pools
from planner.model.simulation.replica import Scheduler, simulate
from planner.model.simulation.requests import Requests, closed_loop, open_arrivals, shuffled
from planner.model.simulation.result import Simulated, Summary
from planner.model.step_times import StepTimes
from planner.plan.serving import results
from planner.plan.serving.layouts import by_size
from planner.search.serving import DECODE, PREFILL, of_points
from planner.units import MILLI

if TYPE_CHECKING:
    from planner.plan.serving.solve import Found
    from planner.search.serving import PoolPlan
    from planner.search.serving.replicas import Replicas
    from planner.tables.serving import Load
    from planner.types import FloatArray, IntArray

__all__ = ["step_times", "verified"]

REQUESTS: Final = 100_000
SEED: Final = 0
QUANTILES: Final = 20_000
"""Equally likely lengths from which requests are drawn."""
MOST_WORKERS: Final = 8
"""Replicas of the smaller pool in a simulation of pools, at most."""
BATCHES: Final = 24
CHUNKS: Final = 10


def verified(found: Found, plan: results.Plan) -> results.Verified:
    """Simulate a replica of the largest aggregated pool, or a unit of the pools, at its operating point."""
    best = found.best
    if best is None:
        raise ValueError("there is no plan to verify")
    started = time.perf_counter()
    pools = by_size(best)
    alone = next((pool for pool in pools if pool.role not in (PREFILL, DECODE)), None)
    if alone is not None:
        point, fixed, accepted, simulated = _one(found, alone)
    else:
        prefill = next(pool for pool in pools if pool.role == PREFILL)
        decode = next(pool for pool in pools if pool.role == DECODE)
        point, fixed, accepted, simulated = _unit(found, prefill, decode)
    seconds = time.perf_counter() - started
    planned = {"ttft_ms": plan.ttft_ms, "tpot_ms": plan.tpot_ms, "e2e_ms": plan.e2e_ms}
    analytic = {name: latency for name, latency in planned.items() if latency is not None}
    measured = {
        name: _latency(
            getattr(simulated, name.removesuffix("_ms"))(),
            latency,
            add=0.0 if name == "tpot_ms" else fixed,
            factor=1.0 / accepted if name == "tpot_ms" else 1.0,
        )
        for name, latency in analytic.items()
    }
    return results.Verified(
        requests=REQUESTS,
        seconds=seconds,
        load=float(point.point.load[0]),
        analytic=analytic,
        simulated=measured,
        sentence=_sentence(analytic, measured, float(point.point.load[0]), seconds),
    )


def _latency(
    summary: Summary, analytic: results.Latency, *, add: float = 0.0, factor: float = 1.0
) -> results.Latency:
    values = {name: (getattr(summary, name) * factor + add) / MILLI for name in summary._fields}
    ratio = values["mean"] / analytic.mean
    return results.Latency(low=analytic.low * ratio, high=analytic.high * ratio, **values)


def _sentence(
    analytic: dict[str, results.Latency], simulated: dict[str, results.Latency], load: float, seconds: float
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
    return (
        f"{REQUESTS:,} requests at a load of {load:.0%} in {seconds:.1f} s: simulated {', '.join(parts)} "
        "the analytic figure."
    )


def _one(found: Found, pool: PoolPlan) -> tuple[PoolPlan, float, float, Simulated]:
    """Simulate one aggregated replica."""
    replicas = of_points(found.result.request, pool.point)
    replica = replicas.replica
    accepted = float(replica.layout.accepted[0])
    scheduler = Scheduler(
        kind="prefill-first" if bool(replica.engine.prefill_first[0]) else "mixed",
        chunk=_chunk(replica),
        max_batch=max(int(pool.point.capacity[0]), 1),
    )
    requests = _requests(found, float(pool.point.rate[0]), accepted, float(pool.point.concurrency[0]))
    simulated = simulate(requests=requests, steps=step_times(replicas), scheduler=scheduler)
    return pool, float(replica.engine.request_s[0]), accepted, simulated


def _unit(found: Found, prefill: PoolPlan, decode: PoolPlan) -> tuple[PoolPlan, float, float, Simulated]:
    """Simulate prefill and decode replicas in about the ratio of the plan."""
    request = found.result.request
    fills, decodes = of_points(request, prefill.point), of_points(request, decode.point)
    workers, replicas = _ratio(prefill.replicas, decode.replicas)
    accepted = float(decodes.replica.layout.accepted[0])
    rate = min(workers * float(prefill.point.rate[0]), replicas * float(decode.point.rate[0]))
    sent = float(transfer_s(replica=fills.replica, load=request.load)[0])
    pools = Pools(
        workers=workers,
        chunk=_chunk(fills.replica),
        replicas=replicas,
        max_batch=max(int(decode.point.capacity[0]), 1),
    )
    simulated = simulate_pools(
        requests=_requests(found, rate, accepted, None),
        prefill=step_times(fills),
        decode=step_times(decodes),
        pools=pools,
    )
    # The estimator counts the hand-over to the first token that a user sees.
    fixed = float(fills.replica.engine.request_s[0]) + sent
    return decode, fixed, accepted, simulated


def _ratio(prefills: int, decodes: int) -> tuple[int, int]:
    """Few replicas of each pool in about the ratio of the plan, the prefill side not the slower one."""
    scale = max(min(prefills, decodes) / MOST_WORKERS, 1.0)
    return max(math.ceil(prefills / scale), 1), max(math.ceil(decodes / scale), 1)


def _chunk(replica: Replica) -> int:
    return max(int(replica.engine.chunk[0] * replica.layout.dp[0]), 1)


def _requests(found: Found, rate: float, accepted: float, clients: float | None) -> Requests:
    """Random requests of the profile's lengths; answers count in decode steps."""
    rng = np.random.default_rng(SEED)
    traffic = found.case.job.traffic
    most = found.result.request.most_tokens
    tokens_in, tokens_out = _lengths(traffic.input_spread, rng), _lengths(traffic.output_spread, rng)
    tokens_in = np.minimum(tokens_in, most).astype(np.int64) if math.isfinite(most) else tokens_in
    cached = np.rint(tokens_in * found.hit).astype(np.int64)
    steps = np.maximum(np.rint(tokens_out / accepted), 1).astype(np.int64)
    offline = found.case.job.offline and clients is not None
    arrivals = (
        closed_loop(rng, count=REQUESTS)
        if offline
        else open_arrivals(rng, count=REQUESTS, rate=rate, cv=traffic.arrival_cv)
    )
    return Requests(
        new=tokens_in - cached,
        cached=cached,
        output=steps,
        arrival_s=arrivals,
        clients=max(round(clients or 0.0), 1) if offline else 0,
    )


def _lengths(spread: Any, rng: np.random.Generator) -> IntArray:
    """Lengths with the mean of a profile exactly, in random order."""
    normal = np.sort(rng.standard_normal(QUANTILES))
    quantiles = np.exp(spread.sigma * (normal - normal.mean()) / normal.std())
    return np.maximum(shuffled(rng, quantiles * (spread.mean / quantiles.mean()), REQUESTS), 1)


def step_times(found: Replicas) -> StepTimes:
    """Tabulate the step times of one replica, and how they grow with context.

    Parameters
    ----------
    found
        One row, of any role.
    """
    replica, load = found.replica, found.load
    chunk = _chunk(replica)
    top = max(2.0 * float(found.fit.capacity[0]), 2.0)
    batch = np.unique(np.concatenate([[0.0, 1.0], np.geomspace(1.0, top, BATCHES)]))
    tokens = np.unique(np.concatenate([[0.0, 1.0], np.geomspace(min(64.0, chunk), chunk, CHUNKS)]))
    b, q = (grid.ravel() for grid in np.meshgrid(batch, tokens, indexing="ij"))
    seconds = _seconds(replica, load, b, q, context=1.0, past=0.0)
    grown = 1.1
    half = np.array([0.5 * top])
    at = _seconds(replica, load, half, np.zeros(1), context=1.0, past=0.0)
    longer = _seconds(replica, load, half, np.zeros(1), context=grown, past=0.0)
    mean = float(load.context[0])
    full, none = np.array([float(chunk)]), np.zeros(1)
    extra = 0.1 * float(load.isl[0])
    later = _seconds(replica, load, none, full, context=1.0, past=extra)
    before = _seconds(replica, load, none, full, context=1.0, past=0.0)
    work = prompt_work(replica=replica, load=load, prompt=full)
    return StepTimes(
        batch=batch,
        tokens=tokens,
        seconds=seconds.reshape(1, batch.size, tokens.size),
        context_s=np.maximum(longer - at, 0.0) / ((grown - 1.0) * mean * half),
        context=np.array([mean]),
        pair_s=np.maximum(later - before, 0.0) / (extra * full),
        past=np.ravel(work.past + 0.5 * work.new),
    )


def _seconds(
    replica: Replica,
    load: Load,
    batch: FloatArray,
    prompt: FloatArray,
    *,
    context: float,
    past: float,
) -> FloatArray:
    """Seconds of steps with contexts `context` times the mean and `past` more tokens before prompts.

    A mixing engine runs prompts beside decoding where that is faster than after it.
    """
    whole = prompt_work(replica=replica, load=load, prompt=prompt, batch=batch)
    new = np.minimum(whole.new, np.maximum(prompt, 1.0))

    def timed(decode: FloatArray, tokens: FloatArray) -> FloatArray:
        work = Work(
            decode=decode, context=whole.context * context, prompt=tokens, new=new, past=whole.past + past
        )
        total: FloatArray = np.broadcast_to(step(replica=replica, work=work).total_s, batch.shape)
        return total

    none = np.zeros_like(batch)
    apart = timed(batch, none) * (batch > 0) + timed(none, prompt) * (prompt > 0)
    together = timed(batch, prompt)
    idle = (batch == 0) & (prompt == 0)
    both = (batch > 0) & (prompt > 0)
    return np.where(idle, 0.0, np.where(both, np.minimum(together, apart), apart))
