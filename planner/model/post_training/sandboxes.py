"""Environments: how many run at a time, how fast they start, how many hosts carry them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.model.cost.values import Values, array
from planner.types import FloatArray

__all__ = ["Sandboxes", "sandboxes"]


class Sandboxes(NamedTuple):
    """What rollouts need beside accelerators, rows ``[...]``."""

    concurrent: FloatArray
    """At the busiest moment."""
    starts_per_s: FloatArray
    """On average over a step."""
    hosts: FloatArray
    """Whole ones."""


def sandboxes(
    *,
    at_once: Values,
    rollouts: Values,
    step_s: Values,
    per_rollout: Values,
    cores: Values,
    host_cores: Values,
) -> Sandboxes:
    """Environments of rollouts.

    Parameters
    ----------
    at_once
        Rollouts in flight; each holds its environments from its start to its reward.
    rollouts, step_s
        Started per step, evaluation and those thrown away included; seconds of a step.
    per_rollout
        Environments that one rollout holds; 0 where rewards come from rules alone.
    cores, host_cores
        Of one environment, and of a host after what it keeps for itself.
    """
    running = array(at_once) * array(per_rollout)
    return Sandboxes(
        concurrent=running,
        starts_per_s=np.asarray(array(rollouts) * array(per_rollout) / array(step_s)),
        hosts=np.ceil(running * array(cores) / array(host_cores)),
    )
