"""Attention and linear mixers of all layers: projections, and the core that reads the cache.

References
----------
.. [1] DeepSeek-AI, "DeepSeek-V2", arXiv:2405.04434: latent attention, and its absorbed form at decode.
.. [2] DeepSeek-AI, "DeepSeek-V3.2", arXiv:2512.02556: sparse attention with an indexer.
.. [3] S. Yang et al., "Gated delta networks", arXiv:2412.06464: a recurrent state in place of a cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planner.model.inference.kernels import (
    context_attention_s,
    context_mla_s,
    decode_attention_s,
    decode_mla_s,
    gemm_s,
)
from planner.model.inference.replica import Ranks, Replica, Work
from planner.model.operators import any_true
from planner.types import FloatArray

__all__ = ["Mixing", "mixing_s"]

ABSORB_S = 2e-6
"""Two small batched products that absorb the up-projections of latent attention."""

INDEX_SHARE = 0.7
"""Share of the memory bandwidth, or of the 8-bit peak, that an indexer reaches."""

INDEX_S = 8e-6
TOP_K_S = 12e-6
"""Fixed time of an indexer's scores and of its selection, per layer (kernel tables of sparse attention)."""

STATE_SHARE = 0.75
SCAN_SHARE = 0.22
STATE_DECODE_S = 10e-6
STATE_PROMPT_S = 40e-6
STATE_BYTES = 4.0
"""Recurrent kernels: shares of bandwidth and of the 16-bit peak, fixed time per layer, bytes of a state
element."""


class Mixing(NamedTuple):
    """Seconds of all mixers of the model on one rank."""

    linear_s: FloatArray
    core_s: FloatArray


def mixing_s(*, replica: Replica, work: Work, ranks: Ranks) -> Mixing:
    """Seconds of the mixers of all layers, on one attention rank."""
    model = replica.model
    linear = core = np.zeros(1)
    attending = model.n_full + model.n_window
    if any_true(~model.mla & (attending > 0)):
        projected, read = _grouped(replica, work, ranks)
        linear = linear + np.where(model.mla, 0.0, attending * projected)
        core = core + np.where(model.mla, 0.0, read)
    if any_true(model.mla):
        projected, read = _latent(replica, work, ranks)
        linear = linear + np.where(model.mla, attending * projected, 0.0)
        core = core + np.where(model.mla, attending * read, 0.0)
    if any_true(np.isfinite(model.index_top_k)):
        core = core + model.index_layers * _indexer(replica, work, ranks)
    if any_true(model.n_linear > 0):
        projected, scanned = _recurrent(replica, ranks)
        linear = linear + np.where(model.n_linear > 0, model.n_linear * projected, 0.0)
        core = core + np.where(model.n_linear > 0, model.n_linear * scanned, 0.0)
    return Mixing(linear, core)


def _grouped(replica: Replica, work: Work, ranks: Ranks) -> tuple[FloatArray, FloatArray]:
    """Projections of one layer, and the cores of all layers, of multi-head and grouped-query attention."""
    model, layout, ops = replica.model, replica.layout, replica.operators
    heads = model.heads / layout.tp
    kv_heads = np.maximum(model.kv_heads / layout.tp, 1.0)
    m = ranks.tokens
    columns = heads * (model.qk_dim + model.gate_columns) + kv_heads * (model.qk_dim + model.v_dim)
    linear = gemm_s(rates=replica.attention, m=m, n=columns, k=model.hidden)
    linear = linear + gemm_s(rates=replica.attention, m=m, n=model.hidden, k=heads * model.v_dim)
    width = 0.5 * (model.qk_dim + model.v_dim)
    shared: dict[str, Any] = {
        "operators": ops, "kv_heads": kv_heads, "head_dim": width, "kv_bytes": layout.kv_bytes,
    }  # fmt: skip
    core = np.zeros(1)
    seen = np.minimum(work.context, model.index_top_k)
    for layers, reach in ((model.n_full, np.inf), (model.n_window, model.window)):
        if not any_true(layers > 0):
            continue
        time = np.zeros(1)
        if any_true(ranks.sequences > 0):
            decoded = decode_attention_s(
                batch=ranks.sequences,
                heads=heads * (1.0 + layout.drafts),
                context=np.minimum(seen, reach),
                **shared,
            )
            time = time + np.where(ranks.sequences > 0, decoded, 0.0)
        if any_true(ranks.prompts > 0):
            window = np.minimum(reach, model.index_top_k)
            attended = context_attention_s(
                batch=ranks.prompts,
                heads=heads,
                new=work.new,
                past=work.past,
                window=window,
                eight_bit=layout.eight_bit_attention,
                **shared,
            )
            time = time + np.where(ranks.prompts > 0, attended, 0.0)
        core = core + np.where(layers > 0, layers * time, 0.0)
    return linear, core


def _latent(replica: Replica, work: Work, ranks: Ranks) -> tuple[FloatArray, FloatArray]:
    """Projections and core of one layer of multi-head latent attention [1].

    The down-projections and the cached latent are the same on every tensor-parallel rank.
    """
    model, layout, ops = replica.model, replica.layout, replica.operators
    heads, m = model.heads / layout.tp, ranks.tokens
    rates = replica.attention
    down = model.q_lora + model.kv_lora + model.rope_dim
    query_in = np.where(model.q_lora > 0, model.q_lora, model.hidden)
    linear = gemm_s(rates=rates, m=m, n=down, k=model.hidden)
    linear = linear + gemm_s(rates=rates, m=m, n=heads * model.qk_dim, k=query_in)
    linear = linear + ABSORB_S
    linear = linear + gemm_s(
        rates=replica.absorbed, m=m, n=heads * (model.nope_dim + model.v_dim), k=model.kv_lora
    )
    linear = linear + gemm_s(rates=rates, m=m, n=model.hidden, k=heads * model.v_dim)
    core = np.zeros(1)
    if any_true(ranks.sequences > 0):
        decoded = decode_mla_s(
            operators=ops,
            batch=ranks.sequences,
            heads=heads * (1.0 + layout.drafts),
            context=np.minimum(work.context, model.index_top_k),
            kv_bytes=layout.kv_bytes,
            kv_lora=model.kv_lora,
            rope=model.rope_dim,
        )
        core = core + np.where(ranks.sequences > 0, decoded, 0.0)
    if any_true(ranks.prompts > 0):
        attended = context_mla_s(
            operators=ops,
            batch=ranks.prompts,
            heads=heads,
            new=work.new,
            past=work.past,
            window=model.index_top_k,
            qk_dim=model.qk_dim,
            v_dim=model.v_dim,
            kv_bytes=layout.kv_bytes,
        )
        core = core + np.where(ranks.prompts > 0, attended, 0.0)
    return linear, core


def _indexer(replica: Replica, work: Work, ranks: Ranks) -> FloatArray:
    """Score every key of the context and pick the best ones, one layer [2]."""
    model, ops = replica.model, replica.operators
    top = np.isfinite(model.index_top_k)
    keys = ranks.sequences * work.context * model.index_dim
    decode = np.where(
        ranks.sequences > 0,
        INDEX_S + TOP_K_S + keys / (INDEX_SHARE * ops.memory_bytes_per_s),
        0.0,
    )
    pairs = ranks.prompts * work.new * (work.past + 0.5 * work.new)
    eight = np.maximum(ops.peak_flop_per_s[..., 1], ops.peak_flop_per_s[..., 0])
    score = 2.0 * pairs * model.index_heads * model.index_dim / (INDEX_SHARE * eight)
    prompt = np.where(ranks.prompts > 0, INDEX_S + TOP_K_S + score, 0.0)
    return np.where(top, decode + prompt, 0.0)


def _recurrent(replica: Replica, ranks: Ranks) -> tuple[FloatArray, FloatArray]:
    """Projections and recurrence of one linear layer [3]."""
    model, layout, ops = replica.model, replica.layout, replica.operators
    inner, projected = model.linear_inner / layout.tp, model.linear_projection / layout.tp
    linear = gemm_s(rates=replica.attention, m=ranks.tokens, n=projected, k=model.hidden)
    linear = linear + gemm_s(rates=replica.attention, m=ranks.tokens, n=model.hidden, k=inner)
    state = 2.0 * STATE_BYTES * model.state_elements / layout.tp
    bandwidth = STATE_SHARE * ops.memory_bytes_per_s
    decode = np.where(ranks.sequences > 0, STATE_DECODE_S + ranks.sequences * state / bandwidth, 0.0)
    scan = ranks.prompt_tokens * model.linear_scan_flop / layout.tp
    prompt = np.where(
        ranks.prompts > 0,
        STATE_PROMPT_S
        + scan / (SCAN_SHARE * ops.peak_flop_per_s[..., 0])
        + 16.0 * ranks.prompt_tokens * projected / (0.6 * ops.memory_bytes_per_s),
        0.0,
    )
    return linear, decode + prompt
