"""Prefill and decode in pools of their own, joined by a transfer of the cache.

Decoding then never waits for prompts, but each pool needs its share of accelerators: the slower pool sets
the rate. With many workers the ratio is continuous; with few, whole workers lose some of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.inference.batching import decode_steps, prompt_work
from planner.model.inference.memory import cache_bytes_per_sequence
from planner.model.inference.replica import Replica, Work
from planner.model.inference.step import StepTime, step
from planner.tables.serving import Load
from planner.types import FloatArray

__all__ = [
    "DecodePool",
    "PrefillPool",
    "closed_pools",
    "decode_pool",
    "matched",
    "prefill_pool",
    "transfer_s",
]

SENT_AFTER_PREFILL = 0.5
"""Share of the cache that is still to be sent when the last layer is done: layers are sent as they finish."""

PREFILL_LOAD = 0.95
"""Share of its rate at which a prefill pool can be kept."""


@dataclass(frozen=True, eq=False)
class PrefillPool:
    """One prefill worker per row."""

    prompts: FloatArray  # of one pass
    pass_s: FloatArray  # a pass over them
    prompt_s: FloatArray  # one prompt, from its first to its last pass
    rate: FloatArray  # prompts per second, fully loaded
    time: StepTime


@dataclass(frozen=True, eq=False)
class DecodePool:
    """One decode worker per row."""

    batch: FloatArray
    step_s: FloatArray
    tpot_s: FloatArray
    rate: FloatArray  # requests per second
    time: StepTime


def prefill_pool(*, replica: Replica, load: Load) -> PrefillPool:
    """Time and rate of a worker that only computes prompts.

    Attention ranks and the micro-batches of a pipeline compute prompts of their own: one longer than the
    chunk passes in several chunks in its place, beside those of the others.
    """
    chunk = replica.engine.chunk
    streams = replica.layout.streams
    most = chunk * streams
    new = np.maximum(load.new, 1.0)
    prompts = np.where(new > chunk, streams, np.maximum(np.floor(most / new), 1.0))
    tokens = np.minimum(prompts * new, most)
    time = step(replica=replica, work=prompt_work(replica=replica, load=load, prompt=tokens))
    passes = np.maximum(new / chunk, 1.0)
    alone = step(replica=replica, work=prompt_work(replica=replica, load=load, prompt=np.minimum(new, chunk)))
    return PrefillPool(
        prompts=prompts,
        pass_s=time.total_s,
        prompt_s=alone.total_s * passes,
        rate=tokens / new / time.total_s,
        time=time,
    )


def decode_pool(*, replica: Replica, load: Load, batch: FloatArray) -> DecodePool:
    """Time and rate of a worker that only decodes `batch` sequences."""
    none = np.zeros(1)
    work = Work(decode=batch, context=load.context, prompt=none, new=np.ones(1), past=none)
    time = step(replica=replica, work=work)
    steps = decode_steps(load=load, replica=replica)
    return DecodePool(
        batch=batch,
        step_s=time.total_s,
        tpot_s=time.total_s / replica.layout.accepted,
        rate=batch / (steps * time.total_s),
        time=time,
    )


def transfer_s(*, replica: Replica, load: Load) -> FloatArray:
    """Seconds that a request waits for its cache to arrive; each rank sends its part over its own NIC."""
    sent = cache_bytes_per_sequence(
        model=replica.model, engine=replica.engine, layout=replica.layout, tokens=load.isl
    )
    nic = replica.engine.nic_share * replica.operators.nic_bytes_per_s
    return replica.engine.handover_s + SENT_AFTER_PREFILL * sent / nic


def matched(*, prefill: PrefillPool, decode: DecodePool, prefill_load: FloatArray | float) -> FloatArray:
    """Prefill workers per decode worker at which both pools are equally loaded.

    Parameters
    ----------
    prefill_load
        Share of the prefill rate that may be used; the rest is headroom for the time to the first token.
    """
    return decode.rate / (prefill_load * prefill.rate)


ROUNDS = 12


def closed_pools(
    *,
    prefill: PrefillPool,
    prefill_workers: FloatArray,
    decode_replica: Replica,
    decode_workers: FloatArray,
    load: Load,
    concurrency: FloatArray,
    capacity: FloatArray,
    handed_s: FloatArray,
) -> tuple[DecodePool, FloatArray]:
    """Decode point and total rate at which `concurrency` requests are in both pools.

    Parameters
    ----------
    capacity
        Sequences that one decode worker holds.
    handed_s
        From `transfer_s`.
    """
    most = np.minimum(concurrency / decode_workers, np.maximum(capacity, 1.0))
    limit = PREFILL_LOAD * prefill.rate * prefill_workers
    steps = decode_steps(load=load, replica=decode_replica)
    batch = 0.9 * most
    rate = limit
    pool = decode_pool(replica=decode_replica, load=load, batch=np.maximum(batch, 1e-2))
    for _ in range(ROUNDS):
        residence = prefill.prompt_s + handed_s + steps * pool.step_s
        rate = np.minimum(
            np.minimum(concurrency / residence, limit), most * decode_workers / (steps * pool.step_s)
        )
        goal = np.minimum(rate * steps * pool.step_s / decode_workers, most)
        batch = 0.5 * batch + 0.5 * goal
        pool = decode_pool(replica=decode_replica, load=load, batch=np.maximum(batch, 1e-2))
    return pool, rate
