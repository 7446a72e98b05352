"""Time and memory of training strategies: the one way from tables to costs."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.activations import activation_costs, kept_bytes
from planner.model.layer import LayerCosts, layer_costs
from planner.model.memory import MemoryCosts, memory_costs
from planner.model.training import StepCosts, micro_batches, step_costs
from planner.tables import Hardware, Model, Software, Strategy

__all__ = ["TrainingCosts", "training_costs"]


@dataclass(frozen=True, eq=False)
class TrainingCosts:
    """Costs of ``R`` strategies, per optimizer step and accelerator."""

    layer: LayerCosts
    step: StepCosts
    memory: MemoryCosts


def training_costs(
    *, hardware: Hardware, model: Model, software: Software, strategy: Strategy
) -> TrainingCosts:
    """All that the physics says of some strategies.

    Parameters
    ----------
    hardware, model, software, strategy
        Tables of ``R`` rows, or of one row that broadcasts.

    Returns
    -------
    TrainingCosts
        Seconds and bytes; rows whose precision the part lacks are nan.
    """
    layer = layer_costs(hardware=hardware, model=model, software=software, strategy=strategy)
    activations = activation_costs(model=model, software=software, strategy=strategy)
    step = step_costs(
        hardware=hardware,
        model=model,
        software=software,
        strategy=strategy,
        layer=layer,
        kept=kept_bytes(strategy, activations),
    )
    memory = memory_costs(
        model=model,
        software=software,
        strategy=strategy,
        activations=activations,
        micro_batches=micro_batches(strategy),
    )
    return TrainingCosts(layer=layer, step=step, memory=memory)
