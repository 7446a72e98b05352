"""Answers as the data of figures: bars, stacked bars, lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.plan.curve.results import Axis, CurveAnswer, CurveInputs, CurveResult, Part, Point, Series, Stack
from planner.plan.document import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Figure", "Named", "amounts", "exactly", "lines", "pairs", "parts", "stacks"]

_DECADES = 30.0
"""Longest over shortest bar from which the axis is logarithmic."""
_BAR = 0.42
_AROUND = 1.3
"""Inches of a bar with its gap, and of what stands around the bars."""
Named = Iterable[tuple[str, Interval | float | None]]
"""What a bar is called and how long it is."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of a report.

    Attributes
    ----------
    name
        As ``--figures`` takes it.
    title, caption
        Beside the picture.
    data
        What `planner.plot.curve` draws; None where ``draw`` does.
    draw
        Takes a size in inches and returns axes.
    """

    name: str
    title: str
    caption: tuple[str, ...]
    data: CurveResult | None = None
    draw: Callable[[tuple[float, float]], Axes] | None = None

    def axes(self, size: tuple[float, float]) -> Axes:
        """Draw it; title and caption stand on the page instead."""
        if self.data is None:
            if self.draw is None:
                raise ValueError(f"figure {self.name}: nothing draws it")
            return self.draw(size)
        from planner.plot import curve

        many = len(self.data.result.stacks)
        if many:
            size = (size[0], min(size[1], _AROUND + _BAR * max(many, 2)))
        bare = self.data.result.model_copy(update={"title": "", "caption": ()})
        return curve(self.data.model_copy(update={"result": bare}), size=size)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        if self.data is None:
            return False
        answer = self.data.result
        return not answer.stacks and not any(one.points for one in answer.series)


def exactly(value: float) -> Interval:
    """Return a number without a spread."""
    return Interval(value=value, low=value, high=value)


def amounts(name: str, title: str, axis: Axis, named: Named, *, caption: Sequence[str] = ()) -> Figure:
    """Return one bar for each amount, with its interval; those that are not there are left out."""
    bars = [
        Stack(name=label, parts=(Part(name=axis.title, value=one.value),), total=one)
        for label, number in named
        if number is not None
        for one in (exactly(number) if isinstance(number, int | float) else number,)
    ]
    lengths = [bar.total.value for bar in bars if bar.total.value > 0]
    if lengths and max(lengths) > _DECADES * min(lengths):
        axis = axis.model_copy(update={"log": True})
    return stacks(name, title, axis, bars, caption=caption)


def stacks(
    name: str, title: str, axis: Axis, bars: Iterable[Stack], *, caption: Sequence[str] = ()
) -> Figure:
    """Return stacked bars."""
    bare = Axis(key="bar", title="")
    return _figure(name, CurveAnswer(title=title, caption=tuple(caption), x=bare, y=axis, stacks=tuple(bars)))


def parts(
    label: str, values: Mapping[str, float], *, total: Interval | None = None, limit: float | None = None
) -> Stack:
    """Return a bar of named parts; those that are nothing are left out."""
    kept = tuple(
        Part(name=name.replace("_", " "), value=float(value)) for name, value in values.items() if value > 0
    )
    whole = sum(part.value for part in kept)
    return Stack(name=label, parts=kept, total=total or exactly(whole), limit=limit)


def lines(
    name: str, title: str, x: Axis, y: Axis, series: Iterable[Series], *, caption: Sequence[str] = ()
) -> Figure:
    """Return lines; those without points are left out."""
    kept = tuple(one for one in series if one.points)
    return _figure(name, CurveAnswer(title=title, caption=tuple(caption), x=x, y=y, series=kept))


def pairs(values: Iterable[tuple[float, Interval | float | None]]) -> tuple[Point, ...]:
    """Return the points of a line from (x, y); those without y are left out."""
    return tuple(
        Point(x=float(x), y=exactly(float(y)) if isinstance(y, int | float) else y)
        for x, y in values
        if y is not None
    )


def _figure(name: str, answer: CurveAnswer) -> Figure:
    data = CurveResult(inputs=CurveInputs(kind=name), assumptions=(), result=answer, sources={})
    return Figure(name=name, title=answer.title, caption=answer.caption, data=data)


def of_curve(name: str, data: CurveResult, *, title: str | None = None) -> Figure:
    """Return a curve of `planner.curve` as a figure of a report."""
    answer: Any = data.result
    return Figure(name=name, title=title or answer.title, caption=answer.caption, data=data)
