"""Curves that a linear program can hold: a rate against accelerators, and demand over a day.

References
----------
.. [1] Any point of the upper concave hull of (0, 0) and measured points is reached by spending shares of the
   time at two of them: the hull is the best that switching between sizes gives.
.. [2] N. I. Fisher, "Statistical Analysis of Circular Data", Cambridge University Press (1993), section
   3.3.6: the von Mises density ``exp(k cos(x)) / (2 pi I0(k))``, the usual bell on a circle.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.types import FloatArray

__all__ = ["MOST_PEAKED", "Hull", "concave_hull", "daily_curve"]

MOST_PEAKED: Final = 8.0
"""Largest peak over mean of a daily curve: nearly all of the demand within two hours."""
_HOURS: Final = 24.0
_FINE: Final = 240
"""Points of a day, per period, over which the curve is averaged; the peak of an hour is flat."""
_HALVINGS: Final = 60


class Hull(NamedTuple):
    """A concave curve through the origin as segments, the steepest first.

    Attributes
    ----------
    width : array
        Accelerators of each segment, ``[S]``.
    slope : array
        Rate per accelerator in it, ``[S]``, falling.
    loss : float
        The largest share by which a point lies below the curve.
    """

    width: FloatArray
    slope: FloatArray
    loss: float


def concave_hull(*, accelerators: FloatArray, rate: FloatArray) -> Hull:
    """Find the upper concave hull of measured rates and the origin [1]_.

    Parameters
    ----------
    accelerators : array
        Sizes at which the rate is known, ``[P]``, positive, in any order.
    rate : array
        Rate at each, ``[P]``, any unit; not negative.

    Returns
    -------
    Hull
        Segments with falling slopes; those that add nothing are left out, so that the curve ends where the
        rate is largest.

    Examples
    --------
    >>> hull = concave_hull(accelerators=np.array([8.0, 16.0]), rate=np.array([8.0, 12.0]))
    >>> hull.width, hull.slope
    (array([8., 8.]), array([1. , 0.5]))
    """
    order = np.argsort(accelerators, kind="stable")
    sizes = np.concatenate([[0.0], np.asarray(accelerators, dtype=float)[order]])
    rates = np.concatenate([[0.0], np.asarray(rate, dtype=float)[order]])
    kept: list[int] = []
    for point in range(len(sizes)):
        while len(kept) > 1 and _below(sizes, rates, kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    while len(kept) > 1 and rates[kept[-1]] <= rates[kept[-2]]:
        kept.pop()
    width = np.diff(sizes[kept])
    slope = np.diff(rates[kept]) / np.maximum(width, np.finfo(float).tiny)
    on_curve = np.interp(sizes, sizes[kept], rates[kept])
    share = np.divide(rates, on_curve, out=np.ones_like(rates), where=on_curve > 0.0)
    return Hull(width, slope, float(1.0 - share.min()))


def _below(sizes: FloatArray, rates: FloatArray, left: int, middle: int, right: int) -> bool:
    """Whether the middle point does not lie above the line between its neighbours."""
    rise = (rates[right] - rates[left]) * (sizes[middle] - sizes[left])
    own = (rates[middle] - rates[left]) * (sizes[right] - sizes[left])
    return bool(own <= rise)


def daily_curve(*, peak_over_mean: float, peak_hour: float, periods: int) -> FloatArray:
    """Demand over the periods of a day, relative to its mean.

    A bell on the circle of 24 hours [2]_: ``exp(k cos(2 pi (h - peak) / 24)) / I0(k)``, whose one shape
    parameter ``k`` follows from the peak over the mean, ``exp(k) / I0(k)``.

    Parameters
    ----------
    peak_over_mean
        Of the busiest moment, typically 1.2 (services used around the world) to 3 (one time zone).
    peak_hour
        When it is, 0 to 24.
    periods
        Of equal length, from midnight.

    Returns
    -------
    array
        Mean of the curve in each period, ``[periods]``; their mean is 1.

    Raises
    ------
    InputError
        A peak below the mean, or above `MOST_PEAKED` times the mean.
    """
    if not 1.0 <= peak_over_mean <= MOST_PEAKED:
        raise InputError(
            f"a peak of {peak_over_mean:g} times the mean: it must lie between 1 and {MOST_PEAKED:g}"
        )
    low, high = 0.0, 2.0 * np.pi * MOST_PEAKED**2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if _peak(middle) > peak_over_mean else (middle, high)
    hours = (np.arange(periods * _FINE) + 0.5) / (periods * _FINE) * _HOURS
    bell = np.exp(low * (np.cos(2.0 * np.pi * (hours - peak_hour) / _HOURS) - 1.0))
    means = bell.reshape(periods, _FINE).mean(axis=1)
    return np.asarray(means / means.mean())


def _peak(concentration: float) -> float:
    return float(np.exp(concentration) / np.i0(concentration))
