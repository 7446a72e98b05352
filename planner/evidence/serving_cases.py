"""Serving measurements as tables: one group per kind of client, and a reason for every row left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.catalog.schema.accelerator import Accelerator
from planner.errors import InputError, UnknownNameError
from planner.evidence.serving_facts import STATES
from planner.evidence.serving_row import ServingRun, Workers
from planner.tables import Model, Rows, model_table, stack
from planner.tables.engine import Speculated, deployment_table, host_speed
from planner.tables.operators import Operators, operators_of, operators_table
from planner.tables.serving import Deployment, Load
from planner.types import BoolArray, FloatArray, IntArray
from planner.workload.engine import EngineProfile
from planner.workload.engine_names import engine_id
from planner.workload.formats import peaks, weight_format
from planner.workload.kinds import ENGINE, MODEL, SPECULATION
from planner.workload.record import ModelRecord

__all__ = ["KINDS", "Group", "ServingCases", "Setup", "build_serving_cases"]

T = TypeVar("T", bound=Rows)

KINDS = ("closed", "offline", "fixed", "burst", "rated", "pools", "single")
"""How a client makes load, as `planner.evidence.serving_clients` emulates it."""

_KIND_OF_CLIENT = {
    "closed": "closed", "offline": "offline", "static": "fixed", "single": "fixed", "burst": "burst",
    "rate": "rated", "pool": "single",
}  # fmt: skip

UNSTATED_DECODE_BATCH = 768.0
"""Sequences per rank of a decode pool whose batch was not published (an assumption)."""

NARROWEST = 128
"""Columns of an expert below which it is not cut: the block of its scales."""

WIDE = 8
"""Expert-parallel ranks beyond which engines replicate hot experts and overlap two half batches."""


@dataclass(frozen=True)
class Setup:
    """An engine on a kind of host; fitted constants make it a row of `Engine`."""

    engine: EngineProfile
    family: str
    """Whose constants apply: the engine's, unless the run says how it really ran."""
    arm_host: bool
    host_speed: float
    balanced_experts: bool


@dataclass(frozen=True, eq=False)
class Group:
    """Rows of one kind of client; arrays of shape ``[R]``."""

    kind: str
    run: IntArray  # index into the runs
    memory_bytes: FloatArray
    operators: Operators
    model: Model
    layout: Deployment
    load: Load
    setup: IntArray  # index into the setups
    chunk: FloatArray  # nan: the engine's
    max_batch: FloatArray  # nan: the engine's
    concurrency: FloatArray  # per replica; inf where as many run as fit
    replicas: FloatArray
    requests: FloatArray
    rate: FloatArray
    fixed_lengths: BoolArray
    prefill: BoolArray  # of single pools: the prefill one
    prefill_layout: Deployment
    prefill_workers: FloatArray
    decode_workers: FloatArray

    def take(self, index: IntArray | BoolArray) -> Group:
        """Rows at `index`."""
        values: dict[str, Any] = {
            name: (value if isinstance(value, str) else _take(value, index))
            for name, value in vars(self).items()
        }
        return Group(**values)


def _take(value: Any, index: IntArray | BoolArray) -> Any:
    return value.take(index) if isinstance(value, Rows) else value[index]


@dataclass(frozen=True, eq=False)
class ServingCases:
    """All rows that can be predicted, by kind of client."""

    runs: Sequence[ServingRun]
    groups: list[Group]
    setups: list[Setup]
    skipped: dict[str, str]  # run id to reason
    notes: dict[str, list[str]] = field(default_factory=dict)  # run id to what was filled

    def take(self, wanted: BoolArray) -> ServingCases:
        """Only the runs for which `wanted` (by index of the run) holds."""
        groups = [g.take(wanted[g.run]) for g in self.groups]
        kept = [g for g in groups if len(g.run)]
        return ServingCases(self.runs, kept, self.setups, self.skipped, self.notes)


def build_serving_cases(catalog: Catalog, runs: Sequence[ServingRun]) -> ServingCases:
    """Resolve names, precisions and layouts of all rows."""
    builder = _Builder(catalog)
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    skipped: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    for index, run in enumerate(runs):
        try:
            kind, row, said = builder.row(run)
        except (InputError, UnknownNameError) as error:
            skipped[run.id] = str(error)
            continue
        row["run"] = index
        rows[kind].append(row)
        notes[run.id] = said
    groups = [_group(kind, found) for kind, found in rows.items() if found]
    return ServingCases(runs, groups, builder.setups, skipped, notes)


def _group(kind: str, rows: list[dict[str, Any]]) -> Group:
    columns: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        columns[name] = _stacked(values) if isinstance(values[0], Rows) else np.array(values)
    return Group(kind=kind, **columns)


def _stacked(tables: list[T]) -> T:
    """Return all rows of tables of one row, most of which are the same few objects."""
    place: dict[int, int] = {}
    index = [place.setdefault(id(table), len(place)) for table in tables]
    first = dict(zip(reversed(index), reversed(tables), strict=True))
    distinct = stack([first[i] for i in range(len(place))])
    return distinct.with_values(**{name: column[index] for name, column in vars(distinct).items()})


class _Builder:
    """Records read once, and rows of tables made once per distinct record."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.setups: list[Setup] = []
        self._index: dict[tuple[str, str, bool, float, bool], int] = {}
        self._models: dict[str, tuple[ModelRecord, Model]] = {}
        self._parts: dict[str, tuple[Accelerator, Operators]] = {}
        self._engines: dict[tuple[str, str], EngineProfile] = {}

    def row(self, run: ServingRun) -> tuple[str, dict[str, Any], list[str]]:
        """Columns of one run, its kind, and what was filled in."""
        said: list[str] = list(run.assumptions)
        if run.workers is None:
            raise InputError("the parallel degrees do not multiply to the accelerators")
        if "offloaded-weights" in run.states:
            raise InputError(STATES["offloaded-weights"])
        needs_output = run.pool is None and run.client not in ("static", "single")
        if run.isl is None or (run.osl is None and needs_output):
            raise InputError("input or output length unknown")
        _, model = self._model(run.model)
        part, operators = self._part(run.accelerator)
        profile = self._engine(run.engine, run.engine_version)
        kind = "pools" if run.disaggregated and run.pool is None else _KIND_OF_CLIENT[run.client]
        layout = self._layout(run, run.workers, profile, kind, said)
        prefill, prefills, decodes = layout, 1.0, 1.0
        if kind == "pools":
            if run.prefill is None or run.decode is None:
                raise InputError("disaggregated, but the workers of its pools are not published")
            prefill = self._layout(run, run.prefill, profile, "single", [])
            prefills, decodes = float(run.prefill.count), float(run.decode.count)
        replicas = 1.0 if kind == "pools" else float(run.workers.count)
        columns = {
            "memory_bytes": part.memory.capacity.value,
            "operators": operators,
            "model": model,
            "layout": layout,
            "load": _load(run),
            "setup": self._setup(profile, part, run),
            "chunk": _chunk(run, profile),
            "max_batch": _max_batch(run, profile, kind),
            "concurrency": _concurrency(run, kind) / replicas,
            "replicas": replicas,
            "requests": _or_nan(run.requests or run.concurrency) / replicas,
            "rate": _or_nan(run.request_rate) / replicas,
            "fixed_lengths": run.length_spread in ("fixed", "unstated"),
            "prefill": run.pool == "prefill",
            "prefill_layout": prefill,
            "prefill_workers": prefills,
            "decode_workers": decodes,
        }
        return kind, columns, said

    def _model(self, name: str) -> tuple[ModelRecord, Model]:
        if name not in self._models:
            record = self.catalog.get(MODEL, name)
            self._models[name] = (record, model_table(record.architecture))
        return self._models[name]

    def _part(self, name: str) -> tuple[Accelerator, Operators]:
        if name not in self._parts:
            part = self.catalog.get(ACCELERATOR, name)
            self._parts[name] = (part, operators_table(part, operators_of(self.catalog, part)))
        return self._parts[name]

    def _engine(self, name: str, version: str) -> EngineProfile:
        if (name, version) not in self._engines:
            self._engines[name, version] = self.catalog.get(ENGINE, engine_id(self.catalog, name, version))
        return self._engines[name, version]

    def _setup(self, profile: EngineProfile, part: Accelerator, run: ServingRun) -> int:
        family = "eager" if "eager" in run.states else profile.family
        balanced = "balanced-experts" in run.states
        setup = Setup(profile, family, part.host.cpu == "arm", host_speed(part), balanced)
        key = (profile.id, family, setup.arm_host, setup.host_speed, balanced)
        if key not in self._index:
            self._index[key] = len(self.setups)
            self.setups.append(setup)
        return self._index[key]

    def _layout(
        self, run: ServingRun, worker: Workers, profile: EngineProfile, kind: str, said: list[str]
    ) -> Deployment:
        """Return the layout of a worker, with the precisions and the speculation of its run."""
        record, model = self._model(run.model)
        part, _ = self._part(run.accelerator)
        available = peaks(part.flops)
        weights = weight_format(self.catalog, record, run.weight_format).on(available)
        kv = run.kv_format
        if kv is None:
            attention = "mla" if model.mla[0] else "gqa"
            kv = profile.kv_precision(weights=weights.id, attention=attention, available=available)
            said.append(f"keys and values in {kv}: what {profile.name} keeps by default")
        ep = _expert_ranks(worker, model)
        wide = ep > WIDE
        return deployment_table(
            weights,
            kv=kv,
            tp=worker.tp,
            pp=worker.pp,
            dp=worker.dp,
            ep=ep,
            eight_bit_attention=profile.eight_bit_attention and part.flops.fp8 is not None,
            balanced=wide,
            two_batches="two-batches" in run.states
            or (profile.overlaps_two_batches and (kind == "single" or wide)),
            speculated=self._speculated(run, said),
        )

    def _speculated(self, run: ServingRun, said: list[str]) -> Speculated | None:
        if not run.spec_method or not run.spec_tokens:
            return None
        record = self.catalog.get(SPECULATION, run.spec_method)
        accepted = run.spec_accepted
        if accepted is None:
            accepted = record.tokens_per_step(min(run.spec_tokens, record.most_drafts)).value
            said.append(f"{accepted:.2f} tokens per step: what {record.name} yields by default")
        return Speculated(float(run.spec_tokens), accepted, 0.0 if record.draft.cost == "none" else 1.0)


def _expert_ranks(worker: Workers, model: Model) -> int:
    """Expert-parallel ranks; 1 in a column often only means that they are not stated.

    Experts cannot be cut into slices narrower than a block of scales: such ranks hold whole experts.
    """
    if not model.n_moe[0]:
        return 1
    ep = min(worker.ep, worker.stage)
    narrow = model.expert_ffn[0] / (worker.stage / ep) < NARROWEST
    return worker.stage if narrow else ep


def _load(run: ServingRun) -> Load:
    isl = run.isl or 1.0
    cached = isl * (run.prefix_hit_rate or 0.0)
    values = (isl, run.osl or 1.0, cached, 0.0)
    return Load(*(np.array([value]) for value in values))


def _chunk(run: ServingRun, profile: EngineProfile) -> float:
    chunk = float(run.chunk_tokens) if run.chunk_tokens else np.nan
    if "whole-prompts" in run.states:
        chunk = max(run.isl or 1.0, chunk if np.isfinite(chunk) else profile.chunk.value)
    return chunk


def _max_batch(run: ServingRun, profile: EngineProfile, kind: str) -> float:
    """Sequences per rank that the server was limited to; nan where the engine's own limit holds.

    In a closed loop the clients are the limit: tables that list another number there do not agree with their
    own latencies.
    """
    if kind == "closed":
        return np.nan
    if kind in ("burst", "rated") and profile.server_batch is not None:
        return profile.server_batch.value
    return _or_nan(run.workers.max_batch if run.workers else None)


def _concurrency(run: ServingRun, kind: str) -> float:
    """Return the requests in the system; inf where as many run as fit."""
    if run.concurrency is not None and kind != "burst":
        return float(run.concurrency)
    if kind in ("offline", "burst"):
        return float(run.batch_limit) if run.batch_limit else np.inf
    if kind == "single":
        worker = run.workers
        ranks = worker.dp * worker.count if worker else 1
        return ranks * float((worker and worker.max_batch) or UNSTATED_DECODE_BATCH)
    if kind == "rated":
        return np.nan
    raise InputError("neither a concurrency nor an offline run")


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)
