"""Frozen structures of numpy arrays: what the physics sees of hardware, models, software and strategies.

One row is one configuration; every field has shape ``[R]`` (``[R, C]`` over GEMM classes, ``[R, T]`` over
network tiers), or a leading axis of 1 that broadcasts. Nothing in here knows a chip or a model by name.

Axis letters: ``R`` rows, ``C`` GEMM classes (`GEMM_CLASSES`), ``T`` network tiers, ``A`` targets of adapters
(`ADAPTED`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self, TypeVar

import numpy as np

from planner.types import BoolArray, FloatArray, IntArray

GEMM_CLASSES = ("bf16", "fp8", "mxfp8", "nvfp4")
"""Kinds of matrix kernels: plain 16 bit, per-tensor scaled 8 bit, block-scaled 8 bit, block-scaled 4 bit."""

PRECISION_CLASS = {
    "bf16": 0, "fp16": 0, "fp8": 1, "fp8-rowwise": 1, "int8": 1, "mxfp8": 2, "fp8-blockwise": 2, "nvfp4": 3,
}  # fmt: skip
"""GEMM class of the linear layers for each precision; attention core, head and router stay at 16 bit."""

ADAPTED: Final = ("q", "k", "v", "o", "gate", "up", "down", "experts", "linear")
"""Matrices that may have adapters, in the order of `Model.adapts`."""

SHARDINGS = ("none", "zero1", "zero2", "zero3", "hsdp")
RECOMPUTES = ("none", "selective", "full")


class Rows:
    """Row operations shared by every table: all fields are arrays whose first axis is ``R`` or 1."""

    def __len__(self) -> int:
        lengths: list[int] = [getattr(self, f.name).shape[0] for f in fields(self)]  # type: ignore[arg-type]
        return min(lengths) if 0 in lengths else max(lengths)

    def take(self, index: IntArray | BoolArray) -> Self:
        """Rows at `index`; fields with a leading axis of 1 are kept to broadcast."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return replace(self, **{k: (v[index] if v.shape[0] != 1 else v) for k, v in values.items()})  # type: ignore[type-var]

    def with_values(self, **values: Any) -> Self:
        """Return a copy with some fields replaced (scalars become arrays of one row)."""
        return replace(self, **{k: np.atleast_1d(np.asarray(v)) for k, v in values.items()})  # type: ignore[type-var]


T = TypeVar("T", bound="Rows")


def stack(tables: list[T]) -> T:
    """One table of all rows of `tables`, which must be of the same type and broadcast to their own length."""
    first = tables[0]
    lengths = [len(t) for t in tables]
    columns = {}
    for f in fields(first):  # type: ignore[arg-type]
        parts = [getattr(t, f.name) for t in tables]
        columns[f.name] = np.concatenate(
            [np.broadcast_to(p, (n, *p.shape[1:])) for p, n in zip(parts, lengths, strict=True)]
        )
    return replace(first, **columns)  # type: ignore[type-var]


@dataclass(frozen=True, eq=False)
class Hardware(Rows):
    """One accelerator in its network per row."""

    peak_flop_per_s: FloatArray  # [R, C] dense datasheet rate; 0 where the part has no such format
    gemm_asymptote: FloatArray  # [R, C] share of the peak that a large GEMM reaches in a short burst
    attention_asymptote: FloatArray  # [R] share of the 16-bit peak at infinite head size
    attention_head_half: FloatArray  # [R] head size that costs as much again as the core itself
    mla_asymptote: FloatArray  # [R] the same share for multi-head latent attention kernels
    fixed_clock: BoolArray  # [R] holds the burst rate, so that the software's sustained share does not apply
    warm: FloatArray  # [R] rate of the warm part over that of a short burst
    power_ratio: FloatArray  # [R] board power over the power at which the asymptotes were taken
    compute_units: FloatArray  # [R] multiprocessors or cores
    memory_bytes: FloatArray  # [R]
    memory_bytes_per_s: FloatArray  # [R]
    link_bytes_per_s: FloatArray  # [R] scale-up, per accelerator and direction
    domain: IntArray  # [R] accelerators in one scale-up domain
    torus_dims: IntArray  # [R] 0 switched, 1 all-to-all mesh, 2 or 3 torus
    node: IntArray  # [R] accelerators that share one host
    nic_bytes_per_s: FloatArray  # [R] scale-out, per accelerator and direction
    nic_achievable: FloatArray  # [R] share of the NIC that the fabric technology itself allows
    tier_endpoints: FloatArray  # [R, T] accelerators below one unit of this tier; inf at the top
    tier_oversubscription: FloatArray  # [R, T] uplink shortage above this unit, >= 1, cumulative
    tier_latency_s: FloatArray  # [R, T] added per crossing
    host_bytes_per_s: FloatArray  # [R] accelerator to host memory, per direction


@dataclass(frozen=True, eq=False)
class Model(Rows):
    """One transformer architecture per row; counts of layers by what they mix and how they feed forward.

    The last fields say what of it learns, and from what: in pre-training all of it, from full sequences.
    """

    hidden: FloatArray
    layers: FloatArray
    vocab: FloatArray
    tied: BoolArray
    heads: FloatArray
    kv_heads: FloatArray
    qk_dim: FloatArray
    v_dim: FloatArray
    window: FloatArray  # tokens seen by windowed layers; inf where there are none
    mla: BoolArray
    q_lora: FloatArray
    kv_lora: FloatArray
    rope_dim: FloatArray
    nope_dim: FloatArray
    n_full: FloatArray  # layers with full attention (all kinds)
    n_window: FloatArray
    n_linear: FloatArray
    linear_projection: FloatArray  # output columns of the input projections of a linear mixer
    linear_inner: FloatArray  # columns of its output projection
    linear_scan_flop: FloatArray  # FLOP per token of its recurrence, forward
    state_elements: FloatArray  # recurrent state of one linear mixer and sequence
    gate_columns: FloatArray  # columns per head of a gate on the attention output; 0 without
    index_top_k: FloatArray  # keys that sparse attention reads per query; inf where it reads all
    index_heads: FloatArray
    index_dim: FloatArray
    index_layers: FloatArray  # layers with a scorer of their own
    kv_full: FloatArray  # elements cached per token of context, layers without a window together
    kv_window: FloatArray  # elements cached per token in the window, windowed layers together
    kv_index: FloatArray  # elements of indexer keys per token, the same on every rank
    n_dense: FloatArray
    n_moe: FloatArray
    dense_prefix: FloatArray  # leading layers with a dense MLP in a model that is otherwise MoE
    ffn: FloatArray
    gated: FloatArray  # 1 or 0
    experts: FloatArray
    top_k: FloatArray
    expert_ffn: FloatArray
    shared_ffn: FloatArray
    expert_gated: FloatArray
    expert_bias: FloatArray  # 1 where expert matrices have biases
    expert_hidden: FloatArray  # width that routed experts read and write
    mtp: FloatArray
    embedding_parameters: FloatArray  # input table (+ learned positions)
    mixer_parameters: FloatArray  # all attention and linear mixers with their norms
    dense_parameters: FloatArray  # dense MLPs, shared experts, routers
    expert_parameters: FloatArray  # routed experts
    frozen: FloatArray  # 1 where its own weights do not learn: no gradients, no states
    weight_bytes: FloatArray  # of a held weight of a layer; tables are held in 16 bit
    widening: FloatArray  # share of the memory bandwidth at which narrower ones are widened
    reference_passes: FloatArray  # forward passes of a frozen copy per micro-batch
    reference_bytes: FloatArray  # of each weight of that copy; 0 where none is held
    adapter_rank: FloatArray  # 0 without adapters
    adapts: FloatArray  # [R, A] 1 where adapted
    adapter_whole: FloatArray  # parameters that every tensor-parallel rank holds, all layers
    adapter_split: FloatArray  # parameters that tensor parallelism splits
    adapter_experts: FloatArray  # beside routed experts
    example: (
        FloatArray  # tokens of the examples in a sequence, which do not see each other; inf for one alone
    )


@dataclass(frozen=True, eq=False)
class Strategy(Rows):
    """One parallel layout and batch per row."""

    seq_len: FloatArray
    global_batch: FloatArray  # sequences
    micro_batch: FloatArray
    tp: FloatArray
    cp: FloatArray
    pp: FloatArray
    vpp: FloatArray
    ep: FloatArray
    etp: FloatArray
    dp: FloatArray
    sharding: IntArray  # index into SHARDINGS
    recompute: IntArray  # index into RECOMPUTES
    recompute_layers: FloatArray  # share of layers to which `full` applies
    sequence_parallel: BoolArray
    gemm_class: IntArray  # index into GEMM_CLASSES
    zero_bubble: FloatArray  # 1 where backward is split to fill the bubble
    in_flight: FloatArray  # micro-batches kept by the first stage; nan lets the schedule decide
    offload: FloatArray  # share of activations moved to host memory
    shard_group: FloatArray  # ranks over which the optimizer (or HSDP weights) is sharded; inf = all


@dataclass(frozen=True, eq=False)
class Software(Rows):
    """What a training stack does, as published, with the fitted constants of its class; one row per run."""

    flash: FloatArray  # 0 unfused softmax(QK)V, 2 FlashAttention-2 class, 3 tuned for the part
    attention_rate: FloatArray  # share of the part's best attention kernel that this stack reaches
    sustained: FloatArray  # sustained over burst matrix rate
    elementwise: FloatArray  # element-wise traffic over the ideally fused one
    passes: FloatArray  # element-wise passes over those of fused kernels
    attention_backward: FloatArray  # backward over forward time of the attention core
    tensor_exposed: FloatArray  # share of tensor-parallel communication left exposed
    data_window: FloatArray  # share of compute that can hide data-parallel traffic; 0 without overlap
    slowdown: FloatArray  # compute seconds lost per overlapped second of communication
    nic_share: FloatArray  # share of the NIC that collectives of this stack reach
    quantise: FloatArray  # quantisation traffic over two passes
    moe_fixed_s: FloatArray  # serial seconds per MoE layer and micro-batch, forward and backward together
    expert_fixed_s: (
        FloatArray  # serial seconds per local expert, MoE layer and micro-batch, forward and backward
    )
    expert_padding: FloatArray  # extra rows per local expert: padding and imbalance
    alltoall_share: FloatArray  # share of the scale-up link in dispatch and combine
    deduplicated: FloatArray  # 1 where a token crosses to a domain or rank once
    expert_exposed: FloatArray  # share of dispatch/combine left exposed
    permute_bytes: FloatArray  # bytes per hidden element and routed copy for permute and unpermute
    reduces_once: FloatArray  # 1 where ZeRO-2 reduces gradients once per step, not once per micro-batch
    gradient_bytes: FloatArray  # per parameter
    state_bytes: FloatArray  # optimizer and master weights, per parameter
    loss_bytes: FloatArray  # live bytes per logit
    loss_traffic: FloatArray  # bytes moved per logit
    loss_sharded: FloatArray  # 1 where logits stay split over the tensor-parallel group
    kernels_per_block: FloatArray  # launches per attention or MLP block, forward
    kernels_per_moe: FloatArray  # launches per MoE block, forward
    launch_s: FloatArray  # host seconds per launch not hidden by graphs
    launch_blocking: FloatArray  # 1 where the host waits for every kernel, so that launches add up
    bubble_share: FloatArray  # share of the pipeline bubble left when backward is split
    flexible_stages: FloatArray  # 1 where layers may be placed on stages at will
    step_fixed_s: FloatArray
    correction: FloatArray  # a user's own factor on the step time
    growth: FloatArray  # relative growth of the step per doubling of accelerators beyond 16
    dropout: FloatArray  # 1 where masks are stored and applied
    kept_share: FloatArray  # activation bytes kept over those of fused kernels
    selects_operators: FloatArray  # 1 where selective recompute keeps every second matrix product
    reserve_share: FloatArray  # bytes the allocator reserves over those it hands out
    context_bytes: FloatArray  # driver context, workspaces and communicators outside the allocator
    bucket_bytes: FloatArray  # communication buckets
    norm_bytes: FloatArray  # activation bytes kept per element for norms
