"""Step time of a training job: pipeline, data parallelism, optimizer, growth with scale.

References
----------
.. [1] D. Narayanan et al., arXiv:2104.04473: bubble ``(p-1)/(v m)``, interleaving.
.. [2] P. Qi et al., "Zero bubble pipeline parallelism", arXiv:2401.10241.
.. [3] S. Rajbhandari et al., arXiv:1910.02054 (ZeRO); Y. Zhao et al., arXiv:2304.11277 (FSDP).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.collectives import Group, hidden_s, place, ring_s
from planner.model.layer import LayerCosts
from planner.model.memory import split_layers
from planner.model.operators import any_true
from planner.tables import Hardware, Model, Rows, Software, Strategy
from planner.types import FloatArray

OPTIMIZER_SHARDED_BYTES = 36.0
OPTIMIZER_LOCAL_BYTES = 6.0
OPTIMIZER_BANDWIDTH_SHARE = 0.75


@dataclass(frozen=True)
class StepCosts(Rows):
    """One optimizer step, seconds, shape ``[R]``."""

    step_s: FloatArray
    busy_s: FloatArray  # slowest stage over all micro-batches, without bubble
    bubble_s: FloatArray
    pipeline_s: FloatArray  # stage-to-stage transfers
    data_s: FloatArray  # exposed data-parallel traffic
    optimizer_s: FloatArray
    offload_s: FloatArray  # exposed moves of activations to host memory
    growth_s: FloatArray
    fixed_s: FloatArray
    micro_batches: FloatArray


def micro_batches(strategy: Strategy) -> FloatArray:
    """Micro-batches per pipeline and step, rounded up: the last may be part empty."""
    return np.ceil(strategy.global_batch / (strategy.dp * strategy.micro_batch) - 1e-9)


def step_costs(
    *, hardware: Hardware, model: Model, software: Software, strategy: Strategy, layer: LayerCosts, kept: FloatArray | float = 0.0
) -> StepCosts:
    """Step time from the costs of a layer.

    Parameters
    ----------
    hardware, model, software, strategy
        Tables of ``R`` rows or one row.
    layer
        `LayerCosts` of the same rows.
    kept
        Activation bytes per layer and micro-batch, of which `strategy.offload` moves to host memory.
    """
    st, m, sw = strategy, model, software
    count = micro_batches(st)
    stage = split_layers(layers=m.layers, pp=st.pp, vpp=st.vpp)
    again = np.where(st.recompute == 2, st.recompute_layers * layer.full_s + (1 - st.recompute_layers) * layer.selective_s, 0.0)
    again = again + np.where(st.recompute == 1, layer.selective_s, 0.0)
    one_way, both = layer.forward_s, layer.forward_s + layer.backward_s + again
    prefix = np.minimum(m.dense_prefix, stage.first) * layer.prefix_delta_s
    head = layer.head_forward_s + layer.head_backward_s + m.mtp * layer.mtp_s
    single = st.pp <= 1
    first = stage.first * both + layer.embedding_s + prefix
    last = stage.last * both + head
    whole = m.layers * both + layer.embedding_s + m.dense_prefix * layer.prefix_delta_s + head
    fixed_split = np.maximum(np.maximum(first, last), np.where(st.pp > 2, stage.most * both, 0.0))
    slowest = fixed_split
    if any_true(sw.flexible_stages > 0):
        free = np.minimum(fixed_split, free_split_s(m.layers, st.pp, both, head))
        slowest = np.where(sw.flexible_stages > 0, free, fixed_split)
    slowest = np.where(single, whole, np.maximum(slowest, whole / st.pp))
    split = np.where(st.zero_bubble > 0, sw.bubble_share, 1.0)
    bubble = (whole - slowest) / st.vpp * split
    over = count - st.pp * np.floor(count / st.pp)
    ragged = (st.vpp > 1) & (count > st.pp) & (over > 0)
    bubble = bubble + np.where(ragged, (st.vpp - 1.0) * (st.pp - over) * slowest / st.vpp, 0.0)
    pipeline = transfers_s(hardware=hardware, software=sw, strategy=st, layer=layer, count=count)
    data = data_parallel_s(
        hardware=hardware,
        model=m,
        software=sw,
        strategy=st,
        forward_s=stage.most * one_way,
        backward_s=stage.most * (both - one_way),
        stage_layers=stage.most,
        count=count,
    )
    optimizer = optimizer_s(hardware=hardware, model=m, software=sw, strategy=st, stage_layers=stage.most)
    offload = offload_s(
        hardware=hardware, software=sw, strategy=st, kept_bytes=kept * stage.most, compute_s=stage.most * both, count=count
    )
    busy = count * slowest
    plain = busy + bubble + pipeline + data + optimizer + offload
    ranks = st.tp * st.cp * st.pp * st.dp
    growth = plain * sw.growth * doublings(ranks=ranks, dp=st.dp)
    return StepCosts(
        step_s=(plain + growth + sw.step_fixed_s) * sw.correction,
        busy_s=busy,
        bubble_s=bubble,
        pipeline_s=pipeline,
        data_s=data,
        optimizer_s=optimizer,
        offload_s=offload,
        growth_s=growth,
        fixed_s=sw.step_fixed_s + 0.0 * plain,
        micro_batches=count,
    )


def doublings(*, ranks: FloatArray, dp: FloatArray) -> FloatArray:
    """Doublings over which a step grows: beyond 16 accelerators, and not more than of the data-parallel replicas.

    Growth was measured on families that add replicas of one layout.
    """
    return np.maximum(np.minimum(np.log2(ranks / 16.0), np.log2(dp)), 0.0)


def free_split_s(layers: FloatArray, pp: FloatArray, layer_s: FloatArray, head_s: FloatArray) -> FloatArray:
    """Slowest stage where layers may be placed freely: the last stage takes what the head leaves room for."""

    def slowest(n: FloatArray) -> FloatArray:
        rest = np.maximum(layers - n * (pp - 1.0), 0.0)
        return np.maximum(np.maximum(n, 1.0) * layer_s, rest * layer_s + head_s)

    n = np.ceil((layers + head_s / layer_s) / pp)
    return np.minimum(slowest(n), slowest(np.maximum(n - 1.0, 1.0)))


def transfers_s(
    *, hardware: Hardware, software: Software, strategy: Strategy, layer: LayerCosts, count: FloatArray
) -> FloatArray:
    """Exposed stage-to-stage sends: 2(p-1) on the critical path, the rest partly hidden when interleaved."""
    st = strategy
    inner = st.tp * st.cp * st.dp
    across = inner * st.pp > hardware.domain
    nic = software.nic_share * hardware.nic_achievable * hardware.nic_bytes_per_s
    rate = np.where(across, nic, 0.7 * hardware.link_bytes_per_s)
    unit = 12e-6 + layer.boundary_bytes / rate
    sends = 2.0 * (st.pp - 1.0) + np.where(st.vpp > 1, 0.6 * count * st.vpp, 2.0 * count)
    return np.where(st.pp > 1, unit * sends, 0.0)


def offload_s(
    *,
    hardware: Hardware,
    software: Software,
    strategy: Strategy,
    kept_bytes: FloatArray,
    compute_s: FloatArray,
    count: FloatArray,
) -> FloatArray:
    """Exposed time of moving activations to host memory and back behind the compute of one micro-batch."""
    moved = 2.0 * strategy.offload * kept_bytes / (0.8 * hardware.host_bytes_per_s)
    window = np.full_like(compute_s, 0.9)
    exposed = hidden_s(communication_s=moved, compute_s=compute_s, window=window, slowdown=0.1 * software.slowdown)
    return np.where(strategy.offload > 0, count * exposed, 0.0)


def stage_parameters(*, model: Model, strategy: Strategy, stage_layers: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Dense and routed-expert parameters on one rank of the fullest stage."""
    st, m = strategy, model
    share = stage_layers / m.layers
    dense = (m.mixer_parameters + m.dense_parameters) * share / st.tp
    dense = dense + m.embedding_parameters / st.tp * np.where(st.pp > 1, 0.5, np.where(m.tied, 1.0, 2.0))
    return dense, m.expert_parameters * share / (st.etp * st.ep)


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
) -> FloatArray:
    """Exposed gradient reduction and parameter gathering.

    Parameters
    ----------
    forward_s, backward_s
        Compute of the fullest stage for one micro-batch, which hides the traffic.
    stage_layers
        Layers on that stage.
    count
        Micro-batches per step.
    """
    st, sw, z = strategy, software, strategy.sharding
    dense, expert = stage_parameters(model=model, strategy=st, stage_layers=stage_layers)
    ranks = st.dp * st.cp

    def traffic(within: FloatArray) -> tuple[FloatArray, FloatArray]:
        return traffic_s(
            hardware=hardware, software=sw, strategy=st, dense=dense, expert=expert, ranks=within
        )

    def hide(communication: FloatArray, compute: FloatArray) -> FloatArray:
        return hidden_s(
            communication_s=communication, compute_s=compute, window=sw.data_window, slowdown=sw.slowdown
        )

    result = np.zeros_like(count)
    if any_true(z < 3):
        reduce, gather = traffic(ranks)
        chain = np.where(st.vpp > 1, 1.0 + (np.minimum(st.pp, count) - 1.0) * (st.vpp - 1.0) / st.vpp, 1.0)
        tail = 1.0 / np.where(st.vpp > 1, st.vpp, np.maximum(stage_layers, 1.0))
        overlapped = sw.data_window > 0
        if any_true((z > 0) & (z < 3)):
            hidden = hide(reduce, backward_s * chain) + hide(gather, forward_s * chain)
            result = np.where(overlapped, hidden + tail * (reduce + gather), reduce + gather)
        if any_true(z == 0):
            plain = hide(2.0 * reduce, backward_s * chain) + tail * 2.0 * reduce
            result = np.where(z == 0, np.where(overlapped, plain, 2.0 * reduce), result)
    if any_true(z >= 3):
        reduce, gather = traffic(np.minimum(ranks, st.shard_group))
        every = hide(gather, forward_s) + hide(gather + reduce, backward_s)
        full = count * every + (2.0 * gather + reduce) / np.maximum(stage_layers, 1.0)
        replicas = replicas_s(hardware=hardware, software=sw, strategy=st, parameters=dense + expert)
        result = np.where(z >= 3, full + hide(replicas, backward_s), result)
    return np.where(ranks > 1, result, 0.0)


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
        expert_ranks = np.maximum(st.dp * st.cp * st.tp / (st.etp * st.ep), 1.0)
        inner = st.tp * st.cp * st.dp / expert_ranks
        time = time + both(expert, place(ranks=expert_ranks, inner=inner, hardware=hardware))
    return time[0], time[1]


def replicas_s(
    *, hardware: Hardware, software: Software, strategy: Strategy, parameters: FloatArray
) -> FloatArray:
    """All-reduce of the gradient shard between the replicas of a sharding group (HSDP, slices of a pod)."""
    st = strategy
    shard = np.minimum(st.dp * st.cp, st.shard_group)
    replicas = st.dp * st.cp / shard
    if not any_true(replicas > 1):
        return np.zeros_like(parameters)
    group = place(ranks=replicas, inner=st.tp * shard, hardware=hardware)
    moved = software.gradient_bytes * parameters / shard
    return ring_s(moved_bytes=moved, factor=2.0, group=group, hardware=hardware, nic_share=software.nic_share)


def optimizer_s(
    *, hardware: Hardware, model: Model, software: Software, strategy: Strategy, stage_layers: FloatArray
) -> FloatArray:
    """Optimizer update: memory-bound sweeps over sharded states and local weights."""
    st = strategy
    dense, expert = stage_parameters(model=model, strategy=st, stage_layers=stage_layers)
    ranks = np.where(st.sharding > 0, np.minimum(st.dp * st.cp, st.shard_group), 1.0)
    expert_ranks = np.where(
        st.sharding > 0, np.minimum(np.maximum(st.dp * st.cp * st.tp / (st.etp * st.ep), 1.0), st.shard_group), 1.0
    )
    sharded = dense / ranks + expert / expert_ranks
    local = np.where(st.sharding >= 3, sharded, dense + expert)
    cast = np.where(st.gemm_class > 0, 4.0, 0.0)
    moved = OPTIMIZER_SHARDED_BYTES * sharded + (OPTIMIZER_LOCAL_BYTES + cast) * local
    return moved / (OPTIMIZER_BANDWIDTH_SHARE * hardware.memory_bytes_per_s)
