"""Which layouts are legal, in one place; and which values are tried where a request leaves a field free.

Rules (a pinned field must obey them too)
-----------------------------------------
1. ``tp`` divides the attention heads, the inner width of linear mixers, the width of dense MLPs and of
   shared experts: every rank holds whole heads and equal columns [1]_. Key/value heads divide by ``tp``
   or ``tp`` by them: beyond one head per rank they are replicated [2]_. The vocabulary is padded and does
   not count.
2. Sequence parallelism needs ``tp > 1`` and sequences whose share of a context rank divides by ``tp`` [2]_.
   Mixture-of-experts layers under ``tp > 1`` need it [3]_; a request may pin it off all the same.
3. ``cp > 1`` cuts each sequence into ``2 cp`` equal chunks, two for each rank, so that causal work
   balances [4]_.
4. ``pp`` is at most the number of layers. Layers need not divide evenly: the first and the last stage may
   hold fewer than the others, which are alike, but at least one (`planner.model.pipeline.alike`) [9]_.
5. ``vpp > 1`` (interleaving) needs ``pp > 1``, ``pp * vpp`` at most the layers, and at least ``pp``
   micro-batches, which travel in groups of ``pp`` [5]_. A backward pass split to fill the bubble needs
   them as well [6]_.
6. ``ep`` divides the routed experts. ``etp`` divides the width of an expert. ``ep * etp`` divides ``tp *
   cp * dp``: experts fold over the ranks of one pipeline stage [3]_. Models without routed experts have
   ``ep = etp = 1``.
7. ``dp`` is at most the micro-batches of a step (rounded up), so that no replica goes without work; the
   last round may be part empty. ``micro_batch`` is at most the global batch.
8. ``tp * cp * pp * dp`` is at most the accelerators available; the others are spares.
9. Sharding needs more than one rank that holds the same weights (``dp * cp > 1``) [7]_. HSDP shards
   inside a scale-up domain and replicates across: its group, the largest power of two of such ranks that
   fits into a domain, must divide ``dp * cp`` and be smaller [8]_.

Values tried where a field is free
----------------------------------
``tp`` up to 8 scale-up domains; ``cp`` with an odd part of at most 5 and chunks of at least 128 tokens;
every ``pp`` and every ``vpp``; every divisor of the experts for ``ep``; ``etp`` 1 or ``tp``;
micro-batches that are powers of two, or divisors of the batch up to 8, with at most 131,072 tokens (or
one sequence); every sharding; no recompute, selective, and full recompute of a quarter, a half, three
quarters or all of the layers (the others selective). For ``dp`` see `planner.search.space.replicas`.

References
----------
.. [1] M. Shoeybi et al., arXiv:1909.08053, section 3.
.. [2] V. Korthikanti et al., arXiv:2205.05198, section 4.2 (sequence parallelism); N. Shazeer,
   arXiv:1911.02150 (few key/value heads).
.. [3] Megatron Core user guide, "Mixture of Experts": expert and expert-tensor parallelism; its argument
   checks ask for sequence parallelism where MoE meets tensor parallelism.
.. [4] H. Liu et al., arXiv:2310.01889; Megatron Core user guide, "Context parallelism".
.. [5] D. Narayanan et al., arXiv:2104.04473, section 2.2.
.. [6] P. Qi et al., arXiv:2401.10241; DeepSeek-AI, arXiv:2412.19437, section 3.2.1.
.. [7] S. Rajbhandari et al., arXiv:1910.02054.
.. [8] Y. Zhao et al., arXiv:2304.11277, section 3.2.2 (hybrid sharding).
.. [9] Megatron Core user guide, "Pipeline parallelism": sizes of the first and the last stage, and embedding
   and loss counted as layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np

from planner.model.pipeline import alike
from planner.search.request import Request
from planner.tables import Hardware, Model, Strategy
from planner.types import BoolArray, FloatArray, IntArray

__all__ = [
    "context_sizes",
    "divisors",
    "expert_sizes",
    "hybrid_group",
    "interleavings",
    "micro_batch_sizes",
    "pipeline_sizes",
    "recompute_levels",
    "tensor_sizes",
    "tuple_rules",
]

MOST_DOMAINS: Final = 8
LEAST_CHUNK_TOKENS: Final = 128
MOST_ODD_PART: Final = 5
MOST_TOKENS: Final = 131_072
SMALL_MICRO_BATCH: Final = 8
FULL_SHARES: Final = (0.25, 0.5, 0.75, 1.0)


def divisors(n: int) -> IntArray:
    """All divisors of a positive whole number, ascending."""
    small = np.arange(1, math.isqrt(n) + 1, dtype=np.int64)
    small = small[n % small == 0]
    return np.unique(np.concatenate([small, n // small]))


def tensor_sizes(*, hardware: Hardware, model: Model, request: Request) -> FloatArray:
    """Values of ``tp`` under rule 1."""
    pinned = request.pinned("tp")
    split = _first(model.heads) if _has_attention(model) else _first(model.linear_inner)
    sizes = _array(pinned or divisors(max(int(split), 1)))
    if not pinned:
        sizes = sizes[sizes <= MOST_DOMAINS * float(hardware.domain[0])]
    legal = np.ones(len(sizes), dtype=bool)
    if _has_attention(model):
        kv = _first(model.kv_heads)
        legal &= (_first(model.heads) % sizes == 0) & (
            bool(model.mla[0]) | (kv % sizes == 0) | (sizes % kv == 0)
        )
    for layers, width in (
        (model.n_linear, model.linear_inner), (model.n_dense, model.ffn), (model.n_moe, model.shared_ffn),
    ):  # fmt: skip
        if _first(layers) > 0:
            legal &= _first(width) % sizes == 0
    return sizes[legal & (sizes <= request.accelerators)]


def context_sizes(*, request: Request) -> FloatArray:
    """Values of ``cp`` under rule 3."""
    pinned = request.pinned("cp")
    if pinned:
        sizes = _array(pinned)
        return _only(sizes, (sizes == 1) | (request.seq_len % (2.0 * sizes) == 0))
    if request.seq_len % 2:
        return np.ones(1)
    halves = divisors(request.seq_len // 2)
    odd = halves // (halves & -halves)
    chunks = request.seq_len / (2.0 * halves)
    keep = (odd <= MOST_ODD_PART) & (chunks >= LEAST_CHUNK_TOKENS) & (halves <= request.accelerators)
    return _array(halves[keep | (halves == 1)])


def expert_sizes(*, model: Model, request: Request) -> FloatArray:
    """Values of ``ep`` under rule 6."""
    experts = max(int(_first(model.experts)), 1) if _first(model.n_moe) > 0 else 1
    pinned = request.pinned("ep")
    sizes = _array(pinned or divisors(experts))
    return _only(sizes, (experts % sizes == 0) & (sizes <= request.accelerators))


def micro_batch_sizes(*, request: Request) -> FloatArray:
    """Values of ``micro_batch`` under rule 7."""
    batch = request.global_batch
    pinned = request.pinned("micro_batch")
    if pinned:
        sizes = _array(pinned)
        return _only(sizes, sizes <= batch)
    powers = 2.0 ** np.arange(max(batch.bit_length(), 1))
    few = np.arange(1.0, SMALL_MICRO_BATCH + 1)
    sizes = _array(np.union1d(powers, few[batch % few == 0]))
    return _only(sizes, (sizes <= batch) & ((sizes * request.seq_len <= MOST_TOKENS) | (sizes == 1)))


def pipeline_sizes(*, model: Model, request: Request) -> FloatArray:
    """Values of ``pp`` under rule 4."""
    layers = int(_first(model.layers))
    pinned = request.pinned("pp")
    sizes = _array(pinned or np.arange(1, layers + 1))
    sizes = _only(sizes, (sizes <= layers) & (sizes <= request.accelerators))
    return _only(sizes, _placed(model, sizes, np.ones(len(sizes))))


def interleavings(*, model: Model, request: Request, pp: FloatArray) -> tuple[IntArray, FloatArray]:
    """Pairs of a pipeline size and a ``vpp`` under rules 4, 5: index into `pp`, and ``vpp``; by `pp`."""
    layers = int(_first(model.layers))
    pinned = request.pinned("vpp")
    values = _array(pinned or np.arange(1, max(layers // 2, 1) + 1))
    index, column = np.nonzero((values == 1) | ((pp[:, None] > 1) & (pp[:, None] * values <= layers)))
    keep = _placed(model, pp[index], values[column])
    return index[keep], values[column][keep]


def recompute_levels(*, request: Request) -> tuple[IntArray, FloatArray]:
    """Recompute choices, lightest first: index into `RECOMPUTES`, and share of fully recomputed layers."""
    kinds = [int(k) for k in request.pinned("recompute") or (0, 1, 2)]
    default = FULL_SHARES if request.pinned("recompute") is None else (1.0,)
    shares = request.pinned("recompute_layers") or default
    levels = [(k, s) for k in kinds for s in (shares if k == 2 else (0.0,))]
    return np.array([k for k, _ in levels], dtype=np.int64), np.array([s for _, s in levels])


def tuple_rules(*, model: Model, request: Request, tuples: Strategy) -> BoolArray:
    """Rules that need more than one field of a layer tuple: 2, 6 and 8."""
    t = tuples
    moe = _first(model.n_moe) > 0
    parallel = t.sequence_parallel & (t.tp > 1)
    legal = (t.tp > 1) | ~t.sequence_parallel
    legal &= ~parallel | (request.seq_len / t.cp % t.tp == 0)
    if moe:
        legal &= (t.tp == 1) | t.sequence_parallel | (request.pinned("sequence_parallel") is not None)
        legal &= _first(model.expert_ffn) % t.etp == 0
    else:
        legal &= (t.ep == 1) & (t.etp == 1)
    return legal & (t.tp * t.cp <= request.accelerators)


def hybrid_group(*, hardware: Hardware, tp: FloatArray) -> FloatArray:
    """Ranks of an HSDP group: the largest power of two of replicas of the weights in one scale-up domain."""
    fits = np.maximum(np.floor(float(hardware.domain[0]) / tp), 1.0)
    return np.exp2(np.floor(np.log2(fits)))


def _placed(model: Model, pp: FloatArray, vpp: FloatArray) -> BoolArray:
    """Whether the stages hold as many layers as the model has."""
    return alike(layers=model.layers, pp=pp, vpp=vpp)


def _has_attention(model: Model) -> bool:
    return bool(_first(model.n_full) + _first(model.n_window) > 0)


def _array(values: Iterable[float]) -> FloatArray:
    return np.array(list(values), dtype=float)


def _only(values: FloatArray, keep: BoolArray) -> FloatArray:
    return np.asarray(values[keep], dtype=float)


def _first(values: FloatArray) -> float:
    return float(values[0])
