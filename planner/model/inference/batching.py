"""Continuous batching in steady state: prompts and decoding share the steps of a replica.

With ``b`` sequences decoding, every finished request is replaced by a new one, so that each step owes
``p = b I' / ((O - 1)/a)`` prompt tokens (``I'`` tokens of a prompt are not cached, a step yields ``a`` tokens
per sequence). Prompts run in chunks of ``q`` tokens in a share ``f`` of the steps. The mean step ``T`` and
the request rate ``X`` follow directly from ``b``; the concurrency follows by Little's law, so that a sweep
over ``b`` needs no iteration.

A step of a pipeline is a whole turn: each of its ``pp`` stages passes on ``pp`` micro-batches, which hold
``b / pp`` sequences each and a chunk of prompts of their own. A turn with prompts is taken to have them in
all of its micro-batches; fewer prompts make such turns rarer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.inference.replica import Replica, Work
from planner.model.inference.step import StepTime, step
from planner.tables.serving import Load
from planner.types import FloatArray

__all__ = ["Steady", "closed_loop", "decode_bound", "decode_steps", "prompt_work", "steady"]


@dataclass(frozen=True, eq=False)
class Steady:
    """One operating point of a replica per row; shape ``[R]``."""

    batch: FloatArray  # sequences that decode
    decode_s: FloatArray  # a step without prompts
    mixed_s: FloatArray  # a step with a chunk of prompts
    prompt_s: FloatArray  # the chunk alone
    chunk: FloatArray  # prompt tokens of such a step
    mixed_share: FloatArray  # share of steps that carry prompts
    step_s: FloatArray  # mean
    steps: FloatArray  # of one request's decoding
    rate: FloatArray  # requests per second
    prefill_s: FloatArray  # from the first step of a prompt to its first token, without a queue
    concurrency: FloatArray  # requests in the replica, those in prefill included
    tpot_s: FloatArray
    decode: StepTime
    mixed: StepTime


GATHERED = 0.25
"""Prompts that engines let gather, so that attention ranks compute them side by side, over the sequences that
decode: a rank that computes a prompt alone would hold up all others."""


def decode_steps(*, load: Load, replica: Replica) -> FloatArray:
    """Return the steps between the first and the last token of a request; at least one."""
    return np.maximum(load.osl - 1.0, 1.0) / replica.layout.accepted


def decode_bound(*, replica: Replica, load: Load) -> FloatArray:
    """Largest batch whose prompts fit in the chunks of its steps; more sequences only wait."""
    chunk = replica.engine.chunk * replica.layout.streams
    return chunk * decode_steps(load=load, replica=replica) / np.maximum(load.new, 1.0)


def prompt_work(*, replica: Replica, load: Load, prompt: FloatArray, batch: FloatArray | None = None) -> Work:
    """One step that carries `prompt` tokens beside `batch` decoding sequences.

    A prompt longer than the chunk comes in several; on average half of it is cached before, and more where
    prompts differ in length, since most tokens belong to the long ones.
    """
    new = np.minimum(np.maximum(load.new, 1.0), replica.engine.chunk)
    past = load.cached + 0.5 * np.maximum(load.new - new, 0.0) + load.longer
    decode = np.zeros(1) if batch is None else batch
    return Work(decode=decode, context=load.context, prompt=prompt, new=new, past=past)


def steady(*, replica: Replica, load: Load, batch: FloatArray) -> Steady:
    """Return the operating point at which `batch` sequences decode.

    A mixing engine runs prompts in the decode steps (or beside them, where that is faster); an engine that
    puts prompts first stops decoding for them.
    """
    engine, layout = replica.engine, replica.layout
    steps = decode_steps(load=load, replica=replica)
    new = np.maximum(load.new, 1.0)
    most = engine.chunk * layout.streams
    owed = batch * new / steps
    together = np.clip(GATHERED * batch, layout.pp, layout.streams)
    chunk = np.clip(np.maximum(owed, np.minimum(new, engine.chunk) * together), 1.0, most)
    share = np.minimum(owed / chunk, 1.0)
    none = np.zeros(1)

    def timed(prompt: FloatArray, decoding: FloatArray) -> StepTime:
        work = prompt_work(replica=replica, load=load, prompt=prompt, batch=decoding)
        return step(replica=replica, work=work)

    decode, both, alone = timed(none, batch), timed(chunk, batch), timed(chunk, none)
    apart = decode.total_s + alone.total_s
    mixed = np.where(engine.prefill_first, apart, np.minimum(both.total_s, apart))
    mean = (1.0 - share) * decode.total_s + share * mixed
    passes = np.maximum(new * together / chunk, 1.0)
    prefill = np.where(engine.prefill_first, alone.total_s, mixed) * passes
    rate = np.minimum(batch / (steps * mean), chunk / (new * mean))
    waiting = rate * (prefill + 0.5 * decode.total_s)
    return Steady(
        batch=batch,
        decode_s=decode.total_s,
        mixed_s=mixed,
        prompt_s=alone.total_s,
        chunk=chunk,
        mixed_share=share,
        step_s=mean,
        steps=steps,
        rate=rate,
        prefill_s=prefill,
        concurrency=batch + waiting,
        tpot_s=mean / layout.accepted,
        decode=decode,
        mixed=both,
    )


CLOSED_LOOP_ROUNDS = 3
"""Secant steps, which end within 0.01 % of where 24 of them do."""

LEAST = 1e-3


def closed_loop(*, replica: Replica, load: Load, concurrency: FloatArray, capacity: FloatArray) -> Steady:
    """Return the operating point at which `concurrency` requests are in the replica.

    Parameters
    ----------
    concurrency
        Requests that a closed population keeps in the replica.
    capacity
        Sequences that fit; the others queue.
    """
    inside = np.minimum(concurrency, np.maximum(capacity, 1.0))
    most = np.minimum(inside, np.maximum(decode_bound(replica=replica, load=load), LEAST))

    def at(batch: FloatArray) -> tuple[Steady, FloatArray]:
        point = steady(replica=replica, load=load, batch=batch)
        decoding = point.steps * point.step_s
        goal = inside * decoding / (decoding + point.prefill_s + 0.5 * point.decode_s)
        return point, np.minimum(goal, most) - batch

    earlier = np.maximum(0.9 * most, LEAST)
    _, excess = at(earlier)
    batch = np.clip(earlier + 0.7 * excess, LEAST, most)
    for _ in range(CLOSED_LOOP_ROUNDS):
        before, excess = excess, at(batch)[1]
        change, moved = excess - before, batch - earlier
        flat = np.abs(change) < 1e-12 * np.maximum(np.abs(batch), 1.0)
        step_by = np.where(flat, 0.5 * excess, -excess * moved / np.where(flat, 1.0, change))
        earlier, batch = batch, np.clip(batch + step_by, np.maximum(0.25 * batch, LEAST), most)
    return at(batch)[0]
