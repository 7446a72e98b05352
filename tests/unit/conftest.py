"""Serving replicas whose kernels can be worked out by hand: an ideal part, plain engines and layouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from math import log2
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.model.inference.replica import Replica, prepare
from planner.tables import Model, model_table
from planner.tables.operators import Operators
from planner.tables.serving import Deployment, Engine, Load
from planner.workload.kinds import MODEL

PEAK, PEAK8, PEAK4 = 1e15, 2e15, 4e15
MEMORY, LINK, NIC, DOMAIN = 1e12, 1e11, 1e10, 8
GEMM_S, GROUPED_S, ROUTING_S, DECODE_S, CONTEXT_S, COLLECTIVE_S = 1e-6, 5e-6, 2e-6, 3e-6, 4e-6, 10e-6

ONES = ("compute", "memory", "exponent", "routed", "tokens")
OVERHEADS = {"gemm": GEMM_S, "grouped": GROUPED_S, "decode": DECODE_S, "context": CONTEXT_S}
ENGINE = {
    "layer_s": 0.0, "expert_layer_s": 0.0, "element_bytes": 0.0, "prefill_slowdown": 1.0,
    "floor_layer_s": 0.0, "host_step_s": 0.0, "host_sequence_s": 0.0, "request_s": 0.0, "draft_s": 0.0,
    "imbalance": 1.0, "balanced_imbalance": 1.0, "attention_imbalance": 1.0, "overlap": 0.0, "nic_share": 1.0,
    "prefill_first": False, "chunk": 8192.0, "max_batch": 1e9, "memory_share": 1.0, "workspace_bytes": 0.0,
    "trims_windows": True, "reserve_output": 1.0, "weight_only": 1.0, "handover_s": 0.0, "correction": 1.0,
}  # fmt: skip
LAYOUT = {
    "tp": 1.0, "pp": 1.0, "dp": 1.0, "ep": 1.0, "attention_class": 0, "mlp_class": 0, "expert_class": 0,
    "attention_bytes": 2.0, "mlp_bytes": 2.0, "expert_bytes": 2.0, "head_bytes": 2.0, "kv_bytes": 2.0,
    "eight_bit_attention": False, "drafts": 0.0, "accepted": 1.0, "draft_layers": 0.0, "balanced": False,
    "two_batches": False,
}  # fmt: skip


def _column(name: str) -> list[float]:
    """Laws without serial pieces whose limbs add up, each at the full rate of the part."""
    family, parameter = name.removeprefix("latent_").split("_", 1)
    values = {"overhead": OVERHEADS[family], "routing": ROUTING_S, "quantise": np.inf}
    plain = 1.0 if parameter in (*ONES, "serial_half") else 0.0
    return [values.get(parameter, plain)] * (6 if family in ("gemm", "grouped") else 2)


def ideal_part() -> Operators:
    """One part of round numbers."""
    values: dict[str, Any] = {
        "peak_flop_per_s": [PEAK, PEAK8, PEAK8, PEAK8, PEAK4, PEAK8],
        "memory_bytes_per_s": MEMORY,
        "compute_units": 100.0,
        "link_bytes_per_s": LINK,
        "domain": DOMAIN,
        "torus_dims": 0,
        "node": DOMAIN,
        "nic_bytes_per_s": NIC,
        "density": 1.0,
        "direct": [1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        "stream_floor": 0.0,
        "stream_overhead": 0.0,
        "stream_share": 1.0,
        **{name: [COLLECTIVE_S, 0.0, 1.0, 0.0, 0.0] for name in ("all_reduce", "all_gather")},
        "reduce_scatter": [COLLECTIVE_S, 0.0, 1.0, 0.0, 0.0],
    }
    names = [f.name for f in fields(Operators)]
    return Operators(**{n: np.asarray([values[n] if n in values else _column(n)]) for n in names})


def gemm(
    m: float, n: float, k: float, *, weight: float = 2.0, operand: float = 2.0, peak: float = PEAK
) -> float:
    """A linear layer of the ideal part."""
    moved = n * k * weight + m * k * operand + 2 * m * n
    return GEMM_S + 2 * m * n * k / peak + moved / MEMORY if m else 0.0


def decode(b: float, heads: float, kv: float, d: float, context: float, kv_bytes: float = 2.0) -> float:
    """Attention of `b` sequences over their caches."""
    cached = b * kv * context * d
    moved = 2 * cached * kv_bytes + 4 * b * heads * d
    return DECODE_S + moved / MEMORY + 4 * cached * max(heads / kv, 16) / PEAK if b else 0.0


def latent(b: float, heads: float, context: float, kv_bytes: float = 2.0) -> float:
    """Attention of `b` sequences over latents of 512 and 64."""
    moved = b * context * 576 * kv_bytes + 2 * b * heads * (576 + 512)
    flop = 2 * b * max(heads, 16) * context * (576 + 512)
    return DECODE_S + moved / MEMORY + flop / (PEAK8 if kv_bytes <= 1 else PEAK) if b else 0.0


def pairs(new: float, past: float, window: float = np.inf) -> float:
    """Keys seen by queries in tiles of 64, for a window that is full from the first new token or never."""
    return new * (past + new / 2 + 32) if past + new <= window else new * (window + 32)


def context(
    b: float, heads: float, kv: float, d: float, new: float, past: float, window: float = np.inf,
    kv_bytes: float = 2.0, peak: float = PEAK,
) -> float:  # fmt: skip
    """Attention of `b` prompts."""
    cached = 2 * kv * d
    moved = new * (4 * heads * d + cached * (2 + kv_bytes)) + min(past, window) * cached * kv_bytes
    flop = 4 * heads * d * pairs(new, past, window)
    return CONTEXT_S + b * (flop / peak + moved / MEMORY) if b else 0.0


def latent_context(
    b: float, heads: float, new: float, past: float, window: float = np.inf, kv_bytes: float = 2.0
) -> float:
    """Attention of `b` prompts to latents, expanded to heads of 192 and 128."""
    seen, peak = min(past, window), PEAK8 if kv_bytes <= 1 else PEAK
    moved = (2 * new + seen) * 2 * heads * 320 + (new + seen) * 576 * kv_bytes
    return CONTEXT_S + b * (2 * heads * 320 * pairs(new, past, window) / peak + moved / MEMORY) if b else 0.0


def experts(
    tokens: float, rows: float, active: float, hidden: float, inner: float, *, padded: float,
    weight: float = 2.0, peak: float = PEAK,
) -> float:  # fmt: skip
    """Gated experts of one layer."""
    weights = 3 * hidden * inner
    moved = rows * (6 * hidden + 8 * inner) + 4 * tokens * hidden
    work = 2 * weights * padded / peak + weights * active * weight / MEMORY
    return GROUPED_S + ROUTING_S * log2(1 + tokens / 8) + moved / MEMORY + work


def ring(moved: float, ranks: float, factor: float) -> float:
    """A collective inside a domain: factor 2 for an all-reduce, else 1."""
    return COLLECTIVE_S + factor * (ranks - 1) / ranks * moved / LINK if ranks > 1 else 0.0


@pytest.fixture(scope="session")
def by_hand() -> SimpleNamespace:
    """Laws of the ideal part in plain arithmetic, and its rates."""
    functions = (gemm, decode, latent, context, latent_context, pairs, experts, ring)
    rates = {"peak": PEAK, "peak8": PEAK8, "memory": MEMORY, "link": LINK, "nic": NIC, "gemm_s": GEMM_S}
    return SimpleNamespace(**{f.__name__: f for f in functions}, **rates)


def _row(table: type[Any], plain: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    return table(**{k: np.atleast_1d(np.asarray(v)) for k, v in (dict(plain) | dict(values)).items()})


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], Model]:
    """Return the table of a shipped model."""
    catalog = Catalog()
    return cache(lambda name: model_table(catalog.get(MODEL, name).architecture))


@pytest.fixture(scope="session")
def replica(shipped: Callable[[str], Model]) -> Callable[..., Replica]:
    """Return replicas of the ideal part: a shipped model, an engine that adds nothing but what is given."""

    def _replica(
        model: str | Model = "llama-3-70b",
        engine: Mapping[str, Any] | None = None,
        part: Mapping[str, Any] | None = None,
        **layout: Any,
    ) -> Replica:
        return prepare(
            operators=ideal_part().with_values(**(part or {})),
            model=shipped(model) if isinstance(model, str) else model,
            engine=_row(Engine, ENGINE, engine or {}),
            layout=_row(Deployment, LAYOUT, layout),
        )

    return _replica


@pytest.fixture(scope="session")
def request_of() -> Callable[..., Load]:
    """Return mean requests: prompt, output, and of the prompt what is cached and shared."""

    def _load(isl: Any, osl: Any, cached: Any = 0.0, shared: Any = 0.0, **variation: Any) -> Load:
        values = {"isl": isl, "osl": osl, "cached": cached, "shared": shared} | variation
        return Load(**{k: np.atleast_1d(np.asarray(v, dtype=float)) for k, v in values.items()})

    return _load
