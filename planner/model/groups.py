"""One synchronous training step over groups of unlike accelerators: exchange of gradients, growth with scale.

Each group runs its own layout on its own share of the batch. When its gradients are reduced within the group,
every accelerator holds its own piece of them; the pieces are all-reduced across groups, and the rest of the
step (optimizer, gathering of weights) is each group's own. Weights stay equal because every group applies the
same sum.

References
----------
.. [1] R. Thakur, R. Rabenseifner, W. Gropp, "Optimization of collective communication operations in MPICH",
   doi:10.1177/1094342005051521: an all-reduce is a reduce-scatter and an all-gather, so that a hierarchy of
   groups moves only the pieces across.
.. [2] X. Jia et al., "Whale: efficient giant model training over heterogeneous GPUs", arXiv:2011.09208:
   shares of the batch in proportion to speed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.collectives import hidden_s, place, ring_s
from planner.model.data_parallel import gradient_window, replicas_s, stage_parameters, traffic_s
from planner.model.layer import LayerCosts
from planner.model.operators import any_true
from planner.model.pipeline import micro_batches, runnable, split_layers
from planner.model.sharding import dense_ranks, expert_ranks
from planner.model.training import StepCosts, doublings, recompute_s
from planner.tables import Hardware, Model, Software, Strategy
from planner.types import FloatArray

__all__ = ["Exchange", "exchange_costs", "growth_across_s", "piece_bytes"]


@dataclass(frozen=True, eq=False)
class Exchange:
    """All-reduce of the gradients across groups, as one group sees it; shape ``[R]``."""

    moved_bytes: FloatArray  # sent by one accelerator, and received as well
    seconds: FloatArray  # of the whole exchange
    exposed_s: FloatArray  # by which the step grows: what the backward pass does not hide


def piece_bytes(*, model: Model, software: Software, strategy: Strategy) -> FloatArray:
    """Bytes of reduced gradients that one accelerator of the fullest pipeline stage is the only one to hold.

    All accelerators of a group hold a piece, whatever the sharding of states: where these are not sharded, or
    within smaller groups, the all-reduce between replicas passes through the same pieces [1].
    """
    st = runnable(strategy, micro_batches(strategy))
    stage = split_layers(layers=model.layers, pp=st.pp, vpp=st.vpp)
    dense, expert = stage_parameters(model=model, strategy=st, stage_layers=stage.most)
    return software.gradient_bytes * (dense / dense_ranks(st) + expert / expert_ranks(st))


def exchange_costs(
    *,
    hardware: Hardware,
    model: Model,
    software: Software,
    strategy: Strategy,
    layer: LayerCosts,
    groups: FloatArray,
    ranks: FloatArray,
) -> Exchange:
    """Time of adding up the gradients of `groups` groups, for one of them.

    A piece goes round a ring with one member per group, over the network: unlike accelerators share no
    scale-up domain. All pieces move at the same time, over the ports of all accelerators, so that a group of
    few accelerators takes longer. The ports are those that reduce the gradients within the group: both hide
    behind the same backward pass, the exchange after the reduction, and what does not fit is exposed.

    Parameters
    ----------
    hardware, model, software, strategy, layer
        Of the group; ``R`` rows or one.
    groups
        Groups that train together; 1 exchanges nothing.
    ranks
        Accelerators of all groups.
    """
    piece = piece_bytes(model=model, software=software, strategy=strategy)
    away = np.maximum(ranks / groups, hardware.domain)
    ring = place(ranks=np.broadcast_to(groups, piece.shape), inner=away, hardware=hardware)
    seconds = ring_s(
        moved_bytes=piece, factor=2.0, group=ring, hardware=hardware, nic_share=software.nic_share
    )
    exposed = exposed_s(
        hardware=hardware, model=model, software=software, strategy=strategy, layer=layer, exchange_s=seconds
    )
    return Exchange(2.0 * (1.0 - 1.0 / ring.ranks) * piece, seconds, exposed)


def exposed_s(
    *,
    hardware: Hardware,
    model: Model,
    software: Software,
    strategy: Strategy,
    layer: LayerCosts,
    exchange_s: FloatArray,
) -> FloatArray:
    """Seconds by which an exchange of gradients after the group's own reduction makes the step longer."""
    count = micro_batches(strategy)
    st = runnable(strategy, count)
    stage = split_layers(layers=model.layers, pp=st.pp, vpp=st.vpp)
    chain, tail = gradient_window(software=software, strategy=st, stage_layers=stage.most, count=count)
    back = stage.most * (layer.backward_s + recompute_s(strategy=st, layer=layer))
    own = own_traffic_s(
        hardware=hardware, model=model, software=software, strategy=st, stage_layers=stage.most
    )

    def hide(communication: FloatArray) -> FloatArray:
        return hidden_s(
            communication_s=communication,
            compute_s=back * chain,
            window=software.data_window,
            slowdown=software.slowdown,
        )

    return (hide(own + exchange_s) - hide(own) + tail * exchange_s) * software.correction


def own_traffic_s(
    *, hardware: Hardware, model: Model, software: Software, strategy: Strategy, stage_layers: FloatArray
) -> FloatArray:
    """Seconds for which the group's own traffic takes the ports behind the last backward pass."""
    st, z = strategy, strategy.sharding
    dense, expert = stage_parameters(model=model, strategy=st, stage_layers=stage_layers)
    ranks = np.where(z >= 3, np.minimum(dense_ranks(st), st.shard_group), dense_ranks(st))
    reduce, gather = traffic_s(
        hardware=hardware, software=software, strategy=st, dense=dense, expert=expert, ranks=ranks
    )
    own = np.where(z == 0, 2.0 * reduce, reduce)
    if any_true(z >= 3):
        between = replicas_s(hardware=hardware, software=software, strategy=st, parameters=dense + expert)
        own = own + np.where(z >= 3, gather + between, 0.0)
    return own


def growth_across_s(
    *, software: Software, strategy: Strategy, step: StepCosts, ranks: FloatArray, dp: FloatArray
) -> FloatArray:
    """Seconds that the step of a group grows because it waits for all groups: jitter and stragglers.

    The growth of a step with its own accelerators (`planner.model.training.doublings`), carried on to those
    of all groups.

    Parameters
    ----------
    ranks, dp
        Accelerators and replicas of all groups.
    """
    st = strategy
    own = doublings(ranks=st.tp * st.cp * st.pp * st.dp, dp=st.dp)
    plain = step.step_s / software.correction - step.growth_s - step.fixed_s
    more = np.maximum(doublings(ranks=ranks, dp=dp) - own, 0.0)
    return plain * software.growth * more * software.correction
