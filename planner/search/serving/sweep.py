"""Every operating point of an option: tabulated times, latencies, and what stands against each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.search.serving.curves import Curves
from planner.search.serving.points import DECODE, PREFILL, Latency, Points
from planner.search.serving.reasons import bit, first_missed
from planner.search.serving.replicas import Replicas
from planner.search.serving.request import ServingRequest, Target
from planner.search.serving.waiting import Waiting
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Swept", "judge", "points_of"]


@dataclass(frozen=True, eq=False)
class Swept:
    """Replicas of one option and role at all their operating points; arrays ``[R, B]``."""

    found: Replicas
    curves: Curves
    waiting: Waiting
    missed: IntArray  # bits of `planner.search.serving.reasons.MISSES`

    @property
    def feasible(self) -> BoolArray:
        """Points that meet everything asked."""
        feasible: BoolArray = self.missed == 0
        return feasible

    @property
    def gpus(self) -> FloatArray:
        """Accelerators of each replica, ``[R]``."""
        gpus: FloatArray = np.broadcast_to(self.found.layout.gpus, (len(self.found),))
        return gpus


def judge(request: ServingRequest, times: Waiting, *, names: tuple[str, ...]) -> IntArray:
    """Which targets among `names` each point misses, and whether its load is beyond what is allowed."""
    missed = np.where(times.load > request.most_load, bit("load"), 0)
    for name in names:
        target: Target = getattr(request, name)
        if target.is_set:
            value = getattr(times, name)(target.percentile)
            missed = missed | np.where(value > target.seconds, bit(name), 0)
    return missed


def points_of(request: ServingRequest, swept: Swept, index: IntArray) -> Points:
    """Points at flat positions `index` of a sweep, with all their latencies."""
    row = index // swept.curves.batch.shape[1]
    found, layout = swept.found, swept.found.layout

    def column(values: FloatArray) -> FloatArray:
        chosen: FloatArray = np.broadcast_to(values, (len(found),))[row]
        return chosen

    flat = {name: values.ravel()[index] for name, values in vars(swept.curves).items()}
    times = Waiting(**{name: values.ravel()[index] for name, values in vars(swept.waiting).items()})
    none = Latency(*(np.full(len(index), np.nan),) * 5)
    ranks = column(layout.dp)
    return Points(
        role=np.full(len(index), found.role),
        part=np.full(len(index), request.options[found.option].part),
        option=np.full(len(index), found.option),
        tp=column(layout.tp),
        pp=column(layout.pp),
        dp=ranks,
        ep=column(layout.ep),
        gpus=column(layout.gpus),
        chunk=column(found.chunk),
        batch=flat["batch"],
        rate=flat["rate"],
        load=times.load,
        concurrency=flat["concurrency"],
        ttft=none if found.role == DECODE else _latency(times, "ttft", request.ttft),
        tpot=none if found.role == PREFILL else _latency(times, "tpot", request.tpot),
        e2e=none if found.role == PREFILL else _latency(times, "e2e", request.e2e),
        memory_bytes=found.fit.take(row).used_bytes(flat["batch"], ranks),
        capacity=found.fit.capacity[row],
        reason=first_missed(swept.missed.ravel()[index]),
    )


def _latency(times: Waiting, name: str, target: Target) -> Latency:
    at = getattr(times, name)
    return Latency(mean=at(), p50=at(0.5), p90=at(0.9), p99=at(0.99), target=at(target.percentile))
