"""Ratios of two figures, and what the interval of each may rest on.

What is drawn by name cancels in a ratio that is taken sample by sample. What two errors of the estimator
share was measured for plans (`planner.plan.compare.spreads`) and for nothing else, and is not made up here:
ratios of figures that carry such errors have the interval of independent errors, and none where that would
mislead, as between two figures of the same prediction.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.compare.results import Basis
from planner.plan.compare.shown import Shown
from planner.plan.document import Interval
from planner.plan.independent import exact, over
from planner.tables.samples import interval
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["COMMON", "INDEPENDENT", "STATED", "identical", "ratio_between", "ratio_of"]

COMMON: Final = "common samples"
INDEPENDENT: Final = "independent errors"
STATED: Final = "stated values"
_ALIKE: Final = 1e-9


def ratio_of(samples: FloatArray | None, first: FloatArray | None) -> Interval | None:
    """Return the ratio of two figures sample by sample; None where there is none."""
    if samples is None or first is None or np.any(first <= 0.0):
        return None
    value, low, high = (float(end) for end in interval(samples / first))
    return Interval(value=value, low=low, high=high)


def ratio_between(
    one: Shown, sides: tuple[Answered, Answered], values: tuple[Interval | None, Interval | None]
) -> tuple[Interval | None, Basis | None]:
    """Return the ratio of a figure of the second side to that of the first, and what it rests on.

    Parameters
    ----------
    one
        The figure, with what is known of pairs of it.
    sides, values
        Of the first side and of the other.
    """
    first, other = values
    pairing = one.pairing
    if pairing is None or first is None or other is None or first.value <= 0.0:
        return None, None
    stated = exact(other.value / first.value)
    if identical(first, other):
        return stated, COMMON
    if pairing.estimated and _bare(first) and _bare(other):
        return stated, STATED
    same = pairing.same(*sides)
    if same or not pairing.estimated:
        drawn = [_known(one, side, value) for side, value in zip(sides, values, strict=True)]
        found = ratio_of(drawn[1], drawn[0])
        if found is not None:
            return found, COMMON
    return (stated, STATED) if same else (over(other, first), INDEPENDENT)


def _known(one: Shown, side: Answered, value: Interval | None) -> FloatArray | None:
    """Return samples of a figure that were drawn by name; a number without a range is all of its own."""
    if value is None:
        return None
    drawn = one.samples(side) if one.samples is not None else side.samples.of(value)
    return np.array([value.value]) if drawn is None and _bare(value) else drawn


def _bare(value: Interval) -> bool:
    return value.low == value.high


def identical(one: Interval, other: Interval) -> bool:
    """Whether two figures are the same prediction, value and ends."""
    pairs = ((one.value, other.value), (one.low, other.low), (one.high, other.high))
    return all(math.isclose(mine, its, rel_tol=_ALIKE) for mine, its in pairs)
