"""Generating rollouts: a batch that is run to its end, or a stream that never ends.

References
----------
.. [1] A. Piche et al., "PipelineRL", arXiv:2509.19128 (2025): weights change while rollouts run.
.. [2] D. Khatri et al., "The Art of Scaling Reinforcement Learning Compute for LLMs", arXiv:2510.13786
   (2025), section 3: asynchronous generators with bounded staleness.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.model.cost.values import Values, array
from planner.model.post_training.decoding import Curve, pace_s, room
from planner.model.post_training.lengths import ABOVE, any_left, expected, longest
from planner.types import FloatArray

__all__ = ["Drained", "Flowing", "drained", "flowing"]


class Drained(NamedTuple):
    """A batch of rollouts from its start to the end of the longest, rows ``[...]``."""

    seconds: FloatArray
    """Until the last rollout is done."""
    tail_s: FloatArray
    """Of these, what rollouts of equal length would not take: engines run half empty."""
    at_once: FloatArray
    """Rollouts that run at a time, all replicas."""
    longest_s: FloatArray
    """Of the longest rollout alone, at the pace of the start."""


class Flowing(NamedTuple):
    """A stream of rollouts in steady state, rows ``[...]``."""

    rollouts_per_s: FloatArray
    at_once: FloatArray
    """Rollouts in flight."""
    mean_s: FloatArray
    """Of a rollout, waits and its check included."""
    longest_s: FloatArray
    """Of the longest of those of a step."""
    roomy: FloatArray
    """Rollouts that memory would hold."""


def drained(
    *,
    lengths: FloatArray,
    rollouts: Values,
    replicas: Values,
    curve: Curve,
    wait_s: Values,
    kept: Values,
    slots: Values | None = None,
    most: Values = np.inf,
) -> Drained:
    """Run a batch of rollouts to its end: as they finish, the batch shrinks and the longest are left.

    Each replica gets its share; what memory does not hold waits for a place. While n of the r rollouts of a
    replica are left at some position, every one of them takes one pace there, so that the time is the
    integral of the pace over positions up to the longest rollout of all replicas. With a pace that is linear
    in n that is exactly ``t0 E[longest] + t1 r E[L]``. Rollouts beyond the first wave are worked off at full
    batch, and the last wave drains as one that starts together: a discrete simulation differs by 10 % in
    places, near one to two waves.

    Parameters
    ----------
    lengths
        Tokens sampled of a rollout, ``[..., Q]``.
    rollouts, replicas
        Of the step; copies of the model that generate.
    curve, wait_s, kept, slots
        As in `planner.model.post_training.decoding`.
    most
        Rollouts at a time of all replicas: environments there are.
    """
    each, copies = np.broadcast_arrays(array(rollouts), array(replicas))
    held = np.minimum(room(curve=curve, wait_s=wait_s, kept=kept, slots=slots) * copies, array(most))
    first = np.minimum(each, held) / copies
    mean = expected(lengths)
    start = pace_s(alive=first, curve=curve, wait_s=wait_s)
    full = (each / copies / first - 1.0) * mean * start
    some = any_left(first)
    left = first[..., None] * ABOVE / np.maximum(some, 1e-300)
    alive = np.clip(np.where(some > 1e-12, left, 1.0), np.minimum(1.0, first)[..., None], first[..., None])
    pace = pace_s(alive=alive, curve=curve, wait_s=array(wait_s)[..., None])
    weighed = pace * any_left(each)
    steps = np.diff(lengths, axis=-1)
    drain = np.sum((weighed[..., 1:] + weighed[..., :-1]) / 2.0 * steps, axis=-1) + start * lengths[..., 0]
    even = each / copies / first * mean * start
    total = full + drain
    return Drained(
        seconds=total,
        tail_s=np.maximum(total - even, 0.0),
        at_once=first * copies,
        longest_s=longest(lengths, each) * start,
    )


def flowing(
    *,
    lengths: FloatArray,
    rollouts: Values,
    replicas: Values,
    curve: Curve,
    wait_s: Values,
    kept: Values,
    check_s: Values = 0.0,
    staleness: Values = np.inf,
    slots: Values | None = None,
    most: Values = np.inf,
) -> Flowing:
    """Generate without end: a rollout that is done makes room for the next [1]_ [2]_.

    What is in flight is bounded by memory, by the environments there are, and by staleness: a rollout that
    starts now is trained on at most `staleness` steps later, so that no more than the rollouts of so many
    steps may be under way. By Little's law their number over the mean time of a rollout is the rate.

    Parameters
    ----------
    rollouts
        Of a step.
    check_s
        From the last token of a rollout to its reward; it holds an environment and no memory of the engine.
    staleness
        Steps, 1 or more.
    lengths, replicas, curve, wait_s, kept, slots, most
        As in `drained`.
    """
    of_step, copies = np.broadcast_arrays(array(rollouts), array(replicas))
    memory = room(curve=curve, wait_s=wait_s, kept=kept, slots=slots) * copies
    check, mean = array(check_s), expected(lengths)
    allowed = np.minimum(array(staleness) * of_step, array(most))
    # Those that are checked are in flight too, beside those in memory: their share follows from the pace.
    busy = np.minimum(memory, allowed)
    for _ in range(8):
        pace = pace_s(alive=busy / copies, curve=curve, wait_s=wait_s)
        busy = np.minimum(memory, allowed * mean * pace / (mean * pace + check))
    pace = pace_s(alive=busy / copies, curve=curve, wait_s=wait_s)
    rate = busy / (mean * pace)
    return Flowing(
        rollouts_per_s=rate,
        at_once=rate * (mean * pace + check),
        mean_s=mean * pace + check,
        longest_s=longest(lengths, of_step) * pace + check,
        roomy=memory + rate * check,
    )
