"""A fleet as what running it costs sees it: accelerators at work, and what their time goes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.model.inference.batching import steady
from planner.plan.operating.service import Part, Replicas, Service
from planner.plan.serving.layouts import memory_of
from planner.plan.serving.solve import Found, spares_of
from planner.search.serving import DECODE, PREFILL, of_points
from planner.units import GIGA

if TYPE_CHECKING:
    from planner.plan.operating.estate import Estate
    from planner.plan.serving.interval import Spread
    from planner.search.serving import FleetPlan, PoolPlan, ServingRequest

__all__ = ["prompt_share", "service_of"]


def service_of(found: Found, best: FleetPlan, estates: Sequence[Estate], spread: Spread) -> Service:
    """Describe a fleet in its mean hour.

    Parameters
    ----------
    found, best
        The search and its fleet.
    estates
        What surrounds each part.
    spread
        Of the throughput.
    """
    job = found.case.job
    factor = 1.0 if job.offline else job.traffic.peak_over_mean(job.peak)
    mean = best.rate / factor
    parts = []
    for part, estate in enumerate(estates):
        pools = [pool for pool in best.pools if pool.part == part]
        serving = found.serving(part)
        if not serving:
            continue
        busy = {"prefill": 0.0, "decode": 0.0}
        for pool in pools:
            share = prompt_share(found.result.request, pool)
            used = float(pool.point.load[0]) * best.rate / best.most_rate / factor
            busy["prefill"] += used * share * pool.gpus / serving
            busy["decode"] += used * (1.0 - share) * pool.gpus / serving
        parts.append(
            Part(
                estate=estate,
                serving=serving,
                spare=found.spares(part),
                host=spares_of(found.case, found.operations, part).node,
                prefill=min(busy["prefill"], 1.0),
                decode=min(busy["decode"], 1.0 - min(busy["prefill"], 1.0)),
                replicas=[_replicas(found, pool) for pool in pools],
            )
        )
    return Service(
        parts=parts,
        output_tokens_per_s=mean * job.traffic.osl,
        input_tokens_per_s=mean * job.traffic.isl,
        users=job.users(best.rate),
        low=spread.low,
        high=spread.high,
        fixed=found.rate is not None,
    )


def _replicas(found: Found, pool: PoolPlan) -> Replicas:
    held = memory_of(found.case, found.result.request, pool)
    return Replicas(
        serving=round(pool.gpus), each=round(float(pool.point.gpus[0])), weight_bytes=held.weights * GIGA
    )


def prompt_share(request: ServingRequest, pool: PoolPlan) -> float:
    """Share of the time at work that a replica of a pool spends on prompts, in [0, 1]."""
    if pool.role in (PREFILL, DECODE):
        return 1.0 if pool.role == PREFILL else 0.0
    found = of_points(request, pool.point)
    batch = np.maximum(pool.point.batch, np.minimum(1.0, found.most_batch))
    point = steady(replica=found.replica, load=request.load, batch=batch)
    share, mixed, alone = (
        float(np.ravel(value)[0]) for value in (point.mixed_share, point.mixed_s, point.decode.total_s)
    )
    step = share * mixed + (1.0 - share) * alone
    return min(max(share * (mixed - alone) / step, 0.0), 1.0) if step > 0 else 0.0
