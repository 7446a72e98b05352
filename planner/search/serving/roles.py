"""What each role of a replica makes of a request: sweeps of aggregated, prefill and decode replicas.

Pools of prefill and decode replicas meet only in the requests that pass through both, so that each is swept
by itself: prefill replicas over their load, decode replicas over their batch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.model.inference.disaggregated import PrefillPool, prefill_pool, transfer_s
from planner.model.inference.memory import cache_bytes_per_sequence
from planner.model.queueing.formulas import erlang_c, mgc_wait_s
from planner.search.serving.curves import Curves, curves
from planner.search.serving.points import AGGREGATED, PREFILL
from planner.search.serving.reasons import ASKED, bit
from planner.search.serving.replicas import Left, Replicas, replicas
from planner.search.serving.request import ServingRequest
from planner.search.serving.space import layouts
from planner.search.serving.sweep import Swept, judge
from planner.search.serving.waiting import Waiting, column, waiting
from planner.types import FloatArray, IntArray

__all__ = ["LOADS", "fabric_rate", "prefill_swept", "sweep", "swept"]

LOADS: Final = 1.0 - np.geomspace(1.0 - 0.02, 1.0 - 0.995, 96)
"""Loads of a prefill replica."""


def sweep(request: ServingRequest, index: int, role: int) -> tuple[Swept | None, Left]:
    """Sweep option `index` in a role; `Left` counts the replicas that cannot run and says why."""
    table, broken = layouts(request, request.options[index])
    found, left = replicas(request, index, table, role=role)
    return swept(request, found) if len(found) else None, left.plus(Left(broken))


def swept(request: ServingRequest, found: Replicas, *, points: Curves | None = None) -> Swept:
    """Operating points of replicas in their role: at batches of the search, or at those of `points`."""
    if found.role == PREFILL:
        return prefill_swept(request, found, workers=request.routed)
    points = points or curves(found)
    times = waiting(found, points, request.variation, workers=request.routed)
    missed = judge(request, times, names=ASKED[found.role])
    if found.role != AGGREGATED:
        missed = missed | _crowded(request, found, points.rate)
    return Swept(found, points, times, missed)


def prefill_swept(
    request: ServingRequest,
    found: Replicas,
    *,
    workers: int | FloatArray,
    pool: PrefillPool | None = None,
) -> Swept:
    """Prefill replicas at `LOADS`, of which `workers` share a queue.

    A prompt waits for the workers (M/G/k), then for the pass in progress, is computed alone or with others,
    and its cache is sent.
    """
    pool = pool or prefill_pool(replica=found.replica, load=found.load)
    sent = transfer_s(replica=found.replica, load=found.load)
    like = (len(found), len(LOADS))
    largest = column(pool.rate, like)
    passed, alone = column(pool.pass_s, like), column(pool.prompt_s, like)
    wait, busy = _queue(request, LOADS, np.minimum(workers, request.routed))
    wait, busy = wait / largest, np.broadcast_to(busy, like)
    load = np.broadcast_to(LOADS, like)
    prompt = np.maximum(alone, (1.0 - load) * alone + load * passed)
    none = np.zeros(like)
    points = Curves(
        batch=column(pool.prompts, like),
        rate=load * largest,
        step_s=passed,
        decode_s=none,
        mixed_s=passed,
        full_s=passed,
        mixed_share=load,
        prefill_s=prompt,
        concurrency=load * largest * (wait + prompt),
    )
    times = Waiting(
        load=load,
        busy=busy,
        wait_s=wait,
        first_s=prompt + 0.5 * load * passed,
        fixed_s=column(found.replica.engine.request_s, like) + column(sent, like),
        prompt_s=np.minimum(1.0 / largest, alone),
        token_s=none,
        least_token_s=none,
        token_spread_s=none,
        tokens=none,
        input=np.full(like, request.variation.input),
        output=np.full(like, request.variation.output),
    )
    missed = judge(request, times, names=ASKED[PREFILL]) | _crowded(request, found, points.rate)
    return Swept(found, points, times, missed)


def _queue(
    request: ServingRequest, load: FloatArray, workers: int | FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean wait for one of the workers, in units of what each needs for a prompt, and the chance of it."""
    servers = np.asarray(workers, dtype=float)
    many = load * servers
    wait = mgc_wait_s(
        rate=many,
        service_s=np.ones(1),
        servers=servers,
        service_cv=np.array([request.variation.input]),
        arrival_cv=request.variation.arrival,
    )
    return wait, erlang_c(servers=servers, offered=many)


def fabric_rate(request: ServingRequest, found: Replicas) -> FloatArray:
    """Return the requests per second whose caches the fabric carries to or from a replica, ``[R]``.

    Each accelerator sends or receives its part over its own NIC.
    """
    part = request.parts[request.options[found.option].part]
    layout = found.layout
    each = cache_bytes_per_sequence(
        model=found.replica.model, engine=found.replica.engine, layout=layout, tokens=found.load.isl
    )
    nic = part.fabric_share * part.operators.nic_bytes_per_s
    return np.broadcast_to(nic / each * layout.dp, (len(found),))


def _crowded(request: ServingRequest, found: Replicas, rate: FloatArray) -> IntArray:
    most = fabric_rate(request, found)[:, None]
    return np.where(rate > most, bit("fabric"), 0)
