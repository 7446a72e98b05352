"""Which accelerators do what: most requests per second from unlike parts, as if replicas could be divided.

A part with ``G`` accelerators serves ``a`` requests per second and accelerator by itself, or prefills ``p``,
or decodes ``d``. With ``x, u, w`` accelerators for each::

    maximise  sum(a x) + Y    where  Y <= sum(p u),  Y <= sum(d w),  x + u + w <= G of each part

The dual has one unknown, the worth ``v`` of prefilling a request, its decoding being worth ``1 - v``: every
part does what is worth most, ``max(a, v p, (1 - v) d)`` per accelerator, and the best ``v`` minimises the
worth of all parts. That is convex and piecewise linear in ``v``, so that one of its corners is the answer.
Serving each part by itself, pools within one part, and prefill on one part for decode on another are the
special cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.types import BoolArray, FloatArray

__all__ = ["Split", "split"]

TIE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Split:
    """Accelerators of each part by what they do, ``[parts]``."""

    aggregated: FloatArray
    prefill: FloatArray
    decode: FloatArray
    rate: float  # requests per second


def split(*, gpus: FloatArray, aggregated: FloatArray, prefill: FloatArray, decode: FloatArray) -> Split:
    """Divide accelerators for the largest rate.

    Parameters
    ----------
    gpus
        Of each part, finite.
    aggregated, prefill, decode
        Requests per second and accelerator of each part in each role, 0 where it cannot.
    """
    worth = _worth_of_prefill(gpus, aggregated, prefill, decode)
    values = np.stack([aggregated, worth * prefill, (1.0 - worth) * decode])
    best = values >= (1.0 - TIE) * np.max(values, axis=0)
    best &= np.stack([aggregated, prefill, decode]) > 0
    return _balanced(gpus, aggregated, prefill, decode, best)


def _worth_of_prefill(
    gpus: FloatArray, aggregated: FloatArray, prefill: FloatArray, decode: FloatArray
) -> float:
    """Corner at which the worth of all parts is least."""
    with np.errstate(divide="ignore", invalid="ignore"):
        corners = np.concatenate(
            [decode / (prefill + decode), aggregated / prefill, 1.0 - aggregated / decode, [0.0, 1.0]]
        )
    corners = np.unique(corners[(corners >= 0.0) & (corners <= 1.0)])
    v = corners[:, None]
    total = np.maximum(np.maximum(aggregated, v * prefill), (1.0 - v) * decode) @ gpus
    # Of corners that are worth the same, the middle one: both pools then have a part that wants to be in it.
    least = corners[total <= np.min(total) * (1.0 + TIE)]
    return float(least[len(least) // 2])


def _balanced(
    gpus: FloatArray, aggregated: FloatArray, prefill: FloatArray, decode: FloatArray, best: BoolArray
) -> Split:
    """Give every part what is best for it; those to whom two things are the same balance the pools."""
    sure = np.sum(best, axis=0) == 1
    x, u, w = (np.where(sure & mask, gpus, 0.0) for mask in best)
    for part in np.flatnonzero(~sure & np.any(best, axis=0)):
        alone, fills, decodes = best[:, part]
        left = gpus[part]
        lack = float(np.sum(prefill * u) - np.sum(decode * w))
        if decodes and lack > 0:
            w[part] = min(left, lack / decode[part])
            left -= w[part]
        elif fills and lack < 0:
            u[part] = min(left, -lack / prefill[part])
            left -= u[part]
        if alone:
            x[part] = left
        else:
            share = decode[part] / (prefill[part] + decode[part])
            u[part] += share * left
            w[part] += (1.0 - share) * left
    pooled = min(float(np.sum(prefill * u)), float(np.sum(decode * w)))
    return Split(x, u, w, float(np.sum(aggregated * x)) + pooled)
