"""Pools of a fleet as deployments: what to start, with which degrees and precisions, in how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from planner.model.inference.memory import installed_bytes, memory
from planner.plan.serving import results
from planner.search.serving import ROLES, of_points
from planner.units import GIGA

if TYPE_CHECKING:
    from planner.plan.serving.request import ServeCase
    from planner.search.serving import FleetPlan, PoolPlan, ServingRequest

__all__ = ["by_size", "deployment_of", "layouts_of", "memory_of", "mode_of"]

Mode = Literal["aggregated", "disaggregated", "mixed"]


def by_size(fleet: FleetPlan) -> list[PoolPlan]:
    """Pools of a fleet, that with the most accelerators first."""
    return sorted(fleet.pools, key=lambda pool: -pool.gpus)


def mode_of(fleet: FleetPlan) -> Mode:
    """How a fleet divides prompts and decoding."""
    modes = fleet.modes
    return "mixed" if len(modes) > 1 else modes[0]  # type: ignore[return-value]


def layouts_of(case: ServeCase, fleet: FleetPlan) -> tuple[results.Layout, ...]:
    """Kinds of replicas of a fleet, that with the most accelerators first."""
    return tuple(_layout(case, pool) for pool in by_size(fleet))


def _layout(case: ServeCase, pool: PoolPlan) -> results.Layout:
    point = pool.point
    stack = case.stacks[int(point.option[0])]
    return results.Layout(
        role=ROLES[pool.role],
        accelerator=stack.place.accelerator.id,
        engine=stack.engine.id,
        tp=int(point.tp[0]),
        pp=int(point.pp[0]),
        dp=int(point.dp[0]),
        ep=int(point.ep[0]),
        gpus=int(point.gpus[0]),
        replicas=pool.replicas,
        max_batch=int(point.capacity[0]),
        chunk=int(point.chunk[0]),
        precisions=results.Precisions(weights=stack.weights.id, kv=stack.kv),
    )


def deployment_of(case: ServeCase, fleet: FleetPlan) -> results.Deployment:
    """Say what to deploy."""
    layouts = layouts_of(case, fleet)
    stack = case.stacks[int(by_size(fleet)[0].point.option[0])]
    decodes = _first(layouts, without="prefill")
    prompts = _first(layouts, without="decode")
    return results.Deployment(
        mode=mode_of(fleet),
        engine=layouts[0].engine,
        layouts=layouts,
        replicas=sum(layout.replicas for layout in layouts),
        max_batch=decodes.max_batch,
        chunk=prompts.chunk,
        precisions=layouts[0].precisions,
        speculation=stack.speculation.id if stack.speculation is not None else None,
        drafts=stack.drafts,
    )


def _first(layouts: Sequence[results.Layout], *, without: str) -> results.Layout:
    return next((layout for layout in layouts if layout.role != without), layouts[0])


def memory_of(case: ServeCase, request: ServingRequest, pool: PoolPlan) -> results.Memory:
    """Memory of one accelerator of a pool."""
    found = of_points(request, pool.point)
    replica, part = found.replica, case.parts[pool.part]
    nominal = np.array([part.memory_bytes])
    held = memory(
        memory_bytes=nominal,
        model=replica.model,
        engine=replica.engine,
        layout=replica.layout,
        load=request.load,
    )
    weights, workspace = float(held.weight_bytes[0]), float(held.workspace_bytes[0])
    # Prompts in prefill hold their keys and values as sequences that decode do.
    inside = float(pool.point.concurrency[0])
    sequences = min(inside, float(pool.point.capacity[0])) / float(replica.layout.dp[0])
    cache = float(held.sequence_bytes[0]) * sequences + float(held.shared_bytes[0])
    usable = float(replica.engine.memory_share[0] * installed_bytes(nominal)[0])
    used = min(weights + workspace + cache, usable)
    return results.Memory(
        weights=weights / GIGA,
        cache=(used - weights - workspace) / GIGA,
        workspace=workspace / GIGA,
        used=used / GIGA,
        usable=usable / GIGA,
        capacity=part.memory_bytes / GIGA,
    )
