"""What binds a layout, in one word and one sentence."""

from __future__ import annotations

from typing import Final

from planner.plan.document import Bottleneck

__all__ = ["RESOURCES", "bottleneck", "energy_note", "grouped"]

RESOURCES: Final = {
    "compute": ("matrix_products", "attention", "embedding_and_head"),
    "memory bandwidth": ("elementwise", "quantisation", "optimizer"),
    "tensor-parallel communication": ("tensor_parallel",),
    "context-parallel communication": ("context_parallel",),
    "expert-parallel communication": ("expert_parallel",),
    "expert routing": ("expert_fixed",),
    "kernel launches": ("host",),
    "pipeline bubble": ("stage_imbalance", "pipeline_bubble", "pipeline_transfer"),
    "data-parallel network": ("data_parallel",),
    "memory capacity": ("recompute", "activation_offload"),
    "scale": ("growth_with_scale", "fixed"),
}
"""Resource: the parts of the time breakdown that it stands for."""

BATCH: Final = "batch size limits data parallelism"
SPARE_SHARE: Final = 0.05
"""Accelerators left over, of those available, that are worth a word."""
LITTLE_COMPUTE: Final = 0.5
"""Share of the step below which compute does not explain the step."""
AT_WORK: Final = 0.6
"""Share of the step that is compute below which the power of training at full load is an upper estimate."""

_RELIEF: Final = {
    "compute": "faster matrix units, a lower precision or more accelerators would shorten it",
    "memory bandwidth": "faster memory or better fused kernels would shorten it",
    "tensor-parallel communication": "a faster scale-up link or a lower tensor-parallel degree would "
    "shorten it",
    "context-parallel communication": "a faster link or a lower context-parallel degree would shorten it",
    "expert-parallel communication": "a larger scale-up domain or a faster network would shorten it",
    "expert routing": "software that captures its dispatch in graphs would shorten it",
    "kernel launches": "captured graphs or larger micro-batches would shorten it",
    "pipeline bubble": "a larger global batch, fewer stages or more interleaving would shorten it",
    "data-parallel network": "a faster network or a larger global batch would shorten it",
    "memory capacity": "more memory would spare recomputation and offload",
    "scale": "larger steps would make it matter less",
}


def grouped(breakdown: dict[str, float]) -> dict[str, float]:
    """Seconds by resource, in the order of `RESOURCES`."""
    return {name: sum(breakdown[part] for part in parts) for name, parts in RESOURCES.items()}


def energy_note(breakdown: dict[str, float]) -> str | None:
    """Say that energy is an upper estimate where compute, repeated or not, is little of the step."""
    total = sum(breakdown.values())
    share = (grouped(breakdown)["compute"] + breakdown["recompute"]) / total if total > 0.0 else 1.0
    if share >= AT_WORK:
        return None
    return (
        f"Compute is {share:.0%} of the step. Power is that of training which keeps the accelerators busy, "
        "so that energy, carbon and the price of electricity are likely upper estimates."
    )


def bottleneck(
    breakdown: dict[str, float],
    *,
    step_s: float,
    available: int,
    used: int,
    replica: int,
    replicas: int,
    micro_batches: int,
    stages: int,
    global_batch: int,
    spare_on_purpose: bool = False,
) -> Bottleneck:
    """Name what binds.

    The batch does where it leaves accelerators without work although another replica would have room, or
    where it fills every pipeline only once and most of the step is not compute; else the resource that
    takes most of the step.

    Parameters
    ----------
    breakdown, step_s
        From `planner.plan.evaluate.time_breakdown`.
    available, used
        Accelerators.
    replica, replicas
        Accelerators of one replica, and how many replicas there are.
    micro_batches, stages, global_batch
        Micro-batches per pipeline and step, pipeline stages, sequences of a step.
    spare_on_purpose
        Whether the goal was to leave accelerators over.
    """
    groups = grouped(breakdown)
    second, first = sorted(groups, key=lambda name: groups[name])[-2:]
    share = {name: seconds / step_s for name, seconds in groups.items()}
    spare = available - used
    idle = spare > SPARE_SHARE * available and spare >= replica and not spare_on_purpose
    if idle or (micro_batches <= stages and share["compute"] < LITTLE_COMPUTE and replicas > 1):
        return _batch_bound(share, spare, available, replicas, micro_batches, stages, global_batch)
    sentence = (
        f"{_capital(first)} takes {share[first]:.0%} of the step, then {second} with {share[second]:.0%}; "
        f"{_RELIEF[first]}."
    )
    return Bottleneck(resource=first, share=share[first], sentence=sentence)


def _batch_bound(
    share: dict[str, float],
    spare: int,
    available: int,
    replicas: int,
    micro_batches: int,
    stages: int,
    global_batch: int,
) -> Bottleneck:
    count = "one micro-batch" if micro_batches == 1 else f"{micro_batches:,} micro-batches"
    pipeline = f" for {stages:,} pipeline stages" if stages > 1 else ""
    unused = (
        f"; {spare:,} of {available:,} accelerators find no work" if spare > SPARE_SHARE * available else ""
    )
    sentence = (
        f"{global_batch:,} sequences a step over {replicas:,} replicas leave {count}{pipeline} each, "
        f"so that only wider model parallelism is left (compute is {share['compute']:.0%} of the step)"
        f"{unused}; a larger global batch would use more."
    )
    return Bottleneck(resource=BATCH, share=max(1.0 - share["compute"], spare / available), sentence=sentence)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
