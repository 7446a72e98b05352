"""Laws of the search over random small jobs: pruning and chunking change nothing, and bounds hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.search import Request, evaluate, search
from planner.search.bound import lower_bound_s
from planner.search.fit import FloorTables, memory_floor, peak_bytes
from planner.search.legality import divisors
from planner.search.rank import Pool
from planner.search.space import bases, groups
from planner.search.sweep import field_of, fitting
from planner.tables import Strategy

Tables = Callable[..., tuple[Any, Any, Any]]

MODELS = ("llama3.1-405b", "gpt3-175b", "gemma2-9b", "deepseek-v3", "gpt-oss-120b")
ACCELERATORS = ("h100-sxm", "gb200", "a100-sxm-80gb", "mi300x")
STACKS = ("megatron-core", "megatron-bridge", "torchtitan", "hai-llm", "megatron-lm-2021")
CHOICES = {
    "tp": (1, 2, 4, 8),
    "cp": (1, 2, 4),
    "pp": (1, 2, 3, 4, 8),
    "micro_batch": (1, 2, 3, 4),
    "ep": (1, 2, 8, 16),
}


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests whose spaces are small enough to evaluate whole."""
    pins: dict[str, Any] = {
        name: tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=2)))
        for name, values in CHOICES.items()
    }
    pins |= {"ep": (1, *pins["ep"])}
    return Request(
        accelerators=draw(st.integers(1, 5000)),
        seq_len=draw(st.sampled_from([2048, 4096, 6144])),
        global_batch=draw(st.integers(1, 3000)),
        goal=draw(st.sampled_from(["fastest", "fastest", "cheapest"])),
        pins=pins,
        offloads=draw(st.sampled_from([(0.0,), (0.0,), (0.0, 0.5), (1.0,)])),
        zero_bubble=draw(st.sampled_from([0.0, 0.0, 1.0])),
        top=draw(st.integers(1, 8)),
        in_flight=draw(st.sampled_from([None, None, 1.0, 6.0])),
    )


@st.composite
def jobs(draw: st.DrawFn) -> tuple[tuple[str, str, str], float, Request]:
    """Names of the tables, a factor on the memory, and a request."""
    names = (
        draw(st.sampled_from(MODELS)),
        draw(st.sampled_from(ACCELERATORS)),
        draw(st.sampled_from(STACKS)),
    )
    return names, draw(st.sampled_from([0.3, 1.0, 1.0, 4.0])), draw(requests())


def inputs(tables: Tables, names: tuple[str, str, str], memory: float) -> dict[str, Any]:
    hardware, model, software = tables(*names)
    hardware = hardware.with_values(memory_bytes=hardware.memory_bytes * memory)
    return {"hardware": hardware, "model": model, "software": software}


def answers(result: Any) -> list[Any]:
    """All that a result says of its plans, apart from the time it took."""
    tables = [result.plans, result.by_pp, *result.alternatives.values()]
    names = [f for f in vars(tables[0].strategy) if f != "in_flight"] if result.feasible else []
    return [
        [t.score.tolist(), *(np.broadcast_to(getattr(t.strategy, n), len(t)).tolist() for n in names)]
        for t in tables
        if t is not None
    ]


@settings(max_examples=100)
@given(job=jobs())
def test_pruning_changes_no_answer(tables: Tables, job: Any) -> None:
    names, memory, request = job
    given_tables = inputs(tables, names, memory)
    fast = search(**given_tables, request=request, alternatives=False)
    whole = search(**given_tables, request=request, alternatives=False, prune=False)
    assert answers(fast) == answers(whole)
    assert fast.counts.legal == whole.counts.legal
    assert whole.counts.pruned == 0
    assert whole.counts.evaluated == whole.counts.feasible


@settings(max_examples=25)
@given(job=jobs(), chunk_rows=st.integers(1, 300))
def test_chunking_changes_nothing(tables: Tables, job: Any, chunk_rows: int) -> None:
    names, memory, request = job
    given_tables = inputs(tables, names, memory)
    whole = search(**given_tables, request=request)
    parts = search(**given_tables, request=request, chunk_rows=chunk_rows)
    assert answers(parts) == answers(whole)
    assert parts.counts == whole.counts
    assert parts.nearest == whole.nearest


@settings(max_examples=25)
@given(job=jobs())
def test_bounds_hold(tables: Tables, job: Any) -> None:
    """No layout is faster than the bound of its group or its own, or needs less memory than its floor."""
    names, memory, request = job
    field = field_of(**inputs(tables, names, memory), request=request)
    if field is None:
        return
    space, costs = field.space, field.costs
    for g in groups(space):
        floor = memory_floor(space=space, costs=costs, rows=g, tables=FloorTables(space, costs)).by_level
        rows = bases(space, g)
        owner = {key: i for i, key in enumerate(zip(g.t, g.p, g.dp, strict=True))}
        index = np.array([owner[key] for key in zip(rows.t, rows.p, rows.dp, strict=True)], dtype=np.int64)
        for offload in space.offloads:
            peak = peak_bytes(space=space, costs=costs, rows=rows, offload=float(offload))
            assert np.all(np.min(peak, axis=0) >= floor[:, index] * (1 - 1e-12))
    everything = replace(field, prune=False, limit=np.inf, likely=np.inf)
    for g in groups(space):
        for table in everything_of(everything, g):
            own = lower_bound_s(space=space, costs=costs, rows=table, level=table.level, vpp=table.vpp)
            loose = lower_bound_s(space=space, costs=costs, rows=table, level=np.zeros_like(table.level))
            assert np.all(own <= table.step_s)
            assert np.all(loose <= own * (1 + 1e-12))


def everything_of(field: Any, g: Any) -> list[Any]:
    """Every layout of some groups with its step time."""
    return fitting(field, bases(field.space, g), Pool(field.space))[0]


@settings(max_examples=25)
@given(job=jobs())
def test_more_freedom_is_never_worse(tables: Tables, job: Any) -> None:
    names, memory, request = job
    given_tables = inputs(tables, names, memory)
    pinned = search(**given_tables, request=request, alternatives=False)
    for name in ("ep", "micro_batch"):
        free = search(**given_tables, request=request.without(name), alternatives=False)
        if pinned.feasible and pinned.best is not None and values_are_tried(request, name, pinned):
            assert free.best is not None
            assert free.best.score[0] <= pinned.best.score[0]


def values_are_tried(request: Request, name: str, result: Any) -> bool:
    """Whether the value of the best plan is one that is also tried where the field is free."""
    value = float(np.ravel(getattr(result.best.strategy, name))[0])
    return name == "ep" or value in (1, 2, 4, 8) or request.global_batch % value == 0


@settings(max_examples=15)
@given(job=jobs(), more=st.integers(0, 2000))
def test_what_fits_still_fits_with_more(tables: Tables, job: Any, more: int) -> None:
    names, memory, request = job
    given_tables = inputs(tables, names, memory)
    if search(**given_tables, request=request, alternatives=False).feasible:
        larger = request.changed(accelerators=request.accelerators + more)
        assert search(**given_tables, request=larger, alternatives=False).feasible


@pytest.mark.parametrize("accelerators", [1, 7, 16])
@pytest.mark.parametrize(
    "names", [("gemma2-9b", "h100-sxm", "megatron-core"), ("gpt-oss-120b", "gb200", "megatron-bridge")]
)
def test_a_plain_enumeration_finds_the_same(
    tables: Tables, names: tuple[str, str, str], accelerators: int
) -> None:
    """An enumeration written down from the rules, one layout after another, agrees with the search."""
    given_tables = inputs(tables, names, 4.0)
    pins = {"micro_batch": (1, 2), "recompute": ("none", "full"), "cp": 1}
    request = Request(accelerators=accelerators, seq_len=2048, global_batch=24, pins=pins)
    rows = enumerated(given_tables["model"], float(given_tables["hardware"].domain[0]), request)
    plans = evaluate(**given_tables, strategy=strategies(rows, request), request=request)
    fits = plans.fit_probability >= request.fit
    result = search(**given_tables, request=request)
    assert result.feasible == bool(np.any(fits))
    assert result.counts.legal == len(rows)
    if result.best is not None:
        assert result.best.step.step_s[0] == pytest.approx(np.min(plans.step.step_s[fits]), rel=1e-12)
        whole = search(**given_tables, request=request, prune=False)
        assert whole.counts.evaluated == np.count_nonzero(fits)


def enumerated(model: Any, domain: float, request: Request) -> list[tuple[float, ...]]:
    """Every layout by the rules of `planner.search.legality`."""
    layers, heads, kv = int(model.layers[0]), int(model.heads[0]), int(model.kv_heads[0])
    experts = int(model.experts[0]) if model.n_moe[0] > 0 else 1
    widths = [w[0] for n, w in ((model.n_dense, model.ffn), (model.n_moe, model.shared_ffn)) if n[0] > 0]
    found: list[tuple[float, ...]] = []
    for tp, ep, mb, pp, sp in product(
        divisors(heads), divisors(experts), (1, 2), range(1, layers + 1), (0, 1)
    ):
        whole = all(w % tp == 0 for w in widths) and (kv % tp == 0 or tp % kv == 0) and tp <= 8 * domain
        parallel = sp == (tp > 1) if experts > 1 else tp > 1 or not sp
        if not whole or not parallel:
            continue
        for etp in {1, int(tp)} if experts > 1 else {1}:
            room = request.accelerators // (tp * pp)
            if room and (experts == 1 or model.expert_ffn[0] % etp == 0):
                step = ep * etp // np.gcd(ep * etp, tp)
                vpps = [v for v in range(1, layers // pp + 1) if placed(layers, pp, v) and (pp > 1 or v == 1)]
                group = 2 ** int(np.log2(max(domain // tp, 1)))
                for dp in replica_sizes(
                    request.global_batch / mb, room, step, pp if max(vpps, default=1) > 1 else 0
                ):
                    rounds = np.ceil(request.global_batch / mb / dp)
                    for vpp, z, level in product(vpps, range(5), (0, 2)):
                        hybrid = 1 < group < dp and dp % group == 0
                        if (vpp == 1 or rounds >= pp) and (z == 0 or (hybrid if z == 4 else dp > 1)):
                            g = group if z == 4 else np.inf
                            found.append((tp, ep, etp, mb, pp, sp, dp, vpp, z, level, g))
    return found


def replica_sizes(batches: float, room: int, step: int, pp: int) -> set[int]:
    """Data-parallel sizes (a) to (d) of `planner.search.space.replicas`; `pp` is 0 without interleaving."""
    largest = int(min(room, np.ceil(batches)) // step * step)
    if not largest:
        return set()

    def fewest(count: float) -> int:
        return int(np.ceil(np.ceil(batches / count) / step) * step)

    rounds = np.ceil(batches / largest)
    sizes = {largest, fewest(rounds)}
    if batches % step == 0:
        sizes.add(max(d * step for d in divisors(int(batches // step)) if d * step <= largest))
    if pp:
        sizes.add(fewest(np.ceil(rounds / pp) * pp))
    return sizes


def placed(layers: int, pp: int, vpp: int) -> bool:
    """Whether the layers fill the stages, all but the ends alike."""
    most = vpp * -(-layers // (pp * vpp))
    return pp == 1 or most * pp - layers <= 2 * (most - 1)


def strategies(rows: list[tuple[float, ...]], request: Request) -> Strategy:
    tp, ep, etp, mb, pp, sp, dp, vpp, z, level, group = np.array(rows, dtype=float).T
    one = np.ones(1)
    return Strategy(
        seq_len=one * request.seq_len,
        global_batch=one * request.global_batch,
        micro_batch=mb,
        tp=tp,
        cp=one,
        pp=pp,
        vpp=vpp,
        ep=ep,
        etp=etp,
        dp=dp,
        sharding=z.astype(int),
        recompute=level.astype(int),
        recompute_layers=np.where(level == 2, 1.0, 0.0),
        sequence_parallel=sp > 0,
        gemm_class=np.zeros(1, dtype=int),
        zero_bubble=0 * one,
        in_flight=one * np.nan,
        offload=0 * one,
        shard_group=group,
    )
