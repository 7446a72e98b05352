"""Products and quotients of intervals whose errors are independent: their logarithms add as squares."""

from __future__ import annotations

from math import exp, hypot, log
from typing import Final

from planner.plan.document import Interval

__all__ = ["exact", "over", "times"]

_NONE: Final = 1e-300


def exact(value: float) -> Interval:
    """Return a number without a spread."""
    return Interval(value=value, low=value, high=value)


def times(one: Interval, other: Interval) -> Interval:
    """Return the product."""
    value = one.value * other.value
    down = hypot(_down(one), _down(other))
    up = hypot(_up(one), _up(other))
    return Interval(value=value, low=value * exp(-down), high=value * exp(up))


def over(one: Interval, other: Interval) -> Interval:
    """Return the quotient; the divisor is above 0."""
    value = one.value / other.value
    down = hypot(_down(one), _up(other))
    up = hypot(_up(one), _down(other))
    return Interval(value=value, low=value * exp(-down), high=value * exp(up))


def _down(one: Interval) -> float:
    """Distance of the low end in logarithms; one without a spread has none, also at zero."""
    return 0.0 if one.low >= one.value else log(one.value / max(one.low, _NONE))


def _up(one: Interval) -> float:
    return 0.0 if one.high <= one.value else log(one.high / one.value)
