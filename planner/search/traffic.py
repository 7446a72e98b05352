"""Least data-parallel traffic of layouts, which depends on few of their fields.

Groups that differ in interleaving, sharding and recompute move what their fullest stage holds over the same
ranks. With the fewest layers of any interleaving that is a lower bound for all of them, worked out once.
"""

from __future__ import annotations

import numpy as np

from planner.model.data_parallel import Traffic, stage_parameters, traffic_s
from planner.model.learning import all_learn
from planner.model.sharding import dense_ranks
from planner.search.costs import TupleCosts
from planner.search.fit import FloorTables, base_strategy
from planner.search.space import Groups, Space
from planner.search.steps import Layouts
from planner.types import FloatArray

__all__ = ["least_traffic"]


def least_traffic(*, space: Space, costs: TupleCosts, rows: Layouts, tables: FloorTables) -> Traffic:
    """Return traffic that no row undercuts, ``[N]``; none where not all weights learn.

    Parameters
    ----------
    tables
        Fewest layers on the fullest stage of each pipeline size.
    """
    if not all_learn(costs.model):
        nothing = np.zeros(len(rows)), np.zeros(len(rows))
        return Traffic(every=nothing, sharded=nothing)
    pair = rows.t * len(space.pp) + rows.p
    key = pair * (int(np.max(rows.dp, initial=0.0)) + 1) + rows.dp.astype(np.int64)
    _, first, own = np.unique(key, return_index=True, return_inverse=True)
    groups = Groups(
        t=rows.t[first], p=rows.p[first], dp=rows.dp[first], count=rows.count[first], ranks=rows.ranks[first]
    )
    strategy = base_strategy(
        space,
        groups,
        vpp=np.ones(1),
        sharding=np.zeros(1, dtype=np.int64),
        shard_group=space.hybrid[groups.t],
    )
    dense, expert = stage_parameters(model=costs.model, strategy=strategy, stage_layers=tables.most[groups.p])
    ranks = dense_ranks(strategy)
    own = own.reshape(-1)

    def over(within: FloatArray) -> tuple[FloatArray, FloatArray]:
        reduce, gather = traffic_s(
            hardware=costs.hardware,
            software=costs.software,
            strategy=strategy,
            dense=dense,
            expert=expert,
            ranks=within,
        )
        return reduce[own], gather[own]

    return Traffic(every=over(ranks), sharded=over(np.minimum(ranks, strategy.shard_group)))
