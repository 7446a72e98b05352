"""Fitted constants: ``hardware/calibration/training/ID.yaml``, written by ``planner calibrate training``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog.quantity import Count, Fraction, IsoDate, Ratio, Seconds
from planner.catalog.records import Items, Record, Section, Text

__all__ = ["Constants", "Interval", "SharedError", "TrainingCalibration"]


class Constants(Section):
    """Global physical constants of the training estimator; a class of software may override some."""

    sustained: Ratio | None = None
    """Matrix rate sustained over a run, over the rate of a short burst."""
    elementwise: Ratio | None = None
    """Element-wise memory traffic over that of ideally fused kernels."""
    attention_backward: Ratio | None = None
    """Backward over forward time of the attention core."""
    portable_attention: Fraction | None = None
    """Rate of an attention kernel written for an older generation, over the best one of the part."""
    first_attention: Fraction | None = None
    """Rate of first-generation fused attention over the second."""
    tensor_exposed: Fraction | None = None
    """Share of tensor-parallel communication left exposed by tiled overlap."""
    overlap_window: Fraction | None = None
    """Share of the compute that can hide data-parallel communication."""
    overlap_slowdown: Fraction | None = None
    """Compute seconds lost per overlapped second."""
    nic_share: Fraction | None = None
    """Share of the NIC that collectives reach."""
    alltoall_share: Fraction | None = None
    """Share of the scale-up link that expert dispatch reaches."""
    quantise: Ratio | None = None
    """Quantisation traffic over two passes per operand."""
    moe_fixed: Seconds | None = None
    """Serial time per MoE layer and micro-batch, forward and backward."""
    expert_fixed: Seconds | None = None
    """Serial time per local expert, MoE layer and micro-batch: every expert brings kernels of its own."""
    expert_padding: Count | None = None
    """Extra rows per local expert: padding and imbalance."""
    permute: Ratio | None = None
    """Permutation traffic over the profile's bytes."""
    bubble_share: Fraction | None = None
    """Share of the pipeline bubble left by a split backward."""
    step_fixed: Seconds | None = None
    """Per optimizer step."""
    growth: Fraction | None = None
    """Growth of the step per doubling of accelerators beyond 16."""


class Interval(Section):
    """Spread of log(measured / predicted) in a class, from rows that the constants were not fitted on."""

    low: Ratio
    """Measured over predicted at the 10 % quantile."""
    high: Ratio
    """At the 90 % quantile."""
    rows: Annotated[int, Field(ge=0)]


class SharedError(Section):
    """How much of its error a prediction shares with another; see `planner.evidence.pairs`."""

    correlation: Annotated[float, Field(ge=-1.0, le=1.0)]
    """Of log(measured / predicted) of the two; below 0 they miss in opposite directions."""
    low: Annotated[float, Field(ge=-1.0, le=1.0)]
    """Least of those without one family."""
    high: Annotated[float, Field(ge=-1.0, le=1.0)]
    """Largest."""
    pairs: Annotated[int, Field(ge=0)]
    families: Annotated[int, Field(ge=0)]


class MemorySpread(Section):
    """Spread of log(measured / predicted) peak memory."""

    sigma: Ratio
    rows: Annotated[int, Field(ge=0)]


class TrainingCalibration(Record):
    """A set of fitted constants with what they were fitted on."""

    date: IsoDate
    evidence: Text
    """Files used."""
    rows: Annotated[int, Field(ge=0)]
    families: Items[Text]
    constants: Constants
    classes: dict[str, Constants] = Field(default_factory=dict)
    """Software class to the constants it overrides."""
    intervals: dict[str, Interval] = Field(default_factory=dict)
    """``dense-tuned`` and so on, and ``pooled``."""
    shared: dict[str, SharedError] = Field(default_factory=dict)
    """By what differs between two predictions, as `planner.evidence.pairs` has it: ``layout`` and so on."""
    memory: MemorySpread | None = None
    correction: Ratio | None = None
    """A user's own factor on the step time."""
