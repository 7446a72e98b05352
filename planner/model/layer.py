"""Forward and backward time of one transformer layer, of the head and of the embedding, on one accelerator.

A layer is the average over the body of the model (mixers and feed-forward blocks weighted by their counts),
so that hybrid and interleaved models need no special case. Times include the part of tensor-, context- and
expert-parallel communication that is not hidden.

References
----------
.. [1] V. Korthikanti et al., arXiv:2205.05198: selective recompute.
.. [2] DeepSeek-AI, arXiv:2412.19437: multi-token prediction; recompute of norms and latent up-projections.
.. [3] T. Dettmers et al., "QLoRA", arXiv:2305.14314: weights held in 4 bit, widened for each product.
.. [4] R. Rafailov et al., "Direct preference optimization", arXiv:2305.18290.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.model.blocks import attention_block, mlp_block, tensor_parallel
from planner.model.context import Both, LayerContext, prepare
from planner.model.experts import moe_block
from planner.model.learning import HELD_BYTES
from planner.model.mixers import linear_mixer_block
from planner.model.operators import any_true
from planner.model.passes import TERMS, Pass, Passes, plus, scaled, total
from planner.tables import Hardware, Model, Rows, Software, Strategy
from planner.types import FloatArray

__all__ = ["TERMS", "LayerCosts", "layer_costs"]

EMBEDDING_BYTES = 3.0
"""Bytes moved per byte of the embedding's output: lookup, write and gradient."""

MOE_FIXED_SPARED = 0.5
"""Share of the serial time of a MoE layer that a recomputed forward pass is spared: routing is kept."""


@dataclass(frozen=True, eq=False)
class LayerCosts(Rows):
    """What the pipeline needs to know of a layer, per micro-batch.

    Seconds unless said otherwise, shape ``[R]``.
    """

    forward_s: FloatArray
    backward_s: FloatArray
    selective_s: FloatArray  # extra time of selective recompute
    full_s: FloatArray  # extra time of full recompute
    prefix_delta_s: FloatArray  # dense prefix layer minus body layer, forward and backward
    head_forward_s: FloatArray
    head_backward_s: FloatArray
    embedding_s: FloatArray
    mtp_s: FloatArray  # one multi-token-prediction module, forward and backward
    boundary_bytes: FloatArray  # activations sent to the next stage
    forward_terms: FloatArray  # [R, len(TERMS)]
    backward_terms: FloatArray  # [R, len(TERMS)]


def layer_costs(*, hardware: Hardware, model: Model, software: Software, strategy: Strategy) -> LayerCosts:
    """Costs of one body layer, the head, the embedding and the MTP module.

    Parameters
    ----------
    hardware, model, software, strategy
        Tables of ``R`` rows (or one row that broadcasts).

    Returns
    -------
    LayerCosts
        Per micro-batch. Rows whose precision the part lacks come out as nan and are infeasible.
    """
    c = prepare(hardware=hardware, model=model, software=software, strategy=strategy)
    m = model
    attention, dense = attention_block(c, windowed=False), mlp_block(c)
    mixer = average_mixer(c, attention)
    body = m.layers - m.dense_prefix
    layer = plus(mixer, scaled(dense, np.maximum(m.n_dense - m.dense_prefix, 0.0) / body))
    module = total(attention) + total(dense)
    if any_true(m.n_moe > 0):
        moe = moe_block(c)
        layer = plus(layer, scaled(moe, m.n_moe / body))
        module = np.where(m.n_moe > 0, total(attention) + total(moe), module)
    layer, first = widened(c, layer), widened(c, plus(mixer, dense))
    own = layer[0]
    head_forward, head_backward = head(c)
    hidden_bytes = c.tokens * m.hidden * 2.0
    if any_true(m.reference_passes > 0):
        layer, first = referenced(m, layer), referenced(m, first)
        head_forward = head_forward * (1.0 + m.reference_passes)
        hidden_bytes = hidden_bytes * (1.0 + 0.5 * m.reference_passes)  # a pass that sends nothing back
    forward, backward = layer
    return LayerCosts(
        forward_s=forward.total(),
        backward_s=backward.total(),
        selective_s=selective_recompute(c, own),
        full_s=own.total() - MOE_FIXED_SPARED * own.moe_fixed,
        prefix_delta_s=total(first) - total(layer),
        head_forward_s=head_forward,
        head_backward_s=head_backward,
        embedding_s=c.stream(EMBEDDING_BYTES * 2.0 * hidden_bytes / c.sequence_split, kernels=4.0),
        mtp_s=np.where(m.mtp > 0, module + mtp_projection_s(c) + head_forward + head_backward, 0.0),
        boundary_bytes=np.broadcast_to(hidden_bytes / strategy.tp, forward.gemm.shape),
        forward_terms=forward.stacked(),
        backward_terms=backward.stacked(),
    )


def widened(c: LayerContext, layer: Passes) -> Passes:
    """Return both passes with the time to widen weights that are held narrower than 16 bit, as casts.

    Each pass reads them narrow and writes them wide; the products then read what was written [3].
    """
    m, st = c.model, c.st
    narrow = m.weight_bytes < HELD_BYTES
    if not any_true(narrow):
        return layer
    weights = (m.mixer_parameters + m.dense_parameters) / st.tp + m.expert_parameters / (st.etp * st.ep)
    moved = np.where(narrow, (m.weight_bytes + HELD_BYTES) * weights / m.layers, 0.0)
    seconds = moved / (m.widening * c.hw.memory_bytes_per_s)
    forward, backward = (replace(one, quantise=one.quantise + seconds) for one in layer)
    return forward, backward


def referenced(model: Model, layer: Passes) -> Passes:
    """Return both passes with those of the frozen copy, which only looks forward, in the same layout [4]."""
    return layer[0].scaled(1.0 + model.reference_passes), layer[1]


def average_mixer(c: LayerContext, attention: Passes) -> Passes:
    """Mixers of the model, each weighted by its share of the layers."""
    m = c.model
    mixer = scaled(attention, m.n_full / m.layers)
    if any_true(m.n_window > 0):
        mixer = plus(mixer, scaled(attention_block(c, windowed=True), m.n_window / m.layers))
    if any_true(m.n_linear > 0):
        mixer = plus(mixer, scaled(linear_mixer_block(c), m.n_linear / m.layers))
    return mixer


def mtp_projection_s(c: LayerContext) -> FloatArray:
    """Forward and backward of the product that joins hidden state and next embedding in an MTP module [2]."""
    forward, backward = c.linear(m=c.tokens / c.sequence_split, n=c.model.hidden, k=2.0 * c.model.hidden)
    return forward + backward


def head(c: LayerContext) -> Both:
    """Output projection in 16 bit, loss and their tensor-parallel communication."""
    m, t = c.model, c.tokens
    product, product_backward = c.linear(m=t, n=m.vocab / c.st.tp, k=m.hidden, low=False)
    local = np.where(c.sw.loss_sharded > 0, m.vocab / c.st.tp, m.vocab)
    half = 0.5 * c.stream(t * c.sw.loss_traffic * local, kernels=4.0)
    tensor_forward, tensor_backward = tensor_parallel(c)
    return product + half + tensor_forward, product_backward + half + tensor_backward


def selective_recompute(c: LayerContext, forward: Pass) -> FloatArray:
    """Extra seconds of selective recompute.

    Unfused stacks repeat the attention core [1]; others half the element-wise work and the latent
    up-projections [2], and those that select by operator every second matrix product.
    """
    m = c.model
    latent_up, _ = c.linear(
        m=np.where(m.mla, c.tokens, 0.0),
        n=m.heads / c.st.tp * (m.qk_dim + m.nope_dim + m.v_dim),
        k=m.kv_lora,
    )
    products = np.where(c.sw.selects_operators > 0, 0.5 * forward.gemm, 0.0)
    return np.where(c.sw.flash == 0, forward.attention, 0.5 * forward.elementwise + latent_up + products)
