"""A curve as rows for people: some of its points, and what its marks say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.sections import Section
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.curve.results import Axis, CurveAnswer, CurveResult, Series
    from planner.plan.document import Interval

__all__ = ["curve_head", "curve_rows", "sections", "sentences", "stack_head", "stack_rows"]

_SHOWN: Final = 12
"""Points of a line that people see."""
_FACTS: Final = ("layout", "binds")


def sections(result: CurveResult) -> Iterator[Section]:
    """Yield the tables of a curve."""
    answer = result.result
    if answer.series:
        yield Section(answer.title, curve_head(answer), curve_rows(answer))
    if answer.stacks:
        yield Section(answer.title, stack_head(answer), stack_rows(answer))


def curve_head(answer: CurveAnswer) -> tuple[str, ...]:
    """Return the titles of `curve_rows`."""
    facts = [name for name in _FACTS if _some(answer, name)]
    return ("", _titled(answer.x), _titled(answer.y), *facts)


def curve_rows(answer: CurveAnswer) -> list[tuple[str, ...]]:
    """Return some points of every series, the first and the last among them."""
    facts = [name for name in _FACTS if _some(answer, name)]
    rows = []
    for series in answer.series:
        for place, at in enumerate(_some_of(series)):
            point = series.points[at]
            rows.append(
                (
                    series.name if place == 0 else "",
                    _number(point.x, answer.x),
                    _interval(point.y, answer.y),
                    *(str(point.facts.get(name) or "") for name in facts),
                )
            )
    return rows


def stack_head(answer: CurveAnswer) -> tuple[str, ...]:
    """Return the titles of `stack_rows`."""
    names = dict.fromkeys(part.name for stack in answer.stacks for part in stack.parts)
    unit = f", {answer.y.unit}" if answer.y.unit else ""
    return ("", f"{answer.y.title}{unit}", *names)


def stack_rows(answer: CurveAnswer) -> list[tuple[str, ...]]:
    """Return every bar with its parts."""
    names = dict.fromkeys(part.name for stack in answer.stacks for part in stack.parts)
    rows = []
    for stack in answer.stacks:
        values = {part.name: _number(part.value, answer.y) for part in stack.parts}
        rows.append((stack.name, _interval(stack.total, answer.y), *(values.get(name, "") for name in names)))
    return rows


def sentences(result: CurveResult) -> list[str]:
    """Return what the marks say, then the caption, or why there is nothing to draw."""
    answer = result.result
    several = sum(bool(series.marks) for series in answer.series) > 1
    said = [
        (f"{series.name}: " if several and series.name else "") + mark.sentence
        for series in answer.series
        for mark in series.marks
    ]
    return [*answer.reasons, *said, *answer.caption]


def _some(answer: CurveAnswer, name: str) -> bool:
    return any(point.facts.get(name) for series in answer.series for point in series.points)


def _some_of(series: Series) -> list[int]:
    many = len(series.points)
    return sorted({int(at) for at in np.linspace(0, many - 1, min(many, _SHOWN)).round()}) if many else []


def _titled(axis: Axis) -> str:
    return f"{axis.title.lower()}, {axis.unit}" if axis.unit else axis.title.lower()


def _number(value: float, axis: Axis) -> str:
    if axis.unit == "%":
        return f"{value:.3g}"
    if axis.unit == "year":
        return f"{value:.2f}"
    if not axis.unit and float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):,}"
    return format_quantity(value, "count", digits=3)


def _interval(value: Interval, axis: Axis) -> str:
    text = _number(value.value, axis)
    if value.low == value.high:
        return text
    return f"{text} ({_number(value.low, axis)} to {_number(value.high, axis)})"
