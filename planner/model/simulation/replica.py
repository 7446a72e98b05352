"""One replica with continuous batching, simulated step by step.

Steps that are all alike are taken at once: a run of decode steps ends where a sequence finishes or a prompt
arrives, a run of full chunks where the prompt or a sequence ends. That changes no result: within such a run,
the time of a step grows only with the context, which has a closed form.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Literal

import numpy as np

from planner.errors import InputError
from planner.model.simulation.requests import Requests
from planner.model.simulation.result import Simulated
from planner.model.step_times import StepTimes
from planner.types import BoolArray

__all__ = ["Scheduler", "simulate"]


@dataclass(frozen=True)
class Scheduler:
    """How a replica fills its steps.

    Attributes
    ----------
    kind
        ``mixed``: a chunk of prefill rides with the decode step (chunked prefill). ``prefill-first``: while a
        prompt waits and has a slot, steps carry prefill only and decoding stands still.
    chunk
        Tokens that a step may carry; with ``mixed``, decoding sequences take one each of them.
    max_batch
        Requests in prefill or decode at most.
    kv_tokens
        Tokens of keys and values that fit.
    reserve
        Share of the output for which a request reserves room when it is admitted.
    """

    kind: Literal["mixed", "prefill-first"]
    chunk: int
    max_batch: int
    kv_tokens: float = math.inf
    reserve: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("mixed", "prefill-first"):
            raise InputError(f"scheduler: unknown kind {self.kind!r}; mixed or prefill-first")
        if self.chunk < 1 or self.max_batch < 1:
            raise InputError("scheduler: chunk and max_batch must be at least 1")
        if not 0.0 <= self.reserve <= 1.0:
            raise InputError("scheduler: reserve is a share of the output, from 0 to 1")


def simulate(
    *, requests: Requests, steps: StepTimes, scheduler: Scheduler, warm_up: float = 0.1, drain: float = 0.02
) -> Simulated:
    """Serve all requests on one replica, first come first served.

    Parameters
    ----------
    steps
        Step times of one replica, ``R = 1``.
    warm_up, drain
        Share of the requests, by order of arrival, left out of the measures at the start and at the end.

    Raises
    ------
    InputError
        If a request can never be admitted, or nothing is left to measure.
    """
    if steps.seconds.shape[0] != 1:
        raise InputError("simulation: step times of one replica are needed; take a row")
    need = requests.new + requests.cached + scheduler.reserve * requests.output
    if need.max() > scheduler.kv_tokens:
        raise InputError(
            f"simulation: request {int(need.argmax())} needs {need.max():.0f} tokens of keys and values, "
            f"but {scheduler.kv_tokens:.0f} fit; shorten it or give the replica more memory"
        )
    replica = _Replica(requests, steps, scheduler)
    replica.run()
    n = requests.arrival_s.size
    kept = np.zeros(n, bool)
    kept[int(warm_up * n) : n - int(drain * n)] = True
    if not kept.any():
        raise InputError("simulation: warm-up and drain leave no request; simulate more")
    return replica.measured(kept)


class _Replica:
    """State of a simulation; times in seconds, decode steps counted since the start."""

    def __init__(self, requests: Requests, steps: StepTimes, scheduler: Scheduler) -> None:
        self.new = requests.new.tolist()
        self.cached = requests.cached.tolist()
        self.output = requests.output.tolist()
        self.think = requests.arrival_s.tolist()
        self.closed = requests.clients > 0
        first = min(requests.clients, len(self.think)) if self.closed else len(self.think)
        self.coming = [(self.think[i], i) for i in range(first)]
        heapify(self.coming)
        self.next_sent = first
        self.scheduler = scheduler
        self.mixed = scheduler.kind == "mixed"
        self.step = _Step(steps)
        self.waiting: deque[int] = deque()
        self.head = -1  # the prompt of which a part is computed
        self.left = 0
        self.decoding: list[tuple[int, int]] = []  # (decode step after which it ends, request)
        self.slots = scheduler.max_batch
        self.room = scheduler.kv_tokens
        self.now = self.busy = self.sequence_s = 0.0
        self.decoded = 0
        self.context = 0
        self.last_decode = 0.0
        self.paused = False  # prefill steps have run since the last decode step
        self.joined: list[float] = []  # ends of the prompts that they have completed
        n = len(self.new)
        self.arrived, self.first, self.end = [0.0] * n, [0.0] * n, [0.0] * n
        self.gaps: list[tuple[float, int]] = []

    def run(self) -> None:
        """Serve until no request is left."""
        coming, waiting = self.coming, self.waiting
        while True:
            while coming and coming[0][0] <= self.now:
                at, i = heappop(coming)
                self.arrived[i] = at
                waiting.append(i)
            if self.head >= 0 or (waiting and self.admissible(waiting[0])):
                self.prefill()
            elif self.decoding:
                self.decode()
            elif coming:
                self.now = coming[0][0]
            else:
                return

    def admissible(self, i: int) -> bool:
        return self.slots > 0 and self.need(i) <= self.room

    def need(self, i: int) -> float:
        return float(self.new[i] + self.cached[i] + self.scheduler.reserve * self.output[i])

    def prefill(self) -> None:
        """One step with a chunk of prefill, or a run of them while one prompt fills them whole."""
        batch = len(self.decoding) if self.mixed else 0
        budget = max(self.scheduler.chunk - batch, 1)
        if self.left >= 2 * budget:
            self.full_chunks(batch, budget)
            return
        tokens, pairs, done = 0, 0.0, []
        while True:
            if self.head < 0:
                if not self.waiting or not self.admissible(self.waiting[0]):
                    break
                self.admit(self.waiting.popleft())
            part = min(self.left, budget - tokens)
            tokens += part
            pairs += part * (self.new[self.head] + self.cached[self.head] - self.left + 0.5 * part)
            self.left -= part
            if self.left:
                break
            done.append(self.head)
            self.head = -1
            if tokens == budget:
                break
        if tokens:
            # A step that only computes prompts reads no context of those that wait to decode.
            context = self.context if batch else 0
            self.advance(self.step.seconds(batch, tokens, context, pairs), batch)
        for i in done:
            self.first[i] = self.now
            self.join(i)

    def admit(self, i: int) -> None:
        self.head, self.left = i, self.new[i]
        self.slots -= 1
        self.room -= self.need(i)

    def full_chunks(self, batch: int, budget: int) -> None:
        """Chunks that the head prompt fills whole: nothing can change before it or a sequence ends."""
        i = self.head
        count = self.left // budget - 1
        if batch:
            count = min(count, self.decoding[0][0] - self.decoded)
        past = self.new[i] + self.cached[i] - self.left
        pairs = budget * (past + 0.5 * budget * count)  # mean of the run
        context = self.context + 0.5 * batch * (count - 1) if batch else 0
        self.left -= count * budget
        self.advance(self.step.seconds(batch, budget, context, pairs), batch, count)

    def decode(self) -> None:
        """Decode until a sequence ends or, where a prompt could be admitted, until one arrives."""
        batch = len(self.decoding)
        count = self.decoding[0][0] - self.decoded
        first = self.step.seconds(batch, 0, self.context, 0.0)
        growth = self.step.context_s * batch
        if self.coming and not self.waiting:
            until = self.coming[0][0] - self.now
            count = min(count, max(_steps_until(until, first, growth), 1))
        self.advance(first + 0.5 * growth * (count - 1), batch, count)

    def advance(self, seconds: float, batch: int, count: int = 1) -> None:
        """Let `count` steps pass that take `seconds` each on average, and end the sequences that are done."""
        self.now += seconds * count
        self.busy += seconds * count
        self.sequence_s += len(self.decoding) * seconds * count
        if not batch:
            self.paused = True
            return
        self.decoded += count
        self.context += batch * count
        if self.paused:
            self.stalled(self.now - seconds * (count - 1), batch)
            count -= 1
        if count:
            self.gaps.append((seconds, batch * count))
        self.last_decode = self.now
        while self.decoding and self.decoding[0][0] <= self.decoded:
            self.leave(heappop(self.decoding)[1])

    def stalled(self, end: float, batch: int) -> None:
        """Gaps of a decode step after prefill steps: the older sequences have waited longer than the new."""
        if batch > len(self.joined):
            self.gaps.append((end - self.last_decode, batch - len(self.joined)))
        self.gaps.extend((end - since, 1) for since in self.joined)
        self.joined.clear()
        self.paused = False

    def join(self, i: int) -> None:
        """Start decoding after the first token."""
        if self.output[i] == 1:
            self.leave(i)
            return
        heappush(self.decoding, (self.decoded + self.output[i] - 1, i))
        self.context += self.new[i] + self.cached[i] + 1
        if self.paused:
            self.joined.append(self.now)

    def leave(self, i: int) -> None:
        self.end[i] = self.now
        self.slots += 1
        self.room += self.need(i)
        if self.output[i] > 1:
            self.context -= self.new[i] + self.cached[i] + self.output[i]
        if self.closed and self.next_sent < len(self.think):
            heappush(self.coming, (self.now + self.think[self.next_sent], self.next_sent))
            self.next_sent += 1

    def measured(self, kept: BoolArray) -> Simulated:
        """Measures of the requests marked in `kept`."""
        arrived, first, end = (np.array(x)[kept] for x in (self.arrived, self.first, self.end))
        tokens = np.array(self.output)[kept] - 1.0
        gaps = np.array(self.gaps).reshape(-1, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            tpot = np.where(tokens > 0.0, (end - first) / tokens, np.nan)
        order = np.argsort(arrived, kind="stable")
        return Simulated(
            arrival_s=arrived[order],
            ttft_s=(first - arrived)[order],
            tpot_s=tpot[order],
            e2e_s=(end - arrived)[order],
            gap_s=gaps[:, 0],
            gap_tokens=gaps[:, 1],
            batch=self.sequence_s / self.now if self.now else 0.0,
            busy=self.busy / self.now if self.now else 0.0,
            output_tokens_per_s=sum(self.output) / self.now if self.now else math.inf,
            requests_per_s=len(self.output) / self.now if self.now else math.inf,
        )


class _Step:
    """Step times of one replica as plain numbers, which a loop reads faster than arrays."""

    def __init__(self, steps: StepTimes) -> None:
        self.batch, self.tokens = steps.batch.tolist(), steps.tokens.tolist()
        self.table = steps.seconds[0].tolist()
        self.context_s, self.pair_s = float(steps.context_s[0]), float(steps.pair_s[0])
        self.mean_context, self.mean_past = float(steps.context[0]), float(steps.past[0])

    def seconds(self, batch: int, tokens: int, context: float, pairs: float) -> float:
        """Seconds of a step; `context` of all sequences, `pairs` of prefill tokens and those before them."""
        table = self.table_s(batch, tokens)
        if batch > self.batch[-1] or tokens > self.tokens[-1]:
            table = max(table, self.table_s(min(batch, self.batch[-1]), min(tokens, self.tokens[-1])))
        grown = self.context_s * (context - batch * self.mean_context)
        return table + grown + self.pair_s * (pairs - tokens * self.mean_past)

    def table_s(self, batch: float, tokens: float) -> float:
        i, x = self.cell(self.batch, batch)
        j, y = self.cell(self.tokens, tokens)
        low, high = self.table[i], self.table[i + 1]
        at_low: float = low[j] + (low[j + 1] - low[j]) * y
        at_high: float = high[j] + (high[j + 1] - high[j]) * y
        return at_low + (at_high - at_low) * x

    @staticmethod
    def cell(grid: list[float], at: float) -> tuple[int, float]:
        i = min(max(bisect_right(grid, at) - 1, 0), len(grid) - 2)
        return i, (at - grid[i]) / (grid[i + 1] - grid[i])


def _steps_until(seconds: float, first: float, growth: float) -> int:
    """Return how many steps begin before `seconds` have passed, where step k takes ``first + growth * k``."""
    half = 0.5 * growth
    if half * seconds <= 1e-9 * first * first:
        return math.ceil(seconds / first) if first > 0.0 else 1
    linear = first - half
    return math.ceil((math.sqrt(linear * linear + 4.0 * half * seconds) - linear) / (2.0 * half))
