"""Where a statement about a figure stops to hold (or starts to) as one input moves away from its base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Final

__all__ = ["LADDER", "TOLERANCE", "Crossing", "Walk", "walked"]

LADDER: Final = (1.5, 4.0, 16.0)
"""How many times the base, and how small a part of it, is looked at: near it first."""
TOLERANCE: Final = 0.005
"""Share to which a threshold is known; whole numbers exactly, where they are smaller than its inverse."""
_EDGE: Final = 5
"""Halvings towards the last value that is taken."""
_NEARBY: Final = 0.4
"""Of the tolerance: how far beyond the place that two margins point to the next one is looked at."""

Margin = Callable[[float], float | None]
"""By how much the statement holds with the input at a value: 0 or more where it does, ``-inf`` where there is
no answer, None where the value is not taken."""


@dataclass(frozen=True)
class Crossing:
    """Where a statement changes.

    Attributes
    ----------
    holds : float
        The last value looked at with which it holds.
    fails : float
        The first with which it does not.
    """

    holds: float
    fails: float


@dataclass(frozen=True)
class Walk:
    """What was found on the way from the base in both directions.

    Attributes
    ----------
    crossing : Crossing or None
        The change that is nearest to the base, as a ratio; None where there is none.
    changes : int
        How many there are in all, as far as it was looked at.
    least, most : float
        The values between which it was looked at.
    """

    crossing: Crossing | None
    changes: int
    least: float
    most: float


@dataclass(frozen=True)
class _Point:
    value: float
    margin: float

    @property
    def holds(self) -> bool:
        return self.margin >= 0


def walked(
    margin: Margin, base: float, *, at_base: float, ends: Iterable[float] = (), whole: bool = False
) -> Walk:
    """Walk from the base up and down a ladder, and narrow the first step in which the statement changes.

    Parameters
    ----------
    margin
        Asked for values above 0.
    base
        Above 0.
    at_base
        Margin there.
    ends
        Of a stated range: steps of the ladder as well.
    whole
        Whether the input takes whole numbers only.
    """
    start = _Point(base, at_base)
    found: list[Crossing] = []
    changes, reached = 0, [base, base]
    for direction, sign in enumerate((-1, 1)):
        last, first = start, True
        for point in _steps(margin, base, sign, ends, whole):
            if point.holds != last.holds:
                changes += 1
                if first:
                    found.append(_narrowed(margin, last, point, whole))
                first = False
            last = point
        reached[direction] = last.value
    nearest = min(found, key=lambda one: max(one.holds / base, base / one.holds), default=None)
    return Walk(nearest, changes, reached[0], reached[1])


def _steps(margin: Margin, base: float, sign: int, ends: Iterable[float], whole: bool) -> Iterator[_Point]:
    """Yield points ever further from the base, up to the last value that is taken."""
    ladder = [base * factor**sign for factor in LADDER]
    ladder += [end for end in ends if end > 0 and (end - base) * sign > 0]
    ordered = sorted({_taken(value, whole) for value in ladder}, key=lambda value: value * sign)
    last = base
    for value in ordered:
        if value <= 0 or (value - last) * sign <= 0:
            continue
        there = margin(value)
        if there is None:
            yield from _edge(margin, last, value, whole)
            return
        yield _Point(value, there)
        last = value


def _edge(margin: Margin, taken: float, refused: float, whole: bool) -> Iterator[_Point]:
    """Yield points nearer and nearer to the last value that is taken."""
    for _ in range(_EDGE):
        middle = _taken(sqrt(taken * refused), whole)
        if middle in (taken, refused):
            return
        there = margin(middle)
        if there is None:
            refused = middle
        else:
            yield _Point(middle, there)
            taken = middle


def _narrowed(margin: Margin, near: _Point, far: _Point, whole: bool) -> Crossing:
    """Narrow a step until the change in it is known: where the margins point, halved where that is slow."""
    halve = False
    while _apart(near, far) > (max(1.0, TOLERANCE * near.value) if whole else TOLERANCE * near.value):
        middle = _taken(_middle(near, far, halve=halve), whole)
        if middle in (near.value, far.value):
            middle = _taken(sqrt(near.value * far.value), whole)
            if middle in (near.value, far.value):
                break
        there = margin(middle)
        point = _Point(middle, -inf if there is None else there)
        before = _apart(near, far)
        near, far = (point, far) if point.holds == near.holds else (near, point)
        halve = not halve and _apart(near, far) > 0.5 * before
    return Crossing(near.value, far.value) if near.holds else Crossing(far.value, near.value)


def _apart(near: _Point, far: _Point) -> float:
    return abs(far.value - near.value)


def _middle(near: _Point, far: _Point, *, halve: bool) -> float:
    """Return a place between: just beyond the one where the line through both margins is 0, on logarithms."""
    if halve or not (isfinite(near.margin) and isfinite(far.margin)) or near.margin == far.margin:
        return sqrt(near.value * far.value)
    share = near.margin / (near.margin - far.margin)
    place = near.value * (far.value / near.value) ** share
    nudge = 1.0 + _NEARBY * TOLERANCE
    # Beyond it, on the side of the end that is further away: both ends close in.
    towards_far = abs(far.value - place) > abs(place - near.value)
    up = (far.value > near.value) == towards_far
    moved = place * nudge if up else place / nudge
    low, high = sorted((near.value, far.value))
    return moved if low < moved < high else sqrt(near.value * far.value)


def _taken(value: float, whole: bool) -> float:
    return float(round(value)) if whole else value
