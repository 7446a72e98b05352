"""Mixture-of-experts block: router, grouped products, shared experts, dispatch and combine.

References
----------
.. [1] DeepSeek-AI, arXiv:2412.19437: shared experts, dispatch and combine.
.. [2] Megatron Core user guide, "Mixture of Experts": experts fold over the ranks of a stage.
"""

from __future__ import annotations

import numpy as np

from planner.model.adapters import expert_adapters, mlp_adapters
from planner.model.blocks import tensor_parallel
from planner.model.collectives import dispatch_s, place, ring_s
from planner.model.context import NORM_BACKWARD, Both, LayerContext
from planner.model.operators import GEMM_OVERHEAD_S, any_true
from planner.model.passes import Passes, added, passes
from planner.types import FloatArray

__all__ = ["moe_block"]

ROUTER_BYTES = 12.0
"""Bytes moved per router logit: scores, top-k and the auxiliary loss."""

MOE_KERNELS = 6.0
"""Streaming kernels of routing, permutation and activation."""


def moe_block(c: LayerContext) -> Passes:
    """Routed and shared experts with their norm and communication."""
    m, t = c.model, c.tokens
    copies = routed_copies(c)
    width, shared = m.expert_ffn / c.st.etp, m.shared_ffn / c.st.tp
    has_shared = np.where(m.shared_ffn > 0, 1.0, 0.0)
    exchange = dispatch_and_combine(c) + expert_tensor_parallel(c, copies)
    elements = t * (m.hidden * has_shared + shared) + copies * (m.expert_hidden + width)
    quantise = c.quantise(elements)
    tensor_forward, tensor_backward = tensor_parallel(c)
    fixed = fixed_s(c)
    return passes(
        c,
        kernels=c.sw.kernels_per_moe,
        gemm=added(routed_products(c, copies), shared_products(c), latent_products(c)),
        elementwise=traffic_s(c, copies),
        quantise=(quantise, quantise),
        tensor=(has_shared * tensor_forward, has_shared * tensor_backward),
        expert=(exchange, exchange),
        moe_fixed=(fixed / 3.0, fixed * 2.0 / 3.0),
    )


def dispatched_tokens(c: LayerContext) -> FloatArray:
    """Tokens that this rank dispatches."""
    return c.tokens / c.sequence_split


def routed_copies(c: LayerContext) -> FloatArray:
    """Routed copies of tokens that this rank computes, on average."""
    return dispatched_tokens(c) * c.model.top_k * c.st.etp


def local_experts(c: LayerContext) -> FloatArray:
    """Routed experts on one rank."""
    return np.maximum(np.maximum(c.model.experts, 1.0) / c.st.ep, 1.0)


def routed_products(c: LayerContext, copies: FloatArray) -> Both:
    """Router in 16 bit and the grouped products of the local experts, one launch for a whole group."""
    m, st = c.model, c.st
    experts = np.maximum(m.experts, 1.0)
    local = local_experts(c)
    width = m.expert_ffn / st.etp
    rows = np.where(m.n_moe > 0, copies * st.ep / experts + c.sw.expert_padding, 0.0)
    one = added(
        c.linear(m=rows, n=(1.0 + m.expert_gated) * width, k=m.expert_hidden),
        c.linear(m=rows, n=m.expert_hidden, k=width),
    )
    saved = GEMM_OVERHEAD_S[0] * (local - 1.0)
    gradients = np.where(m.frozen > 0, 2.0, 4.0)  # products of the backward pass
    grouped = local * one[0] - 2.0 * saved, local * one[1] - gradients * saved
    grouped = expert_adapters(c, grouped, rows=rows, width=width, local=local)
    return added(grouped, c.linear(m=dispatched_tokens(c), n=experts, k=m.hidden, low=False))


def shared_products(c: LayerContext) -> Both:
    """Shared experts, split over the tensor-parallel group as a dense MLP."""
    m, t = c.model, c.tokens
    width = m.shared_ffn / c.st.tp
    products = added(
        c.linear(m=t, n=(1.0 + m.expert_gated) * width, k=m.hidden), c.linear(m=t, n=m.hidden, k=width)
    )
    return mlp_adapters(c, products, width=width, gated=m.expert_gated)


def latent_products(c: LayerContext) -> Both:
    """Projections to and from the narrower stream of experts that have one."""
    m = c.model
    narrower = (m.expert_hidden < m.hidden) & (m.n_moe > 0)
    rows = np.where(narrower, dispatched_tokens(c), 0.0)
    return added(
        c.linear(m=rows, n=m.expert_hidden, k=m.hidden), c.linear(m=rows, n=m.hidden, k=m.expert_hidden)
    )


def traffic_s(c: LayerContext, copies: FloatArray) -> Both:
    """Element-wise seconds: norm, permutation and its inverse, biases, activations, router."""
    m, t = c.model, c.tokens
    gated, width, shared = m.expert_gated, m.expert_ffn / c.st.etp, m.shared_ffn / c.st.tp
    norm = c.norm_bytes() * t
    permute = copies * (2.0 * c.sw.permute_bytes) * m.expert_hidden
    outputs = (
        m.expert_bias * copies * ((1.0 + gated) * width + m.expert_hidden)
    )  # grouped products add biases apart
    activated = copies * width + t * shared
    router = dispatched_tokens(c) * ROUTER_BYTES * np.maximum(m.experts, 1.0)
    forward = norm + permute + router + 4.0 * outputs + (4.0 + 2.0 * gated) * activated
    backward = NORM_BACKWARD * norm + permute + router + 2.0 * outputs + (6.0 + 4.0 * gated) * activated
    return c.stream(forward, kernels=MOE_KERNELS), c.stream(backward, kernels=MOE_KERNELS)


def dispatch_and_combine(c: LayerContext) -> FloatArray:
    """Exposed seconds of both exchanges of one pass."""
    m, st, sw = c.model, c.st, c.sw
    one_way = dispatch_s(
        token_bytes=dispatched_tokens(c) * m.expert_hidden * 2.0,
        top_k=m.top_k,
        group=place(ranks=st.ep, inner=np.ones_like(st.ep), hardware=c.hw),
        hardware=c.hw,
        link_share=sw.alltoall_share,
        nic_share=sw.nic_share,
        deduplicated=sw.deduplicated,
    )
    return 2.0 * one_way * sw.expert_exposed


def expert_tensor_parallel(c: LayerContext, copies: FloatArray) -> FloatArray:
    """Gather and scatter of routed copies where expert weights are split; nothing hides them."""
    st = c.st
    if not any_true(st.etp > 1):
        return np.zeros_like(copies)
    group = place(ranks=st.etp, inner=np.ones_like(st.etp), hardware=c.hw)
    moved = copies * c.model.expert_hidden * 2.0
    return 2.0 * ring_s(moved_bytes=moved, factor=1.0, group=group, hardware=c.hw, nic_share=c.sw.nic_share)


def fixed_s(c: LayerContext) -> FloatArray:
    """Seconds, both passes, of routing tables, synchronisation and small kernels of every local expert."""
    return np.where(c.model.n_moe > 0, c.sw.moe_fixed_s + c.sw.expert_fixed_s * local_experts(c), 0.0)
