"""Memory before time: which layouts fit, from parts that are added up instead of computed for each strategy.

A layout's peak is that of one of three stages; each is the sum of states, which depend on the sharding, and
activations, which depend on recompute and offload. For ``Z`` shardings and ``L`` recompute levels that is
``Z + L`` evaluations and ``Z L`` additions per base.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.memory import allocated_bytes, fit_limit_bytes, stage_states
from planner.model.pipeline import StageLayers, micro_batches_in_flight, split_layers
from planner.search.costs import TupleCosts
from planner.search.space import Bases, Groups, Space, legal_shardings
from planner.tables import Strategy
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Floor", "allocated_limit", "base_strategy", "memory_floor", "peak_bytes"]


def allocated_limit(*, costs: TupleCosts, sigma: float, probability: float) -> float:
    """Allocated bytes up to which a layout fits with at least `probability`."""
    capacity = costs.hardware.memory_bytes
    device = fit_limit_bytes(capacity_bytes=capacity, sigma=sigma, probability=probability)
    return float(allocated_bytes(device, costs.software)[0])


def base_strategy(
    space: Space, rows: Bases | Groups, *, vpp: FloatArray, sharding: IntArray, shard_group: FloatArray
) -> Strategy:
    """Strategies of bases or groups; recompute and offload are left at none."""
    tuples, t = space.tuples, rows.t
    return tuples.with_values(
        micro_batch=tuples.micro_batch[t],
        tp=tuples.tp[t],
        cp=tuples.cp[t],
        ep=tuples.ep[t],
        etp=tuples.etp[t],
        sequence_parallel=tuples.sequence_parallel[t],
        pp=space.pp[rows.p],
        vpp=vpp,
        dp=rows.dp,
        sharding=sharding,
        shard_group=shard_group,
    )


def peak_bytes(*, space: Space, costs: TupleCosts, rows: Bases, offload: float) -> FloatArray:
    """Allocated bytes of the worst stage, shape ``[Z, L, B]``; infinite where a sharding is not legal."""
    z = space.shardings[:, None]
    group = np.where(z == 4, space.hybrid[rows.t], np.inf)
    strategy = base_strategy(space, rows, vpp=rows.vpp, sharding=z, shard_group=group)
    stage = split_layers(layers=costs.model.layers, pp=strategy.pp, vpp=rows.vpp)
    states = stage_states(model=costs.model, software=costs.software, strategy=strategy, stage=stage)
    held = [a + b + c + d for a, b, c, d in states]
    legal = legal_shardings(space, t=rows.t, dp=rows.dp)
    held[0] = np.where(legal, held[0], np.inf)
    flight = micro_batches_in_flight(strategy=strategy, micro_batches=rows.count)
    acts = _activations(space, costs, rows.t, strategy.pp, stage, flight, offload)
    return _worst([h[:, None] + a for h, a in zip(held, acts, strict=True)])


def _activations(
    space: Space,
    costs: TupleCosts,
    t: IntArray,
    pp: FloatArray,
    stage: StageLayers,
    flight: tuple[FloatArray, FloatArray, FloatArray],
    offload: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Activations and logits on the three stages, ``[L, len(t)]``; -inf where there is no such stage."""
    a = costs.activations
    kept = np.take(costs.kept, t, axis=1) * (1.0 - offload)
    peak = np.where(space.recompute[:, None] == 2, a.layer_bytes[t], 0.0)
    working, logits = a.working_bytes[t] + peak, a.logits_bytes[t]
    first = flight[0] * (kept * stage.first + a.embedding_bytes[t]) + working
    second = flight[1] * (kept * stage.most) + working
    last = flight[2] * (kept * stage.last) + (working + logits)
    single = pp <= 1
    return (
        first + np.where(single, logits, 0.0),
        np.where(pp <= 2, -np.inf, second),
        np.where(single, -np.inf, last),
    )


def _worst(stages: list[FloatArray]) -> FloatArray:
    return np.maximum(np.maximum(stages[0], stages[1]), stages[2])


@dataclass(frozen=True, eq=False)
class Floor:
    """Least allocated bytes of any schedule, sharding and offload of a group."""

    by_level: FloatArray  # [L, G]

    def least(self) -> FloatArray:
        """Least bytes at any recompute level, ``[G]``."""
        least: FloatArray = np.min(self.by_level, axis=0)
        return least

    def lightest(self, limit: float) -> IntArray:
        """Lightest level that may fit, ``[G]``; ``L`` where none can."""
        fits = self.by_level <= limit
        return np.where(np.any(fits, axis=0), np.argmax(fits, axis=0), len(self.by_level))

    def can(self, level: int, limit: float) -> BoolArray:
        """Whether a level may fit, ``[G]``."""
        fits: BoolArray = self.by_level[level] <= limit
        return fits


class FloorTables:
    """Fewest layers on the three stages of each pipeline size over all its schedules."""

    def __init__(self, space: Space, costs: TupleCosts) -> None:
        pair_pp = np.repeat(space.pp, space.pairs)
        stage = split_layers(layers=costs.model.layers, pp=pair_pp, vpp=space.vpp)
        self.first, self.most, self.last = (
            np.minimum.reduceat(layers, space.first_pair) for layers in (stage.first, stage.most, stage.last)
        )


def memory_floor(*, space: Space, costs: TupleCosts, rows: Groups, tables: FloorTables) -> Floor:
    """Bytes that no schedule, sharding or offload of a group can undercut.

    Every part grows with the layers of the stage and with the micro-batches in flight, so the fewest
    layers of any schedule and the flight without interleaving bound it; states are those of the most
    thorough sharding over all ranks, without gather buffers, whose size falls with the layers.
    """
    pp = space.pp[rows.p]
    stage = StageLayers(*(layers[rows.p] for layers in (tables.first, tables.most, tables.last)))
    z = np.minimum(space.shardings[-1:], 3)
    strategy = base_strategy(space, rows, vpp=np.ones(1), sharding=z, shard_group=np.full(1, np.inf))
    states = stage_states(model=costs.model, software=costs.software, strategy=strategy, stage=stage)
    flight = micro_batches_in_flight(strategy=strategy, micro_batches=rows.count)
    if space.request.in_flight is not None:  # the later stages may then keep as little as one chunk
        chunk = 1.0 / space.most_vpp[rows.p]
        flight = (flight[0], np.minimum(flight[1], chunk), np.minimum(flight[2], chunk))
    acts = _activations(space, costs, rows.t, pp, stage, flight, float(space.offloads[-1]))
    held = [weights + gradients + optimizer for weights, gradients, optimizer, _ in states]
    return Floor(by_level=_worst([h + a for h, a in zip(held, acts, strict=True)]))
