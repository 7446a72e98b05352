"""Device memory of a replica: weights, caches, and how many sequences fit.

Vendors state the capacity of an accelerator in "GB" that are 2**30 bytes: an "80 GB" part has 85.9e9 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.tables.arrays import Model
from planner.tables.serving import Deployment, Engine, Load
from planner.types import FloatArray
from planner.units import GIB, GIGA

__all__ = ["Memory", "cache_bytes_per_sequence", "installed_bytes", "memory", "weight_bytes"]

ACTIVATIONS = 4.0
"""Hidden vectors of 16 bit that are live per prompt token of a full step, all attention ranks' together where
experts gather them: inputs, outputs and the routed copies (an estimate)."""

GATHERED_RANKS = 8.0
"""Attention ranks whose tokens meet on every rank, at most: wider groups send them to their experts only."""

STATE_BYTES = 4.0
"""Recurrent states are kept in 32 bit."""


@dataclass(frozen=True, eq=False)
class Memory:
    """Bytes of one accelerator, and sequences of the replica; shape ``[R]``."""

    weight_bytes: FloatArray
    workspace_bytes: FloatArray
    cache_bytes: FloatArray  # room for caches; negative where the weights do not fit
    sequence_bytes: FloatArray  # of one sequence on the accelerators that hold it, each
    shared_bytes: FloatArray  # of a prefix common to all sequences
    capacity: FloatArray  # sequences of the replica that fit at the reserved length
    resident: FloatArray  # sequences that fit at their mean length


def installed_bytes(nominal_bytes: FloatArray) -> FloatArray:
    """Bytes of a part whose capacity is stated in "GB"."""
    return nominal_bytes / GIGA * GIB


def weight_bytes(*, model: Model, layout: Deployment) -> FloatArray:
    """Bytes of weights on one accelerator.

    Mixers, dense MLPs and shared experts split over the tensor-parallel group and repeat on every attention
    rank; routed experts split over the whole stage, some of them kept twice where the ranks do not divide
    them; the embedding and the head split over the
    tensor-parallel group and count once per replica, on the stage that has more of them.
    """
    mixers = model.mixer_parameters * layout.attention_bytes
    dense = model.dense_parameters * layout.mlp_bytes
    ep = np.maximum(layout.ep, 1.0)
    kept = np.where(model.experts > 0, np.ceil(model.experts / ep) * ep / np.maximum(model.experts, 1.0), 1.0)
    routed = model.expert_parameters * kept * layout.expert_bytes / layout.dp
    head = np.where(model.tied, 1.0, np.where(layout.pp > 1, 1.0, 2.0)) * model.vocab * model.hidden
    return ((mixers + dense + routed) / layout.pp + head * layout.head_bytes) / layout.tp


def cache_bytes_per_sequence(
    *, model: Model, engine: Engine, layout: Deployment, tokens: FloatArray
) -> FloatArray:
    """Bytes that a sequence of `tokens` keeps on each accelerator that holds it.

    Keys and values of grouped heads split over at most as many ranks as there are heads; a latent and the
    keys of an indexer are the same on every rank.
    """
    heads = np.where(model.mla, 1.0, np.minimum(layout.tp, np.maximum(model.kv_heads, 1.0)))
    window = np.where(engine.trims_windows, model.window, np.inf)
    kept = model.kv_full * tokens + model.kv_window * np.minimum(tokens, window)
    state = model.n_linear * model.state_elements * STATE_BYTES / layout.tp
    return ((kept / heads + model.kv_index * tokens) * layout.kv_bytes + state) / layout.pp


def memory(
    *,
    memory_bytes: FloatArray,
    model: Model,
    engine: Engine,
    layout: Deployment,
    load: Load,
) -> Memory:
    """How many sequences of this load a replica holds.

    Parameters
    ----------
    memory_bytes
        Nominal device memory.

    Notes
    -----
    An engine that reserves the output admits a sequence only if all of it fits; one that preempts admits by
    the expected length.
    """
    weights = weight_bytes(model=model, layout=layout)
    gathered = np.minimum(layout.dp, GATHERED_RANKS)
    live = ACTIVATIONS * 2.0 * model.hidden * engine.chunk * gathered
    workspace = engine.workspace_bytes + live
    room = engine.memory_share * installed_bytes(memory_bytes) - weights - workspace
    own = load.isl - load.shared

    def each(tokens: FloatArray) -> FloatArray:
        kept = np.maximum(tokens, 1.0)
        return cache_bytes_per_sequence(model=model, engine=engine, layout=layout, tokens=kept)

    shared = np.where(load.shared > 0, each(load.shared), 0.0)
    left = np.maximum(room - shared, 0.0)
    reserved = each(own + engine.reserve_output * load.osl)
    mean = each(own + 0.5 * load.osl)
    cap = engine.max_batch * layout.dp
    return Memory(
        weight_bytes=weights,
        workspace_bytes=np.broadcast_to(workspace, weights.shape),
        cache_bytes=room,
        sequence_bytes=mean,
        shared_bytes=shared,
        capacity=np.minimum(layout.dp * left / reserved, cap * layout.pp),
        resident=np.minimum(layout.dp * left / mean, cap * layout.pp),
    )
