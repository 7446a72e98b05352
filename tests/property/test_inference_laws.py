"""Laws of the serving estimator over random replicas and loads: steps, memory, steady states, pools."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.model.inference.batching import Steady, closed_loop, decode_bound, steady
from planner.model.inference.disaggregated import closed_pools, decode_pool, matched, prefill_pool, transfer_s
from planner.model.inference.memory import Memory, memory
from planner.model.inference.replica import Replica, Work, prepare
from planner.model.inference.step import step
from planner.tables import Model, model_table, stack
from planner.tables.engine import Speculated, deployment_table, engine_table
from planner.tables.operators import Operators, operators_of, operators_table
from planner.tables.serving import Deployment, Engine, Load
from planner.types import FloatArray
from planner.workload.formats import peaks, weight_format
from planner.workload.kinds import ENGINE, MODEL

CATALOG = Catalog()
CLOSE = 1.0 + 1e-9
CONSTANTS = {
    "layer": 10e-6, "expert_layer": 12e-6, "element_bytes": 8.0, "prefill_slowdown": 1.1, "floor_layer": 0.0,
    "host_step": 5e-4, "host_sequence": 4e-6, "request": 0.025, "draft": 3e-4, "imbalance": 1.5,
    "balanced_imbalance": 1.2, "attention_imbalance": 1.1, "arm_host": 1.2, "overlap": 0.7, "nic_share": 0.8,
    "weight_only": 0.75, "handover": 0.05, "correction": 1.0,
}  # fmt: skip
MODELS = (
    "llama-3-70b",
    "gpt-oss-120b",
    "deepseek-v3",
    "deepseek-v3.2",
    "qwen3.5-397b-a17b",
    "nemotron-h-56b",
)
PARTS = ("h100-sxm", "b200", "gb200", "mi300x", "l40s", "rtx-pro-6000", "a100-sxm-80gb", "tpu-v7")
DENSE: tuple[dict[str, float], ...] = (
    {"tp": 1},
    {"tp": 8},
    {"tp": 2, "pp": 4},
    {"tp": 16},
    {"tp": 8, "pp": 2},
)
MIXED: tuple[dict[str, float], ...] = (
    {"tp": 8, "ep": 8}, {"tp": 1, "dp": 8, "ep": 8}, {"tp": 2, "dp": 4, "ep": 8}, {"tp": 4, "dp": 8, "ep": 8},
    {"tp": 1, "dp": 8, "ep": 8, "pp": 2}, {"tp": 1, "dp": 64, "ep": 64},
)  # fmt: skip
RATES = ("memory_bytes_per_s", "peak_flop_per_s", "link_bytes_per_s", "nic_bytes_per_s")


@cache
def operators(part: str) -> Operators:
    record = CATALOG.get(ACCELERATOR, part)
    return operators_table(record, operators_of(CATALOG, record))


@cache
def model(name: str) -> Model:
    return model_table(CATALOG.get(MODEL, name).architecture)


@cache
def engine(name: str) -> Engine:
    return engine_table(CATALOG.get(ENGINE, name), CONSTANTS)


@cache
def deployment(name: str, part: str, weights: str | None, layout: tuple[tuple[str, Any], ...]) -> Deployment:
    available = peaks(CATALOG.get(ACCELERATOR, part).flops)
    form = weight_format(CATALOG, CATALOG.get(MODEL, name), weights).on(available)
    return deployment_table(form, kv="fp8" if weights == "fp8" else "fp16", **dict(layout))


class Spec(NamedTuple):
    """A replica by name."""

    model: str
    part: str
    engine: str
    weights: str | None
    layout: tuple[tuple[str, Any], ...]
    chunk: float = 8192.0
    floor: float = 0.0
    waves: bool = True

    def built(self, **rates: float) -> Replica:
        """Return it on a part with some rates multiplied."""
        ops = operators(self.part)
        changed = {name: getattr(ops, name) * factor for name, factor in rates.items()}
        if not self.waves:
            changed["gemm_waves"] = np.zeros((1, 6))
        return prepare(
            operators=ops.with_values(**changed),
            model=model(self.model),
            engine=engine(self.engine).with_values(chunk=self.chunk, floor_layer_s=self.floor),
            layout=deployment(self.model, self.part, self.weights, self.layout),
        )


@st.composite
def specs(draw: st.DrawFn, *, waves: bool = True, drafts: bool = False) -> Spec:
    """Shipped models on shipped parts; without `waves`, the last one of a product is never half empty."""
    name = draw(st.sampled_from(MODELS))
    values: dict[str, Any] = dict(draw(st.sampled_from(DENSE + (MIXED if model(name).n_moe[0] else ()))))
    wide = values.get("ep", 1) > 8
    values |= {"two_batches": wide and draw(st.booleans()), "balanced": wide}
    if drafts and draw(st.booleans()):
        values["speculated"] = Speculated(3.0, 2.5, 1.0)
    return Spec(
        name,
        draw(st.sampled_from(PARTS)),
        draw(st.sampled_from(("vllm", "sglang"))),
        draw(st.sampled_from([None, "fp8"])),
        tuple(values.items()),
        draw(st.sampled_from([512.0, 2048.0, 8192.0])),
        draw(st.sampled_from([0.0, 0.0, 300e-6])),
        waves,
    )


def arrays(values: dict[str, float]) -> dict[str, FloatArray]:
    return {name: np.array([float(value)]) for name, value in values.items()}


tokens = st.integers(1, 8192).map(float)
many = st.floats(0.05, 4096)
works = st.fixed_dictionaries(
    {
        "decode": st.just(0.0) | many,
        "context": tokens,
        "prompt": st.just(0.0) | tokens,
        "new": tokens,
        "past": tokens,
    }
)


@st.composite
def loads(draw: st.DrawFn, *, least: int = 2) -> dict[str, float]:
    isl = draw(st.integers(16, 100_000))
    cached = float(round(isl * draw(st.sampled_from([0.0, 0.5, 0.95]))))
    return {"isl": float(isl), "osl": float(draw(st.integers(least, 4000))), "cached": cached, "shared": 0.0}


def seconds(replica: Replica, work: dict[str, float]) -> float:
    return float(step(replica=replica, work=Work(**arrays(work))).total_s[0])


class TestSteps:
    @given(spec=specs(drafts=True), work=works, rate=st.sampled_from(RATES), factor=st.floats(1.0, 16.0))
    def test_a_faster_part_is_never_slower(
        self, spec: Spec, work: dict[str, float], rate: str, factor: float
    ) -> None:
        before, after = seconds(spec.built(), work), seconds(spec.built(**{rate: factor}), work)
        assert np.isnan(before) == np.isnan(after)
        assert np.isnan(before) or 0 < after <= before * CLOSE

    @given(
        spec=specs(waves=False),
        work=works,
        axis=st.sampled_from(["decode", "context", "prompt", "past"]),
        factor=st.floats(1.0, 64.0),
    )
    def test_more_work_is_never_faster(
        self, spec: Spec, work: dict[str, float], axis: str, factor: float
    ) -> None:
        """More sequences, context, prompt tokens or cached ones before them, once there are some.

        Not with the last wave of a product (next test), nor with drafts: they are charged the share of
        decoding tokens in a step, which prompts lower. The first prompt of a step over several domains may
        make it faster too: it changes the kernels that exchange tokens.
        """
        before, after = (seconds(spec.built(), work | {axis: work[axis] * f}) for f in (1.0, factor))
        assert np.isnan(before) == np.isnan(after)
        assert np.isnan(before) or 0 < before <= after * CLOSE

    @given(spec=specs(drafts=True), work=works)
    def test_a_last_wave_that_is_not_full_only_costs(self, spec: Spec, work: dict[str, float]) -> None:
        slow, fast = (seconds(spec._replace(waves=w).built(), work) for w in (True, False))
        assert np.isnan(slow) or fast <= slow * CLOSE

    @given(spec=specs(drafts=True), work=works)
    def test_parts_sum_to_the_total(self, spec: Spec, work: dict[str, float]) -> None:
        found = step(replica=spec.built(), work=Work(**arrays(work)))
        parts = [getattr(found, name)[0] for name in found.parts()]
        assert np.isnan(found.total_s[0]) or min(parts) >= 0
        np.testing.assert_allclose(sum(parts), found.total_s[0], rtol=1e-12)


def held(r: Replica, nominal: float, load: Load) -> Memory:
    return memory(
        memory_bytes=np.array([nominal]), model=r.model, engine=r.engine, layout=r.layout, load=load
    )


class TestMemory:
    @given(
        spec=specs(),
        load=loads(),
        nominal=st.floats(16e9, 300e9),
        factor=st.floats(1.0, 8.0),
        axis=st.sampled_from(["isl", "osl", "memory"]),
    )
    def test_longer_requests_fit_less_and_more_memory_holds_more(
        self, spec: Spec, load: dict[str, float], nominal: float, factor: float, axis: str
    ) -> None:
        r, longer = spec.built(), load | ({} if axis == "memory" else {axis: load[axis] * factor})
        before = held(r, nominal, Load(**arrays(load)))
        after = held(r, nominal * (factor if axis == "memory" else 1.0), Load(**arrays(longer)))
        more, less = (after, before) if axis == "memory" else (before, after)
        for name in ("capacity", "resident"):
            assert getattr(more, name)[0] * CLOSE >= getattr(less, name)[0] >= 0
        assert min(before.weight_bytes[0], before.workspace_bytes[0], before.sequence_bytes[0]) > 0
        assert (before.capacity[0] > 0) == (before.cache_bytes[0] > 0)


def at(r: Replica, load: dict[str, float], *batch: float) -> Steady:
    return steady(replica=r, load=Load(**arrays(load)), batch=np.array(batch))


class TestSteadyState:
    @given(spec=specs(waves=False), load=loads(), batch=many, factor=st.floats(1.0, 64.0))
    def test_more_sequences_are_more_requests_inside_and_slower_tokens(
        self, spec: Spec, load: dict[str, float], batch: float, factor: float
    ) -> None:
        found = at(spec.built(), load, batch, batch * factor)
        for name in ("concurrency", "tpot_s", "prefill_s", "decode_s"):
            few, more = np.broadcast_to(getattr(found, name), 2)
            assert np.isnan(few) or few <= more * CLOSE, name

    @given(spec=specs(drafts=True), load=loads(), batch=many)
    def test_rate_times_residence_is_the_concurrency(
        self, spec: Spec, load: dict[str, float], batch: float
    ) -> None:
        """Up to the batch whose prompts fit in the steps; beyond it some sequences only wait."""
        r = spec.built()
        found = at(r, load, min(batch, decode_bound(replica=r, load=Load(**arrays(load)))[0]))
        inside = found.rate * (found.steps * found.step_s + found.prefill_s + 0.5 * found.decode_s)
        np.testing.assert_allclose(inside, found.concurrency, rtol=1e-9)

    @given(
        spec=specs(waves=False), load=loads(), batch=many, hits=st.tuples(st.floats(0, 1), st.floats(0, 1))
    )
    def test_a_larger_prefix_hit_never_lowers_the_rate(
        self, spec: Spec, load: dict[str, float], batch: float, hits: tuple[float, float]
    ) -> None:
        r = spec.built()
        few, more = (at(r, load | {"cached": load["isl"] * hit}, batch).rate[0] for hit in sorted(hits))
        assert np.isnan(few) or few <= more * CLOSE

    @given(spec=specs(drafts=True), load=loads(least=100), concurrency=st.floats(1, 4096))
    def test_a_closed_loop_has_its_clients_inside(
        self, spec: Spec, load: dict[str, float], concurrency: float
    ) -> None:
        """Answers of 100 tokens or more; its few steps do not end where decoding is short against prompts."""
        r, request = spec.built(), Load(**arrays(load))
        asked = {"concurrency": np.array([concurrency]), "capacity": np.array([1e9])}
        found = closed_loop(replica=r, load=request, **asked)
        assume(np.isfinite(found.rate[0]))
        assert found.concurrency[0] <= concurrency * 1.01
        if found.batch[0] < 0.999 * decode_bound(replica=r, load=request)[0]:
            assert found.concurrency[0] == pytest.approx(concurrency, rel=0.01)


class TestPools:
    @given(spec=specs(drafts=True), load=loads(), concurrency=st.floats(1, 4096), n=st.integers(2, 1000))
    def test_as_many_times_the_workers_serve_as_many_times_the_clients(
        self, spec: Spec, load: dict[str, float], concurrency: float, n: int
    ) -> None:
        r, request = spec.built(), Load(**arrays(load))
        first = prefill_pool(replica=r, load=request)
        assume(np.isfinite(first.rate[0]))
        (one, rate), (all_, rates) = (
            closed_pools(
                prefill=first,
                prefill_workers=np.array([2.0 * k]),
                decode_replica=r,
                decode_workers=np.array([3.0 * k]),
                load=request,
                concurrency=np.array([concurrency * k]),
                capacity=np.array([512.0]),
                handed_s=transfer_s(replica=r, load=request),
            )
            for k in (1, n)
        )
        assert rates[0] == pytest.approx(n * rate[0])
        assert all_.tpot_s[0] == pytest.approx(one.tpot_s[0])

    @given(spec=specs(waves=False), load=loads(), batch=many, share=st.floats(0.1, 1.0))
    def test_matched_pools_have_one_rate_and_decode_undisturbed(
        self, spec: Spec, load: dict[str, float], batch: float, share: float
    ) -> None:
        r, request = spec.built(), Load(**arrays(load))
        first = prefill_pool(replica=r, load=request)
        second = decode_pool(replica=r, load=request, batch=np.array([batch]))
        assume(np.isfinite(first.rate[0]))
        workers = matched(prefill=first, decode=second, prefill_load=share)
        assert workers[0] * share * first.rate[0] == pytest.approx(second.rate[0])
        assert second.tpot_s[0] <= at(r, load, batch).tpot_s[0] * CLOSE


def points(specs: list[Spec], load: Load, batch: FloatArray) -> FloatArray:
    """Figures of a table of replicas, a row per figure."""
    parts = [spec.built() for spec in specs]
    r = prepare(
        operators=stack([p.operators for p in parts]),
        model=stack([p.model for p in parts]),
        engine=stack([p.engine for p in parts]),
        layout=stack([p.layout for p in parts]),
    )
    point, pool = steady(replica=r, load=load, batch=batch), prefill_pool(replica=r, load=load)
    found = (point.rate, point.tpot_s, point.prefill_s, pool.rate, transfer_s(replica=r, load=load))
    return np.stack([np.broadcast_to(column, len(specs)) for column in found])


@given(
    rows=st.lists(st.tuples(specs(drafts=True), loads(), many), min_size=2, max_size=4), order=st.randoms()
)
def test_neither_order_nor_neighbours_change_a_row(rows: list[Any], order: Any) -> None:
    order.shuffle(rows)
    tables = [(spec, Load(**arrays(load)), np.array([batch])) for spec, load, batch in rows]
    together = points(
        [spec for spec, _, _ in tables],
        stack([load for _, load, _ in tables]),
        np.concatenate([batch for _, _, batch in tables]),
    )
    alone = np.concatenate([points([spec], load, batch) for spec, load, batch in tables], axis=1)
    np.testing.assert_allclose(together, alone, rtol=1e-9)
