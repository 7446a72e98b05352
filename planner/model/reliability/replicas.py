"""Fault-tolerant data parallelism: a failure takes out one group of the job, and the others train on.

References
----------
.. [1] Meta, torchft (2025), fault-tolerant hybrid-sharded data parallelism: a quorum of the groups at every
   step; a group that comes back fetches its state from a peer.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.types import BoolArray, FloatArray

__all__ = ["GroupShares", "replicas_goodput"]

MOST_GROUPS_AWAY: Final = 0.2
"""Mean share of groups away up to which the model holds."""


class GroupShares(NamedTuple):
    """Shares of the time of a job of replica groups; the first three add up to 1."""

    progress: FloatArray
    stalled: FloatArray
    """All groups wait for a new quorum."""
    away: FloatArray
    """The share of groups that is being repaired."""
    valid: BoolArray


def replicas_goodput(
    *, rate_per_s: FloatArray, replicas: FloatArray, stall_s: FloatArray, repair_s: FloatArray
) -> GroupShares:
    """Share of the work that K replica groups do while failures take out one after the other [1]_.

    To first order ``(1 - L t) (1 - L R / K)``; here ``exp(-L t) exp(-L R / K)``, the same for small losses
    and between 0 and 1 for all: failures during a stall or a repair start it again. The batch shrinks with
    the groups that are away, so that their work is missing but nothing else waits.

    Parameters
    ----------
    rate_per_s
        Failures of the whole job, L.
    replicas
        Groups K.
    stall_s
        What all groups wait at a failure, t.
    repair_s
        Until the group is back, R.

    Returns
    -------
    GroupShares
        ``valid`` where L R / K is below `MOST_GROUPS_AWAY`.
    """
    missing = rate_per_s * repair_s / np.maximum(replicas, 1.0)
    running = np.exp(-rate_per_s * stall_s)
    progress = running * np.exp(-missing)
    return GroupShares(progress, 1.0 - running, running - progress, missing < MOST_GROUPS_AWAY)
