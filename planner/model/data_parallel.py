"""Data parallelism: gradient reduction, parameter gathering, the optimizer's sweep.

References
----------
.. [1] S. Rajbhandari et al., "ZeRO", arXiv:1910.02054: volumes of each stage.
.. [2] Y. Zhao et al., arXiv:2304.11277: full and hybrid sharding (FSDP, HSDP).
.. [3] D. Narayanan et al., arXiv:2104.04473: gradients of interleaved chunks become complete one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.model.collectives import Group, hidden_s, place, ring_s
from planner.model.learning import gathered_parameters, learned
from planner.model.operators import any_true
from planner.model.sharding import dense_ranks, expert_ranks
from planner.tables import Hardware, Model, Software, Strategy
from planner.types import FloatArray

__all__ = [
    "Traffic",
    "data_parallel_s",
    "gradient_window",
    "optimizer_s",
    "replicas_s",
    "stage_parameters",
    "traffic_s",
]

OPTIMIZER_SHARDED_BYTES = 36.0
"""Read and written per parameter of the shard: master weight, two moments, gradient."""

OPTIMIZER_LOCAL_BYTES = 6.0
"""Per parameter held: the gradient's norm and the new 16-bit weight."""

OPTIMIZER_CAST_BYTES = 4.0
"""Per parameter held where weights are cast to 8 or 4 bit as well."""

OPTIMIZER_BANDWIDTH_SHARE = 0.75


class Traffic(NamedTuple):
    """Seconds of a reduce-scatter of the gradients and an all-gather of the weights, ``[R]`` each."""

    every: tuple[FloatArray, FloatArray]
    """Over all ranks that hold the same weights."""
    sharded: tuple[FloatArray, FloatArray]
    """Within a group of hybrid sharding."""


def stage_parameters(
    *, model: Model, strategy: Strategy, stage_layers: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Dense and routed-expert parameters that learn on one rank of the fullest stage."""
    dense, expert, tables = stage_weights(model=model, strategy=strategy, stage_layers=stage_layers)
    return learned(model, strategy, own=(dense + tables, expert), layers=stage_layers)


def stage_weights(
    *, model: Model, strategy: Strategy, stage_layers: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of the model on one rank of the fullest stage: dense ones of layers, experts, tables."""
    st, m = strategy, model
    share = stage_layers / m.layers
    tables = np.where(st.pp > 1, 0.5, np.where(m.tied, 1.0, 2.0))  # most stages hold neither table
    dense = (m.mixer_parameters + m.dense_parameters) * share / st.tp
    return dense, m.expert_parameters * share / (st.etp * st.ep), m.embedding_parameters / st.tp * tables


def data_parallel_s(
    *,
    hardware: Hardware,
    model: Model,
    software: Software,
    strategy: Strategy,
    forward_s: FloatArray,
    backward_s: FloatArray,
    stage_layers: FloatArray,
    count: FloatArray,
    known: Traffic | None = None,
) -> FloatArray:
    """Exposed seconds of gradient reduction and parameter gathering in one step.

    ZeRO-2 keeps no more than a shard of the gradients, so that those of every micro-batch are reduced behind
    its own backward pass [1]; a stack that reduces once a step in spite of it says so (`reduces_once`).

    Parameters
    ----------
    forward_s, backward_s
        Compute of the fullest stage for one micro-batch, which hides the traffic.
    stage_layers
        Layers on that stage.
    count
        Micro-batches per step.
    known
        Traffic that is at most that of the rows, which takes longest to work out: the seconds are then a
        lower bound. Of models whose weights all learn.
    """
    st, sw, z = strategy, software, strategy.sharding
    dense, expert = stage_parameters(model=model, strategy=st, stage_layers=stage_layers)
    ranks = dense_ranks(st)

    def traffic(within: FloatArray, *, sharded: bool) -> tuple[FloatArray, FloatArray]:
        if known is not None:
            return known.sharded if sharded else known.every
        return traffic_s(
            hardware=hardware, software=sw, strategy=st, dense=dense, expert=expert, ranks=within
        )

    def hide(communication: FloatArray, compute: FloatArray) -> FloatArray:
        return hidden_s(
            communication_s=communication, compute_s=compute, window=sw.data_window, slowdown=sw.slowdown
        )

    result = np.zeros_like(count)
    if any_true(z < 3):
        reduce, gather = traffic(ranks, sharded=False)
        chain, tail = gradient_window(software=sw, strategy=st, stage_layers=stage_layers, count=count)
        if any_true((z > 0) & (z < 3)):
            reduced = hide(reduce, backward_s * chain)
            if any_true(z == 2):
                every = np.where((z == 2) & (sw.reduces_once <= 0), count, 1.0)
                reduced = np.where(every > 1, every * hide(reduce, backward_s), reduced)
            result = reduced + hide(gather, forward_s * chain) + tail * (reduce + gather)
        if any_true(z == 0):
            plain = hide(2.0 * reduce, backward_s * chain) + tail * 2.0 * reduce
            result = np.where(z == 0, plain, result)
    if any_true(z >= 3):
        reduce, gather = traffic(np.minimum(ranks, st.shard_group), sharded=True)
        if any_true(model.frozen > 0):
            own_dense, own_expert, tables = stage_weights(model=model, strategy=st, stage_layers=stage_layers)
            own = own_dense + tables, own_expert
            dense_all, expert_all = gathered_parameters(
                model, st, own=own, tables=tables, layers=stage_layers
            )
            gather = traffic_s(
                hardware=hardware,
                software=sw,
                strategy=st,
                dense=dense_all,
                expert=expert_all,
                ranks=np.minimum(ranks, st.shard_group),
            )[1]
        asked = gather * (1.0 + model.reference_passes)  # weights of a frozen copy come the same way
        every = hide(asked, forward_s) + hide(gather + reduce, backward_s)
        full = count * every + (2.0 * gather + reduce) / np.maximum(stage_layers, 1.0)
        replicas = np.zeros_like(full)
        if known is None:
            replicas = replicas_s(hardware=hardware, software=sw, strategy=st, parameters=dense + expert)
        result = np.where(z >= 3, full + hide(replicas, backward_s), result)
    return np.where(ranks > 1, result, 0.0)


def gradient_window(
    *, software: Software, strategy: Strategy, stage_layers: FloatArray, count: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Backward passes of one micro-batch that can hide gradients, and the share of these that nothing hides.

    Gradients of all chunks but the first are complete, and move, while other chunks still compute [3]; those
    of the first chunk (without interleaving: of the first layer) come last.

    Parameters
    ----------
    stage_layers, count
        As for `data_parallel_s`.
    """
    st = strategy
    chain = np.where(st.vpp > 1, 1.0 + (np.minimum(st.pp, count) - 1.0) * (st.vpp - 1.0) / st.vpp, 1.0)
    tail = 1.0 / np.where(st.vpp > 1, st.vpp, np.maximum(stage_layers, 1.0))
    return chain, np.where(software.data_window > 0, tail, 0.0)  # without overlap all is exposed anyway


def traffic_s(
    *,
    hardware: Hardware,
    software: Software,
    strategy: Strategy,
    dense: FloatArray,
    expert: FloatArray,
    ranks: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Reduce-scatter of the gradients and all-gather of the 16-bit weights of one rank, once each.

    Parameters
    ----------
    dense, expert
        Parameters on one rank; experts have groups of their own, what is left after expert parallelism.
    ranks
        Ranks over which dense parameters are sharded.
    """
    st = strategy

    def both(parameters: FloatArray, group: Group) -> FloatArray:
        moved = np.stack(np.broadcast_arrays(software.gradient_bytes * parameters, 2.0 * parameters))
        return ring_s(
            moved_bytes=moved, factor=1.0, group=group, hardware=hardware, nic_share=software.nic_share
        )

    time = both(dense, place(ranks=ranks, inner=st.tp, hardware=hardware))
    if any_true(expert > 0):
        holders = expert_ranks(st)
        inner = st.tp * dense_ranks(st) / holders
        routed = both(expert, place(ranks=holders, inner=inner, hardware=hardware))
        time = time + np.where(expert > 0, routed, 0.0)
    return time[0], time[1]


def replicas_s(
    *, hardware: Hardware, software: Software, strategy: Strategy, parameters: FloatArray
) -> FloatArray:
    """All-reduce of the gradient shard between replicas of a sharding group (HSDP, slices of a pod) [2]."""
    st = strategy
    shard = np.minimum(dense_ranks(st), st.shard_group)
    replicas = dense_ranks(st) / shard
    if not any_true(replicas > 1):
        return np.zeros_like(parameters)
    group = place(ranks=replicas, inner=st.tp * shard, hardware=hardware)
    moved = software.gradient_bytes * parameters / shard
    return ring_s(moved_bytes=moved, factor=2.0, group=group, hardware=hardware, nic_share=software.nic_share)


def optimizer_s(
    *, hardware: Hardware, model: Model, strategy: Strategy, stage_layers: FloatArray
) -> FloatArray:
    """Optimizer update: memory-bound sweeps over sharded states and local weights."""
    st = strategy
    dense, expert = stage_parameters(model=model, strategy=st, stage_layers=stage_layers)
    split = dense / np.minimum(dense_ranks(st), st.shard_group)
    split = split + expert / np.minimum(expert_ranks(st), st.shard_group)
    sharded = np.where(st.sharding > 0, split, dense + expert)
    local = np.where(st.sharding >= 3, sharded, dense + expert)
    cast = np.where(st.gemm_class > 0, OPTIMIZER_CAST_BYTES, 0.0)
    moved = OPTIMIZER_SHARDED_BYTES * sharded + (OPTIMIZER_LOCAL_BYTES + cast) * local
    return moved / (OPTIMIZER_BANDWIDTH_SHARE * hardware.memory_bytes_per_s)
