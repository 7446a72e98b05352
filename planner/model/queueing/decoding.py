"""How long decoding takes: by request, and from token to token.

Mixed steps: steps with prompts last longer than those without, and they come in runs. A request
that starts to decode finds the replica in either state with the chances of the time, but as its tokens
come more slowly in the one, a long output sees the states with the chances of steps. The states alternate
with the relaxation time of the queue of prompts, ``E[S] (1 + cv^2) / (2 (1 - r))``, that gives the busy
time of M/G/1 its variance.

Prompts first: decoding stands still while prompts are prefilled. The time of ``x`` decode steps is a busy
period of the prompts that begins with that work [1]_, after the prompts that the request has left behind.

References
----------
.. [1] N. K. Jaiswal, "Priority Queues" (1968): completion times under preemptive priority.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.queueing.normal import normal_quantile
from planner.model.queueing.operating import Point
from planner.types import BoolArray, FloatArray

__all__ = ["DecodeLaw", "decode_law", "gap_quantiles"]


@dataclass(frozen=True, eq=False)
class DecodeLaw:
    """Seconds from the first to the last token, by points of the output and by the state found at the start.

    The states are a free replica and one busy with prompts; within each, the time beyond the least is
    taken as lognormal.
    """

    least_s: FloatArray  # [R, J]
    chance: FloatArray  # of the states, [R, 2]
    mean_s: FloatArray  # [R, J, 2]
    deviation_s: FloatArray  # [R, J, 2]

    @property
    def average_s(self) -> FloatArray:
        """Mean by point of the output, ``[R, J]``."""
        total: FloatArray = (self.mean_s * self.chance[:, None, :]).sum(axis=2)
        return total


def decode_law(
    *,
    point: Point,
    mixed: BoolArray,
    output_steps: FloatArray,
    tail_s: FloatArray,
    first_s: FloatArray,
    batch_deviation: FloatArray,
    short: FloatArray,
    short_step_s: FloatArray,
) -> DecodeLaw:
    """Law of the decoding time of requests of `output_steps` steps, ``[R, J]``.

    Parameters
    ----------
    tail_s
        Relaxation time of the queue of prompts, ``[R]``.
    first_s
        Mean time to the first token but for slots, ``[R]``.
    batch_deviation
        Standard deviation of the batch, ``[R]``.
    short, short_step_s
        Chance that no slot is free, when prompts come only as slots do, and the mean step then.
    """
    riding, riding_var, busy = _mixed(point, output_steps, tail_s, short, short_step_s)
    first, first_var, behind = _prompts_first(point, output_steps, first_s, short)
    each = (point.decode_s - point.first_s) / np.maximum(point.batch, 1e-9) / (1.0 - point.prefill_share)
    beside = 0.5 * (each * batch_deviation)[:, None] ** 2 * output_steps**2
    which = mixed[:, None, None]
    variance = np.where(which, riding_var, first_var) + beside[:, :, None]
    chance = np.where(mixed, busy, behind)
    least = output_steps * point.decode_s[:, None]
    return DecodeLaw(
        least_s=least,
        chance=np.stack([1.0 - chance, chance], axis=1),
        mean_s=np.maximum(np.where(which, riding, first), least[:, :, None]),
        deviation_s=np.sqrt(variance),
    )


def _mixed(
    point: Point, x: FloatArray, tail_s: FloatArray, short: FloatArray, short_step_s: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and variance by state, and the chance of the busy one."""
    law, decode = point.queue.law, point.decode_s[:, None]
    step = law.step_s[:, None]
    by_step = 1.0 - law.cell_share[:, :1]  # share of steps with prompts
    with_prompts = np.maximum((step - law.cell_share[:, :1] * decode) / np.maximum(by_step, 1e-12), decode)
    by_time = np.minimum(by_step * with_prompts / step, 1.0)
    held_up = np.minimum(short[:, None] / np.maximum(by_time, 1e-12), 1.0)
    seen_s = with_prompts + held_up * np.minimum(short_step_s[:, None] - with_prompts, 0.0)
    pace = ((1.0 - by_time) * with_prompts + by_time * decode) / np.maximum(tail_s, 1e-12)[:, None]
    seen = -np.expm1(-pace * x) / np.maximum(pace, 1e-12)  # steps until the first state is forgotten
    slower = np.maximum(seen_s - decode, 0.0)
    states = np.stack([-by_step, 1.0 - by_step], axis=2)
    mean = (x * step)[:, :, None] + states * (slower * seen)[:, :, None]
    # in the long run as a busy period of the prompts; less before the states mix
    variance = _stalls(point, x) * np.maximum(1.0 - seen / np.maximum(x, 1e-12), 0.0)
    return mean, np.repeat(variance[:, :, None], 2, axis=2), by_time[:, 0]


def _prompts_first(
    point: Point, x: FloatArray, first_s: FloatArray, short: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and variance by state, and the chance that prompts are left behind."""
    share, queue = point.prefill_share, point.queue
    free = 1.0 - share
    each = share / np.maximum(point.rate, 1e-300)  # prefill time of a prompt, its steps shared with others
    behind = np.maximum(share * first_s - queue.later_share * each, 0.0) / free
    chance = np.clip(share, 1e-6, 1.0)
    behind *= 1.0 - np.minimum(short / chance, 1.0)
    work = x * point.decode_s[:, None]
    stalls = _stalls(point, x)
    wait = (behind / chance)[:, None]
    none = work / free[:, None]
    mean = np.stack([none, none + wait], axis=2)
    return mean, np.stack([stalls, stalls + wait**2], axis=2), chance


def _stalls(point: Point, x: FloatArray) -> FloatArray:
    """Variance of the time of `x` decode steps that prompts interrupt, from a replica in balance."""
    each = point.prefill_share / np.maximum(point.rate, 1e-300)
    square = each**2 * (1.0 + point.queue.service_cv2)
    pace = point.rate * square * point.decode_s / (1.0 - point.prefill_share) ** 3
    variance: FloatArray = pace[:, None] * x
    return variance


def gap_quantiles(*, point: Point, mixed: BoolArray, q: FloatArray) -> FloatArray:
    """Quantiles of the gap between two tokens of a request, over tokens, ``[R, P]``.

    Mixed: steps by their prompt tokens. Prompts first: a decode step, with the prefill steps that came
    between by a chance, whose time is taken as lognormal with the moments of a busy period.
    """
    order = np.argsort(point.queue.law.cell_s, axis=1)
    seconds = np.take_along_axis(point.queue.law.cell_s, order, axis=1)
    below = np.cumsum(np.take_along_axis(point.queue.law.cell_share, order, axis=1), axis=1)
    at = np.minimum((below[:, :, None] < q).sum(axis=1), seconds.shape[1] - 1)
    riding = np.take_along_axis(seconds, at, axis=1)
    stalled = np.maximum(-np.expm1(-point.rate * point.decode_s), 1e-12)
    free = 1.0 - point.prefill_share
    mean = point.prefill_share / free * point.decode_s / stalled
    variance = np.log(np.maximum((1.0 + point.queue.service_cv2) / free, 1.0 + 1e-6))
    within = 1.0 - (1.0 - q) / stalled[:, None]
    z = normal_quantile(np.clip(within, 1e-12, 1.0 - 1e-12))
    longer = np.exp(
        np.log(np.maximum(mean, 1e-300))[:, None] - 0.5 * variance[:, None] + np.sqrt(variance)[:, None] * z
    )
    first = point.decode_s[:, None] + np.where(within > 0.0, longer, 0.0)
    quantiles: FloatArray = np.where(mixed[:, None], riding, first)
    return quantiles
