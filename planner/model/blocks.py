"""Attention and dense MLP blocks of a layer, and the tensor- and context-parallel traffic around them.

References
----------
.. [1] V. Korthikanti et al., arXiv:2205.05198: sequence parallelism.
.. [2] M. Shoeybi et al., arXiv:1909.08053: tensor parallelism.
.. [3] DeepSeek-AI, arXiv:2405.04434: latent attention.
.. [4] H. Liu et al., "Ring Attention", arXiv:2310.01889: context parallelism.
"""

from __future__ import annotations

import numpy as np

from planner.model.adapters import attention_adapters, mlp_adapters
from planner.model.collectives import hidden_s, link_bytes_per_s, place, ring_s
from planner.model.context import NORM_BACKWARD, Both, LayerContext
from planner.model.operators import any_true, causal_pairs, flash_attention_s, unfused_attention_s
from planner.model.passes import Passes, added, passes
from planner.types import FloatArray

__all__ = ["attention_block", "mlp_block", "tensor_parallel"]

CONTEXT_LINK_SHARE = 0.375
"""Share of the scale-up link that one ring-attention stream reaches: it talks to one neighbour only."""

CONTEXT_HOP_S = 12e-6
"""Latency of one step of the ring of keys and values."""

TENSOR_EXPOSED_ACROSS = 0.8
"""Least share of tensor-parallel communication left exposed where a group spans scale-up domains."""

GATHER_AGAIN = 0.5
"""Exposed share of the backward pass's second gather of its input under sequence parallelism [1]."""


def attention_block(c: LayerContext, *, windowed: bool) -> Passes:
    """Grouped-query or latent attention with its projections, norms and communication."""
    m, t = c.model, c.tokens
    heads = np.maximum(m.heads / c.st.tp, 1.0)
    kv_heads = np.where(m.mla, heads, np.maximum(m.kv_heads / c.st.tp, 1.0))
    core = attention_core(c, heads=heads, kv_heads=kv_heads, windowed=windowed)
    rope = 4.0 * (heads + kv_heads) * m.qk_dim
    inputs = np.where(m.mla, 2.0 * m.hidden + m.q_lora + m.kv_lora, m.hidden)
    quantise = c.quantise(t * (inputs + heads * m.v_dim))
    norm = c.norm_bytes()
    return passes(
        c,
        kernels=c.sw.kernels_per_block,
        gemm=attention_adapters(
            c, projections(c, heads=heads, kv_heads=kv_heads), heads=heads, kv_heads=kv_heads
        ),
        attention=core,
        elementwise=(c.stream(t * (norm + rope)), c.stream(t * (NORM_BACKWARD * norm + rope))),
        quantise=(quantise, quantise),
        tensor=tensor_parallel(c),
        context=context_parallel(c, kv_heads=kv_heads, core=core),
    )


def projections(c: LayerContext, *, heads: FloatArray, kv_heads: FloatArray) -> Both:
    """Matrix products around the core: one fused input product, or those of latent attention [3]."""
    m, t = c.model, c.tokens
    q_width = heads * m.qk_dim
    output = c.linear(m=t, n=m.hidden, k=heads * m.v_dim)
    fused = np.where(m.mla, 0.0, t)
    result = added(output, c.linear(m=fused, n=q_width + kv_heads * (m.qk_dim + m.v_dim), k=m.hidden))
    if not any_true(m.mla):
        return result
    latent = np.where(m.mla, t, 0.0)
    return added(
        result,
        c.linear(m=latent, n=np.where(m.q_lora > 0, m.q_lora, q_width), k=m.hidden),
        c.linear(m=latent, n=np.where(m.q_lora > 0, q_width, 0.0), k=m.q_lora),
        c.linear(m=latent, n=m.kv_lora + m.rope_dim, k=m.hidden),
        c.linear(m=latent, n=heads * (m.nope_dim + m.v_dim), k=m.kv_lora),
    )


def attention_core(c: LayerContext, *, heads: FloatArray, kv_heads: FloatArray, windowed: bool) -> Both:
    """Seconds of the attention core, fused or not."""
    m, st, hw = c.model, c.st, c.hw
    window = m.window if windowed else np.full_like(m.window, np.inf)
    expanded = hw.attention_asymptote / (1.0 + hw.attention_head_half / np.maximum(m.qk_dim, 1.0))
    asymptote = np.where(m.mla, hw.mla_asymptote, expanded)
    fused = flash_attention_s(
        batch=st.micro_batch,
        heads=heads,
        kv_heads=kv_heads,
        qk_dim=m.qk_dim,
        v_dim=m.v_dim,
        query_len=st.seq_len / st.cp,
        pairs=seen_pairs(seq_len=st.seq_len, window=window, example=m.example) / st.cp,
        rate_flop_per_s=asymptote * c.sw.attention_rate * c.sustained * hw.peak_flop_per_s[:, 0],
        memory_bytes_per_s=hw.memory_bytes_per_s,
    )
    fused_backward = c.sw.attention_backward * fused
    unfused = c.sw.flash == 0
    if not any_true(unfused):
        return fused, fused_backward
    plain, plain_backward = unfused_attention_s(
        batch=st.micro_batch,
        heads=heads,
        head_dim=m.qk_dim,
        seq_len=st.seq_len,
        rate_flop_per_s=hw.peak_flop_per_s[:, 0] * c.sustained,
        memory_bytes_per_s=hw.memory_bytes_per_s,
    )
    return np.where(unfused, plain, fused), np.where(unfused, plain_backward, fused_backward)


def seen_pairs(*, seq_len: FloatArray, window: FloatArray, example: FloatArray) -> FloatArray:
    """Query-key pairs per head and sequence: within each of the examples that share a sequence."""
    each = np.minimum(seq_len, example)
    return causal_pairs(seq_len=each, window=window) * (seq_len / each)


def context_parallel(c: LayerContext, *, kv_heads: FloatArray, core: Both) -> Both:
    """Exposed seconds of the ring of keys and values, which hides behind the core [4]."""
    st, m, hw = c.st, c.model, c.hw
    if not any_true(st.cp > 1):
        return np.zeros_like(core[0]), np.zeros_like(core[0])
    kv_bytes = 2.0 * np.where(m.mla, m.kv_lora + m.rope_dim, kv_heads * (m.qk_dim + m.v_dim)) * c.tokens
    group = place(ranks=st.cp, inner=st.tp, hardware=hw)
    nic = c.sw.nic_share * hw.nic_achievable * hw.nic_bytes_per_s
    link = CONTEXT_LINK_SHARE * link_bytes_per_s(ranks=st.cp, hardware=hw)
    sent = kv_bytes * (st.cp - 1.0) / np.where(group.domains > 1, nic, link)
    hops = CONTEXT_HOP_S * (st.cp - 1.0)

    def exposed(sent_s: FloatArray, core_s: FloatArray) -> FloatArray:
        beside = core_s * (st.cp - 1.0) / st.cp  # the first block of keys is at hand
        return hops + hidden_s(
            communication_s=sent_s, compute_s=beside, window=np.ones_like(beside), slowdown=c.sw.slowdown
        )

    return exposed(sent, core[0]), exposed(2.0 * sent, core[1])


def mlp_block(c: LayerContext) -> Passes:
    """Dense MLP with its norm and communication."""
    m, t = c.model, c.tokens
    local = m.ffn / c.st.tp
    quantise = c.quantise(t * (m.hidden + local))
    norm = c.norm_bytes()
    products = added(c.linear(m=t, n=(1.0 + m.gated) * local, k=m.hidden), c.linear(m=t, n=m.hidden, k=local))
    return passes(
        c,
        kernels=c.sw.kernels_per_block,
        gemm=mlp_adapters(c, products, width=local, gated=m.gated),
        elementwise=(
            c.stream(t * (norm + (4.0 + 2.0 * m.gated) * local)),
            c.stream(t * (NORM_BACKWARD * norm + (6.0 + 4.0 * m.gated) * local)),
        ),
        quantise=(quantise, quantise),
        tensor=tensor_parallel(c),
    )


def tensor_parallel(c: LayerContext) -> Both:
    """Exposed all-gather and reduce-scatter (or all-reduce) of one block.

    With sequence parallelism the backward pass gathers its input once more, half hidden. Tiled overlap hides
    a share inside one scale-up domain; across domains at least `TENSOR_EXPOSED_ACROSS` stays exposed.
    """
    st = c.st
    if not any_true(st.tp > 1):
        return np.zeros_like(c.tokens), np.zeros_like(c.tokens)
    group = place(ranks=st.tp, inner=np.ones_like(st.tp), hardware=c.hw)
    moved = c.tokens * c.model.hidden * 2.0
    once, reduce = (
        ring_s(moved_bytes=moved, factor=factor, group=group, hardware=c.hw, nic_share=c.sw.nic_share)
        for factor in (1.0, 2.0)
    )
    forward = np.where(st.sequence_parallel, 2.0 * once, reduce)
    backward = np.where(st.sequence_parallel, (2.0 + GATHER_AGAIN) * once, reduce)
    across = np.maximum(c.sw.tensor_exposed, TENSOR_EXPOSED_ACROSS)
    share = np.where(group.domains > 1, across, c.sw.tensor_exposed)
    return share * forward, share * backward
