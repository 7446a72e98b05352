"""What a load generator would have measured: the clients of published benchmarks, emulated.

A benchmark is not steady state. A closed loop starts all its clients at once, so that the first prompts
queue behind each other and weigh on the mean TTFT; requests of one fixed length stay in lock-step for ever; a
burst drains. These effects belong to the measurement and are reproduced here only, to compare it with the
model; answers to planning questions are those of steady state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.inference.batching import closed_loop, decode_steps, prompt_work, steady
from planner.model.inference.disaggregated import closed_pools, decode_pool, prefill_pool, transfer_s
from planner.model.inference.memory import Memory
from planner.model.inference.replica import Replica
from planner.model.inference.step import step
from planner.tables.serving import Load
from planner.types import BoolArray, FloatArray

__all__ = ["Client", "Measured", "burst", "closed", "fixed_batch", "offline", "pools", "rated", "single_pool"]

FIXED_DRAIN = 0.15
"""Tail of a burst of equal lengths, over the time of an output."""

DRAIN_SHARE = 0.1
"""Batch of the tail over the full one."""


@dataclass(frozen=True, eq=False)
class Client:
    """The load generator of each row, and fitted constants of what it does; shape ``[R]``."""

    concurrency: FloatArray  # requests per replica
    replicas: FloatArray
    requests: FloatArray  # sent in a burst
    rate: FloatArray  # requests per second and replica, sent at random times
    fixed_lengths: BoolArray
    wave: FloatArray
    cohort: FloatArray
    stall_share: FloatArray
    drain: FloatArray


@dataclass(frozen=True, eq=False)
class Measured:
    """Predicted measurements; shape ``[R]``."""

    ttft_s: FloatArray
    tpot_s: FloatArray
    output_tokens_per_s: FloatArray  # all replicas
    batch: FloatArray


def closed(*, replica: Replica, load: Load, client: Client, fits: Memory) -> Measured:
    """Measure with a fixed number of clients, each sending its next request when the last is answered."""
    capacity = np.maximum(fits.capacity, 1.0)
    point = closed_loop(replica=replica, load=load, concurrency=client.concurrency, capacity=capacity)
    prompt = np.maximum(point.mixed_s - point.decode_s, 0.0) * load.new / point.chunk
    inside = np.minimum(client.concurrency, capacity)
    together = 0.5 * np.maximum(inside - 1.0, 0.0) * prompt
    lockstep = replica.engine.prefill_first & client.fixed_lengths
    spread = client.wave * point.prefill_s * (np.sqrt(np.maximum(inside, 1.0)) - 1.0)
    wave = np.where(lockstep, client.cohort * together, spread)
    moved = np.clip(wave / np.maximum(together, 1e-9), 0.0, 1.0) * client.stall_share
    tpot = point.decode_s + (point.step_s - point.decode_s) * (1.0 - np.minimum(moved, 1.0))
    busy = np.clip(point.rate * prompt, 0.0, 0.97)
    queued = np.maximum(inside - point.concurrency, 0.0) / point.rate
    wait = np.maximum(busy * point.prefill_s / (2.0 * (1.0 - busy)) + wave, queued)
    outside = np.maximum(client.concurrency - capacity, 0.0) / point.rate
    ttft = point.prefill_s + 0.5 * point.step_s + replica.engine.request_s + wait + outside
    return Measured(
        ttft_s=ttft,
        tpot_s=tpot / replica.layout.accepted,
        output_tokens_per_s=point.rate * load.osl * client.replicas,
        batch=point.batch,
    )


def offline(*, replica: Replica, load: Load, client: Client, fits: Memory) -> Measured:
    """Measure a long queue that is there at once: as many run as memory and the engine allow."""
    capacity = np.maximum(fits.capacity, 1.0)
    finite = np.isfinite(client.requests)
    batch = np.where(np.isfinite(client.concurrency), np.minimum(client.concurrency, capacity), capacity)
    batch = np.where(finite, np.minimum(batch, client.requests), batch)
    point = closed_loop(replica=replica, load=load, concurrency=batch, capacity=capacity)
    drain = FIXED_DRAIN * point.steps * point.decode_s
    sent = np.where(finite, client.requests, 1.0)
    rate = np.where(finite, sent / (sent / point.rate + drain), point.rate)
    return Measured(
        ttft_s=np.full_like(point.rate, np.nan),
        tpot_s=point.tpot_s,
        output_tokens_per_s=rate * load.osl * client.replicas,
        batch=point.batch,
    )


def fixed_batch(*, replica: Replica, load: Load, client: Client) -> Measured:
    """One batch: all its prompts, then all its outputs."""
    batch = client.concurrency
    most = replica.engine.chunk * replica.layout.streams
    tokens = batch * np.maximum(load.new, 1.0)
    chunk = np.minimum(tokens, most)
    prefill = step(replica=replica, work=prompt_work(replica=replica, load=load, prompt=chunk))
    prompts = prefill.total_s * tokens / chunk
    pool = decode_pool(replica=replica, load=load, batch=batch)
    steps = (load.osl - 1.0) / replica.layout.accepted
    whole = prompts + steps * pool.step_s
    return Measured(
        ttft_s=prompts + replica.engine.request_s,
        tpot_s=pool.tpot_s,
        output_tokens_per_s=batch * load.osl / whole * client.replicas,
        batch=batch,
    )


def burst(*, replica: Replica, load: Load, client: Client, fits: Memory) -> Measured:
    """So many requests at once, then the server drains."""
    batch = np.minimum(np.maximum(fits.resident, 1.0), client.requests)
    point = closed_loop(replica=replica, load=load, concurrency=batch, capacity=batch)
    tail_batch = np.maximum(DRAIN_SHARE * point.batch, 1.0)
    tail = decode_pool(replica=replica, load=load, batch=tail_batch).step_s
    steps = decode_steps(load=load, replica=replica)
    drain = np.where(client.fixed_lengths, FIXED_DRAIN, client.drain) * steps * tail
    span = client.requests / point.rate + drain
    waited = 0.5 * np.maximum(client.requests - batch, 0.0) / point.rate
    prompt = np.maximum(point.mixed_s - point.decode_s, 0.0) * load.new / point.chunk
    return Measured(
        ttft_s=point.prefill_s + waited + 0.5 * batch * prompt + replica.engine.request_s,
        tpot_s=point.tpot_s,
        output_tokens_per_s=client.requests * load.osl / span * client.replicas,
        batch=point.batch,
    )


ROUNDS = 24


def rated(*, replica: Replica, load: Load, client: Client, fits: Memory) -> Measured:
    """Measure requests at random times: the batch whose rate is the offered one, or the largest that fits.

    A server that cannot keep up works through what was sent, like after a burst.
    """
    capacity = np.maximum(fits.resident, 1.0)
    low, high = np.full_like(capacity, 1e-2), capacity
    for _ in range(ROUNDS):
        batch = np.sqrt(low * high)
        slow = steady(replica=replica, load=load, batch=batch).rate < client.rate
        low, high = np.where(slow, batch, low), np.where(slow, high, batch)
    point = steady(replica=replica, load=load, batch=high)
    drained = burst(replica=replica, load=load, client=client, fits=fits)
    late = point.rate < 0.98 * client.rate
    ttft = point.prefill_s + 0.5 * point.step_s + replica.engine.request_s
    rate = point.rate * load.osl * client.replicas
    return Measured(
        ttft_s=np.where(late, drained.ttft_s, ttft),
        tpot_s=np.where(late, drained.tpot_s, point.tpot_s),
        output_tokens_per_s=np.where(late & np.isfinite(client.requests), drained.output_tokens_per_s, rate),
        batch=high,
    )


def pools(
    *,
    prefill_replica: Replica,
    prefill_workers: FloatArray,
    decode_replica: Replica,
    decode_workers: FloatArray,
    load: Load,
    client: Client,
    fits: Memory,
) -> Measured:
    """Measure a closed loop over a prefill and a decode pool."""
    prefill = prefill_pool(replica=prefill_replica, load=load)
    handed = transfer_s(replica=prefill_replica, load=load)
    pool, rate = closed_pools(
        prefill=prefill,
        prefill_workers=prefill_workers,
        decode_replica=decode_replica,
        decode_workers=decode_workers,
        load=load,
        concurrency=client.concurrency,
        capacity=np.maximum(fits.capacity, 1.0),
        handed_s=handed,
    )
    busy = np.clip(rate / (prefill.rate * prefill_workers), 0.0, 0.97)
    each = np.maximum(client.concurrency / prefill_workers, 1.0)
    wave = client.wave * prefill.prompt_s * (np.sqrt(each) - 1.0)
    wait = busy * prefill.prompt_s / (2.0 * (1.0 - busy)) + wave
    held = pool.batch * decode_workers + rate * (prefill.prompt_s + handed)
    queued = np.maximum(client.concurrency - held, 0.0) / rate
    return Measured(
        ttft_s=prefill.prompt_s + handed + decode_replica.engine.request_s + np.maximum(wait, queued),
        tpot_s=pool.tpot_s,
        output_tokens_per_s=rate * load.osl,
        batch=pool.batch,
    )


def single_pool(*, replica: Replica, load: Load, client: Client, prefill: BoolArray) -> Measured:
    """Measure a prefill or a decode pool alone: input tokens/s of the one, output tokens/s of the other."""
    first = prefill_pool(replica=replica, load=load)
    second = decode_pool(replica=replica, load=load, batch=np.maximum(client.concurrency, 1.0))
    handed = transfer_s(replica=replica, load=load)
    return Measured(
        ttft_s=first.prompt_s + handed + replica.engine.request_s,
        tpot_s=second.tpot_s,
        output_tokens_per_s=np.where(prefill, first.rate * load.isl, second.batch / second.tpot_s)
        * client.replicas,
        batch=second.batch,
    )
