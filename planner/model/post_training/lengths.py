"""Lengths of rollouts: a lognormal cut at the longest that is allowed, on a fixed grid of its quantiles.

An array of lengths has the grid as its last axis ``[..., Q]``; what an expectation needs of the distribution
does not depend on the row. The longest of n independent rollouts has the distribution function F to the n-th
power, which the grid integrates for any n.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray

__all__ = ["ABOVE", "BELOW", "any_left", "expected", "longest", "quantile", "rollout_lengths", "visited"]

_Z: Final[FloatArray] = np.linspace(-8.0, 8.0, 401)
"""Nodes in standard deviations of the logarithm; nothing is left beyond them for 1e12 rollouts."""
ABOVE: Final[FloatArray] = np.array([0.5 * math.erfc(z / math.sqrt(2.0)) for z in _Z])
"""Share of the rollouts that are longer than each node, ``[Q]``."""
BELOW: Final[FloatArray] = 1.0 - ABOVE
_WEIGHTS: Final[FloatArray] = (np.diff(BELOW, prepend=BELOW[0]) + np.diff(BELOW, append=BELOW[-1])) / 2.0
"""Of the nodes in a mean: half of what lies on both sides of each."""
_LOG_BELOW: Final[FloatArray] = np.log(
    np.maximum(0.5 * np.array([math.erfc(-z / math.sqrt(2)) for z in _Z]), 1e-300)
)
_STEPS: Final = 60
_FULL: Final = 0.98
"""Share of the limit above which a mean leaves no room for a spread."""
_WIDEST: Final = 40.0
"""Powers of e by which the uncut lognormal may exceed the mean after the cut."""


def rollout_lengths(*, mean: Values, sigma: Values, most: Values = math.inf) -> FloatArray:
    """Lengths at the nodes of the grid, ``[..., Q]``; their mean is `mean`, the cut included.

    Parameters
    ----------
    mean
        Tokens that a rollout has on average, as it was measured: after the cut.
    sigma
        Standard deviation of the logarithm before the cut; 0 where all are alike.
    most
        Tokens at which a rollout is cut off.

    Raises
    ------
    InputError
        A mean that is not positive, or so near the limit that hardly any rollout could be shorter.
    """
    middle, spread, limit = (array(value)[..., None] for value in (mean, sigma, most))
    if not np.all(middle > 0.0):
        raise InputError("the mean length of a rollout must be above 0 tokens")
    if np.any(middle > _FULL * limit):
        raise InputError(
            "the mean length of a rollout is as long as the longest that is allowed; raise the limit or "
            "lower the mean"
        )
    shape = middle * np.exp(spread * _Z - spread**2 / 2.0)
    if np.all(np.isinf(limit)):
        return shape
    _, middle, limit = np.broadcast_arrays(spread, middle, limit)
    low, high = np.zeros_like(middle), np.full_like(middle, _WIDEST)
    cut = np.empty(np.broadcast_shapes(shape.shape, middle.shape))
    for _ in range(_STEPS):
        between = (low + high) / 2.0
        np.minimum(np.multiply(shape, np.exp(between), out=cut), limit, out=cut)
        short = expected(cut)[..., None] < middle
        low, high = np.where(short, between, low), np.where(short, high, between)
    return np.minimum(shape * np.exp(high), limit)


def expected(values: FloatArray) -> FloatArray:
    """Mean of a function of the length, given at the nodes ``[..., Q]``."""
    mean: FloatArray = values @ _WEIGHTS
    return mean


def visited(lengths: FloatArray, window: Values = math.inf) -> FloatArray:
    """Length of the sequence that a token is in on average, ``E[L min(L, window)] / E[L]``.

    Attention costs what this length says. A rollout beyond the window goes on in a new sequence, with a
    summary of its own.
    """
    held = np.minimum(lengths, array(window)[..., None])
    return expected(lengths * held) / expected(lengths)


def quantile(lengths: FloatArray, share: Values) -> FloatArray:
    """Length that a share of the rollouts stays below, ``[...]``; shares of the shape of the rows, or one."""
    wanted = np.broadcast_to(array(share), np.broadcast_shapes(np.shape(share), lengths.shape[:-1]))
    place = np.clip(np.searchsorted(BELOW, wanted), 1, BELOW.size - 1)
    part = np.clip(
        (wanted - BELOW[place - 1]) / np.maximum(BELOW[place] - BELOW[place - 1], 1e-300), 0.0, 1.0
    )
    rows = np.broadcast_to(lengths, (*wanted.shape, BELOW.size))
    before, after = (np.take_along_axis(rows, at[..., None], axis=-1)[..., 0] for at in (place - 1, place))
    return np.asarray(before + part * (after - before))


def any_left(count: Values) -> FloatArray:
    """Chance that one of `count` rollouts is longer than each node, ``1 - F^n``, ``[..., Q]``."""
    return np.asarray(-np.expm1(array(count)[..., None] * _LOG_BELOW))


def longest(lengths: FloatArray, count: Values) -> FloatArray:
    """Mean length of the longest of `count` rollouts, ``[...]``."""
    done = 1.0 - any_left(count)
    middles = (lengths[..., 1:] + lengths[..., :-1]) / 2.0
    # What lies below the first node, or above the last, is as long as that node.
    inside = np.sum(middles * np.diff(done), axis=-1)
    return np.asarray(inside + lengths[..., 0] * done[..., 0] + lengths[..., -1] * (1.0 - done[..., -1]))
