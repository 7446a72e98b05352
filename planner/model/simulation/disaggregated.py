"""A unit of prefill workers and decode replicas, simulated request by request."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from planner.errors import InputError
from planner.model.simulation.replica import Scheduler, simulate
from planner.model.simulation.requests import Requests
from planner.model.simulation.result import Simulated
from planner.model.step_times import StepTimes
from planner.types import FloatArray, IntArray

__all__ = ["Pools", "simulate_pools"]


@dataclass(frozen=True)
class Pools:
    """A prefill pool and a decode pool that serve one stream of requests.

    Attributes
    ----------
    workers
        Prefill workers; the next prompts go to the first that is free.
    chunk
        Prompt tokens of a prefill pass: short prompts share one, a long prompt takes several.
    replicas
        Decode replicas; requests go to them in turn.
    max_batch, kv_tokens
        Of one decode replica.
    transfer_s, transfer_token_s
        Hand-over of keys and values: seconds per request and per prompt token.
    """

    workers: int
    chunk: int
    replicas: int
    max_batch: int
    kv_tokens: float = math.inf
    transfer_s: float = 0.0
    transfer_token_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.workers, self.chunk, self.replicas, self.max_batch) < 1:
            raise InputError("pools: workers, chunk, replicas and max_batch must be at least 1")
        if self.transfer_s < 0.0 or self.transfer_token_s < 0.0:
            raise InputError("pools: transfer times must not be negative")


def simulate_pools(
    *,
    requests: Requests,
    prefill: StepTimes,
    decode: StepTimes,
    pools: Pools,
    warm_up: float = 0.1,
    drain: float = 0.02,
) -> Simulated:
    """Serve open arrivals on separate pools; the prefill pool makes the first token and hands it over.

    The time to the first token ends with the prefill; the time per token holds the transfer and the wait for
    a slot.

    Raises
    ------
    InputError
        For a closed loop, whose arrivals depend on the decode pool, and as `simulate`.
    """
    if requests.clients:
        raise InputError("simulation of pools: open arrivals are needed, not a closed loop")
    first = _prefill_ends(requests, prefill, pools)
    ready = first + pools.transfer_s + pools.transfer_token_s * (requests.new + requests.cached)
    n = first.size
    order = np.argsort(ready, kind="stable")
    end, parts = ready.copy(), []
    for k in range(min(pools.replicas, n)):
        mine = order[k :: pools.replicas]
        part, ends = _decode_part(requests, ready, mine, decode, pools)
        end[mine] = ends
        parts.append(part)
    end = np.where(requests.output == 1, first, end)
    kept = slice(int(warm_up * n), n - int(drain * n))
    tokens = requests.output[kept] - 1.0
    if not tokens.size:
        raise InputError("simulation: warm-up and drain leave no request; simulate more")
    with np.errstate(invalid="ignore", divide="ignore"):
        tpot = np.where(tokens > 0.0, (end - first)[kept] / tokens, np.nan)
    span = float(end.max())
    return Simulated(
        arrival_s=requests.arrival_s[kept],
        ttft_s=(first - requests.arrival_s)[kept],
        tpot_s=tpot,
        e2e_s=(end - requests.arrival_s)[kept],
        gap_s=np.concatenate([p.gap_s for p in parts]),
        gap_tokens=np.concatenate([p.gap_tokens for p in parts]),
        batch=float(np.mean([p.batch for p in parts])),
        busy=float(np.mean([p.busy for p in parts])),
        output_tokens_per_s=float(requests.output.sum()) / span if span else math.inf,
        requests_per_s=n / span if span else math.inf,
    )


def _prefill_ends(requests: Requests, prefill: StepTimes, pools: Pools) -> FloatArray:
    """When each request's prompt is computed: passes of up to a chunk on the first free worker.

    A prompt that does not fit into what is left of a pass goes on in the worker's next one; passes that one
    prompt fills are taken together.
    """
    grid_s = prefill.row(0)
    arrival, new = requests.arrival_s.tolist(), requests.new.tolist()
    past = requests.cached.tolist()
    workers = [(0.0, worker) for worker in range(pools.workers)]
    begun: dict[int, tuple[int, int]] = {}  # of a worker: the request, and its tokens that are done
    ends = np.empty(len(new))
    i = 0
    while i < len(new) or begun:
        free, worker = heappop(workers)
        if worker not in begun and i == len(new):
            continue
        start = free if worker in begun else max(free, arrival[i])
        tokens, pairs, finished = 0, 0.0, []
        while tokens < pools.chunk:
            if worker in begun:
                k, done = begun.pop(worker)
            elif i < len(new) and arrival[i] <= start:
                k, done, i = i, 0, i + 1
            else:
                break
            rest, room = new[k] - done, pools.chunk - tokens
            taken = rest - rest % room if tokens == 0 and rest > room else min(rest, room)
            pairs += taken * (past[k] + done + 0.5 * taken)
            tokens += taken
            if done + taken < new[k]:
                begun[worker] = (k, done + taken)
            else:
                finished.append(k)
        end = start + _passes_s(grid_s, tokens, pairs, pools.chunk)
        ends[finished] = end
        heappush(workers, (end, worker))
    return ends


def _passes_s(steps: StepTimes, tokens: int, pairs: float, chunk: int) -> float:
    """Seconds of a pass over `tokens`, or of several that are full."""
    if tokens == 0:
        return 0.0
    size, passes = min(tokens, chunk), max(tokens // chunk, 1)
    plain = steps.at(batch=np.zeros((1, 1)), tokens=np.full((1, 1), float(size)))[0, 0]
    return float(passes * plain + steps.pair_s[0] * (pairs - tokens * steps.past[0]))


def _decode_part(
    requests: Requests, ready: FloatArray, mine: IntArray, decode: StepTimes, pools: Pools
) -> tuple[Simulated, FloatArray]:
    """Decode the requests `mine` on one replica; when each of them ends."""
    joins = replace(
        requests,
        new=np.zeros(mine.size, np.int64),
        cached=(requests.new + requests.cached)[mine],
        output=requests.output[mine],
        arrival_s=ready[mine],
    )
    scheduler = Scheduler("prefill-first", 1, pools.max_batch, pools.kv_tokens)
    part = simulate(requests=joins, steps=decode, scheduler=scheduler, warm_up=0.0, drain=0.0)
    return part, part.arrival_s + part.e2e_s
