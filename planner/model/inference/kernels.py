"""Time of the kernels of a serving step on one accelerator: linear layers, attention cores, experts.

Each law joins its limbs (compute, memory, and the longest serial piece of work) by a p-norm and adds what
does not overlap. Parameters come from `planner.tables.operators`; ``docs/kernels.md`` has the errors.
Functions are pure, take keyword-only arrays that broadcast with ``[R]``, and return seconds; zero work takes
no time, and a format that the part lacks takes ``nan``.

References
----------
.. [1] ai-dynamo/aiconfigurator (Apache-2.0): measured kernel tables of serving frameworks.
.. [2] S. Williams et al., "Roofline", doi:10.1145/1498765.1498785; the p-norm is its smooth maximum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.model.inference.attention import (
    context_attention_s,
    context_mla_s,
    decode_attention_s,
    decode_mla_s,
)
from planner.model.inference.limbs import TILE, TINY, norm, of_class, power
from planner.model.operators import any_true
from planner.tables.operators import Operators
from planner.types import FloatArray, IntArray

__all__ = [
    "GemmRates",
    "GroupedRates",
    "context_attention_s",
    "context_mla_s",
    "decode_attention_s",
    "decode_mla_s",
    "distinct_experts",
    "experts_s",
    "gemm_rates",
    "gemm_s",
    "grouped_rates",
    "padded_rows",
    "stream_s",
]

WEIGHT_BYTES = np.array([2.0, 1.0, 1.0, 1.0, 0.5625, 0.53125])
"""Per weight and class, with the scale of a block of 16 (nvfp4) or 32 (mxfp4)."""

OPERAND_BYTES = np.array([2.0, 1.0, 1.0, 1.0, 0.5625, 1.0])
"""Per activation that a product of the class reads."""


class GemmRates(NamedTuple):
    """Linear layers of one class per row; shape ``[R]`` or ``[1]``."""

    overhead_s: FloatArray
    compute: FloatArray  # seconds per multiply-add; nan where the part lacks the format
    weight: FloatArray  # seconds per weight read
    activation: FloatArray  # seconds per activation read
    output: FloatArray  # seconds per output written
    quantise: FloatArray  # seconds per activation quantised
    serial: FloatArray  # seconds per step of k on one tile
    serial_half: FloatArray  # one over the k at which splitting the loop halves its growth
    exponent: FloatArray
    waves: FloatArray
    units: FloatArray  # compute units


class GroupedRates(NamedTuple):
    """Routed experts of one class per row; shape ``[R]`` or ``[1]``."""

    overhead_s: FloatArray
    routing_s: FloatArray  # per doubling of the tokens
    compute: FloatArray  # seconds per multiply-add; nan where the part lacks the format
    weight: FloatArray  # seconds per weight read
    serial: FloatArray  # seconds per unit of both widths
    exponent: FloatArray
    routed: FloatArray  # share of the memory bandwidth in traffic of routed rows
    tokens: FloatArray  # share of the memory bandwidth in traffic of tokens


def gemm_rates(
    *, operators: Operators, operator_class: IntArray, weight_bytes: FloatArray | None = None
) -> GemmRates:
    """Select the law of linear layers once for many shapes.

    Parameters
    ----------
    operator_class
        Index into `planner.tables.operators.OPERATOR_CLASSES`.
    weight_bytes
        Bytes per stored weight where they differ from the class: formats that only compress weights run the
        16-bit class with fewer bytes.
    """
    c, ops = np.atleast_1d(operator_class), operators
    stored = of_class(WEIGHT_BYTES[None, :], c) if weight_bytes is None else np.asarray(weight_bytes)
    operand = of_class(OPERAND_BYTES[None, :], c)
    byte_s = 1.0 / (of_class(ops.gemm_memory, c) * ops.memory_bytes_per_s)
    return GemmRates(
        overhead_s=of_class(ops.gemm_overhead, c),
        compute=_multiply_add_s(ops, of_class(ops.gemm_compute, c), c),
        weight=stored * byte_s,
        activation=operand * byte_s,
        output=2.0 * byte_s,
        quantise=(2.0 + operand) / (of_class(ops.gemm_quantise, c) * ops.memory_bytes_per_s),
        serial=of_class(ops.gemm_serial, c) / 1024.0,
        serial_half=1.0 / (1024.0 * of_class(ops.gemm_serial_half, c)),
        exponent=of_class(ops.gemm_exponent, c),
        waves=of_class(ops.gemm_waves, c),
        units=ops.compute_units,
    )


def gemm_s(*, rates: GemmRates, m: FloatArray, n: FloatArray, k: FloatArray) -> FloatArray:
    """Seconds of a linear layer ``[m, k] x [k, n]``, the quantisation of its input included."""
    r, rows = rates, m * k
    compute = m * n * k * r.compute
    if any_true(r.waves > 0):
        compute = compute * _last_wave(r, m=m, n=n)
    memory = n * k * r.weight + rows * r.activation + m * n * r.output
    serial = k * r.serial / (1.0 + k * r.serial_half)
    time = r.overhead_s + rows * r.quantise + norm(r.exponent, compute, memory, serial)
    return np.where(rows * n > 0, time, 0.0)


def _last_wave(r: GemmRates, *, m: FloatArray, n: FloatArray) -> FloatArray:
    """Loss where tiles do not fill the last wave over the compute units."""
    wave = np.maximum(np.ceil(m / TILE) * np.ceil(n / TILE) / r.units, 1.0)
    return power(np.ceil(wave) / wave, r.waves)


def grouped_rates(
    *, operators: Operators, operator_class: IntArray, weight_bytes: FloatArray | None = None
) -> GroupedRates:
    """Select the law of routed experts once for many shapes; arguments as of `gemm_rates`."""
    c, ops = np.atleast_1d(operator_class), operators
    stored = of_class(WEIGHT_BYTES[None, :], c) if weight_bytes is None else np.asarray(weight_bytes)
    return GroupedRates(
        overhead_s=of_class(ops.grouped_overhead, c),
        routing_s=of_class(ops.grouped_routing, c),
        compute=_multiply_add_s(ops, of_class(ops.grouped_compute, c), c),
        weight=stored / (of_class(ops.grouped_memory, c) * ops.memory_bytes_per_s),
        serial=of_class(ops.grouped_serial, c) / 1024.0,
        exponent=of_class(ops.grouped_exponent, c),
        routed=of_class(ops.grouped_routed, c),
        tokens=of_class(ops.grouped_tokens, c),
    )


def experts_s(
    *,
    operators: Operators,
    rates: GroupedRates,
    tokens: FloatArray,
    rows: FloatArray,
    active: FloatArray,
    padded: FloatArray,
    hidden: FloatArray,
    inner: FloatArray,
    matrices: FloatArray,
) -> FloatArray:
    """Seconds of the routed experts of one layer on one rank, from routing to the sum of their outputs.

    Parameters
    ----------
    tokens
        Tokens that enter the expert-parallel group.
    rows
        Routed copies of tokens that this rank computes.
    active
        Distinct experts of this rank that they hit; the weights of these are read.
    padded
        Rows with the padding to tiles, from `padded_rows`.
    hidden, inner
        Width of the experts' input and output, and between their products, on this rank.
    matrices
        Weight matrices per expert: 3 where gated, else 2.
    """
    r = rates
    weights = matrices * hidden * inner
    compute = weights * padded * r.compute
    memory = weights * active * r.weight
    serial = (hidden + inner) * r.serial
    # Rows are gathered, reduced and written back in 16 bit; the first product is written and read again.
    routed = rows * (6.0 * hidden + 4.0 * (matrices - 1.0) * inner) / r.routed
    moved = (routed + 4.0 * tokens * hidden / r.tokens) / operators.memory_bytes_per_s
    routing = r.routing_s * np.log2(1.0 + tokens / 8.0)
    time = r.overhead_s + routing + moved + norm(r.exponent, compute, memory, serial)
    return np.where(rows * weights > 0, time, 0.0)


def padded_rows(*, rows: FloatArray, active: FloatArray) -> FloatArray:
    """Rows that the grouped products of `active` experts compute for `rows` routed rows.

    Tiles hold 16 to 128 rows, the power of two above the mean load; every expert fills its last one by half
    on average, and has one at least.
    """
    mean = rows / np.maximum(active, 1e-9)
    tile = 16.0 * (1.0 + (mean > 16.0) + 2.0 * (mean > 32.0) + 4.0 * (mean > 64.0))
    return np.where(active > 0, np.maximum(active * tile, rows + 0.5 * active * tile), 0.0)


def distinct_experts(*, experts: FloatArray, top_k: FloatArray, tokens: FloatArray) -> FloatArray:
    """Count the experts that `tokens` are expected to hit under uniform routing, ``E (1 - (1 - k/E)^n)``."""
    missed = np.maximum(1.0 - top_k / np.maximum(experts, 1.0), TINY)
    hit = -experts * np.expm1(tokens * np.log(missed))
    return np.minimum(hit, tokens * top_k)


def stream_s(*, operators: Operators, moved_bytes: FloatArray, launches: float = 1.0) -> FloatArray:
    """Seconds of `launches` kernels that only move data, together `moved_bytes`; 0 launches: traffic only."""
    traffic = moved_bytes / (operators.stream_share * operators.memory_bytes_per_s)
    time = np.maximum(launches * operators.stream_overhead + traffic, launches * operators.stream_floor)
    return np.where(moved_bytes > 0, time, 0.0)


def _multiply_add_s(operators: Operators, share: FloatArray, classes: IntArray) -> FloatArray:
    peak = of_class(operators.peak_flop_per_s, classes)
    return 2.0 / (share * np.where(peak > 0, peak, np.nan))
