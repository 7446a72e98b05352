"""Fleets on one part: how many of which replicas, for the largest rate or for the fewest accelerators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.search.serving.candidates import Candidates, Scenario
from planner.search.serving.points import Columns, Points
from planner.search.serving.request import ServingRequest
from planner.types import FloatArray, IntArray

__all__ = ["Specs", "distinct", "order", "specs"]

NONE: Final = -1


@dataclass(frozen=True, eq=False)
class Specs(Columns):
    """Fleets on one part each, one per row; row numbers index into the candidates, `NONE` where absent."""

    aggregated: IntArray
    prefill: IntArray
    decode: IntArray
    replicas: FloatArray  # aggregated
    prefills: FloatArray
    decodes: FloatArray
    part: IntArray
    rate: FloatArray  # requests per second within the targets
    continuous: FloatArray  # the same if replicas could be divided
    gpus: FloatArray
    e2e_s: FloatArray  # at the percentile of the target


def specs(request: ServingRequest, found: Candidates, scenario: Scenario) -> Specs | None:
    """Return all fleets that answer the request: of like replicas, or of one kind for each pool."""
    tables = []
    for part, gpus in enumerate(p.gpus for p in request.parts):
        if found.aggregated is not None:
            rows = np.flatnonzero(found.aggregated.part == part)
            tables.append(_alone(request, found.aggregated.take(rows), rows, part, gpus))
        pairs = _paired(request, found, part, gpus, scenario)
        if pairs is not None:
            tables.append(pairs)
    if not tables:
        return None
    joined = Specs.joined(tables)
    works = (joined.rate > 0) & (joined.rate >= (request.rate or 0.0) * (1.0 - 1e-9))
    return joined.take(np.flatnonzero(works))


def order(request: ServingRequest, found: Specs) -> IntArray:
    """Rows from best to worst for the goal; ties go to more rate, fewer accelerators, less latency."""
    if request.goal == "latency":
        return np.lexsort((-found.rate, found.gpus, found.e2e_s))
    if request.goal == "gpus" or request.rate is not None:
        return np.lexsort((found.e2e_s, -found.rate, found.gpus))
    return np.lexsort((found.e2e_s, found.gpus, -found.rate))


def distinct(found: Candidates, ordered: Specs) -> IntArray:
    """First row of each deployment; rows that differ only in chunk and batch are one."""
    o = ordered
    pairs = ((found.aggregated, o.aggregated), (found.prefill, o.prefill), (found.decode, o.decode))
    keys = [_keys(points, rows) for points, rows in pairs]
    _, first = np.unique(np.concatenate(keys, axis=1), axis=0, return_index=True)
    return np.sort(first)


def _keys(points: Points | None, rows: IntArray) -> FloatArray:
    """Option and degrees of the replicas at `rows`; zeros where there is none."""
    if points is None:
        return np.zeros((len(rows), 5))
    columns = np.stack([points.option, points.tp, points.pp, points.dp, points.ep], axis=1)
    return np.where((rows >= 0)[:, None], columns[rows], 0.0)


def _alone(request: ServingRequest, points: Points, rows: IntArray, part: int, gpus: float) -> Specs:
    size, rate = points.gpus, points.rate
    many = _needed(request, rate, size, gpus)
    none = np.full(len(rows), NONE)
    zero = np.zeros(len(rows))
    whole = gpus / size if _fills(request, gpus) else many
    return Specs(
        aggregated=rows,
        prefill=none,
        decode=none,
        replicas=many,
        prefills=zero,
        decodes=zero,
        part=np.full(len(rows), part),
        rate=many * rate,
        continuous=whole * rate,
        gpus=many * size,
        e2e_s=points.e2e.target,
    )


def _fills(request: ServingRequest, gpus: float) -> bool:
    """Whether a plan uses all accelerators that there are."""
    return (
        bool(np.isfinite(gpus))
        and request.goal != "gpus"
        and (request.rate is None or request.goal == "latency")
    )


def _needed(request: ServingRequest, rate: FloatArray, size: FloatArray, gpus: float) -> FloatArray:
    """Replicas: all that there is room for, as many as the demand needs, or one."""
    room = np.floor(gpus / size)
    if _fills(request, gpus):
        return room
    many = np.ones(len(rate)) if request.rate is None else np.ceil(request.rate / rate * (1.0 - 1e-12))
    return np.where(many <= room, many, 0.0)


def _paired(
    request: ServingRequest, found: Candidates, part: int, gpus: float, scenario: Scenario
) -> Specs | None:
    """Every prefill replica with every decode replica, in the best whole numbers."""
    if found.prefill is None or found.decode is None:
        return None
    rows = np.meshgrid(
        *(np.flatnonzero(t.part == part) for t in (found.prefill, found.decode)), indexing="ij"
    )
    i, j = (grid.ravel() for grid in rows)
    p, d = found.prefill.take(i), found.decode.take(j)
    pair = _Pair(p.gpus, d.gpus, found.by_workers[i], d.rate)
    x, y = pair.numbers(request, gpus, scenario)
    rate = np.minimum(x * pair.prefill_rate(x), y * pair.decode_rate)
    each = p.gpus / p.rate + d.gpus / d.rate
    whole = gpus / each if _fills(request, gpus) and scenario.prefill is None else rate
    return Specs(
        aggregated=np.full(len(i), NONE),
        prefill=i,
        decode=j,
        replicas=np.zeros(len(i)),
        prefills=x,
        decodes=y,
        part=np.full(len(i), part),
        rate=rate,
        continuous=np.maximum(whole, rate),
        gpus=x * p.gpus + y * d.gpus,
        e2e_s=_end_to_end(p, d),
    )


@dataclass(frozen=True, eq=False)
class _Pair:
    """Prefill and decode replicas that make a fleet, one pair per row."""

    prefill_gpus: FloatArray
    decode_gpus: FloatArray
    by_workers: FloatArray  # [N, routed] rate of a prefill replica in a pool of so many
    decode_rate: FloatArray

    def prefill_rate(self, workers: FloatArray) -> FloatArray:
        """Rate of one prefill replica in pools of `workers`, ``[N]`` or ``[N, K]``."""
        column = np.clip(workers, 1, self.by_workers.shape[1]).astype(np.int64) - 1
        if column.ndim == 1:
            return self.by_workers[np.arange(len(column)), column]
        return np.take_along_axis(self.by_workers, column, axis=1)

    def numbers(
        self, request: ServingRequest, gpus: float, scenario: Scenario
    ) -> tuple[FloatArray, FloatArray]:
        """Replicas of each kind; 0 where the accelerators do not suffice."""
        if not _fills(request, gpus):
            return self._few(request, gpus)
        if scenario.prefill is not None:
            share = scenario.prefill
            return np.floor(gpus * share / self.prefill_gpus), np.floor(gpus * (1 - share) / self.decode_gpus)
        x = np.concatenate([self._small(), self._matched(gpus)], axis=1)
        y = np.floor((gpus - x * self.prefill_gpus[:, None]) / self.decode_gpus[:, None])
        return self._best(x, np.maximum(y, 0.0))

    def _few(self, request: ServingRequest, gpus: float) -> tuple[FloatArray, FloatArray]:
        one = np.ones(len(self.decode_rate))
        if request.rate is not None:
            x = np.concatenate([self._small(), np.ceil(request.rate / self.by_workers[:, -1:])], axis=1)
            enough = x * self.prefill_rate(x) >= request.rate
            x = np.min(np.where(enough, x, np.inf), axis=1)
            y = np.ceil(request.rate / self.decode_rate)
            fits = x * self.prefill_gpus + y * self.decode_gpus <= gpus
            return np.where(fits, x, 0.0), np.where(fits, y, 0.0)
        if request.goal != "throughput":
            fits = self.prefill_gpus + self.decode_gpus <= gpus
            return one * fits, one * fits
        x = self._small()
        y = np.maximum(np.floor(x * self.prefill_rate(x) / self.decode_rate[:, None]), 1.0)
        return self._best(np.concatenate([x, x], axis=1), np.concatenate([y, y + 1.0], axis=1), per_gpu=True)

    def _small(self) -> FloatArray:
        return np.broadcast_to(np.arange(1.0, self.by_workers.shape[1] + 1.0), self.by_workers.shape)

    def _matched(self, gpus: float) -> FloatArray:
        """Whole numbers of prefill replicas about the best divisible one, at which both pools are full."""
        large = self.by_workers[:, -1]
        size = self.prefill_gpus + self.decode_gpus * large / self.decode_rate
        below = np.maximum(np.floor(gpus / size), 1.0)
        return np.stack([below, below + 1.0], axis=1)

    def _best(self, x: FloatArray, y: FloatArray, *, per_gpu: bool = False) -> tuple[FloatArray, FloatArray]:
        """Of choices ``[N, K]``, the largest rate (per accelerator), without replicas that add nothing."""
        rate = np.minimum(x * self.prefill_rate(x), y * self.decode_rate[:, None])
        size = x * self.prefill_gpus[:, None] + y * self.decode_gpus[:, None]
        at = np.argmax(rate / size if per_gpu else rate, axis=1)
        row = np.arange(len(at))
        needed = np.ceil(rate[row, at] / self.decode_rate * (1.0 - 1e-12))
        return x[row, at], np.minimum(y[row, at], needed)


def _end_to_end(prefill: Points, decode: Points) -> FloatArray:
    """Time to the last token of requests that pass through both pools."""
    return prefill.ttft.mean + decode.e2e.target
