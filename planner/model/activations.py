"""Activation bytes that a layer leaves behind for its backward pass.

References
----------
.. [1] V. Korthikanti et al., arXiv:2205.05198: ``34 sbh + 5 a s^2 b`` bytes per layer, split over ranks;
selective
   recompute drops the second term.
.. [2] DeepSeek-AI, arXiv:2412.19437: recompute of norms, activations and latent up-projections.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.adapters import adapter_bytes
from planner.model.context import micro_batch_tokens, sequence_split
from planner.tables import Model, Rows, Software, Strategy
from planner.types import FloatArray

__all__ = ["ActivationCosts", "activation_costs", "kept_bytes", "recompute_peak"]

SCORE_BYTES = 5.0
"""Per attention score of an unfused core: softmax output, dropout mask and dropped output [1]."""


@dataclass(frozen=True, eq=False)
class ActivationCosts(Rows):
    """Activation bytes that one micro-batch leaves behind, shape ``[R]``."""

    layer_bytes: FloatArray  # everything kept
    selective_bytes: FloatArray  # kept under selective recompute
    full_bytes: FloatArray  # kept under full recompute: the input of the layer
    working_bytes: FloatArray  # transient peak while one layer runs backward
    embedding_bytes: FloatArray
    logits_bytes: FloatArray


def activation_costs(*, model: Model, software: Software, strategy: Strategy) -> ActivationCosts:
    """Activation bytes per body layer and micro-batch for each recompute choice.

    Parameters
    ----------
    model, software, strategy
        Tables of ``R`` rows (or one row that broadcasts).
    """
    m, st, sw = model, strategy, software
    t = micro_batch_tokens(st)
    hidden = t * m.hidden / sequence_split(st)  # elements of the residual stream on one rank
    mixers = attention_bytes(m, sw, st) * (m.n_full + m.n_window) + linear_mixer_bytes(m, sw, st) * m.n_linear
    blocks = mlp_bytes(m, sw, st) * m.n_dense + moe_bytes(m, sw, st) * m.n_moe
    layer = sw.kept_share * (mixers + blocks) / m.layers + adapter_bytes(m, st)
    checkpoint = 2.0 * hidden
    zero = 0.0 * layer
    return ActivationCosts(
        layer_bytes=layer,
        selective_bytes=selective_bytes(m, sw, st, layer_bytes=layer, checkpoint_bytes=checkpoint),
        full_bytes=checkpoint + zero,
        working_bytes=2.0 * checkpoint + zero,
        embedding_bytes=(2.0 + sw.dropout) * hidden + zero,
        logits_bytes=t * sw.loss_bytes * np.where(sw.loss_sharded > 0, m.vocab / st.tp, m.vocab) + zero,
    )


def saved_input_bytes(strategy: Strategy) -> FloatArray:
    """Bytes per element of a saved input of a matrix product: 2 in 16 bit, 1 in 8 bit and below."""
    return np.where(strategy.gemm_class == 0, 2.0, 1.0)


def norm_bytes(m: Model, sw: Software, st: Strategy) -> FloatArray:
    """Bytes saved by the norm in front of a block: its input and its output."""
    kept = sw.norm_bytes + saved_input_bytes(st)
    return micro_batch_tokens(st) * kept * m.hidden / sequence_split(st)


def attention_bytes(m: Model, sw: Software, st: Strategy) -> FloatArray:
    """Bytes saved by the attention block: norm, q, k, v, output, dropout, scores where unfused."""
    t, a = micro_batch_tokens(st), saved_input_bytes(st)
    queries = m.heads * m.qk_dim / st.tp
    keys_values = np.maximum(m.kv_heads / st.tp, 1.0) * (m.qk_dim + m.v_dim)
    output = (1.0 + a / 2.0) * m.heads * m.v_dim / st.tp  # of the core, shared with its product's saved input
    grouped = 2.0 * (queries + keys_values) + output
    expanded = m.heads / st.tp * (2.0 * (m.nope_dim + m.rope_dim) + 2.0 * m.v_dim)
    latent = 2.0 * (expanded + 2.0 * m.q_lora + 2.0 * m.kv_lora)
    dropout = sw.dropout * m.hidden / sequence_split(st)
    core = np.where(m.mla, latent, grouped)
    return norm_bytes(m, sw, st) + t * (core + dropout) + score_bytes(m, sw, st)


def score_bytes(m: Model, sw: Software, st: Strategy) -> FloatArray:
    """Softmax scores that an unfused core saves [1]."""
    scores = micro_batch_tokens(st) * m.heads * st.seq_len / st.tp / st.cp
    return np.where(sw.flash == 0, SCORE_BYTES * scores, 0.0)


def linear_mixer_bytes(m: Model, sw: Software, st: Strategy) -> FloatArray:
    """Bytes saved by a linear mixer: norm, projections, convolution output, scan output."""
    inner = 4.0 * (m.linear_projection + m.linear_inner) / st.tp
    return norm_bytes(m, sw, st) + micro_batch_tokens(st) * inner


def mlp_bytes(m: Model, sw: Software, st: Strategy) -> FloatArray:
    """Bytes saved by a dense MLP: norm, input and gate of the activation, its output."""
    inner = (2.0 + 2.0 * m.gated + saved_input_bytes(st)) * m.ffn / st.tp
    return norm_bytes(m, sw, st) + micro_batch_tokens(st) * inner


def moe_bytes(m: Model, sw: Software, st: Strategy) -> FloatArray:
    """Bytes saved by a mixture of experts: norm, routed copies in and out, activations, shared experts."""
    t, a = micro_batch_tokens(st), saved_input_bytes(st)
    activation = 2.0 + 2.0 * m.expert_gated + a
    copy = (2.0 + a) * m.expert_hidden + activation * m.expert_ffn / st.etp
    routed = m.top_k * copy * st.etp / sequence_split(st)
    return norm_bytes(m, sw, st) + t * (routed + activation * m.shared_ffn / st.tp)


def selective_bytes(
    m: Model, sw: Software, st: Strategy, *, layer_bytes: FloatArray, checkpoint_bytes: FloatArray
) -> FloatArray:
    """Kept under selective recompute.

    Unfused stacks drop the scores [1]; others norms, activations and latent up-projections [2], or half of
    all where they select by operator (every second matrix product).
    """
    t, split, a = micro_batch_tokens(st), sequence_split(st), saved_input_bytes(st)
    norms = t * 2.0 * sw.norm_bytes * m.hidden / split
    activations = np.where(m.n_moe > 0, t / split * m.top_k * a * m.expert_ffn, t * a * m.ffn / st.tp)
    expanded = m.heads / st.tp * (2.0 * (m.nope_dim + m.rope_dim) + m.v_dim)
    latent = np.where(m.mla, t * 2.0 * expanded * m.n_full / m.layers, 0.0)
    modules = np.maximum(layer_bytes - norms - activations - latent, checkpoint_bytes)
    scores = sw.kept_share * score_bytes(m, sw, st) * (m.n_full + m.n_window) / m.layers
    fused = np.where(sw.selects_operators > 0, 0.5 * layer_bytes, modules)
    return np.where(sw.flash == 0, layer_bytes - scores, fused)


def kept_bytes(strategy: Strategy, activations: ActivationCosts) -> FloatArray:
    """Activation bytes kept per layer and micro-batch under the recompute choice."""
    share = strategy.recompute_layers
    full = share * activations.full_bytes + (1.0 - share) * activations.selective_bytes
    partly = np.where(strategy.recompute == 1, activations.selective_bytes, activations.layer_bytes)
    return np.where(strategy.recompute == 2, full, partly)


def recompute_peak(strategy: Strategy, activations: ActivationCosts) -> FloatArray:
    """One whole layer's activations while it is recomputed."""
    return np.where(strategy.recompute == 2, activations.layer_bytes, 0.0)
