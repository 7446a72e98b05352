"""The operating point of a replica: how many requests decode, and how prompts queue beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from planner.model.queueing.chunks import ChunkQueue, chunk_queue
from planner.model.queueing.lengths import Lengths
from planner.model.queueing.step_chain import Prefill, StepLaw, solve_steps
from planner.model.step_times import StepTimes
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Demand", "Point", "Serving", "operating_point"]

_CELLS: Final = 12
_COARSE: Final = 6
"""Cells of a chunk, in the answer and while the fixed point is sought."""
_MOST: Final = 0.999
_NO_LIMIT: Final = 1e6
_ROUNDS: Final = 12
_CLOSE: Final = 2e-3
_LONG: Final = 0.99


@dataclass(frozen=True, eq=False)
class Serving:
    """How each replica serves, ``[R]``.

    Attributes
    ----------
    steps
        Step times of R replicas, or of one for all rows.
    mixed
        Prompts ride in decode steps; else they stop decoding (prefill first).
    chunk
        Tokens of a step; in mixed steps, decoding sequences take one each of them.
    places
        Requests that a replica can hold, by batch or memory; infinite for no limit.
    accepted
        Tokens that a decode step yields per sequence (speculation).
    place_cv2
        Squared cv of the memory that requests hold, where that limits `places`; 0 where slots do; ``[R]`` or
        ``[1]``.
    """

    steps: StepTimes
    mixed: BoolArray
    chunk: FloatArray
    places: FloatArray
    accepted: FloatArray
    place_cv2: FloatArray = field(default_factory=lambda: np.zeros(1))

    def part(self, rows: slice | IntArray) -> Serving:
        """Rows of a part."""
        return Serving(
            self.steps.part(rows), self.mixed[rows], self.chunk[rows], self.places[rows], self.accepted[rows],
            self.place_cv2 if self.place_cv2.size == 1 else self.place_cv2[rows],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Demand:
    """What arrives at a group of like replicas, ``[R]``.

    Attributes
    ----------
    rate
        Requests per second of one replica.
    prompt, output
        Prompt tokens to compute and output tokens.
    cached
        Prompt tokens that need not be computed.
    arrival_cv
        Coefficient of variation of the gaps between arrivals of the whole group; 1 is Poisson.
    replicas
        Replicas that share the arrivals.
    least_loaded
        Each request goes to the replica with the least work before it; else to a random one.
    """

    rate: FloatArray
    prompt: Lengths
    output: Lengths
    cached: FloatArray
    arrival_cv: FloatArray
    replicas: FloatArray
    least_loaded: BoolArray

    def part(self, rows: slice | IntArray) -> Demand:
        """Rows of a part."""
        return Demand(
            self.rate[rows], self.prompt.rows(rows), self.output.rows(rows), self.cached[rows],
            self.arrival_cv[rows], self.replicas[rows], self.least_loaded[rows],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Point:
    """Where a replica settles, ``[R]``."""

    rate: FloatArray
    batch: FloatArray  # sequences of a decode step
    first_s: FloatArray  # decode step of few sequences
    decode_s: FloatArray  # decode step of `batch`
    full_s: FloatArray  # step full of prompt tokens
    prefill_share: FloatArray  # of the time, taken by prompts
    service_s: FloatArray  # of each prompt point in full steps, [R, J]
    queue: ChunkQueue


def operating_point(*, serving: Serving, demand: Demand, rate: FloatArray, output_steps: FloatArray) -> Point:
    """Find the fixed point of batch and prefill share.

    Parameters
    ----------
    rate
        Requests per second, below what the replica sustains, ``[R]``.
    output_steps
        Mean decode steps of a request.
    """
    few = serving.steps.at(batch=np.zeros_like(rate), tokens=np.zeros_like(rate))
    share = np.minimum(rate * demand.prompt.mean / serving.chunk * _alone(serving, few), _MOST)
    flow = rate * output_steps
    batch = _linear_batch(serving, few, flow, share)
    state = _State(serving, demand, rate, flow, few, np.minimum(serving.places, _NO_LIMIT))
    batch = _settle(state, batch)
    return _point(state, batch)


@dataclass(frozen=True, eq=False)
class _State:
    """What the fixed point of each row depends on."""

    serving: Serving
    demand: Demand
    rate: FloatArray
    flow: FloatArray  # decode steps per second, of all sequences
    few: FloatArray
    limit: FloatArray

    def part(self, rows: IntArray) -> _State:
        return _State(
            self.serving.part(rows), self.demand.part(rows), self.rate[rows], self.flow[rows], self.few[rows],
            self.limit[rows],
        )  # fmt: skip


def _settle(state: _State, batch: FloatArray) -> FloatArray:
    """Solve ``b = flow V(b) / (1 - rho(b))`` by secants, row by row until each stands still."""
    batch = batch.copy()
    active = np.arange(batch.size)
    now = np.maximum(batch, 1e-9)
    gap = _excess(state, now)
    before, gap_before = now, gap
    after = np.minimum(now + gap, state.limit)
    for _ in range(_ROUNDS):
        batch[active] = after
        moving = np.abs(after - now) > _CLOSE * after
        if not moving.any():
            break
        active, state = active[moving], state.part(np.flatnonzero(moving))
        before, gap_before, now = now[moving], gap[moving], after[moving]
        gap = _excess(state, now)
        slope = (gap - gap_before) / np.where(now == before, 1.0, now - before)
        step = np.where(slope < -1e-6, -gap / np.minimum(slope, -1e-6), gap)
        after = np.clip(now + step, 0.2 * now, np.minimum(5.0 * now, state.limit))
    return batch


def _excess(state: _State, batch: FloatArray) -> FloatArray:
    """Batch that the prompts beside `batch` leave the replica with, less `batch`."""
    prefill = _prefill(state, batch, _COARSE)
    taken = _taken(state, prefill, solve_steps(prefill)[0])
    return np.minimum(state.flow * prefill.idle_s / (1.0 - taken), state.limit) - batch


def _point(state: _State, batch: FloatArray) -> Point:
    prefill = _prefill(state, batch, _CELLS)
    queue = chunk_queue(prefill)
    taken = _taken(state, prefill, queue.law)
    return Point(
        rate=state.rate, batch=batch, first_s=state.few, decode_s=prefill.idle_s,
        full_s=prefill.step_s[:, -1], prefill_share=taken, service_s=prefill.service_s, queue=queue,
    )  # fmt: skip


def _taken(state: _State, prefill: Prefill, law: StepLaw) -> FloatArray:
    """Share of the time that prompts take."""
    riding = np.minimum(prefill.idle_s / law.step_s, 1.0)
    return np.clip(1.0 - np.where(state.serving.mixed, riding, law.idle_share), 0.0, _MOST)


def _prefill(state: _State, batch: FloatArray, cells: int) -> Prefill:
    """Prompts and steps beside `batch` sequences."""
    serving, demand = state.serving, state.demand
    steps, prompt, mixed = serving.steps, demand.prompt, serving.mixed
    decode = steps.at(batch=batch, tokens=np.zeros_like(batch))
    beside = np.where(mixed, batch, 0.0)
    room = np.where(mixed, np.maximum(serving.chunk - batch, 1.0), serving.chunk)
    room = np.minimum(room, _reached(state, decode, beside, room))
    tokens = room[:, None] * np.linspace(0.0, 1.0, cells + 1)
    step = steps.at(batch=np.broadcast_to(beside[:, None], tokens.shape), tokens=tokens)
    before = demand.cached[:, None] + 0.5 * prompt.points - steps.past[:, None]
    extra = steps.pair_s[:, None] * prompt.points * before
    return Prefill(
        rate=state.rate,
        prompt=prompt,
        service_s=np.maximum(prompt.points * (step[:, -1] / room)[:, None] + extra, 0.0),
        chunk=room,
        idle_s=decode,
        step_s=step,
    )


def _alone(serving: Serving, few: FloatArray) -> FloatArray:
    """Seconds that a full chunk adds, without decoding sequences."""
    full = serving.steps.at(batch=np.zeros_like(few), tokens=serving.chunk)
    return full - np.where(serving.mixed, few, 0.0)


def _linear_batch(serving: Serving, few: FloatArray, flow: FloatArray, share: FloatArray) -> FloatArray:
    """Batch at a given prefill share, decode steps taken as linear in it."""
    limit = np.minimum(serving.places, _NO_LIMIT)
    busy = flow / (1.0 - share)
    guess = np.minimum(np.maximum(busy * few, 1.0), limit)
    slope = (serving.steps.at(batch=guess, tokens=np.zeros_like(guess)) - few) / guess
    left = np.maximum(1.0 - busy * slope, 0.05)
    return np.minimum(busy * few / left, limit)


def _reached(state: _State, decode: FloatArray, beside: FloatArray, room: FloatArray) -> FloatArray:
    """Tokens that steps hardly ever exceed, so that a larger chunk makes no difference.

    Of a queue without limit to its steps, five standard deviations above the mean, and a long prompt. Cells
    of a chunk resolve prompts better the closer it is to what is used of it.
    """
    prompt, steps = state.demand.prompt, state.serving.steps
    few = steps.at(batch=beside, tokens=np.zeros_like(beside))
    token_s = np.maximum(steps.at(batch=beside, tokens=room) - few, 0.0) / room
    load = np.minimum(state.rate * prompt.mean * token_s, _MOST)
    span = np.maximum(decode, few) / (1.0 - load)
    square = prompt.square
    vary = state.rate * span * square * (1.0 + load**2 / (1.0 - load**2))
    longest = (np.cumsum(prompt.weights, axis=1) < _LONG).sum(axis=1)
    longest = np.minimum(longest, prompt.points.shape[1] - 1)
    long = prompt.points[np.arange(prompt.points.shape[0]), longest]
    return np.asarray(state.rate * prompt.mean * span + 5.0 * np.sqrt(vary) + long)
