"""Numbers with a range as samples: an interval is one more axis over the same code.

A quantity becomes a column of samples, shape ``[S, 1]``, whose first entry is the stated value; arrays of
plans or clusters, shape ``[R]``, broadcast against it. The same quantity is drawn alike wherever it is used,
so that errors that two answers share cancel in their comparison.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity

__all__ = ["EIGHTY", "Samples", "interval"]

EIGHTY: Final = NormalDist().inv_cdf(0.9)
"""Standard deviations on either side of the middle that hold 80 %."""


@dataclass(frozen=True)
class Samples:
    """Draws quantities.

    Attributes
    ----------
    count : int
        Samples beside the stated value; 0 for the stated values alone.
    """

    count: int = 255

    def of(self, quantity: Quantity, key: str) -> FloatArray:
        """Draw a quantity, shape ``[1 + count, 1]``; without a range it is the same everywhere, ``[1, 1]``.

        Parameters
        ----------
        quantity
            Its range is read as an 80 % interval around the value, of a split normal distribution: of the
            logarithm where both ends and the value are positive.
        key
            Names the number, for example ``site.memphis.pue.mean``; the same key gives the same draws.
        """
        if quantity.low is None or quantity.high is None or self.count == 0:
            return np.array([[quantity.value]])
        return self.ranged(quantity.value, quantity.low, quantity.high, key)

    def ranged(self, value: float, low: float, high: float, key: str) -> FloatArray:
        """Draw a number from its 80 % interval; see `of`."""
        if self.count == 0 or low == high:
            return np.array([[value]])
        z = self.normal(key) / EIGHTY
        if low > 0:
            up, down = math.log(high / value), math.log(value / low)
            drawn = value * np.exp(z * np.where(z > 0, up, down))
        else:
            drawn = np.maximum(value + z * np.where(z > 0, high - value, value - low), 0.0)
        return np.concatenate([[value], drawn])[:, None]

    def normal(self, key: str) -> FloatArray:
        """Stratified draws of the standard normal distribution , in an order of its own for each key."""
        return _normal(self.count, key)


@lru_cache(maxsize=1024)
def _normal(count: int, key: str) -> FloatArray:
    order = np.random.default_rng(zlib.crc32(key.encode())).permutation(count)
    drawn = _quantiles(count)[order]
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=8)
def _quantiles(count: int) -> FloatArray:
    """Return the middles of `count` equally likely parts of the standard normal distribution."""
    return np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in range(count)])


def interval(samples: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Value and ends of the 80 % interval of samples ``[S, ...]``, the first of which is the value."""
    samples = np.asarray(samples, dtype=float)
    value = samples[0]
    if samples.shape[0] == 1:
        return value, value, value
    ordered = np.sort(samples[1:], axis=0)
    low, high = (_at(ordered, share) for share in (0.1, 0.9))
    return value, np.minimum(low, value), np.maximum(high, value)


def _at(ordered: FloatArray, share: float) -> FloatArray:
    """Quantile of ordered values, linear between neighbours."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    between: FloatArray = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return between
