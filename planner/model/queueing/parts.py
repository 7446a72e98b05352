"""What the latencies of a replica are made of: queue of prompts, own prefill, slots, decoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.queueing.capacity import largest_rate
from planner.model.queueing.decoding import DecodeLaw, decode_law
from planner.model.queueing.formulas import erlang_c
from planner.model.queueing.lengths import Lengths
from planner.model.queueing.operating import Demand, Point, Serving, operating_point
from planner.model.queueing.slots import Slots, slots, stall_spread
from planner.types import FloatArray

__all__ = ["Parts", "further_tokens", "latency_parts"]

_FULL: Final = 1.0 - 1e-6
"""Share of the largest rate beyond which parts are those at that share."""
_RARELY: Final = 1e-3
"""Chance of no free slot below which decoding does not notice."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of the latencies of each row, ``[R]``."""

    largest_rate: FloatArray
    steps: Lengths  # decode steps
    point: Point
    waits: FloatArray  # share of the waits for prompts that pooling leaves
    wait_scale: FloatArray  # factor on their length: pooling, arrivals that are not Poisson
    rest_s: FloatArray  # G + H, what the bounds of steps add
    first_s: FloatArray  # mean time to the first token but for slots
    decoding: DecodeLaw
    decode_s: FloatArray  # mean time from the first to the last token
    slot: Slots


@dataclass(frozen=True, eq=False)
class _Pool:
    """How replicas share arrivals, ``[R]``."""

    size: FloatArray  # replicas that work as one; 1 under random routing
    arrival_cv: FloatArray  # of what such a group sees


def latency_parts(*, serving: Serving, demand: Demand) -> Parts:
    """Solve for the operating point of each row and the parts of its latencies."""
    past_first = further_tokens(demand.output)
    steps = demand.output.mapped(past_first / serving.accepted[:, None])
    most = largest_rate(
        steps=serving.steps, mixed=serving.mixed, chunk=serving.chunk, places=serving.places,
        prompt=demand.prompt, output_steps=steps.mean,
    )  # fmt: skip
    rate = np.minimum(demand.rate, most * _FULL)
    point = operating_point(serving=serving, demand=demand, rate=rate, output_steps=steps.mean)
    pool = _pool(demand)
    waits, scale = _shared_wait(point, pool)
    queue = point.queue
    lone = 0.5 * np.exp(-np.minimum(point.batch, 700.0)) * point.decode_s * (1.0 - queue.load)
    bursts = (pool.arrival_cv**2 + queue.service_cv2) / (1.0 + queue.service_cv2)
    others = queue.residual_s + queue.finish_s - queue.lone_s
    others = others * bursts * np.where(pool.size > 1.0, np.minimum(waits, 1.0), 1.0)
    rest = queue.lone_s + others
    rest = np.maximum(rest - lone, 0.0)
    first = waits * scale * queue.wait_s + queue.service_s + rest
    spread = stall_spread(
        prefill_share=point.prefill_share, service_cv2=queue.service_cv2, lesser_of_two=steps.lesser_of_two,
        arrival_cv=pool.arrival_cv,
    )  # fmt: skip
    relaxation = 0.5 * queue.service_s * (pool.arrival_cv**2 + queue.service_cv2) / (1.0 - queue.load)
    deviation = np.sqrt(spread * point.batch)

    def decoding(short: FloatArray) -> DecodeLaw:
        return decode_law(
            point=point, mixed=serving.mixed, output_steps=steps.points, tail_s=relaxation, first_s=first,
            batch_deviation=deviation, short=short,
            short_step_s=np.minimum(serving.places, 1e9) / np.maximum(most * steps.mean, 1e-9),
        )  # fmt: skip

    law = decoding(np.zeros_like(rate))
    decode = (law.average_s * steps.weights).sum(axis=1)
    slot = _slot(serving, point, steps, pool, rate / most, spread, decode)
    short = np.where(slot.short > _RARELY, slot.short, 0.0)
    if np.any(short > 0.0):
        law = decoding(short)
        decode = (law.average_s * steps.weights).sum(axis=1)
    return Parts(
        largest_rate=most,
        steps=steps,
        point=point,
        waits=waits,
        wait_scale=scale,
        rest_s=rest,
        first_s=first,
        decoding=law,
        decode_s=decode,
        slot=slot,
    )


def further_tokens(output: Lengths) -> FloatArray:
    """Tokens after the first by points of the output, whole ones, ``[R, J]`` or ``[1, J]``."""
    tokens: FloatArray = np.maximum(np.rint(output.points) - 1.0, 0.0)
    return tokens


def _pool(demand: Demand) -> _Pool:
    """Random routing thins the arrivals of each replica towards Poisson; the least loaded work as one."""
    k = np.maximum(demand.replicas, 1.0)
    thinned = 1.0 + (demand.arrival_cv**2 - 1.0) / k
    cv2 = np.where(demand.least_loaded, demand.arrival_cv**2, thinned)
    return _Pool(np.where(demand.least_loaded, k, 1.0), np.sqrt(cv2))


def _shared_wait(point: Point, pool: _Pool) -> tuple[FloatArray, FloatArray]:
    """Share of the waits of M/G/1 that is left or added, and the factor on their length.

    Arrivals that come in bursts wait more often and longer, even ones less, as in GI/M/1 with gamma gaps, to
    which the two powers of the load are fitted. Replicas that work as one wait as M/G/k.
    """
    load = np.maximum(point.queue.load, 1e-9)
    square, cv2 = point.queue.service_cv2, pool.arrival_cv**2
    waits = 1.0 - (1.0 - load) * (2.0 / (1.0 + cv2)) ** (load**0.35)
    longer = np.maximum(1.0 + (cv2 - 1.0) * load**-0.6 / (1.0 + square), 0.02)
    waits = np.where(cv2 == 1.0, 1.0, np.maximum(waits, 1e-3) / load)
    scale = longer / waits / pool.size
    if np.any(pool.size > 1.0):
        kept = erlang_c(servers=pool.size, offered=pool.size * load) / load
        waits = np.where(pool.size > 1.0, np.minimum(kept, 1.0) * waits, waits)
    return waits, scale


def _slot(
    serving: Serving,
    point: Point,
    steps: Lengths,
    pool: _Pool,
    load: FloatArray,
    spread: FloatArray,
    decode_s: FloatArray,
) -> Slots:
    """Wait for a slot, of all pooled replicas together."""
    held = np.where(np.isfinite(serving.places), serving.places, np.maximum(point.batch, 1.0))
    last = serving.steps.at(batch=held, tokens=np.zeros_like(held))
    # arrivals see the mean over time, in which crowded times count more than in the mean over steps
    crowd = np.maximum(point.rate * decode_s / np.maximum(point.batch, 1e-9), 1.0)
    flow = point.rate * steps.mean / (1.0 - point.prefill_share)
    each = point.prefill_share / np.maximum(point.rate, 1e-300)
    work = load / point.rate
    varied = each**2 * point.queue.service_cv2 + steps.cv2 * (steps.mean * last / held) ** 2
    found = slots(
        offered=flow * point.first_s * crowd * pool.size, growth=flow * (last - point.first_s) / held,
        places=serving.places * pool.size, load=load, spread=spread * (1.0 + serving.place_cv2),
        work_s=work, work_cv2=varied / work**2, prompt_wait_s=point.queue.wait_s, arrival_cv=pool.arrival_cv,
    )  # fmt: skip
    return Slots(found.short, found.wait_s / pool.size)
