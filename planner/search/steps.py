"""Step times of chosen layouts, gathered from the tuple table in chunks that stay in cache."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.data_parallel import Traffic
from planner.model.training import step_costs
from planner.search.costs import TupleCosts
from planner.search.fit import base_strategy
from planner.search.space import Columns, Space
from planner.tables import Strategy
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["CHUNK_ROWS", "Layouts", "step_seconds", "strategy_of"]

CHUNK_ROWS = 8192
"""Rows per call of the physics: its some hundred temporary arrays then stay in the second-level cache."""


@dataclass(frozen=True, eq=False)
class Layouts(Columns):
    """Whole layouts, one per row, as indices into a space; ``[N]``."""

    vpp: FloatArray
    dp: FloatArray
    count: FloatArray
    ranks: FloatArray
    z: IntArray  # index into SHARDINGS
    level: IntArray  # index into the recompute levels
    offload: FloatArray
    likely: BoolArray  # fits with the probability that the request calls likely
    step_s: FloatArray
    score: FloatArray


def strategy_of(space: Space, rows: Layouts) -> Strategy:
    """Rows of the `Strategy` table."""
    hybrid = np.any(rows.z == 4)
    group = np.where(rows.z == 4, space.hybrid[rows.t], np.inf) if hybrid else np.full(1, np.inf)
    bases = base_strategy(space, rows, vpp=rows.vpp, sharding=_uniform(rows.z), shard_group=group)  # type: ignore[arg-type]
    return bases.with_values(
        recompute=space.recompute[rows.level],
        recompute_layers=space.recompute_layers[rows.level],
        offload=_uniform(rows.offload),
    )


def _uniform(values: IntArray | FloatArray) -> IntArray | FloatArray:
    """One value in place of many equal ones, which lets the physics skip what it does not need."""
    return values[:1] if len(values) and np.all(values == values[0]) else values


def _part(traffic: Traffic, rows: slice) -> Traffic:
    return Traffic(*((reduce[rows], gather[rows]) for reduce, gather in traffic))


def step_seconds(
    *,
    space: Space,
    costs: TupleCosts,
    rows: Layouts,
    chunk_rows: int = CHUNK_ROWS,
    traffic: Traffic | None = None,
) -> FloatArray:
    """Step time of every layout, shape ``[N]``; rows in blocks of equal sharding are the quickest.

    With `traffic` of data parallelism that is at most the rows' own, a lower bound in a fraction of the time.
    """
    result = np.empty(len(rows))
    for start in range(0, len(rows), chunk_rows):
        part = rows.take(slice(start, start + chunk_rows))
        step = step_costs(
            hardware=costs.hardware,
            model=costs.model,
            software=costs.software,
            strategy=strategy_of(space, part),
            layer=costs.layer.take(part.t),
            kept=costs.kept[part.level, part.t],
            traffic=None if traffic is None else _part(traffic, slice(start, start + chunk_rows)),
        )
        result[start : start + chunk_rows] = step.step_s
    return result
