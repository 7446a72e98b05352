"""The costs of one layout in full: time by what it is spent on, from the parts that the physics gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.layer import TERMS, LayerCosts
from planner.model.memory import MemoryCosts
from planner.model.training import StepCosts
from planner.tables import Hardware, Model, Software, Strategy

if TYPE_CHECKING:
    from planner.catalog.schema.calibration import TrainingCalibration
    from planner.plan.site import Site
    from planner.workload.fine_tuning import FineTuning
    from planner.workload.record import ModelRecord
    from planner.workload.software import SoftwareProfile

__all__ = ["BREAKDOWN", "Costs", "Trace", "time_breakdown"]

BREAKDOWN: Final = {
    "matrix_products": "matrix products of the layers, forward and backward",
    "attention": "attention core (and recurrent scans), forward and backward",
    "elementwise": "norms, activations, residuals and routing, bound by memory bandwidth",
    "quantisation": "casting operands to the training precision",
    "tensor_parallel": "exposed tensor-parallel collectives",
    "context_parallel": "exposed exchange of keys and values between context-parallel ranks",
    "expert_parallel": "expert dispatch and combine",
    "expert_fixed": "serial time of MoE layers: routing tables, synchronisation",
    "host": "accelerators waiting for kernel launches",
    "recompute": "activations computed again in the backward pass",
    "embedding_and_head": "embedding, output projection, loss, multi-token prediction, other first layers",
    "stage_imbalance": "the slowest pipeline stage over the average one",
    "pipeline_bubble": "stages waiting for the first and the last micro-batches",
    "pipeline_transfer": "exposed sends between pipeline stages",
    "data_parallel": "exposed gradient reduction and parameter gathering",
    "optimizer": "optimizer update",
    "activation_offload": "exposed moves of activations to host memory",
    "growth_with_scale": "jitter and stragglers, growing with the number of accelerators",
    "fixed": "data loading, logging and other work of each step",
}
"""Where the time of a step goes, in the order of the step, each in words."""

_LAYER_TERMS: Final = dict(
    zip(
        TERMS,
        ("matrix_products", "attention", "elementwise", "quantisation", "tensor_parallel", "context_parallel",
         "expert_parallel", "expert_fixed", "host"),
        strict=True,
    )
)  # fmt: skip


ROUNDING: Final = 1e-12
"""Share of the step below which a difference is noise of floating-point sums."""


@dataclass(frozen=True)
class Costs:
    """Everything about one layout; all tables have one row."""

    hardware: Hardware
    model: Model
    software: Software
    strategy: Strategy
    layer: LayerCosts
    step: StepCosts
    memory: MemoryCosts

    @property
    def gpus(self) -> float:
        """Accelerators used."""
        s = self.strategy
        return float((s.tp * s.cp * s.pp * s.dp)[0])

    @property
    def layer_s(self) -> float:
        """Forward and backward of one layer and micro-batch."""
        return float((self.layer.forward_s + self.layer.backward_s)[0])

    @property
    def step_s(self) -> float:
        """Step time."""
        return float(self.step.step_s[0])


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a result keeps so that it can be explained: records and the costs of the chosen layout."""

    site: Site
    model: ModelRecord
    software: SoftwareProfile
    calibration: TrainingCalibration
    costs: Costs
    plan: str
    tuning: FineTuning | None = None


def time_breakdown(costs: Costs) -> dict[str, float]:
    """Seconds of one step by `BREAKDOWN`; they add up to the step time.

    The parts of the layers are those of the average stage over all micro-batches; what the slowest stage
    takes beyond it is the imbalance.
    """
    m, st, layer, step = costs.model, costs.strategy, costs.layer, costs.step
    count = step.micro_batches
    per_stage = count * m.layers / st.pp
    again = np.where(
        st.recompute == 2,
        st.recompute_layers * layer.full_s + (1.0 - st.recompute_layers) * layer.selective_s,
        np.where(st.recompute == 1, layer.selective_s, 0.0),
    )
    ends = layer.embedding_s + layer.head_forward_s + layer.head_backward_s + m.mtp * layer.mtp_s
    ends = ends + m.dense_prefix * layer.prefix_delta_s
    terms = layer.forward_terms + layer.backward_terms
    parts = {name: per_stage * terms[:, i] for i, name in enumerate(_LAYER_TERMS.values())}
    parts["recompute"] = per_stage * again
    parts["embedding_and_head"] = count / st.pp * ends
    parts["stage_imbalance"] = step.busy_s - sum(parts.values())
    parts["pipeline_bubble"] = step.bubble_s
    parts["pipeline_transfer"] = step.pipeline_s
    parts["data_parallel"] = step.data_s
    parts["optimizer"] = step.optimizer_s
    known = step.busy_s + sum(
        parts[k] for k in ("pipeline_bubble", "pipeline_transfer", "data_parallel", "optimizer")
    )
    correction = costs.software.correction
    parts["activation_offload"] = step.step_s / correction - known - step.growth_s - step.fixed_s
    parts["growth_with_scale"] = step.growth_s
    parts["fixed"] = step.fixed_s
    seconds = {name: float(np.ravel(parts[name] * correction)[0]) for name in BREAKDOWN}
    return {name: (0.0 if abs(value) < ROUNDING * costs.step_s else value) for name, value in seconds.items()}
