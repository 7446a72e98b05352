"""A published day of production as a prediction: DeepSeek-V3 on H800 nodes, prefill and decode apart.

The operator published averages of 24 hours: 73.7k input tokens/s (those found in caches included) of a node
that prefills, 14.8k output tokens/s of one that decodes. It is no row of the evidence, and nothing was fitted
to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR, SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.model.inference.disaggregated import decode_pool, prefill_pool
from planner.model.inference.memory import memory
from planner.model.inference.replica import Replica, prepare
from planner.tables import model_table
from planner.tables.engine import deployment_table, engine_constants, engine_table, host_speed
from planner.tables.operators import operators_of, operators_table
from planner.tables.serving import Load
from planner.workload.formats import peaks, weight_format
from planner.workload.kinds import ENGINE, MODEL

__all__ = [
    "ENGINES",
    "MEASURED_DECODE",
    "MEASURED_PREFILL",
    "SOURCE",
    "ProductionDay",
    "middle",
    "production_day",
]

SOURCE: Final = "deepseek-inference-overview"
"""Key in ``workloads/sources.yaml``."""
MEASURED_PREFILL: Final = 73_700.0
MEASURED_DECODE: Final = 14_800.0
"""Tokens per second of a node of eight, averaged over 2025-02-27 12:00 to 2025-02-28 12:00 UTC+8."""

NODE: Final = 8
PREFILL_RANKS, DECODE_RANKS = 32, 144
ISL, OSL, HITS = 4384.0, 1211.0, 0.563
"""608 G input tokens, 342 G of them in caches, 168 G output tokens; the mean cache while decoding, 4,989
tokens, is the input and half the output."""
SLOWEST_TPOT_S: Final = 0.050
"""20 to 22 tokens per second and user."""
DECODE_CHUNK: Final = 128.0
"""Tokens per rank that there are buffers for where nothing is prefilled, as in DeepEP's fast kernels."""
ENGINES: Final = ("sglang", "trtllm", "vllm")
"""Engines that can serve like that; the operator's own is not public."""


@dataclass(frozen=True)
class ProductionDay:
    """What is predicted of a node."""

    prefill_tokens_per_s: float  # input tokens, those in caches included
    decode_tokens_per_s: float  # output tokens, at the largest batch whose time per token is short enough
    batch: float  # sequences per accelerator there
    tpot_s: float


def middle(days: Iterable[ProductionDay]) -> ProductionDay:
    """Return the geometric mean over engines, since the operator's is none of them."""
    rows = [(d.prefill_tokens_per_s, d.decode_tokens_per_s, d.batch, d.tpot_s) for d in days]
    return ProductionDay(*(float(value) for value in np.exp(np.mean(np.log(rows), axis=0))))


def production_day(
    catalog: Catalog, engine: str, *, calibration: str = "serving", balanced: bool = False
) -> ProductionDay:
    """Predict the published day.

    Parameters
    ----------
    engine
        Whose constants to take, such as one of `ENGINES`.
    balanced
        Replicas of hot experts even out the load, as benchmarks with ideal placement do. Answers to planning
        questions do not assume it, and neither does the prediction by default.
    """
    load = Load(*(np.array([value]) for value in (ISL, OSL, ISL * HITS, 0.0)))
    prefill, _ = _replica(catalog, engine, calibration, PREFILL_RANKS, load, balanced, chunk=None)
    first = prefill_pool(replica=prefill, load=load)
    nodes = PREFILL_RANKS / NODE
    decode, most = _replica(catalog, engine, calibration, DECODE_RANKS, load, balanced, chunk=DECODE_CHUNK)
    batch = np.arange(1.0, max(most, 2.0))
    found = decode_pool(replica=decode, load=load, batch=batch * DECODE_RANKS)
    at = int(np.flatnonzero(found.tpot_s <= SLOWEST_TPOT_S)[-1]) if found.tpot_s[0] <= SLOWEST_TPOT_S else 0
    return ProductionDay(
        prefill_tokens_per_s=float(first.rate[0]) * ISL / nodes,
        decode_tokens_per_s=NODE * float(batch[at]) / float(found.tpot_s[at]),
        batch=float(batch[at]),
        tpot_s=float(found.tpot_s[at]),
    )


def _replica(
    catalog: Catalog,
    engine: str,
    calibration: str,
    ranks: int,
    load: Load,
    balanced: bool,
    *,
    chunk: float | None,
) -> tuple[Replica, float]:
    """One expert-parallel replica as published, and the sequences that an accelerator of it holds."""
    part, model = catalog.get(ACCELERATOR, "h800-sxm"), catalog.get(MODEL, "deepseek-v3")
    profile = catalog.get(ENGINE, engine)
    weights = weight_format(catalog, model, "fp8").on(peaks(part.flops))
    layout = deployment_table(
        weights,
        kv="fp16",
        tp=1.0,
        dp=float(ranks),
        ep=float(ranks),
        balanced=balanced,
        two_batches=True,
    )
    constants = engine_constants(catalog.get(SERVING_CALIBRATION, calibration), profile.family)
    table = engine_table(
        profile, constants, arm_host=part.host.cpu == "arm", host_speed=host_speed(part), chunk=chunk
    )
    replica = prepare(
        operators=operators_table(part, operators_of(catalog, part)),
        model=model_table(model.architecture),
        engine=table,
        layout=layout,
    )
    fits = memory(
        memory_bytes=np.array([part.memory.capacity.value]),
        model=replica.model,
        engine=table,
        layout=layout,
        load=load,
    )
    return replica, float(fits.resident[0]) / ranks
