"""Operating points of replicas: what they share, their physics, and figures from it, for many at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.model.inference.batching import Steady, decode_bound, steady
from planner.model.inference.memory import Memory, cache_bytes_per_sequence, memory
from planner.model.inference.replica import prepare
from planner.plan.defaults import Filled
from planner.plan.places import places
from planner.plan.serving.interval import (
    BEYOND,
    LONGEST_MEASURED,
    WIDEST_MEASURED,
    Reason,
    Spread,
    reasons_of,
    spread_of,
)
from planner.plan.serving.job import resolve
from planner.plan.serving.request import ServeCase, case_on
from planner.plan.sweep.arrays import Distinct
from planner.plan.sweep.fast import Ends
from planner.search.serving.replicas import ROUNDING
from planner.search.serving.request import ServingRequest
from planner.search.serving.space import layouts
from planner.tables.serving import Deployment, Load
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import GIGA, MILLI

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["DEGREES", "FIGURES", "REASONS", "Shared", "Sheet", "evaluated", "read_case"]

DEGREES: Final = ("tp", "pp", "dp", "ep")
_SHORT: Final = {"isl": 1024.0, "osl": 256.0}
"""Lengths by which a case is resolved where rows have their own."""
REASONS: Final = (
    "tp must divide the heads and widths, pp the engine be able to, and experts fold over tp * dp",
    "the weights do not fit into the memory of an accelerator",
    "the cache of a single request does not fit",
    "the caches of so many sequences do not fit",
    "steps bring no prompts for so many sequences: more of them only wait",
    "the request is longer than the model takes",
    "the part does not multiply in these formats",
)
"""Why a row has no figures, in the order in which they are looked at."""


@dataclass(eq=False)
class Shared:
    """What rows share: model, part, engine, precisions, and how lengths spread.

    Attributes
    ----------
    request
        As the search has it; its load is of one request.
    hit
        Share of the prompts found in a prefix cache, where rows do not say.
    spreads
        Of throughput and time per token by the number of conditions that no measurement covers.
    """

    case: ServeCase
    request: ServingRequest
    hit: float
    caches: bool
    context: float
    spreads: Mapping[str, tuple[Spread, Spread, Spread]]
    legal: dict[tuple[float, ...], bool] = field(default_factory=dict)


@dataclass(eq=False)
class Sheet:
    """Operating points of distinct rows, and how these stand for all rows."""

    shared: Shared
    rows: Distinct
    layout: Deployment
    load: Load
    point: Steady
    held: Memory
    capacity: FloatArray
    beyond: IntArray
    inside: FloatArray

    def plain(self, values: FloatArray) -> Ends:
        """Return a figure without an interval."""
        return (self.rows.spread(np.atleast_1d(values)),)

    def spread(self, values: FloatArray, metric: str) -> Ends:
        """Return a figure with the interval of a metric."""
        low, high = (
            np.array(ends)[self.beyond]
            for ends in zip(*((one.low, one.high) for one in self.shared.spreads[metric]), strict=True)
        )
        return tuple(self.rows.spread(np.atleast_1d(one)) for one in (values, values * low, values * high))

    def memory(self, name: str) -> Ends:
        """Return bytes of one accelerator in GB."""
        weights, workspace = self.held.weight_bytes, self.held.workspace_bytes
        cache = self.held.sequence_bytes * self.inside / self.layout.dp
        found = {
            "weights": weights,
            "workspace": workspace,
            "cache": cache,
            "used": weights + workspace + cache,
        }
        return self.plain(found[name] / GIGA)


def _rate(factor: Callable[[Sheet], FloatArray | float]) -> Callable[[Sheet], Ends]:
    return lambda sheet: sheet.spread(sheet.point.rate * factor(sheet), "throughput")


FIGURES: Final[Mapping[str, Callable[[Sheet], Ends]]] = {
    "replica.gpus": lambda s: s.plain(s.layout.gpus),
    "replica.requests_per_s": _rate(lambda s: 1.0),
    "replica.output_tokens_per_s": _rate(lambda s: s.load.osl),
    "replica.output_tokens_per_s_per_gpu": _rate(lambda s: s.load.osl / s.layout.gpus),
    "replica.input_tokens_per_s": _rate(lambda s: s.load.isl),
    "replica.tpot_ms": lambda s: s.spread(s.point.tpot_s / MILLI, "tpot"),
    "replica.step_ms": lambda s: s.plain(s.point.step_s / MILLI),
    "replica.decode_step_ms": lambda s: s.plain(s.point.decode_s / MILLI),
    "replica.prefill_ms": lambda s: s.plain(s.point.prefill_s / MILLI),
    "replica.mixed_share": lambda s: s.plain(s.point.mixed_share),
    "replica.concurrency": lambda s: s.plain(s.point.concurrency),
    "replica.capacity": lambda s: s.plain(s.capacity),
    "replica.memory_gb_per_gpu.weights": lambda s: s.memory("weights"),
    "replica.memory_gb_per_gpu.workspace": lambda s: s.memory("workspace"),
    "replica.memory_gb_per_gpu.cache": lambda s: s.memory("cache"),
    "replica.memory_gb_per_gpu.used": lambda s: s.memory("used"),
}
"""Figures of operating points, by path."""


def read_case(book: Catalog, inputs: Mapping[str, Any], lengths: set[str]) -> Shared | str:
    """Resolve what rows share as `planner.serve` resolves it; a sentence where that cannot be had.

    Parameters
    ----------
    lengths
        Of ``isl`` and ``osl`` those that rows have of their own.

    Raises
    ------
    InputError
        A value or a name that is wrong.
    """
    filled, given = Filled(), dict(inputs)
    cluster, part = given.pop("cluster", None), given.pop("accelerator", None)
    none = dict.fromkeys(("engine", "weights", "kv", "speculation", "drafts", "traffic", "gpus"))
    wanted = {**none, **given}
    job = resolve(
        book,
        filled,
        **wanted,
        load={},
        targets=dict.fromkeys(("ttft", "tpot", "e2e"), "none"),
        isl=_SHORT["isl"] if "isl" in lengths else None,
        osl=_SHORT["osl"] if "osl" in lengths else None,
        prefix_hit=None,
        percentile=None,
        peak="hour",
        years=0,
        mode="aggregated",
        pins={},
        goal=None,
        top=0,
        spares=None,
    )
    found = places(book, cluster=cluster, gpu=part, gpus=job.gpus, option="accelerator")
    case = case_on(book, job, found[:1], filled)
    stack = case.stacks[0]
    if stack.lacks:
        return stack.lacks
    alone = SimpleNamespace(pools=(SimpleNamespace(part=0, point=SimpleNamespace(ep=np.ones(1))),))
    reasons = reasons_of(book, case, alone)  # type: ignore[arg-type]
    more = [(*reasons, *[Reason(BEYOND, "beyond what was measured")] * n) for n in range(3)]
    spreads = {
        metric: tuple(
            spread_of(case.calibration, metric, kind="closed", moe=job.moe, reasons=why) for why in more
        )
        for metric in ("throughput", "tpot")
    }
    caches = stack.engine.features.prefix_caching
    return Shared(
        case=case,
        request=case.request(hit=0.0, rate=None, goal="throughput", gpus=[np.inf]),
        hit=job.traffic.hit if caches else 0.0,
        caches=caches,
        context=job.record.context.value if job.record.context is not None else np.inf,
        spreads=spreads,  # type: ignore[arg-type]
    )


def _legal(shared: Shared, of: Mapping[str, FloatArray], count: int) -> BoolArray:
    """Whether the search knows each deployment; every one that differs is looked up once."""
    degrees = np.stack([np.broadcast_to(of[name], (count,)) for name in DEGREES], axis=1)
    values, back = np.unique(degrees, axis=0, return_inverse=True)
    for key in map(tuple, values.tolist()):
        if key not in shared.legal:
            pins = dict(zip(DEGREES, key, strict=True))
            found, _ = layouts(replace(shared.request, pins=pins), shared.request.options[0])
            shared.legal[key] = len(found) > 0
    return np.array([shared.legal[tuple(key)] for key in values.tolist()])[back.ravel()]


def evaluated(
    shared: Shared, of: Mapping[str, FloatArray], rows: Distinct, count: int
) -> tuple[Sheet, IntArray]:
    """Return operating points, and the reason why each cannot be had or -1."""
    request, option = shared.request, shared.request.options[0]
    part = request.parts[0]
    legal = _legal(shared, of, count)
    layout = option.layout.with_values(**{name: of[name] for name in DEGREES})
    wide = layout.tp * layout.dp > part.operators.domain
    layout = layout.with_values(two_batches=option.can.two_batches & wide)
    engine = option.engine
    if "chunk" in of:
        engine = engine.with_values(chunk=of["chunk"])
    if "max_batch" in of:
        engine = engine.with_values(max_batch=of["max_batch"] / (layout.dp * layout.pp))
    isl, osl = of.get("isl", request.load.isl), of.get("osl", request.load.osl)
    hit = of["prefix_hit"] if "prefix_hit" in of and shared.caches else np.array([shared.hit])
    load = request.load.with_values(isl=isl, osl=osl, cached=isl * hit)
    nominal = np.array([part.memory_bytes])
    staying = load.with_values(osl=load.osl * (1.0 + load.osl_variation))
    held = memory(memory_bytes=nominal, model=request.model, engine=engine, layout=layout, load=staying)
    capacity = np.floor(held.capacity / layout.dp * ROUNDING) * layout.dp
    single = cache_bytes_per_sequence(
        model=request.model, engine=engine, layout=layout, tokens=np.maximum(isl + osl, 1.0)
    )
    ready = prepare(operators=part.operators, model=request.model, engine=engine, layout=layout)
    batch = of["batch"]
    point = steady(replica=ready, load=load, batch=batch)
    able = np.isfinite(ready.attention.compute) & np.isfinite(ready.mlp.compute)
    if float(request.model.n_moe[0]) > 0:
        able = able & np.isfinite(ready.experts.compute)
    rules = (
        legal,
        held.cache_bytes > 0,
        (single <= held.cache_bytes) & (capacity >= 1),
        batch <= capacity,
        batch <= decode_bound(replica=ready, load=load),
        isl + osl <= shared.context,
        able,
    )
    reason = np.full(count, -1)
    for place in reversed(range(len(rules))):
        reason = np.where(rules[place], reason, place)
    sheet = Sheet(
        shared=shared,
        rows=rows,
        layout=layout,
        load=load,
        point=point,
        held=held,
        capacity=capacity,
        beyond=(isl > LONGEST_MEASURED).astype(np.int64) + (layout.ep > WIDEST_MEASURED),
        inside=np.minimum(point.concurrency, capacity),
    )
    return sheet, reason
