"""Fitted constants of serving: ``hardware/calibration/serving/ID.yaml``, by ``planner calibrate serving``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog.quantity import Bytes, Fraction, IsoDate, Ratio, Seconds
from planner.catalog.records import Items, Record, Section, Text
from planner.catalog.schema.calibration import Interval, SharedError

__all__ = ["ClientConstants", "EngineConstants", "GlobalConstants", "ServingCalibration"]


class GlobalConstants(Section):
    """What all engines share."""

    imbalance: Ratio
    """Rows of the hottest expert rank over the mean, beyond sampling."""
    balanced_imbalance: Ratio
    """The same where hot experts are replicated."""
    attention_imbalance: Ratio
    """Time of the slowest attention-parallel rank over the mean."""
    arm_host: Ratio
    """Host time with an Arm CPU over that with an x86 one."""
    draft: Seconds
    """Fixed time of one draft."""
    overlap: Fraction
    """Share of expert traffic hidden where two micro-batches run."""
    weight_only: Fraction
    """Matrix rate where small weights are widened to 16 bit, over that of 16-bit weights."""
    handover: Seconds
    """From a prefill to a decode worker, the transfer of the cache apart: routing and scheduling."""
    nic_share: Fraction
    """Share of the NIC that transfers reach."""
    element_bytes: Bytes
    """Element-wise traffic per hidden element and layer, each of two bytes."""


class ClientConstants(Section):
    """How load generators shape what they measure; used to predict measurements, never to plan."""

    stall_share: Ratio
    """Share of prompt stalls that a cohort in lock-step moves from TPOT to TTFT."""
    drain: Ratio
    """Tail of a burst of chat lengths, over the time of a mean output."""


class EngineConstants(Section):
    """What the engines of a family share."""

    layer: Seconds
    """Small kernels of a layer that tokens do not lengthen."""
    expert_layer: Seconds
    """The same of an MoE layer."""
    prefill_slowdown: Ratio
    """Kernels of a step with prompts over isolated ones."""
    host_step: Seconds
    """Host time of a step that the accelerator waits for."""
    host_sequence: Seconds
    """The same per sequence of a step."""
    request: Seconds
    """Before and after the engine: tokenising, transport, scheduling."""
    floor_layer: Seconds
    """Launch-bound floor of a layer."""
    wave: Ratio
    """First prompts of a closed loop that arrive together, as they weigh in a mean TTFT; predicts
    measurements only."""
    cohort: Ratio
    """The same where lengths are fixed and prompts come first."""


class ServingCalibration(Record):
    """A set of fitted constants with what they were fitted on."""

    date: IsoDate
    evidence: Text
    rows: Annotated[int, Field(ge=0)]
    families: Items[Text]
    constants: GlobalConstants
    client: ClientConstants
    engines: dict[str, EngineConstants]
    """By family of `planner.workload.engine`."""
    intervals: dict[str, Interval] = Field(default_factory=dict)
    """``tpot closed dense`` and so on; pools by metric."""
    shared: dict[str, SharedError] = Field(default_factory=dict)
    """By metric and what differs between two predictions: ``throughput layout`` and so on."""
    correction: Ratio | None = None
    """A user's own factor on step times."""
