"""Exact pruning: what a layout costs at least, and which layouts another one beats for certain.

Everything here is proved from `planner.model.training.step_costs`, whose symbols it uses: ``m``
micro-batches, ``p`` stages, ``v`` chunks per stage, ``W`` one micro-batch through the whole model
(forward, backward, recompute), ``s`` the slowest stage, ``sigma <= 1`` the share of the bubble that the
schedule leaves. Tests compare pruned searches with exhaustive ones, so a change of the physics that
breaks a proof shows.

**Lower bound.** A step takes ``((m s + (W - s) sigma/v + x)(1 + growth) + fixed) correction`` where ``x
>= 0`` holds ragged rounds, transfers, exposed data-parallel traffic, optimizer and offload. Since ``m >=
1 >= sigma/v`` this grows with ``s``, and ``s >= W/p``; since ``W >= W/p`` it falls with ``v``. So ``s =
W/p``, ``x = 0`` and the largest legal ``v`` bound it.

**Lighter recompute wins.** Let a heavier level cost ``d`` more seconds per layer. Then ``W`` grows by ``L
d``, ``s`` by at least ``a d`` (below), and ``m s + (W - s) sigma/v`` by at least ``((m - sigma/v) a + L
sigma/v) d``. The only terms that fall are exposed data-parallel seconds, since a longer backward pass
hides more: hiding ``c`` behind ``w`` costs ``c - (1 - slowdown) min(c, window w)``, which falls by at
most ``(1 - slowdown) window`` per second of ``w``, and the backward pass that hides traffic is at most
``m + 1`` times one micro-batch on the fullest stage (``m`` gathers and reductions and one reduction
between replicas under full sharding, ``m`` reductions under ZeRO-2, at most ``min(p, m)`` otherwise). So
where::

    (m - sigma/v) a + L sigma/v  >=  (1 - slowdown) window most (m + 1)

the heavier level is never faster. ``a`` is the slope of ``s``: ``s`` is the largest of first, last and
fullest stage and ``W/p``, each of which grows with its layers, so ``a >= min(first, last, L/p)``. Where
layers are placed freely the last stage may have room for few layers besides the head of ``h`` seconds:
then also ``L/p - h/b (1 - 1/p)`` with ``b`` the seconds of a layer under the lighter level. On a single
stage ``s = W``. Offload breaks the argument (a heavier level moves less), so it applies without offload
only. Memory may still ask for the heavier level; the lightest level that fits is kept for each question
about memory.

**ZeRO-2** never beats ZeRO-1 where both fit: it reduces gradients as often or more often.
"""

from __future__ import annotations

import numpy as np

from planner.model.pipeline import split_layers
from planner.model.training import doublings
from planner.search.costs import TupleCosts
from planner.search.space import Bases, Groups, Space
from planner.search.steps import Layouts
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["ROUNDING", "lighter_wins", "lower_bound_s", "pair_bound_s"]

ROUNDING = 1.0 - 1e-9
"""Keeps a bound below a step time that differs from it by rounding only."""


def lower_bound_s(
    *, space: Space, costs: TupleCosts, rows: Groups | Layouts, level: IntArray, vpp: FloatArray | None = None
) -> FloatArray:
    """Least seconds of a step.

    Parameters
    ----------
    level
        Recompute level of each row, or the lightest that may fit.
    vpp
        Interleaving of each row; the best legal one where it is not given.
    """
    pp = space.pp[rows.p]
    if vpp is None:
        vpp = np.where(rows.count >= pp, space.most_vpp[rows.p], 1.0)
    replica_s = costs.replica_s[level, rows.t]
    stage = replica_s / pp
    share = bubble_share(space, costs)
    plain = rows.count * stage + (replica_s - stage) * share / vpp
    growth = float(costs.software.growth[0])
    if growth > 0:
        plain = plain * (1.0 + growth * doublings(ranks=rows.ranks, dp=rows.dp))
    return (plain + costs.software.step_fixed_s) * costs.software.correction * ROUNDING


def pair_bound_s(*, space: Space, costs: TupleCosts, accelerators: float) -> FloatArray:
    """Least seconds of a step of a pair of tuple and pipeline size with any number of replicas, ``[T, P]``.

    As `lower_bound_s` with the most replicas that have room or work, the best interleaving, the cheapest
    recompute and no growth with scale; infinite where not one replica has room.
    """
    tuples, step = space.tuples, space.replica_step[:, None]
    room = np.floor(accelerators / (tuples.tp * tuples.cp)[:, None] / space.pp)
    batches = space.request.global_batch / tuples.micro_batch[:, None]
    most = np.floor(np.minimum(room, np.ceil(batches)) / step) * step
    count = np.ceil(batches / np.maximum(most, 1.0) - 1e-9)
    replica_s = np.min(costs.replica_s, axis=0)[:, None]
    stage = replica_s / space.pp
    plain = count * stage + (replica_s - stage) * bubble_share(space, costs) / space.most_vpp
    least = (plain + costs.software.step_fixed_s) * costs.software.correction * ROUNDING
    return np.where(room >= step, least, np.inf)


def bubble_share(space: Space, costs: TupleCosts) -> float:
    """Share of the bubble that is left (``sigma``)."""
    return min(float(costs.software.bubble_share[0]), 1.0) if space.request.zero_bubble > 0 else 1.0


def lighter_wins(*, space: Space, costs: TupleCosts, rows: Bases) -> BoolArray:
    """Whether the lightest recompute that fits is certain to be the fastest, shape ``[B]``."""
    model, software = costs.model, costs.software
    layers, pp, m, v = model.layers, space.pp[rows.p], rows.count, rows.vpp
    stage = split_layers(layers=layers, pp=pp, vpp=v)
    slope = np.minimum(np.minimum(stage.first, stage.last), layers / pp)
    if software.flexible_stages[0] > 0:
        head = (costs.head_s / costs.both_s[0])[rows.t]
        slope = np.minimum(slope, np.maximum(layers / pp - head * (1.0 - 1.0 / pp), 0.0))
    slope = np.where(pp == 1, layers, slope)
    left = bubble_share(space, costs) / v
    grows = (m - left) * slope + layers * left
    hides = np.maximum(1.0 - software.slowdown, 0.0) * software.data_window * stage.most * (m + 1.0)
    return costs.ordered[rows.t] & (grows >= hides)
