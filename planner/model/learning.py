"""What of a model learns, and in which form the rest is held: parameters and bytes of fine-tuning.

Weights that do not learn have no gradients and no states, and are held in the bytes of the record; adapters
learn beside them. A frozen copy that the loss compares with is held beside either. In pre-training all
weights learn, and nothing here is asked.

References
----------
.. [1] E. Hu et al., "LoRA", arXiv:2106.09685.
.. [2] T. Dettmers et al., "QLoRA", arXiv:2305.14314: matrices of 4 bit, widened one by one.
.. [3] S. Rajbhandari et al., "ZeRO", arXiv:1910.02054.
"""

from __future__ import annotations

import numpy as np

from planner.model.operators import any_true
from planner.model.sharding import dense_ranks, expert_ranks
from planner.tables import Model, Software, Strategy
from planner.types import FloatArray

__all__ = ["HELD_BYTES", "StateBytes", "all_learn", "gathered_parameters", "learned", "tuned_states"]

HELD_BYTES = 2.0
"""Of a weight in 16 bit, which products read."""

StateBytes = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Weights, gradients, optimizer states, gather buffers."""

Pair = tuple[FloatArray, FloatArray]
"""Dense parameters and those of routed experts."""


def all_learn(model: Model) -> bool:
    """Whether in every row all weights learn, held in 16 bit, without a copy: pre-training."""
    return not any_true((model.frozen > 0) | (model.reference_bytes > 0))


def learned(model: Model, strategy: Strategy, *, own: Pair, layers: FloatArray) -> Pair:
    """Parameters that learn on one rank, of some layers: the model's own, or its adapters.

    Parameters
    ----------
    own
        The model's own on that rank, tables included.
    layers
        Layers that the rank works on.
    """
    if not any_true(model.frozen > 0):
        return own
    share = layers / model.layers
    dense = (model.adapter_whole + model.adapter_split / strategy.tp) * share
    expert = model.adapter_experts * share / strategy.ep
    return np.where(model.frozen > 0, dense, own[0]), np.where(model.frozen > 0, expert, own[1])


def gathered_parameters(
    model: Model, strategy: Strategy, *, own: Pair, tables: FloatArray, layers: FloatArray
) -> Pair:
    """Parameters of 16 bit that are as many bytes as full sharding gathers for one pass.

    Parameters
    ----------
    own, layers
        As for `learned`.
    tables
        Those among the dense ones that are tables, which stay in 16 bit.
    """
    adapters = learned(model, strategy, own=own, layers=layers)
    narrow = model.weight_bytes / HELD_BYTES
    dense, expert = narrow * (own[0] - tables) + tables, narrow * own[1]
    frozen = model.frozen > 0
    return np.where(frozen, dense + adapters[0], own[0]), np.where(frozen, expert + adapters[1], own[1])


def tuned_states(
    *,
    model: Model,
    software: Software,
    strategy: Strategy,
    own: Pair,
    tables: FloatArray,
    layers: FloatArray,
    gathered_layers: float,
) -> StateBytes:
    """Weights, gradients, optimizer states and buffers of one stage, where not all is as in pre-training.

    Under full sharding a learning weight is the master copy among the optimizer's states, as in pre-training;
    frozen ones and those of a copy are sharded as they are held [3]. Narrow weights need room for the widest
    matrix of a layer in 16 bit; a group of experts is widened at once [2].

    Parameters
    ----------
    own
        The model's own parameters on the stage before sharding, tables included.
    tables
        Those among the dense ones that are tables.
    layers
        Layers on the stage.
    gathered_layers
        Layers that full sharding holds at a time.
    """
    m, st, sw, z = model, strategy, software, strategy.sharding
    ranks = np.minimum(dense_ranks(st), st.shard_group), np.minimum(expert_ranks(st), st.shard_group)
    frozen = m.frozen > 0
    learns = learned(m, st, own=own, layers=layers)
    body = m.weight_bytes * (own[0] - tables) + HELD_BYTES * tables, m.weight_bytes * own[1]
    held = np.where(frozen, body[0], 0.0), np.where(frozen, body[1], 0.0)
    copy = m.reference_bytes * own[0], m.reference_bytes * own[1]
    kept = held[0] + copy[0], held[1] + copy[1]
    full, sharded = learns[0] + learns[1], learns[0] / ranks[0] + learns[1] / ranks[1]
    weights = np.where(z >= 3, kept[0] / ranks[0] + kept[1] / ranks[1], kept[0] + kept[1] + HELD_BYTES * full)
    share = np.minimum(gathered_layers / np.maximum(layers, 1.0), 1.0)
    gathered = np.where(z >= 3, (held[0] + held[1] + HELD_BYTES * full) * share, 0.0)
    narrow = frozen & (m.weight_bytes < HELD_BYTES)
    wide = np.where(narrow, HELD_BYTES * widest_matrix(m, st), 0.0)
    return (
        weights,
        sw.gradient_bytes * np.where(z >= 2, sharded, full),
        sw.state_bytes * np.where(z >= 1, sharded, full),
        gathered + wide + sw.bucket_bytes,
    )


def widest_matrix(model: Model, strategy: Strategy) -> FloatArray:
    """Parameters of the largest matrix of a layer on one rank, or of one matrix of all its local experts."""
    m, st = model, strategy
    dense = m.hidden / st.tp * np.maximum(np.maximum(m.ffn, m.shared_ffn), m.heads * m.qk_dim)
    mixer = m.hidden / st.tp * np.maximum(m.linear_projection, m.linear_inner)
    one = m.expert_hidden * m.expert_ffn / st.etp * np.maximum(m.experts / st.ep, 1.0)
    return np.maximum(np.maximum(dense, mixer), np.where(m.n_moe > 0, one, 0.0))
