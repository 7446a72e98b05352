"""Replicas at a rate, judged by queueing: the batch that settles, and latencies with their percentiles.

Screening (`planner.search.serving.waiting`) takes closed forms; what is returned comes from here. Prefill
replicas are queues whose requests end with their first token, decode replicas such that have no prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from planner.model.inference.batching import steady
from planner.model.inference.disaggregated import prefill_pool, transfer_s
from planner.model.queueing.lengths import Lengths, lognormal_lengths
from planner.model.queueing.operating import Demand, Serving
from planner.model.queueing.steady import MEASURES, steady_state
from planner.model.queueing.steady import Latency as Law
from planner.model.step_times import StepTimes
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL, Columns, Latency, Points
from planner.search.serving.reasons import ASKED, bit, first_missed
from planner.search.serving.replicas import Replicas, of_points
from planner.search.serving.request import ServingRequest, Target
from planner.search.serving.roles import fabric_rate
from planner.search.serving.times import batch_grid, step_times, token_grid
from planner.types import FloatArray, IntArray

__all__ = ["Queues", "Traits", "queues"]

NOTHING: Final = 1e-6
"""Stands for none: prompt tokens of decode replicas, decode steps of prefill replicas."""

SHOWS: Final = (("ttft", "tpot", "e2e"), ("ttft",), ("tpot", "e2e"))
"""Latencies of the points of each role."""
ROUNDING: Final = 1e-6
SHOWN: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True, eq=False)
class Traits(Columns):
    """What queueing needs to know of replicas besides their steps, ``[R]``."""

    rides: FloatArray  # 1 where prompts ride in decode steps
    chunk: FloatArray  # tokens of a step
    places: FloatArray
    place_cv2: FloatArray  # variance over squared mean of what requests hold of the memory
    accepted: FloatArray
    fixed_s: FloatArray  # outside the engine, hand-over included
    fabric_rate: FloatArray
    held_bytes: FloatArray
    sequence_bytes: FloatArray
    prompts: FloatArray  # sequences that memory holds


@dataclass(frozen=True, eq=False)
class Queues:
    """Replicas of one role with their tabulated steps, one per row; ``workers`` of them share a queue."""

    request: ServingRequest
    points: Points  # whose replicas they are
    steps: StepTimes
    rank_s: FloatArray  # [R, B] by sequences of `steps`: what a prompt takes beyond its share of full steps
    traits: Traits
    prompt: Lengths
    output: Lengths
    workers: FloatArray

    @property
    def role(self) -> int:
        """Index into `planner.search.serving.points.ROLES`."""
        return int(self.points.role[0])

    def take(self, rows: IntArray) -> Queues:
        """Return some of the replicas."""
        return replace(
            self,
            points=self.points.take(rows),
            steps=_joined([self.steps], rows),
            rank_s=self.rank_s[rows],
            traits=self.traits.take(rows),
            workers=self.workers[rows],
        )

    def law(
        self, rate: FloatArray, percentiles: tuple[float, ...], measures: tuple[str, ...] = MEASURES
    ) -> Law:
        """Steady state at requests per second, without what happens outside the engine.

        Parameters
        ----------
        percentiles, measures
            What percentiles are made, and of which latencies.
        """
        variation, load, traits = self.request.variation, self.request.load, self.traits
        serving = Serving(
            steps=self.steps,
            mixed=traits.rides > 0,
            chunk=traits.chunk,
            places=traits.places,
            accepted=traits.accepted,
            place_cv2=traits.place_cv2,
        )
        demand = Demand(
            rate=rate,
            prompt=self.prompt,
            output=self.output,
            cached=np.broadcast_to(load.cached, rate.shape),
            arrival_cv=np.full(len(rate), variation.arrival),
            replicas=self.workers,
            least_loaded=self.workers > 1.0,
        )
        return steady_state(serving=serving, demand=demand, percentiles=percentiles, measures=measures)

    def outside_s(self, batch: FloatArray) -> FloatArray:
        """Seconds before the first token that the queue does not know of.

        Tokenising and transport; the hand-over of the cache; and that a prompt is computed by one attention
        rank, which takes longer than its share of a step that all ranks fill.
        """
        return self.traits.fixed_s + interpolated(self.steps.batch, self.rank_s, batch)

    def excess(self, law: Law, rate: FloatArray, outside: FloatArray) -> dict[str, FloatArray]:
        """Return by how much each row exceeds what is allowed, as logarithms, by `MISSES`."""
        found = {"load": _log(law.utilisation / self.request.most_load)}
        for name in ASKED[self.role]:
            target: Target = getattr(self.request, name)
            if target.is_set:
                value = _value(law, name, target.percentile) + (0.0 if name == "tpot" else outside)
                found[name] = _log(value / target.seconds)
        if self.role != AGGREGATED:
            found["fabric"] = _log(rate / self.traits.fabric_rate)
        return found

    def worst(self, rate: FloatArray) -> FloatArray:
        """Return the largest excess at a rate; 0 or less is allowed."""
        law = self.law(rate, *_asked(self.request, self.role))
        every = self.excess(law, rate, self.outside_s(law.batch))
        worst: FloatArray = np.max(np.stack(list(every.values())), axis=0)
        return worst

    def at(self, rate: FloatArray) -> Points:
        """Return the points at a rate."""
        request, role = self.request, self.role
        shares, names = _asked(request, role)
        law = self.law(rate, tuple(sorted({*SHOWN, *shares})), tuple(sorted({*SHOWS[role], *names})))
        outside = self.outside_s(law.batch)
        missed = np.zeros(len(rate), dtype=np.int64)
        for name, over in self.excess(law, rate, outside).items():
            missed |= np.where(over > ROUNDING, bit(name), 0)
        none = Latency(*(np.full(len(rate), np.nan),) * 5)
        ttft, tpot, e2e = (
            _latency(law, name, getattr(request, name), outside * (name != "tpot"))
            if name in SHOWS[role]
            else none
            for name in ("ttft", "tpot", "e2e")
        )
        batch = np.minimum(rate * law.ttft_mean_s, self.traits.prompts) if role == PREFILL else law.batch
        before = np.nan_to_num(law.ttft_mean_s, posinf=0.0) if role == AGGREGATED else 0.0
        inside = np.minimum(batch, self.points.capacity)
        return replace(
            self.points,
            batch=batch,
            rate=rate,
            load=law.utilisation,
            concurrency=batch + rate * before,
            ttft=ttft,
            tpot=tpot,
            e2e=e2e,
            memory_bytes=self.traits.held_bytes + self.traits.sequence_bytes * inside / self.points.dp,
            reason=first_missed(missed),
        )


def queues(request: ServingRequest, points: Points, workers: FloatArray) -> Queues:
    """Tabulate the replicas behind points, which are of one role; like ones once."""
    keys = np.stack([points.option, points.tp, points.pp, points.dp, points.ep, points.chunk])
    _, first, back = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    some = points.take(first)
    groups = [of_points(request, some.take(some.option == k)) for k in np.unique(some.option)]
    batch = batch_grid(groups)
    tokens = token_grid(groups)
    tables = [step_times(found, batch=batch, tokens=tokens) for found in groups]
    ranks = np.concatenate([_rank_s(f, t) for f, t in zip(groups, tables, strict=True)])
    rows = back.ravel()
    load, spread, role = request.load, request.variation, int(points.role[0])
    return Queues(
        request=request,
        points=points,
        steps=_joined(tables, rows),
        rank_s=ranks[rows],
        traits=Traits.joined([_traits(request, found) for found in groups]).take(rows),
        prompt=_lengths(np.maximum(load.new, 1.0), spread.input)
        if role != DECODE
        else _lengths(NOTHING, 0.0),
        output=_lengths(load.osl, spread.output) if role != PREFILL else _lengths(2.0, 0.0),
        workers=np.minimum(workers, request.routed),
    )


def _lengths(mean: FloatArray | float, cv: float) -> Lengths:
    return lognormal_lengths(mean=mean, cv=cv)


def _traits(request: ServingRequest, found: Replicas) -> Traits:
    """Return what queueing needs to know.

    Prompts that gather for attention ranks cost decoding their share of a step whichever engine, so that they
    are taken to ride in its steps.
    """
    engine, layout, role = found.replica.engine, found.layout, found.role
    rides = (~engine.prefill_first | (layout.streams > 1) | (role == DECODE)) & (role != PREFILL)
    sent = transfer_s(replica=found.replica, load=found.load) if role == PREFILL else 0.0
    columns = {
        "rides": rides,
        "chunk": found.chunk * layout.streams + (found.fit.capacity if role == DECODE else 0.0),
        "places": np.inf if role == PREFILL else found.fit.capacity,
        "place_cv2": 0.0 if role == PREFILL else found.fit.variation,
        "accepted": 1.0 / NOTHING if role == PREFILL else layout.accepted,
        "fixed_s": engine.request_s + sent,
        "fabric_rate": fabric_rate(request, found),
        "held_bytes": found.fit.held_bytes,
        "sequence_bytes": found.fit.sequence_bytes,
        "prompts": found.fit.capacity,
    }
    rows = (len(found),)
    return Traits(**{k: np.broadcast_to(np.asarray(v, dtype=float), rows) for k, v in columns.items()})


def _joined(tables: Sequence[StepTimes], rows: IntArray) -> StepTimes:
    names = ("seconds", "context_s", "context", "pair_s", "past")
    columns = (np.concatenate([getattr(t, name) for t in tables])[rows] for name in names)
    return StepTimes(tables[0].batch, tables[0].tokens, *columns)


def _rank_s(found: Replicas, steps: StepTimes) -> FloatArray:
    """Seconds that a prompt in one place of several takes beyond its share of a step, ``[R, B]``."""
    rows, grid = len(found), np.maximum(steps.batch, 1.0)
    shape = (rows, len(grid))
    if found.role == DECODE or not np.any(found.layout.streams > 1):
        return np.zeros(shape)
    if found.role == PREFILL:
        alone = prefill_pool(replica=found.replica, load=found.load).prompt_s
        whole = np.broadcast_to(np.broadcast_to(alone, (rows,))[:, None], shape)
    else:
        each = found.take(np.repeat(np.arange(rows), len(grid)))
        point = steady(replica=each.replica, load=found.load, batch=np.tile(grid, rows))
        whole = np.broadcast_to(point.prefill_s, (rows * len(grid),)).reshape(shape)
    most = np.broadcast_to(found.chunk * found.layout.streams, (rows,))
    new = np.maximum(found.load.new, 1.0)
    tokens = np.broadcast_to(np.minimum(new, most)[:, None], shape)
    beside = np.zeros(shape) if found.role == PREFILL else np.broadcast_to(grid, shape)
    known = steps.at(batch=beside, tokens=tokens) * np.maximum(new / most, 1.0)[:, None]
    return np.where((found.layout.streams > 1)[:, None], np.maximum(whole - known, 0.0), 0.0)


def interpolated(grid: FloatArray, values: FloatArray, at: FloatArray) -> FloatArray:
    """Values ``[R, B]`` on an ascending grid ``[B]`` at one place per row, linear, level beyond the ends."""
    i = np.clip(np.searchsorted(grid, at, side="right") - 1, 0, len(grid) - 2)
    share = np.clip((at - grid[i]) / (grid[i + 1] - grid[i]), 0.0, 1.0)
    row = np.arange(len(at))
    between: FloatArray = values[row, i] * (1.0 - share) + values[row, i + 1] * share
    return between


def _log(ratio: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        logarithm: FloatArray = np.log(np.where(np.isnan(ratio), np.inf, ratio))
    return logarithm


def _asked(request: ServingRequest, role: int) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Percentiles that the targets of a role need, and of what."""
    targets: dict[str, Target] = {name: getattr(request, name) for name in ASKED[role]}
    shares = {name: t.percentile for name, t in targets.items() if t.is_set and t.percentile is not None}
    return tuple(sorted(set(shares.values()))), tuple(shares)


def _value(law: Law, name: str, percentile: float | None) -> FloatArray:
    mean: FloatArray = getattr(law, f"{name}_mean_s")
    return mean if percentile is None else law.at(name, percentile)


def _latency(law: Law, name: str, target: Target, outside: FloatArray) -> Latency:
    shares = (None, *SHOWN, target.percentile if target.is_set else None)
    return Latency(*(_value(law, name, share) + outside for share in shares))
