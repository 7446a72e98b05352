"""A step of reinforcement learning: generate, score, train, publish the weights.

Colocated and synchronous, one after the other on the same accelerators; asynchronous, side by side on two
sets of them, where the slower one decides.

References
----------
.. [1] D. Khatri et al., "The Art of Scaling Reinforcement Learning Compute for LLMs", arXiv:2510.13786
   (2025), section 3.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray, IntArray

__all__ = ["LIMITS", "Asynchronous", "asynchronous", "best_split", "forward_share", "synchronous"]

LIMITS: Final = ("generation", "training", "long rollouts")
"""What an asynchronous step may wait for, in the order of `Asynchronous.limit`."""
BACKWARD: Final = 2.0
"""Forward passes that a backward pass is worth."""


class Asynchronous(NamedTuple):
    """Steps whose two sides run at the same time."""

    seconds: FloatArray
    limit: IntArray
    """Index into `LIMITS`."""
    idle_generation: FloatArray
    """Share of the time in which the generators have nothing to do."""
    idle_training: FloatArray


def forward_share(*, passes: Values, epochs: Values) -> FloatArray:
    """Forward-only passes over the rollouts, in training passes of forward and backward.

    Log-probabilities of the old policy, of a reference or of a teacher take 2 N a token, a third of the 6 N
    of training; `epochs` training passes are made.
    """
    return np.asarray(array(epochs) + array(passes) / (1.0 + BACKWARD))


def synchronous(
    *, generation_s: Values, check_s: Values, training_s: Values, publish_s: Values, swap_s: Values
) -> FloatArray:
    """One after the other: `check_s` from the last token to the last reward, `swap_s` to change roles."""
    parts = (generation_s, check_s, training_s, publish_s, swap_s)
    return np.asarray(sum(array(part) for part in parts))


def asynchronous(
    *,
    generation_s: Values,
    training_s: Values,
    long_s: Values,
    staleness: Values,
    publish_s: Values,
    pause_s: Values,
) -> Asynchronous:
    """Side by side: the slower side decides, and long rollouts may not outlast `staleness` steps [1]_.

    Parameters
    ----------
    generation_s, training_s
        To generate, and to train on, the rollouts of a step.
    long_s
        Of a rollout than which few are longer.
    staleness
        Steps after which a rollout may no longer be trained on, 1 or more.
    publish_s
        Trainers hand over the weights and wait for so long.
    pause_s
        Generators take the weights and pause for so long.

    Raises
    ------
    InputError
        A staleness below one step.
    """
    steps = array(staleness)
    if not np.all(steps >= 1.0):
        raise InputError("asynchronous training needs a staleness of at least one step; write 1 or more")
    making, using = array(generation_s) + array(pause_s), array(training_s) + array(publish_s)
    sides = np.broadcast_arrays(making, using, array(long_s) / steps)
    seconds = np.maximum(np.maximum(sides[0], sides[1]), sides[2])
    with np.errstate(invalid="ignore"):
        idle = [np.clip(1.0 - side / seconds, 0.0, 1.0) for side in sides[:2]]
    return Asynchronous(
        seconds=seconds,
        limit=np.argmax(np.stack(sides), axis=0),
        idle_generation=idle[0],
        idle_training=idle[1],
    )


def best_split(seconds: FloatArray) -> int:
    """Return the place of the shortest step among splits ``[R]``, the first of equal ones; -1 for none.

    Splits that do not fit are infinite or NaN.
    """
    known = np.where(np.isnan(seconds), np.inf, seconds)
    if known.size == 0 or not np.any(np.isfinite(known)):
        return -1
    return int(np.argmin(known))
