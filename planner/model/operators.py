"""Time of single operators on one accelerator: GEMM, attention core, memory-bound traffic.

All functions are pure, take keyword-only arrays that broadcast, and return seconds.

References
----------
.. [1] NVIDIA datasheets for peaks; short-burst kernel tables of ai-dynamo/aiconfigurator (Apache-2.0) for the
   asymptotes and the form of the three-limb GEMM law (fit and hold-out errors: ``docs/kernels.md``).
.. [2] T. Dao, "FlashAttention-2", arXiv:2307.08691 (work of the causal kernel; backward is 2.5 times the
forward
   FLOP).
.. [3] S. Williams et al., "Roofline", doi:10.1145/1498765.1498785.
"""

from __future__ import annotations

import numpy as np

from planner.types import BoolArray, FloatArray, IntArray

# Shared constants of the GEMM law per class (bf16, fp8, mxfp8, nvfp4), from the kernel tables [1]; the
# asymptote is per accelerator and lives in the catalog.
GEMM_OVERHEAD_S = np.array([2.1e-6, 2.6e-6, 2.6e-6, 2.6e-6])
GEMM_EXPONENT = np.array([1.7, 1.5, 1.5, 1.4])
GEMM_MEMORY_SHARE = np.array([0.80, 0.84, 0.85, 0.76])
GEMM_SERIAL_S = np.array([1.5e-6, 0.73e-6, 0.95e-6, 0.76e-6])
GEMM_SERIAL_HALF = np.array([6.5, 48.0, 50.0, 50.0])
OPERAND_BYTES = np.array([2.0, 1.0, 1.03, 0.5625])

STREAM_SHARE = 0.86
"""Share of the datasheet memory bandwidth that a long streaming kernel reaches [1]."""

KERNEL_FLOOR_S = 1.8e-6
"""Shortest captured kernel [1]."""

TILE_FLOP = 1.0e7
"""Start and drain of one 128-query tile of an attention kernel, as work (2 us on one of 132 units of an
H100)."""

UNALIGNED_PENALTY = 1.3
"""Slow-down where an inner dimension above 512 is not a multiple of 64: tiles are padded and loads split."""


def misalignment(*, n: FloatArray, k: FloatArray) -> FloatArray:
    """Factor on the compute limb for GEMM dimensions that do not fill tiles (1 or `UNALIGNED_PENALTY`)."""
    odd = ((n > 512) & (np.mod(n, 64) != 0)) | ((k > 512) & (np.mod(k, 64) != 0))
    return np.where(odd, UNALIGNED_PENALTY, 1.0)


def gemm_s(
    *,
    m: FloatArray,
    n: FloatArray,
    k: FloatArray,
    gemm_class: IntArray,
    rate_flop_per_s: FloatArray,
    memory_bytes_per_s: FloatArray,
    output_bytes: FloatArray | float = 2.0,
) -> FloatArray:
    """Seconds of one dense matrix product ``[m, k] x [k, n]``.

    Three limbs are joined by a p-norm: compute, memory traffic, and the serial k-loop of one tile which
    bounds skinny products.

    Parameters
    ----------
    m, n, k
        Dimensions; where one is zero the time is zero.
    gemm_class
        Index into `planner.tables.GEMM_CLASSES`.
    rate_flop_per_s
        Sustained matrix rate of the class: peak times asymptote times sustained share.
    memory_bytes_per_s
        Datasheet memory bandwidth.
    output_bytes
        Bytes written (and re-read, where gradients accumulate) per output element.

    Returns
    -------
    numpy.ndarray
        Seconds, launch overhead of a captured kernel included.
    """
    c = gemm_class
    operand = OPERAND_BYTES[c]
    compute = 2.0 * m * n * k / rate_flop_per_s * misalignment(n=n, k=k)
    memory = ((n * k + m * k) * operand + m * n * output_bytes) / (GEMM_MEMORY_SHARE[c] * memory_bytes_per_s)
    chunks = k / 1024.0
    serial = GEMM_SERIAL_S[c] * chunks / (1.0 + chunks / GEMM_SERIAL_HALF[c])
    p = GEMM_EXPONENT[c]
    time = GEMM_OVERHEAD_S[c] + (compute**p + memory**p + serial**p) ** (1.0 / p)
    return np.where((m > 0) & (n > 0) & (k > 0), time, 0.0)


def linear_s(
    *,
    m: FloatArray,
    n: FloatArray,
    k: FloatArray,
    gemm_class: IntArray,
    rate_flop_per_s: FloatArray,
    memory_bytes_per_s: FloatArray,
    gradient_bytes: FloatArray | float,
    frozen: FloatArray | float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Forward and backward seconds of a linear layer at its true shapes.

    Forward ``(m, n, k)``, input gradient ``(m, k, n)``, weight gradient ``(n, k, m)``; the weight gradient
    adds to an accumulator of `gradient_bytes` per parameter in its epilogue (read and write). Weights that
    are `frozen` have none.
    """
    shared = {
        "gemm_class": gemm_class,
        "rate_flop_per_s": rate_flop_per_s,
        "memory_bytes_per_s": memory_bytes_per_s,
    }
    forward = gemm_s(m=m, n=n, k=k, **shared)  # type: ignore[arg-type]
    input_gradient = gemm_s(m=m, n=k, k=n, **shared)  # type: ignore[arg-type]
    learns = np.asarray(frozen) <= 0
    if not any_true(learns):
        return forward, input_gradient
    accumulate = 2.0 * np.asarray(gradient_bytes, dtype=float)
    weight_gradient = gemm_s(m=n, n=k, k=m, output_bytes=accumulate, **shared)  # type: ignore[arg-type]
    return forward, input_gradient + np.where((m > 0) & learns, weight_gradient, 0.0)


def causal_pairs(*, seq_len: FloatArray, window: FloatArray) -> FloatArray:
    """Query-key pairs per head and sequence that a causal kernel computes, in tiles of 64 keys.

    ``s(s+64)/2`` for full attention; a window ``w`` caps the keys of each query.
    """
    w = np.minimum(window, seq_len)
    return w * (w + 64.0) / 2.0 + (seq_len - w) * (w + 32.0)


def flash_attention_s(
    *,
    batch: FloatArray,
    heads: FloatArray,
    kv_heads: FloatArray,
    qk_dim: FloatArray,
    v_dim: FloatArray,
    query_len: FloatArray,
    pairs: FloatArray,
    rate_flop_per_s: FloatArray,
    memory_bytes_per_s: FloatArray,
) -> FloatArray:
    """Forward seconds of a fused causal attention core on one accelerator.

    Parameters
    ----------
    batch, heads, kv_heads
        Sequences and heads on this accelerator.
    qk_dim, v_dim
        Head sizes of query/key and of value.
    query_len
        Query tokens per sequence on this accelerator.
    pairs
        Query-key pairs per head and sequence on this accelerator.
    rate_flop_per_s
        Attention rate at this head size.
    """
    compute = 2.0 * batch * heads * (qk_dim + v_dim) * pairs / rate_flop_per_s
    traffic = 2.0 * batch * query_len * (heads * (qk_dim + v_dim) + kv_heads * (qk_dim + v_dim))
    memory = traffic / (0.7 * memory_bytes_per_s)
    tiles = batch * heads * np.ceil(query_len / 128.0)
    return 10e-6 + (compute**1.5 + memory**1.5) ** (2.0 / 3.0) + TILE_FLOP * tiles / rate_flop_per_s


def unfused_attention_s(
    *,
    batch: FloatArray,
    heads: FloatArray,
    head_dim: FloatArray,
    seq_len: FloatArray,
    rate_flop_per_s: FloatArray,
    memory_bytes_per_s: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Forward and backward seconds of softmax(QK)V as separate kernels over the full ``s x s`` scores.

    Batched products run at 0.55 of the matrix rate (a quarter of that where the head size is not a multiple
    of 8, which loses the tensor cores); the scores cross memory several times: 9 bytes forward, 13 backward
    per score.
    """
    scores = batch * heads * seq_len * seq_len
    share = np.where(np.mod(head_dim, 8) == 0, 0.55, 0.55 * 0.25)
    product = np.maximum(
        2.0 * scores * head_dim / (share * rate_flop_per_s),
        (2.0 * scores + 4.0 * batch * heads * seq_len * head_dim) / (STREAM_SHARE * memory_bytes_per_s),
    )
    sweep = scores / (STREAM_SHARE * memory_bytes_per_s)
    return 2.0 * product + 9.0 * sweep, 4.0 * product + 13.0 * sweep


def stream_s(*, moved_bytes: FloatArray, memory_bytes_per_s: FloatArray, kernels: float = 1.0) -> FloatArray:
    """Seconds of `kernels` streaming kernels that move `moved_bytes` in total."""
    return kernels * KERNEL_FLOOR_S + moved_bytes / (STREAM_SHARE * memory_bytes_per_s)


def any_true(mask: BoolArray) -> bool:
    """Whether a block of physics is needed at all for these rows (skips work, never changes a result)."""
    return bool(np.any(mask))
