"""Model records to the `Model` table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.tables.arrays import ADAPTED, Model
from planner.workload.cache import cache_elements
from planner.workload.counts import (
    indexer_layers,
    linear_projections,
    parameters,
    state_elements,
)

if TYPE_CHECKING:
    from planner.workload.architecture import Architecture
    from planner.workload.mixers import Attention

__all__ = ["approximations", "model_table"]

SCAN_FLOP_PER_STATE = 7.0
"""FLOP per state element and token of a linear recurrence: decay, read, write and query."""


PRETRAINING: Final = {
    "frozen": 0.0,
    "weight_bytes": 2.0,
    "widening": 1.0,
    "reference_passes": 0.0,
    "reference_bytes": 0.0,
    "adapter_rank": 0.0,
    "adapter_whole": 0.0,
    "adapter_split": 0.0,
    "adapter_experts": 0.0,
    "example": np.inf,
}
"""All weights learn, held in 16 bit, from full sequences; `planner.tables.tuning` has what changes that."""


def approximations(architecture: Architecture) -> tuple[str, ...]:
    """Say what the `Model` table, and so every time computed from it, leaves out of an architecture.

    Parameter counts and FLOPs are exact all the same: they come from the architecture itself.
    """
    a, attention = architecture, architecture.attention
    found = []
    if attention is not None:
        if attention.indexer is not None:
            found.append("sparse attention is timed as dense, without its indexer")
        if attention.compression is not None:
            found.append("attention to pooled keys is timed as attention to all")
        if attention.output_gate is not None or attention.o_lora is not None:
            found.append("the gate or low-rank form of the attention output is not timed")
    if a.window_attention is not None:
        found.append("windowed layers are timed with the heads of the full ones")
    if a.windowed is not None and a.windowed.chunked:
        found.append("attention in chunks is timed as a sliding window, up to twice its work")
    return tuple(found)


def model_table(architecture: Architecture) -> Model:
    """One row of `Model` for an architecture.

    Counts are the exact ones of `planner.workload.counts`; widths that a model lacks are zero.
    """
    a = architecture
    count = parameters(a)
    attention = a.attention or a.windowed
    mla = attention is not None and attention.kind == "mla"
    heads = attention.heads if attention else 1
    moe, mlp, linear = a.moe, a.mlp, a.linear_attention
    n_dense, n_moe = a.count(ffn="dense"), a.count(ffn="moe")
    prefix = sum(g.count for g in a.layers.prefix if g.ffn == "dense") if n_moe else 0
    inner = linear.value_heads * linear.value_dim if linear else 0
    indexer = attention.indexer if attention else None
    mixers = count.attention + count.window_attention + count.linear_attention + count.norms + count.biases
    values = {
        "hidden": a.hidden,
        "layers": a.depth,
        "vocab": a.vocab,
        "heads": heads,
        "kv_heads": attention.kv_heads if attention else 1,
        "qk_dim": attention.qk_dim if attention else 1,
        "v_dim": attention.value_dim if attention else 1,
        "window": a.window_size or np.inf,
        "q_lora": (attention.q_lora or 0) if attention else 0,
        "kv_lora": (attention.kv_lora or 0) if attention else 0,
        "rope_dim": (attention.qk_rope or 0) if attention else 0,
        "nope_dim": (attention.qk_nope or 0) if attention else 0,
        "n_full": a.count(mixer="full"),
        "n_window": a.count(mixer="window"),
        "n_linear": a.count(mixer="linear"),
        "linear_projection": linear_projections(linear, hidden=a.hidden) / a.hidden - inner if linear else 0,
        "linear_inner": inner,
        "linear_scan_flop": SCAN_FLOP_PER_STATE * state_elements(linear) if linear else 0,
        "state_elements": state_elements(linear) if linear else 0,
        **_gate_and_index(attention),
        "index_layers": indexer_layers(a) if indexer else 0,
        **_cache(a, index_dim=indexer.dim if indexer else 0),
        "n_dense": n_dense,
        "n_moe": n_moe,
        "dense_prefix": prefix,
        "ffn": mlp.ffn if mlp else 0,
        "gated": float(mlp.gated) if mlp else 0,
        "experts": moe.experts if moe else 0,
        "top_k": moe.top_k if moe else 0,
        "expert_ffn": moe.ffn if moe else 0,
        "shared_ffn": moe.shared_width if moe else 0,
        "expert_gated": float(moe.gated) if moe else 0,
        "expert_bias": float(moe.bias) if moe else 0,
        "expert_hidden": (moe.latent or a.hidden) if moe else a.hidden,
        "mtp": a.mtp,
        "embedding_parameters": count.embedding + count.positions,
        "mixer_parameters": mixers,
        "dense_parameters": count.mlp + count.shared_experts + count.router,
        "expert_parameters": count.experts,
        **PRETRAINING,
    }
    arrays = {k: np.array([v], dtype=np.float64) for k, v in values.items()}
    return Model(
        **arrays,
        tied=np.array([a.tied_embeddings]),
        mla=np.array([mla]),
        adapts=np.zeros((1, len(ADAPTED))),
    )


def _gate_and_index(attention: Attention | None) -> dict[str, float]:
    indexer = attention.indexer if attention else None
    columns = 0
    if attention is not None and attention.output_gate is not None:
        columns = attention.value_dim if attention.output_gate == "element" else 1
    return {
        "gate_columns": columns,
        "index_top_k": indexer.top_k if indexer else np.inf,
        "index_heads": indexer.heads if indexer else 0,
        "index_dim": indexer.dim if indexer else 0,
    }


def _cache(architecture: Architecture, *, index_dim: int) -> dict[str, float]:
    """Elements cached per token by layers that keep everything, by windowed ones, and by indexers."""
    terms = cache_elements(architecture).terms
    index = float(indexer_layers(architecture) * index_dim) if index_dim else 0.0
    growing = sum(t.elements / t.ratio for t in terms if t.cap is None)
    return {
        "kv_full": growing - index,
        "kv_window": float(sum(t.elements for t in terms if t.cap is not None)),
        "kv_index": index,
    }
