"""The fast engine of serving: replicas of given deployments while some sequences decode in them, as arrays.

A grid over ``planner serve`` that also says ``batch`` asks for operating points: what a replica does in
steady state with every finished request replaced (`planner.model.inference.batching`), as the search of a
service sees it before arrivals are added. Times are those of steps; what requests wait for each other is not
in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InputError
from planner.model.inference.batching import Steady, decode_bound, steady
from planner.model.inference.memory import Memory, cache_bytes_per_sequence, memory
from planner.model.inference.replica import prepare
from planner.plan import numbers
from planner.plan.defaults import Filled
from planner.plan.places import MOST_GPUS, places
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
from planner.plan.sweep.arrays import Distinct, Keys, Numbers, numbers_of
from planner.plan.sweep.axes import Continuous
from planner.plan.sweep.fast import ArrayEngine, Ends, HinderedError
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Column
from planner.search.serving.replicas import ROUNDING
from planner.search.serving.request import ServingRequest
from planner.search.serving.space import layouts
from planner.tables.serving import Deployment, Load
from planner.types import FloatArray, IntArray
from planner.units import GIGA, MILLI

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["REASONS", "Serving"]

BLOCK: Final = 8192
"""Rows that are evaluated together: some hundred temporary arrays stay in the cache."""
DEGREES: Final = ("tp", "pp", "dp", "ep")
LENGTHS: Final = ("isl", "osl")
_USUAL: Final = {"pp": 1, "dp": 1, "ep": 1}
_LATER: Final = (
    "users", "request_rate", "concurrency", "ttft", "tpot", "e2e", "percentile", "mode", "goal", "spares",
    "verify", "power_cap",
)  # fmt: skip
"""Inputs of a service that a single replica does not know."""
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
_LAYOUT, _WEIGHTS, _CACHE, _BATCH, _BOUND, _CONTEXT, _FORMAT = range(len(REASONS))


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


class Serving(ArrayEngine[Shared, Sheet]):
    """Evaluates operating points of replicas as arrays; see the module."""

    block = BLOCK
    figures = FIGURES
    reasons = REASONS
    arrays = (*DEGREES, *LENGTHS, "chunk", "max_batch", "prefix_hit", "batch")
    ignored = ("top", "pareto", "explain", "price", "site", "finance", "checkpoint", "years", "peak")

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        given = {name for name, value in sweep.inputs.items() if value is not None} | set(sweep.rows.names)
        why = self._hindrances(given)
        if why:
            raise HinderedError("; ".join(why))
        super().__init__(sweep)
        values = {**_USUAL, **sweep.inputs}
        self._numbers = {
            name: self._read(name, values.get(name))
            for name in self.arrays
            if name in sweep.rows.axes or values.get(name) is not None
        }
        self._keys = Keys(sweep, self.arrays)

    def _hindrances(self, given: set[str]) -> list[str]:
        if "batch" not in given:
            return [
                "of a whole service only a question for each row knows enough; for operating points of one "
                "replica add batch, the sequences that decode in it"
            ]
        found = [f"{name} is of a whole service, and batch of one replica: leave one of them out"
                 for name in _LATER if name in given]  # fmt: skip
        if "tp" not in given:
            found.append("the deployment is not given: add tp (pp, dp and ep are 1 where they are left out)")
        for name, values in self.sweep.rows.axes.items():
            if isinstance(values, Continuous):
                if name not in self.arrays or values.unit:
                    found.append(f"{name} is drawn from a distribution, and is no plain number to it")
                elif name in ("batch", *LENGTHS) and values.at(np.array([1e-9]))[0] < 1.0:
                    found.append(f"{name} may be drawn below one; raise its low end")
                elif name in (*DEGREES, "chunk", "max_batch") and not values.whole:
                    found.append(f"{name} is drawn and not whole; add whole: true")
        return found

    def _read(self, name: str, given: Any) -> Numbers:
        def read(value: Any) -> float:
            if name == "prefix_hit":
                return numbers.fraction(name, value)
            if name in ("batch", *LENGTHS):
                return _at_least_one(name, numbers.positive(name, value, most=1e9, example="64"))
            return float(numbers.count(name, value, most=MOST_GPUS))

        return numbers_of(self.sweep, name, given, read)

    def read_case(self, changed: tuple[str, ...], inputs: Mapping[str, Any]) -> Shared | str:
        """Resolve model, part, engine and precisions as `planner.serve` does."""
        book = self.sweep.catalog(changed)
        try:
            return _case(book, inputs, {name for name in LENGTHS if name in self._numbers})
        except InputError as error:
            return str(error)

    def sheet(
        self, case: Shared, axes: Mapping[str, Column], rows: IntArray | None, many: int
    ) -> tuple[Sheet, IntArray]:
        """Return operating points, every one that differs evaluated once."""
        distinct = self._keys.distinct(axes, rows, many)
        of = {name: one.of(axes, rows) for name, one in self._numbers.items()}
        if distinct.first is not None:
            of = {n: v if v.shape[0] == 1 else v[distinct.first] for n, v in of.items()}
        count = many if distinct.first is None else len(distinct.first)
        sheet, reason = _evaluated(case, of, distinct, count)
        return sheet, np.broadcast_to(distinct.spread(reason), (many,))


def _at_least_one(name: str, value: float) -> float:
    if value < 1.0:
        raise InputError(f"{name} {value:g} is less than one; raise it")
    return value


def _case(book: Catalog, inputs: Mapping[str, Any], lengths: set[str]) -> Shared | str:
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


def _legal(shared: Shared, of: Mapping[str, FloatArray], count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the search knows each deployment; every one that differs is looked up once."""
    degrees = np.stack([np.broadcast_to(of[name], (count,)) for name in DEGREES], axis=1)
    values, back = np.unique(degrees, axis=0, return_inverse=True)
    for key in map(tuple, values.tolist()):
        if key not in shared.legal:
            pins = dict(zip(DEGREES, key, strict=True))
            found, _ = layouts(replace(shared.request, pins=pins), shared.request.options[0])
            shared.legal[key] = len(found) > 0
    return np.array([shared.legal[tuple(key)] for key in values.tolist()])[back.ravel()]


def _evaluated(
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
