"""Families of measured serving kernels: the columns of their tables, and how the laws predict them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.inference.attention import (
    context_attention_s,
    context_mla_s,
    decode_attention_s,
    decode_mla_s,
)
from planner.model.inference.kernels import experts_s, gemm_rates, gemm_s, grouped_rates, padded_rows
from planner.model.inference.network import direct_s, pipelined_s
from planner.tables.operators import OPERATOR_CLASSES, Operators
from planner.types import FloatArray, IntArray

__all__ = ["FAMILIES", "Family", "Shape", "cached_elements"]

Shape = Mapping[str, FloatArray]
Predict = Callable[[Operators, str, Shape], FloatArray]
"""Seconds of the shapes of one kernel."""

CLASSES: Final = {
    "bf16": "bf16",
    "fp8": "fp8",
    "fp8_block": "fp8-block",
    "nvfp4": "nvfp4",
    "mxfp4": "mxfp4",
}
"""Kernel of a table to its class of linear layers."""

ATTENTION: Final = ("grouped_bits16", "grouped_bits8", "latent_bits16", "latent_bits8")
LATENT_HEAD: Final = (192.0, 128.0)


@dataclass(frozen=True)
class Family:
    """Tables of one kind of kernel.

    Attributes
    ----------
    files
        Below the data root.
    kernels
        Kernels that a table may hold.
    sizes
        Columns of the shape, whole numbers; a `window` of 0 is none.
    predict
        Seconds of the shapes of one kernel.
    scale, bounds
        Column, or product of columns, that says whether a shape is small, and what divides the three regions.
    """

    files: tuple[str, ...]
    kernels: tuple[str, ...]
    sizes: tuple[str, ...]
    predict: Predict
    scale: Callable[[Shape], FloatArray]
    bounds: tuple[float, float]


def _class(operators: Operators, kernel: str) -> IntArray:
    return np.full(len(operators), OPERATOR_CLASSES.index(CLASSES[kernel]))


def _linear(operators: Operators, kernel: str, size: Shape) -> FloatArray:
    rates = gemm_rates(operators=operators, operator_class=_class(operators, kernel))
    return gemm_s(rates=rates, m=size["m"], n=size["n"], k=size["k"])


def _bytes(operators: Operators, kernel: str) -> FloatArray:
    return np.full(len(operators), 1.0 if kernel.endswith("bits8") else 2.0)


def _decode(operators: Operators, kernel: str, size: Shape) -> FloatArray:
    kv_bytes = _bytes(operators, kernel)
    same = {"operators": operators, "batch": size["batch"], "heads": size["heads"], "kv_bytes": kv_bytes}
    if kernel.startswith("latent"):
        return decode_mla_s(context=size["context"], **same)  # type: ignore[arg-type]
    return decode_attention_s(
        kv_heads=size["kv_heads"],
        head_dim=size["head_dim"],
        context=size["context"],
        **same,  # type: ignore[arg-type]
    )


def _context(operators: Operators, kernel: str, size: Shape) -> FloatArray:
    kv_bytes, none = _bytes(operators, kernel), np.zeros(1)
    same = {"operators": operators, "batch": size["batch"], "heads": size["heads"], "kv_bytes": kv_bytes}
    if kernel.startswith("latent"):
        qk, v = (np.full(1, width) for width in LATENT_HEAD)
        return context_mla_s(new=size["tokens"], past=none, qk_dim=qk, v_dim=v, **same)  # type: ignore[arg-type]
    return context_attention_s(
        kv_heads=size["kv_heads"],
        head_dim=size["head_dim"],
        new=size["tokens"],
        past=none,
        window=np.where(size["window"] > 0, size["window"], np.inf),
        eight_bit=kv_bytes < 2,
        **same,  # type: ignore[arg-type]
    )


def _experts(operators: Operators, kernel: str, size: Shape) -> FloatArray:
    rows = size["tokens"] * size["top_k"] / size["ep"]
    active = np.minimum(size["experts"] / size["ep"], rows)
    return experts_s(
        operators=operators,
        rates=grouped_rates(operators=operators, operator_class=_class(operators, kernel)),
        tokens=size["tokens"],
        rows=rows,
        active=active,
        padded=padded_rows(rows=rows, active=active),
        hidden=size["hidden"],
        inner=size["inner"] / size["tp"],
        matrices=np.full(1, 3.0),
    )


def _collective(operators: Operators, kernel: str, size: Shape) -> FloatArray:
    if kernel == "direct":
        return direct_s(operators=operators, moved_bytes=size["bytes"], ranks=size["ranks"])
    return pipelined_s(
        operators=operators,
        law=getattr(operators, kernel),
        moved_bytes=size["bytes"],
        ranks=size["ranks"],
        factor=2.0 if kernel == "all_reduce" else 1.0,
    )


def cached_elements(size: Shape) -> FloatArray:
    """Count the cached elements that a decode core reads."""
    both = np.where(size["head_dim"] == 576, 1.0, 2.0)
    return both * size["batch"] * size["context"] * size["kv_heads"] * size["head_dim"]


FOLDER: Final = "workloads/evidence/kernels"
FAMILIES: Final = {
    "linear": Family(
        (f"{FOLDER}/serving_linear.csv", f"{FOLDER}/gemm.csv"),
        ("bf16", "fp8", "fp8_block", "nvfp4"),
        ("m", "n", "k"),
        _linear,
        lambda size: size["m"],
        (129.0, 1024.0),
    ),
    "decode": Family(
        (f"{FOLDER}/serving_decode.csv",),
        ATTENTION,
        ("batch", "context", "heads", "kv_heads", "head_dim"),
        _decode,
        cached_elements,
        (4e6, 1e8),
    ),
    "context": Family(
        (f"{FOLDER}/serving_context.csv",),
        ATTENTION,
        ("batch", "tokens", "window", "heads", "kv_heads", "head_dim"),
        _context,
        lambda size: size["tokens"],
        (1024.0, 4096.0),
    ),
    "experts": Family(
        (f"{FOLDER}/serving_experts.csv",),
        tuple(CLASSES),
        ("tokens", "hidden", "inner", "top_k", "experts", "tp", "ep"),
        _experts,
        lambda size: size["tokens"],
        (129.0, 1024.0),
    ),
    "collectives": Family(
        (f"{FOLDER}/serving_collectives.csv",),
        ("all_reduce", "all_gather", "reduce_scatter", "direct"),
        ("ranks", "bytes"),
        _collective,
        lambda size: size["bytes"],
        (65537.0, 4e6),
    ),
}
"""Families by name."""
