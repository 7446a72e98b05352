"""Predict serving measurements with given constants: the same physics that answers questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.evidence.serving_cases import Group, ServingCases, Setup
from planner.evidence.serving_clients import (
    Client,
    Measured,
    burst,
    closed,
    fixed_batch,
    offline,
    pools,
    rated,
    single_pool,
)
from planner.model.inference.memory import memory
from planner.model.inference.replica import Replica, prepare
from planner.tables import stack
from planner.tables.engine import engine_table
from planner.tables.serving import Deployment, Engine
from planner.types import FloatArray

__all__ = ["EngineConstants", "Prediction", "predict_serving"]

EngineConstants = Mapping[str, Mapping[str, float]]
"""Engine family to its constants, SI (`planner.tables.engine.engine_constants`)."""

CLIENT_CONSTANTS = ("wave", "cohort", "stall_share", "drain")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Per run, nan where it was left out; shape ``[runs]``."""

    ttft_s: FloatArray
    tpot_s: FloatArray
    tokens_per_s: FloatArray  # output tokens; input tokens of a prefill pool
    batch: FloatArray


def predict_serving(cases: ServingCases, constants: EngineConstants) -> Prediction:
    """Predict every run."""
    out = {name: np.full(len(cases.runs), np.nan) for name in ("ttft_s", "tpot_s", "tokens_per_s", "batch")}
    engines = stack([_engine(setup, constants) for setup in cases.setups])
    emulation = {
        name: np.array([constants[s.family][name] for s in cases.setups]) for name in CLIENT_CONSTANTS
    }
    for group in cases.groups:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = _group(
                group, engines.take(group.setup), {k: v[group.setup] for k, v in emulation.items()}
            )
        out["ttft_s"][group.run] = found.ttft_s
        out["tpot_s"][group.run] = found.tpot_s
        out["tokens_per_s"][group.run] = found.output_tokens_per_s
        out["batch"][group.run] = found.batch
    return Prediction(**out)


def _engine(setup: Setup, constants: EngineConstants) -> Engine:
    table = engine_table(
        setup.engine, constants[setup.family], arm_host=setup.arm_host, host_speed=setup.host_speed
    )
    return table.with_values(imbalance=1.0) if setup.balanced_experts else table


def _group(group: Group, engine: Engine, emulated: Mapping[str, FloatArray]) -> Measured:
    engine = engine.with_values(
        chunk=np.where(np.isfinite(group.chunk), group.chunk, engine.chunk),
        max_batch=np.where(np.isfinite(group.max_batch), group.max_batch, engine.max_batch),
    )
    client = Client(
        concurrency=group.concurrency,
        replicas=group.replicas,
        requests=group.requests,
        rate=group.rate,
        fixed_lengths=group.fixed_lengths,
        **emulated,
    )
    replica = _replica(group, engine, group.layout)
    fits = memory(
        memory_bytes=group.memory_bytes,
        model=group.model,
        engine=engine,
        layout=group.layout,
        load=group.load,
    )
    common: dict[str, Any] = {"replica": replica, "load": group.load, "client": client}
    if group.kind == "pools":
        stated = np.where(np.isfinite(group.max_batch), group.max_batch * group.layout.dp, 0.0)
        fits = replace(fits, capacity=np.maximum(fits.capacity, stated))
        return pools(
            prefill_replica=_replica(group, engine, group.prefill_layout),
            prefill_workers=group.prefill_workers,
            decode_replica=replica,
            decode_workers=group.decode_workers,
            load=group.load,
            client=client,
            fits=fits,
        )
    if group.kind == "fixed":
        return fixed_batch(**common)
    if group.kind == "single":
        return single_pool(**common, prefill=group.prefill)
    emulate = {"closed": closed, "offline": offline, "burst": burst, "rated": rated}[group.kind]
    return emulate(**common, fits=fits)


def _replica(group: Group, engine: Engine, layout: Deployment) -> Replica:
    return prepare(operators=group.operators, model=group.model, engine=engine, layout=layout)
