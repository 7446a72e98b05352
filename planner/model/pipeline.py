"""Pipeline parallelism: layers per stage, micro-batches in flight, the slowest stage, the bubble, the sends.

References
----------
.. [1] D. Narayanan et al., arXiv:2104.04473: bubble ``(p-1)/(v m)``, interleaving, micro-batches in flight.
.. [2] P. Qi et al., "Zero bubble pipeline parallelism", arXiv:2401.10241.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.layer import LayerCosts
from planner.model.operators import any_true
from planner.tables import Hardware, Model, Software, Strategy
from planner.types import BoolArray, FloatArray

__all__ = [
    "StageLayers",
    "alike",
    "bubble_s",
    "free_split_s",
    "micro_batches",
    "micro_batches_in_flight",
    "replica_s",
    "runnable",
    "slowest_stage_s",
    "split_layers",
    "transfers_s",
]

SEND_LATENCY_S = 12e-6
SEND_LINK_SHARE = 0.7
"""Share of the scale-up link that a single send between two stages reaches."""

SENDS_EXPOSED = 0.6
"""Sends per micro-batch and chunk that an interleaved schedule leaves exposed, of two."""


@dataclass(frozen=True, eq=False)
class StageLayers:
    """Layers on the first, the fullest and the last pipeline stage; shape ``[R]``."""

    first: FloatArray
    most: FloatArray
    last: FloatArray


def split_layers(*, layers: FloatArray, pp: FloatArray, vpp: FloatArray) -> StageLayers:
    """Layers per stage when they need not divide evenly.

    Every chunk has room for ``ceil(L / (p v))`` layers; the room that stays empty is taken from the last
    stage, which also holds the head, and then from the first, which holds the embedding, down to one layer
    each. What is still spare then comes from the stages between, as evenly as whole layers allow, so that the
    stages together hold the layers of the model. They cannot where it has a single one: both ends then hold
    it.
    """
    room = stage_room(layers=layers, pp=pp, vpp=vpp)
    spare = room * pp - layers
    from_last = np.minimum(np.ceil(spare / 2.0), room - 1.0)
    from_first = np.minimum(spare - from_last, room - 1.0)
    first, last = room - from_first, room - from_last
    between = np.ceil((layers - first - last) / np.maximum(pp - 2.0, 1.0))
    single = pp <= 1
    return StageLayers(
        first=np.where(single, layers, first),
        most=np.where(single, layers, np.maximum(np.maximum(first, last), between)),
        last=np.where(single, layers, last),
    )


def stage_room(*, layers: FloatArray, pp: FloatArray, vpp: FloatArray) -> FloatArray:
    """Layers for which a stage has room: that of its chunks."""
    return vpp * np.ceil(layers / (pp * vpp))


def alike(*, layers: FloatArray, pp: FloatArray, vpp: FloatArray) -> BoolArray:
    """Whether all stages but the first and the last are full: what schedulers can place."""
    room = stage_room(layers=layers, pp=pp, vpp=vpp)
    return np.asarray((pp <= 1) | (room * pp - layers <= 2.0 * (room - 1.0)))


def micro_batches(strategy: Strategy) -> FloatArray:
    """Micro-batches per pipeline and step, rounded up: the last may be part empty."""
    return np.ceil(strategy.global_batch / (strategy.dp * strategy.micro_batch) - 1e-9)


def micro_batches_in_flight(
    *, strategy: Strategy, micro_batches: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Micro-batches (in whole stages' worth of layers) kept by the first, the second and the last stage.

    1F1B keeps ``min(m, p)``, one less on each stage, and 1; interleaving ``p + (p-1)/v``, ``2/v`` less on
    each stage, and ``((v-1)p + 1)/v`` [1]; an explicit `in_flight` replaces the first and scales the last.
    """
    p, v, m = strategy.pp, strategy.vpp, micro_batches
    first = np.where(v > 1, p + (p - 1.0) / v, p)
    last = np.where(v > 1, ((v - 1.0) * p + 1.0) / v, 1.0)
    explicit = np.isfinite(strategy.in_flight)
    ratio = np.where(explicit, strategy.in_flight / first, 1.0)
    last = np.minimum(np.maximum(last * np.minimum(ratio, 1.0), 1.0 / v), m)
    second = np.maximum(first * ratio - np.where(v > 1, 2.0 / v, 1.0), 1.0 / v)
    return np.minimum(first * ratio, m), np.minimum(second, m), last


def runnable(strategy: Strategy, count: FloatArray) -> Strategy:
    """Return the schedule that a step of `count` micro-batches can run.

    Interleaving and a split backward pass need a micro-batch per stage: schedulers send them round in groups
    of ``p`` [1], and fill the bubble with the work of those under way [2]. Where there are fewer, the
    formulas of either would undercut the time of one micro-batch through all stages, and the step costs what
    plain 1F1B costs.
    """
    short = count < strategy.pp
    if not any_true(short & ((strategy.vpp > 1) | (strategy.zero_bubble > 0))):
        return strategy
    return strategy.with_values(
        vpp=np.where(short, 1.0, strategy.vpp), zero_bubble=np.where(short, 0.0, strategy.zero_bubble)
    )


def replica_s(*, model: Model, layer: LayerCosts, both_s: FloatArray) -> FloatArray:
    """Seconds of one micro-batch through the whole model, forward, backward and recompute.

    Parameters
    ----------
    both_s
        Forward, backward and recompute of one body layer.
    """
    prefix = model.dense_prefix * layer.prefix_delta_s
    return model.layers * both_s + layer.embedding_s + prefix + head_s(model=model, layer=layer)


def head_s(*, model: Model, layer: LayerCosts) -> FloatArray:
    """Seconds of head and MTP modules per micro-batch, forward and backward."""
    return layer.head_forward_s + layer.head_backward_s + model.mtp * layer.mtp_s


def slowest_stage_s(
    *,
    model: Model,
    software: Software,
    strategy: Strategy,
    layer: LayerCosts,
    stage: StageLayers,
    both_s: FloatArray,
    whole_s: FloatArray,
) -> FloatArray:
    """Seconds of one micro-batch on the slowest stage: the first, the last, or the fullest between."""
    pp, head = strategy.pp, head_s(model=model, layer=layer)
    prefix = np.minimum(model.dense_prefix, stage.first) * layer.prefix_delta_s
    ends = np.maximum(stage.first * both_s + layer.embedding_s + prefix, stage.last * both_s + head)
    slowest = np.maximum(ends, np.where(pp > 2, stage.most * both_s, 0.0))
    if any_true(software.flexible_stages > 0):
        free = free_split_s(layers=model.layers, pp=pp, layer_s=both_s, head_s=head)
        slowest = np.where(software.flexible_stages > 0, np.minimum(slowest, free), slowest)
    return np.where(pp <= 1, whole_s, np.maximum(slowest, whole_s / pp))


def free_split_s(
    *, layers: FloatArray, pp: FloatArray, layer_s: FloatArray, head_s: FloatArray
) -> FloatArray:
    """Slowest stage where layers may be placed freely: the last stage takes what the head leaves room for."""

    def slowest(n: FloatArray) -> FloatArray:
        rest = np.maximum(layers - n * (pp - 1.0), 0.0)
        return np.maximum(np.maximum(n, 1.0) * layer_s, rest * layer_s + head_s)

    n = np.ceil((layers + head_s / layer_s) / pp)
    return np.minimum(slowest(n), slowest(np.maximum(n - 1.0, 1.0)))


def bubble_s(
    *, software: Software, strategy: Strategy, count: FloatArray, whole_s: FloatArray, slowest_s: FloatArray
) -> FloatArray:
    """Seconds that the slowest stage waits in one step.

    ``(W - s) / v`` for a micro-batch that takes ``W`` in all and ``s`` on the slowest stage, which is the
    ``(p-1)/v`` stage times of [1] where stages are equal; a split backward pass leaves a share of it [2].
    Interleaving goes in rounds of ``p`` micro-batches, of which the last stays ragged.

    Parameters
    ----------
    count
        Micro-batches per step.
    """
    pp, vpp = strategy.pp, strategy.vpp
    left = np.where(strategy.zero_bubble > 0, software.bubble_share, 1.0)
    bubble = (whole_s - slowest_s) / vpp * left
    over = count - pp * np.floor(count / pp)
    ragged = (vpp > 1) & (count > pp) & (over > 0)
    return bubble + np.where(ragged, (vpp - 1.0) * (pp - over) * slowest_s / vpp, 0.0)


def transfers_s(
    *,
    hardware: Hardware,
    software: Software,
    strategy: Strategy,
    boundary_bytes: FloatArray,
    count: FloatArray,
) -> FloatArray:
    """Exposed stage-to-stage sends: 2(p-1) on the critical path, the rest partly hidden when interleaved."""
    st = strategy
    across = st.tp * st.cp * st.dp * st.pp > hardware.domain
    nic = software.nic_share * hardware.nic_achievable * hardware.nic_bytes_per_s
    rate = np.where(across, nic, SEND_LINK_SHARE * hardware.link_bytes_per_s)
    unit = SEND_LATENCY_S + boundary_bytes / rate
    sends = 2.0 * (st.pp - 1.0) + np.where(st.vpp > 1, SENDS_EXPOSED * count * st.vpp, 2.0 * count)
    return np.where(st.pp > 1, unit * sends, 0.0)
