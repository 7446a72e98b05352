"""Step time of a training job: pipeline, data parallelism, optimizer, offload, growth with scale.

References
----------
.. [1] D. Narayanan et al., arXiv:2104.04473: bubble and interleaving.
.. [2] S. Rajbhandari et al., arXiv:2104.07857 (ZeRO-Infinity): activations on the host.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.collectives import hidden_s
from planner.model.data_parallel import Traffic, data_parallel_s, optimizer_s
from planner.model.layer import LayerCosts
from planner.model.pipeline import (
    bubble_s,
    micro_batches,
    replica_s,
    runnable,
    slowest_stage_s,
    split_layers,
    transfers_s,
)
from planner.tables import Hardware, Model, Rows, Software, Strategy
from planner.types import FloatArray

__all__ = ["StepCosts", "doublings", "micro_batches", "step_costs"]

HOST_LINK_SHARE = 0.8
"""Share of the host link that pinned copies reach."""

OFFLOAD_WINDOW = 0.9
"""Share of the compute that can hide copies to host memory."""

OFFLOAD_SLOWDOWN = 0.1
"""Slow-down of the compute by hidden copies over that by hidden collectives: they take no compute units."""

GROWTH_FROM = 16.0
"""Accelerators beyond which a step grows."""


@dataclass(frozen=True, eq=False)
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


def step_costs(
    *,
    hardware: Hardware,
    model: Model,
    software: Software,
    strategy: Strategy,
    layer: LayerCosts,
    kept: FloatArray | float = 0.0,
    traffic: Traffic | None = None,
) -> StepCosts:
    """Step time from the costs of a layer.

    A step with fewer micro-batches than stages runs plain 1F1B (`planner.model.pipeline.runnable`).

    Parameters
    ----------
    hardware, model, software, strategy
        Tables of ``R`` rows or one row.
    layer
        `LayerCosts` of the same rows.
    kept
        Activation bytes per layer and micro-batch, of which `strategy.offload` moves to host memory.
    traffic
        Of data parallelism, at most that of the rows: the step time is then a lower bound.
    """
    hw, m, sw = hardware, model, software
    count = micro_batches(strategy)
    st = runnable(strategy, count)
    stage = split_layers(layers=m.layers, pp=st.pp, vpp=st.vpp)
    back = layer.backward_s + recompute_s(strategy=st, layer=layer)
    both = layer.forward_s + back
    whole = replica_s(model=m, layer=layer, both_s=both)
    slowest = slowest_stage_s(
        model=m, software=sw, strategy=st, layer=layer, stage=stage, both_s=both, whole_s=whole
    )
    busy = count * slowest
    bubble = bubble_s(software=sw, strategy=st, count=count, whole_s=whole, slowest_s=slowest)
    pipeline = transfers_s(
        hardware=hw, software=sw, strategy=st, boundary_bytes=layer.boundary_bytes, count=count
    )
    data = data_parallel_s(
        hardware=hw,
        model=m,
        software=sw,
        strategy=st,
        forward_s=stage.most * layer.forward_s,
        backward_s=stage.most * back,
        stage_layers=stage.most,
        count=count,
        known=traffic,
    )
    optimizer = optimizer_s(hardware=hw, model=m, strategy=st, stage_layers=stage.most)
    offload = offload_s(
        hardware=hw,
        software=sw,
        strategy=st,
        kept_bytes=kept * stage.most,
        compute_s=stage.most * both,
        count=count,
    )
    plain = busy + bubble + pipeline + data + optimizer + offload
    growth = plain * sw.growth * doublings(ranks=st.tp * st.cp * st.pp * st.dp, dp=st.dp)
    return StepCosts(
        step_s=(plain + growth + sw.step_fixed_s) * sw.correction,
        busy_s=busy,
        bubble_s=bubble,
        pipeline_s=pipeline,
        data_s=data,
        optimizer_s=optimizer,
        offload_s=offload,
        growth_s=growth,
        fixed_s=np.broadcast_to(sw.step_fixed_s, plain.shape),
        micro_batches=count,
    )


def recompute_s(*, strategy: Strategy, layer: LayerCosts) -> FloatArray:
    """Extra seconds per layer and micro-batch of the recompute choice."""
    share = strategy.recompute_layers
    full = share * layer.full_s + (1.0 - share) * layer.selective_s
    partly = np.where(strategy.recompute == 1, layer.selective_s, 0.0)
    return np.where(strategy.recompute == 2, full, partly)


def doublings(*, ranks: FloatArray, dp: FloatArray) -> FloatArray:
    """Doublings over which a step grows: beyond `GROWTH_FROM`, and at most those of the replicas.

    Growth was measured on families that add replicas of one layout.
    """
    return np.maximum(np.minimum(np.log2(ranks / GROWTH_FROM), np.log2(dp)), 0.0)


def offload_s(
    *,
    hardware: Hardware,
    software: Software,
    strategy: Strategy,
    kept_bytes: FloatArray,
    compute_s: FloatArray,
    count: FloatArray,
) -> FloatArray:
    """Exposed time of moving activations to host memory and back behind the compute of one micro-batch [2].

    Parameters
    ----------
    kept_bytes, compute_s
        Activations of one micro-batch on the fullest stage, and its compute.
    count
        Micro-batches per step.
    """
    moved = 2.0 * strategy.offload * kept_bytes / (HOST_LINK_SHARE * hardware.host_bytes_per_s)
    exposed = hidden_s(
        communication_s=moved,
        compute_s=compute_s,
        window=np.full_like(compute_s, OFFLOAD_WINDOW),
        slowdown=OFFLOAD_SLOWDOWN * software.slowdown,
    )
    return np.where(strategy.offload > 0, count * exposed, 0.0)
