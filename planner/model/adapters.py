"""Low-rank adapters beside the products of a layer: their time, and the activations that they keep.

Beside a product ``[m, k] x [k, n]`` an adapter of rank ``r`` runs ``[m, k] x [k, r]`` and ``[m, r] x [r, n]``
and adds the result; all four of their gradients are needed [1]. Products that read the same (queries, keys
and values; gate and up) are joined, and so are their adapters. Tensor parallelism splits the factor that
touches the split side of the product; what it would exchange is of rank ``r`` and is not counted.

References
----------
.. [1] E. Hu et al., "LoRA", arXiv:2106.09685.
"""

from __future__ import annotations

import numpy as np

from planner.model.context import Both, LayerContext, micro_batch_tokens, sequence_split
from planner.model.operators import GEMM_OVERHEAD_S, any_true
from planner.model.passes import added
from planner.tables import ADAPTED, Model, Strategy
from planner.types import FloatArray

__all__ = ["adapter_bytes", "attention_adapters", "expert_adapters", "linear_adapters", "mlp_adapters"]

EXPERT_LAUNCHES = 4.0
"""Products of the adapters of an expert, forward; all local experts share the launches."""

ADDED_BYTES = 6.0
"""Moved per element when the result of an adapter is added: two operands read, their sum written."""


def adapted(model: Model, *names: str) -> FloatArray:
    """1 where any of some targets has adapters, shape ``[R]``."""
    columns = model.adapts[:, [ADAPTED.index(name) for name in names]]
    most: FloatArray = np.max(columns, axis=-1)
    return most


def absent(model: Model) -> bool:
    """Whether no row has adapters."""
    return not any_true(model.adapter_rank > 0)


def adapter(c: LayerContext, on: FloatArray, *, m: FloatArray, n: FloatArray, k: FloatArray) -> Both:
    """Forward and backward seconds of one adapter, or of several that are joined.

    Parameters
    ----------
    on
        How many there are.
    m, n, k
        Of the product on this accelerator; `n` of those outputs that have an adapter.
    """
    rows = np.where((on > 0) & (n > 0) & (k > 0), m, 0.0)
    rank = c.model.adapter_rank
    down = c.linear(m=rows, n=rank * on, k=k, low=False, learns=True)
    up = c.linear(m=rows, n=n, k=rank, low=False, learns=True)
    forward, backward = (
        np.where(rows > 0, c.stream(ADDED_BYTES * rows * width, kernels=1.0), 0.0) for width in (n, k)
    )
    return added(down, up, (forward, backward))


def attention_adapters(c: LayerContext, products: Both, *, heads: FloatArray, kv_heads: FloatArray) -> Both:
    """Products of an attention block, with their adapters; `heads` and `kv_heads` on this accelerator."""
    m, t = c.model, c.tokens
    if absent(m):
        return products
    q, k, v, queries = adapted(m, "q"), adapted(m, "k"), adapted(m, "v"), heads * m.qk_dim
    output = adapter(c, adapted(m, "o"), m=t, n=m.hidden, k=heads * m.v_dim)
    fused = np.where(m.mla, 0.0, t)
    width = q * queries + kv_heads * (k * m.qk_dim + v * m.v_dim)
    result = added(products, output, adapter(c, q + k + v, m=fused, n=width, k=m.hidden))
    if not any_true(m.mla):
        return result
    latent, both = np.where(m.mla, t, 0.0), adapted(m, "k", "v")
    return added(
        result,
        adapter(c, q, m=latent, n=queries, k=np.where(m.q_lora > 0, m.q_lora, m.hidden)),
        adapter(c, q, m=latent, n=m.q_lora, k=m.hidden),
        adapter(c, both, m=latent, n=m.kv_lora + m.rope_dim, k=m.hidden),
        adapter(c, both, m=latent, n=heads * (m.nope_dim + m.v_dim), k=m.kv_lora),
    )


def mlp_adapters(c: LayerContext, products: Both, *, width: FloatArray, gated: FloatArray) -> Both:
    """Products of a dense block or of shared experts, with their adapters; `width` on this accelerator."""
    m, t = c.model, c.tokens
    if absent(m):
        return products
    wide = gated * adapted(m, "gate") + adapted(m, "up")
    return added(
        products,
        adapter(c, wide, m=t, n=wide * width, k=m.hidden),
        adapter(c, adapted(m, "down"), m=t, n=m.hidden, k=width),
    )


def expert_adapters(
    c: LayerContext, products: Both, *, rows: FloatArray, width: FloatArray, local: FloatArray
) -> Both:
    """Products of the local experts, with their adapters, which are grouped as they are.

    Parameters
    ----------
    rows, width
        Of one expert on this accelerator.
    local
        Experts on it.
    """
    m = c.model
    on = adapted(m, "experts")
    if absent(m) or not any_true(on > 0):
        return products
    wide = on * (1.0 + m.expert_gated)
    one = added(
        adapter(c, wide, m=rows, n=wide * width, k=m.expert_hidden),
        adapter(c, on, m=rows, n=m.expert_hidden, k=width),
    )
    saved = np.where((on > 0) & (rows > 0), EXPERT_LAUNCHES * GEMM_OVERHEAD_S[0] * (local - 1.0), 0.0)
    return added(products, (local * one[0] - saved, local * one[1] - 2.0 * saved))


def linear_adapters(c: LayerContext, products: Both, *, projection: FloatArray, inner: FloatArray) -> Both:
    """Products of a mixer without softmax, with their adapters; widths on this accelerator."""
    m, t = c.model, c.tokens
    if absent(m):
        return products
    on = adapted(m, "linear")
    return added(
        products,
        adapter(c, on, m=t, n=projection, k=m.hidden),
        adapter(c, on, m=t, n=m.hidden, k=inner),
    )


def adapter_bytes(model: Model, strategy: Strategy) -> FloatArray:
    """Bytes that adapters keep for their backward pass, per layer and micro-batch: what lies between factors.

    Their inputs are those of the frozen products, which are counted as kept.
    """
    m, st = model, strategy
    queries = adapted(m, "q") * (1.0 + (m.q_lora > 0))
    latent = 2.0 * adapted(m, "k", "v")
    plain = adapted(m, "k") + adapted(m, "v")
    attention = queries + np.where(m.mla, latent, plain) + adapted(m, "o")
    block = m.gated * adapted(m, "gate") + adapted(m, "up") + adapted(m, "down")
    shared = np.where(m.shared_ffn > 0, m.expert_gated * adapted(m, "gate"), 0.0)
    shared = shared + np.where(m.shared_ffn > 0, adapted(m, "up") + adapted(m, "down"), 0.0)
    routed = adapted(m, "experts") * m.top_k * (2.0 + m.expert_gated) * st.etp / sequence_split(st)
    layers = (m.n_full + m.n_window) * attention + m.n_linear * 2.0 * adapted(m, "linear")
    layers = layers + m.n_dense * block + m.n_moe * (shared + routed)
    return 2.0 * m.adapter_rank * micro_batch_tokens(st) * layers / m.layers
