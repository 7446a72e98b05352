"""Numbers with a range as samples: an interval is one more axis over the same code.

A quantity becomes a column of samples, shape ``[S, 1]``, whose first entry is the stated value; arrays of
plans or clusters, shape ``[R]``, broadcast against it. The same quantity is drawn alike wherever it is used,
so that errors that two answers share cancel in their comparison, which keeps the samples; see `kept`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity

__all__ = ["EIGHTY", "Kept", "Samples", "interval", "keep", "kept"]

T = TypeVar("T")

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
        keeping = _KEEPING.get()
        if keeping is not None:
            keeping.ranges[key] = (value, low, high)
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


@dataclass(frozen=True, eq=False)
class Kept:
    """Samples that the intervals of answers were made of, for a comparison of the answers.

    Attributes
    ----------
    ranges : dict
        By key: value and ends of what was drawn.
    """

    ranges: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    _by_id: dict[int, tuple[object, FloatArray]] = field(default_factory=dict)

    def of(self, interval: object) -> FloatArray | None:
        """Return the samples ``[S]`` of this very interval, the value first; None where there are none."""
        found = self._by_id.get(id(interval))
        return None if found is None else found[1]

    def add(self, interval: object, samples: FloatArray) -> None:
        """Remember the samples of an interval, which is held so that nothing else takes its id."""
        self._by_id[id(interval)] = (interval, samples)


_KEEPING: ContextVar[Kept | None] = ContextVar("planner.tables.samples.keeping", default=None)


@contextmanager
def kept() -> Iterator[Kept]:
    """Keep the samples of all that is asked inside; without this they are gone once intervals are made."""
    keeping = Kept()
    token = _KEEPING.set(keeping)
    try:
        yield keeping
    finally:
        _KEEPING.reset(token)


def keep(interval: T, samples: FloatArray) -> T:
    """Return an interval, and keep the samples ``[S]`` that it was made of where somebody asked for them."""
    keeping = _KEEPING.get()
    if keeping is not None:
        keeping.add(interval, samples)
    return interval
