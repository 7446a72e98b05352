"""The largest rate that a replica sustains, and how many requests its memory holds."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.model.queueing.lengths import Lengths
from planner.model.queueing.normal import normal_cdf
from planner.model.step_times import StepTimes
from planner.types import BoolArray, FloatArray

__all__ = ["MemoryPlaces", "largest_rate", "memory_places"]

_STEPS: Final = 16
_MOST_PLACES: Final = 1e6
"""Stands for no limit where a formula needs a number."""


def largest_rate(
    *,
    steps: StepTimes,
    mixed: BoolArray,
    chunk: FloatArray,
    places: FloatArray,
    prompt: Lengths,
    output_steps: FloatArray,
) -> FloatArray:
    """Return the requests per second at which a replica is just saturated, ``[R]``.

    Mixed steps are full of prompt tokens, or all places decode and prompts take what comes back. With
    prompts first, each decode step of a full replica frees ``places / output_steps`` places, and the prompts
    that take them share prefill steps.

    Parameters
    ----------
    output_steps
        Mean decode steps of a request.
    """
    tokens = np.maximum(prompt.mean, 1e-9)
    outputs = np.maximum(output_steps, 1e-9)
    held = np.minimum(places, _MOST_PLACES)
    zero = np.zeros_like(held)
    # mixed: a request holds its place in the steps of its prompt too
    prefills = np.maximum(tokens / chunk + 0.5, 1.0)
    decoding = held / (1.0 + prefills / outputs)
    free = np.minimum(chunk * outputs / (tokens + outputs), np.maximum(chunk - 1.0, 0.0))
    batch = np.minimum(free, decoding)
    room = np.maximum(chunk - batch, 1.0)
    full = steps.at(batch=batch, tokens=room)
    by_chunk = room / (tokens * full)
    decode = steps.at(batch=batch, tokens=zero)
    by_place = batch / (outputs * decode + batch * tokens * (full - decode) / room)
    riding = np.where(decoding <= free, np.minimum(by_place, by_chunk), by_chunk)
    # prompts first
    freed = held / outputs
    some = -np.expm1(-np.minimum(freed, 700.0))
    burst = freed * tokens / some
    square = freed * (prompt.square + freed * tokens**2) / some
    passes = _passes(burst, square / burst**2 - 1.0, chunk)
    prefill = passes * steps.at(batch=zero, tokens=np.minimum(burst / passes, chunk)) * some / freed
    each = steps.at(batch=held, tokens=zero) * outputs / held
    first = 1.0 / (prefill + each)
    rate: FloatArray = np.where(mixed, riding, first)
    return rate


def _passes(mean: FloatArray, cv2: FloatArray, chunk: FloatArray) -> FloatArray:
    """Mean number of whole steps of `chunk` tokens for a burst of prompts, taken as lognormal."""
    sigma = np.sqrt(np.log1p(np.maximum(cv2, 1e-6)))[:, None]
    bound = np.log(np.arange(1, _STEPS) * (chunk / mean)[:, None])
    more = normal_cdf(-(bound / sigma + 0.5 * sigma)).sum(axis=1)
    return np.where(mean < 0.25 * _STEPS * chunk, 1.0 + more, mean / chunk + 0.5)


class MemoryPlaces(NamedTuple):
    """Requests that memory holds at once, ``[R]``."""

    places: FloatArray
    cv2: FloatArray  # squared cv of what each of them holds


def memory_places(
    *, kv_tokens: FloatArray, held: Lengths, output: Lengths, reserve: FloatArray | float = 1.0
) -> MemoryPlaces:
    """Return the requests that fit in memory at once, at least one.

    Requests with long outputs stay longer, so that those found inside reserve more than the average one:
    ``E[O^2] / E[O]`` tokens of output. Half a request is lost to the one that waits and does not fit.

    Parameters
    ----------
    held
        Prompt tokens that a request keeps, cached ones included unless shared.
    reserve
        Share of the output for which memory is reserved.
    """
    mean = np.maximum(output.mean, 1e-300)
    cube = (output.points**3 * output.weights).sum(axis=1)
    size = np.maximum(held.mean + reserve * output.square / mean, 1.0)
    square = held.square + 2.0 * held.mean * reserve * output.square / mean + reserve**2 * cube / mean
    places = np.maximum(kv_tokens / size - 0.5, 1.0)
    return MemoryPlaces(places, np.maximum(square / size**2 - 1.0, 0.0))
