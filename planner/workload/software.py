"""Training stacks as dated facts: ``workloads/software/ID.yaml``.

A profile states what a stack fuses, overlaps and captures, as its makers published it. Fitted numbers are not
here: they belong to the `class` that several stacks share (see `planner.catalog.schema.calibration`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.quantity import Bytes, Count, Fraction, IsoDate, Ratio, Seconds
from planner.catalog.records import Record, Section

__all__ = ["AttentionKernel", "Experts", "Launches", "Loss", "Overlap", "SoftwareProfile", "States"]


class AttentionKernel(Section):
    """How the attention core runs."""

    kernel: Literal["unfused", "flash-1", "flash-2", "tuned"]
    """Separate kernels, the first or second FlashAttention, or one tuned for each part (FlashAttention-3,
    cuDNN)."""
    tuned_for: Annotated[int, Field(ge=2010, le=2100)]
    """Newest release year of a part for which its instructions are used; newer parts run it portably."""


class Loss(Section):
    """The output projection's logits."""

    live: Bytes
    """Per logit at the peak."""
    traffic: Bytes
    """Per logit moved by the loss, forward and backward."""
    sharded: bool
    """Split over the tensor-parallel group."""


class Overlap(Section):
    """What is hidden behind compute."""

    tensor: bool
    data: bool
    expert_exposed: Fraction
    """Share of expert dispatch and combine that is left exposed by design."""


class Experts(Section):
    """Mixture of experts."""

    dispatch: Literal["alltoall", "deduplicated"]
    """Plain all-to-all, or a token sent once per destination (DeepEP, HybridEP)."""
    permute: Bytes
    """Per hidden element and routed copy, each way."""
    tensor: Literal["tp", "one"]
    """Expert-tensor parallelism where none is given."""


class States(Section):
    """Bytes per parameter and per activation element."""

    gradient: Bytes
    optimizer: Bytes
    """Master weights and moments."""
    norm: Bytes
    """Kept per element for each norm."""
    kept: Ratio
    """Activation bytes kept for backward over those of fused kernels."""
    buckets: Bytes
    """Communication buckets."""
    reserve: Ratio
    """Bytes the allocator reserves over those it hands out."""
    context: Bytes
    """Driver context, library workspaces and communicators outside the allocator."""
    counter: Literal["allocated", "device"]
    """What its logs report: the framework's allocation or the device's use."""


class Launches(Section):
    """Kernel launches, forward; backward has twice as many."""

    block: Count
    """Per attention or MLP block."""
    moe: Count
    """Per MoE block."""
    each: Seconds
    """Host time per launch that graphs do not hide."""
    blocking: bool = False
    """The host waits for every kernel."""


class SoftwareProfile(Record):
    """One training stack at one date."""

    date: IsoDate
    family: Literal["unfused", "torch", "xla", "tuned"]
    """The class whose fitted constants apply."""
    attention: AttentionKernel
    loss: Loss
    overlap: Overlap
    experts: Experts
    states: States
    launches: Launches
    passes: Ratio
    """Element-wise passes over memory relative to fused kernels: 1 for fused or compiled norms and
    activations."""
    selective: Literal["modules", "operators"] = "modules"
    """What selective recompute repeats: cheap modules, or every second matrix product."""
    dropout: bool = False
    """Dropout masks are stored and applied."""
    sequence_parallel: bool = True
    """Default with tensor parallelism."""
    interleaving: bool = True
    """Can split a stage in virtual chunks."""
    flexible_stages: bool = False
    """Layers may be placed on pipeline stages at will."""
    limits_in_flight: bool = False
    """Can run fewer micro-batches ahead than the schedule would."""
    reduces_once: bool = False
    """Under ZeRO-2 gradients are reduced once per step, though only a shard of them is kept, and not once per
    micro-batch."""
    gradient_accumulation: bool = True
    """Splits a rank's batch in micro-batches; otherwise it is one pass."""
    zero_bubble: bool = False
    """Splits the backward pass to fill the bubble by default."""
