"""Generating rollouts: a batch that is run to its end, or a stream that never ends.

References
----------
.. [1] A. Piche et al., "PipelineRL", arXiv:2509.19128 (2025): weights change while rollouts run.
.. [2] D. Khatri et al., "The Art of Scaling Reinforcement Learning Compute for LLMs", arXiv:2510.13786
   (2025), section 3: asynchronous generators with bounded staleness.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.model.cost.values import Values, array
from planner.model.post_training.decoding import Curve, pace_s, room
from planner.model.post_training.lengths import ABOVE, any_left, expected, quantile
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
    mean_s: FloatArray
    """Of a rollout of mean length at the pace of the start, once it has a place."""


class Flowing(NamedTuple):
    """A stream of rollouts in steady state, rows ``[...]``."""

    rollouts_per_s: FloatArray
    at_once: FloatArray
    """Rollouts in flight."""
    mean_s: FloatArray
    """Of a rollout, waits and its check included."""
    long_s: FloatArray
    """Of the longest that is still in time."""
    roomy: FloatArray
    """Rollouts that memory would hold."""


_HALVINGS: Final = 16


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
        mean_s=mean * start,
    )


def flowing(
    *,
    lengths: FloatArray,
    rollouts: Values,
    replicas: Values,
    curve: Curve,
    wait_s: Values,
    kept: Values,
    staleness: Values,
    late: Values = 0.01,
    check_s: Values = 0.0,
    slots: Values | None = None,
    most: Values = np.inf,
) -> Flowing:
    """Generate without end: a rollout that is done makes room for the next [1]_ [2]_.

    What is in flight is bounded by memory, by the environments there are, and by staleness: a rollout that
    starts now is trained on at most `staleness` steps later, so that no more than the rollouts of so many
    steps may be under way. By Little's law their number over the mean time of a rollout is the rate. Fewer
    are admitted where that lets the long ones finish in time: engines run faster with less in them. The
    number taken is the one with which ``max(rollouts / rate, long_s / staleness)``, the least time of a step,
    is shortest.

    Parameters
    ----------
    rollouts
        Of a step.
    staleness
        Steps, 1 or more.
    late
        Share of the rollouts, the longest ones, that may be older and are then thrown away.
    check_s
        From the last token of a rollout to its reward; it holds an environment and no memory of the engine.
    lengths, replicas, curve, wait_s, kept, slots, most
        As in `drained`.
    """
    of_step, copies = np.broadcast_arrays(array(rollouts), array(replicas))
    check, mean, steps = array(check_s), expected(lengths), array(staleness)
    long = quantile(lengths, 1.0 - array(late))
    memory = room(curve=curve, wait_s=wait_s, kept=kept, slots=slots) * copies
    allowed = np.minimum(steps * of_step, array(most))

    def pace(busy: FloatArray) -> FloatArray:
        return pace_s(alive=busy / copies, curve=curve, wait_s=wait_s)

    # Those that are checked are in flight too, beside those in memory: their share follows from the pace.
    busy = np.minimum(memory, allowed)
    for _ in range(4 if np.any(check > 0.0) else 0):
        each = mean * pace(busy)
        busy = np.minimum(memory, allowed * each / (each + check))
    low, high = np.zeros_like(busy), busy
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        speed = pace(middle)
        slow = of_step * mean * speed / np.maximum(middle, 1e-300) > (long * speed + check) / steps
        low, high = np.where(slow, middle, low), np.where(slow, high, middle)
    each = pace(high)
    rate = high / (mean * each)
    return Flowing(
        rollouts_per_s=rate,
        at_once=rate * (mean * each + check),
        mean_s=mean * each + check,
        long_s=long * each + check,
        roomy=memory + rate * check,
    )
