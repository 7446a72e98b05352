"""Shared by all tests: hypothesis profiles and small catalogs to read from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from planner.catalog import kinds
from planner.catalog.load import Catalog
from planner.model.activations import activation_costs, kept_bytes
from planner.model.layer import layer_costs
from planner.model.memory import memory_costs
from planner.model.training import micro_batches, step_costs
from planner.search.serving import Can, Option, ServingPart, ServingRequest, Variation
from planner.tables import (
    Hardware,
    Model,
    Software,
    Strategy,
    constants_of,
    hardware_table,
    model_table,
    software_table,
)
from planner.tables.engine import deployment_table, engine_constants, engine_table
from planner.tables.operators import operators_of, operators_table
from planner.tables.serving import Load
from planner.workload.formats import peaks, weight_format
from planner.workload.kinds import ENGINE, MODEL, SOFTWARE

# A gate must not change its mind between two runs of one commit: it draws the same examples every time.
GATE = bool(os.environ.get("CI"))
settings.register_profile("dev", max_examples=50, deadline=None, derandomize=GATE)
settings.register_profile("ci", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

ACCELERATOR = """\
id: {id}
name: Test {id}
aliases: [{id}-alias]
vendor: Test
released: 2022
cite: {{source: sheet, at: "p. 1", kind: datasheet}}
flops:
  bf16: 1000 TFLOP/s
memory:
  capacity: 80 GB
  bandwidth: {bandwidth}
  type: HBM3
compute_units: 132
power:
  tdp: 700 W
scale_up: {{name: Link, bandwidth: 450 GB/s, domain: 8, topology: switch}}
scale_out: {{bandwidth: 400 Gb/s}}
host: {{name: PCIe, bandwidth: 64 GB/s}}
"""
SOURCES = "sheet: {title: A data sheet, publisher: Test, accessed: 2026-01-02}\n"


@pytest.fixture(autouse=True)
def _no_overlays_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLANNER_CATALOG", raising=False)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the test's own folder, making the folders on the way."""

    def _write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return _write


@pytest.fixture
def accelerator() -> Callable[..., str]:
    """Return the YAML of a valid accelerator."""

    def _accelerator(record_id: str, *, bandwidth: str = "3.35 TB/s") -> str:
        return ACCELERATOR.format(id=record_id, bandwidth=bandwidth)

    return _accelerator


@pytest.fixture
def root(tmp_path: Path, write: Callable[[str, str], Path], accelerator: Callable[..., str]) -> Path:
    """Return a small catalog: accelerators chip-a and chip-b with their source."""
    write("base/hardware/sources.yaml", SOURCES)
    write("base/hardware/accelerators/chip-a.yaml", accelerator("chip-a"))
    write("base/hardware/accelerators/chip-b.yaml", accelerator("chip-b", bandwidth="8 TB/s"))
    return tmp_path / "base"


@pytest.fixture(scope="session")
def tables() -> Callable[..., tuple[Hardware, Model, Software]]:
    """Return shipped tables of one row: hardware, model and software by their ids."""
    catalog = Catalog()
    calibration = catalog.get(kinds.CALIBRATION, "training")

    @cache
    def _tables(
        model: str, accelerator: str = "h100-sxm", software: str = "megatron-core", domain: int | None = None
    ) -> tuple[Hardware, Model, Software]:
        part = catalog.get(kinds.ACCELERATOR, accelerator)
        rates = part.kernels or (part.id if catalog.find(kinds.KERNELS, part.id) else "shared")
        stack = catalog.get(SOFTWARE, software)
        return (
            hardware_table(part, catalog.get(kinds.KERNELS, rates), domain=domain),
            model_table(catalog.get(MODEL, model).architecture),
            software_table(stack, constants_of(calibration, stack.family), released=part.released),
        )

    return _tables


@pytest.fixture(scope="session")
def serving() -> Callable[..., ServingRequest]:
    """Return questions to the serving search: a shipped model on shipped parts, by their ids."""
    catalog = Catalog()
    calibration = catalog.get(kinds.SERVING_CALIBRATION, "serving")

    def _option(index: int, part: Any, model: Any, table: Model, engine: str, weights: str | None) -> Option:
        profile = catalog.get(ENGINE, engine)
        form = weight_format(catalog, model, weights).on(peaks(part.flops))
        kv = profile.kv_precision(
            weights=form.id, attention="mla" if table.mla[0] else "gqa", available=peaks(part.flops)
        )
        constants = engine_constants(calibration, profile.family)
        f = profile.features
        return Option(
            part=index,
            engine=engine_table(profile, constants, arm_host=part.host.cpu == "arm"),
            layout=deployment_table(form, kv=kv, tp=1),
            can=Can(
                pipeline=f.pipeline_parallel,
                attention_data=f.attention_data_parallel,
                experts=f.expert_parallel,
                disaggregation=f.disaggregation,
                two_batches=profile.overlaps_two_batches,
            ),
            chunks=(2048.0, 8192.0),
            name=f"{engine}, {form.id}",
        )

    def _serving(
        model: str = "llama3.1-70b",
        parts: Mapping[str, float] | None = None,
        *,
        engine: str = "vllm",
        weights: str | None = "fp8",
        isl: float = 4000.0,
        osl: float = 500.0,
        hit: float = 0.0,
        variation: tuple[float, float, float] = (0.5, 0.5, 1.0),
        **values: Any,
    ) -> ServingRequest:
        record = catalog.get(MODEL, model)
        table = model_table(record.architecture)
        places = parts or {"h200-sxm": 64.0}
        records = [catalog.get(kinds.ACCELERATOR, name) for name in places]
        return ServingRequest(
            model=table,
            load=Load(
                *(np.array([x]) for x in (isl, osl, isl * hit, 0.0)),
                new_variation=np.array([variation[0] ** 2]),
                osl_variation=np.array([variation[1] ** 2]),
            ),
            parts=tuple(
                ServingPart(
                    a.id, operators_table(a, operators_of(catalog, a)), a.memory.capacity.value, float(n)
                )
                for a, n in zip(records, places.values(), strict=True)
            ),
            options=tuple(_option(i, a, record, table, engine, weights) for i, a in enumerate(records)),
            variation=Variation(*variation),
            **values,
        )

    return _serving


PLAINEST = {
    "seq_len": 4096.0, "global_batch": 512.0, "micro_batch": 1.0, "tp": 1.0, "cp": 1.0, "pp": 1.0, "vpp": 1.0,
    "ep": 1.0, "etp": 1.0, "dp": 1.0, "sharding": 0, "recompute": 0, "recompute_layers": 1.0,
    "sequence_parallel": False, "gemm_class": 0, "zero_bubble": 0.0, "in_flight": np.nan, "offload": 0.0,
    "shard_group": np.inf,
}  # fmt: skip


@pytest.fixture(scope="session")
def layout() -> Callable[..., Strategy]:
    """Return layouts as the physics takes them, one row per value given; the plainest where none is."""

    def _layout(**values: Any) -> Strategy:
        return Strategy(**{k: np.atleast_1d(np.asarray(v)) for k, v in (PLAINEST | values).items()})

    return _layout


@pytest.fixture(scope="session")
def physics() -> Callable[..., SimpleNamespace]:
    """Return all costs of some layouts: layer, activations, step and memory."""

    def _physics(hardware: Hardware, model: Model, software: Software, strategy: Strategy) -> SimpleNamespace:
        given = {"model": model, "software": software, "strategy": strategy}
        layer = layer_costs(hardware=hardware, **given)
        activations = activation_costs(**given)
        kept = kept_bytes(strategy, activations)
        return SimpleNamespace(
            layer=layer,
            activations=activations,
            step=step_costs(hardware=hardware, layer=layer, kept=kept, **given),
            memory=memory_costs(activations=activations, micro_batches=micro_batches(strategy), **given),
        )

    return _physics
