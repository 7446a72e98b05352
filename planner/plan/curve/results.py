"""What a curve is made of: axes, series of points with their intervals, marks, stacked bars; frozen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Document, Interval, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Axis",
    "CurveAnswer",
    "CurveInputs",
    "CurveResult",
    "Fact",
    "Mark",
    "Part",
    "Point",
    "Series",
    "Stack",
]

Fact = str | int | float | bool | None
"""A cell of the rows of a curve."""


class Axis(Base):
    """What an axis measures."""

    key: str
    """Its name in rows, the unit spelled out: ``tokens_per_s``."""
    title: str
    """For people, without the unit: ``Throughput``."""
    unit: str = ""
    """As written beside the title: ``tokens/s``; empty for counts."""
    log: bool = False
    floor: float | None = None
    """Where the axis starts; null leaves it to the picture."""


class Point(Base):
    """A point, and what stands behind it."""

    x: float
    y: Interval
    facts: dict[str, Fact] = Field(default_factory=dict)
    """More of the answer at this point, by name: the layout, the step time, what binds."""


class Mark(Base):
    """A point where something begins to bind."""

    x: float
    y: float
    label: str
    """Two or three words beside it."""
    sentence: str


class Series(Base):
    """A line: one model on one kind of hardware, say."""

    name: str
    """What is written beside it: only what tells it apart from the other series."""
    style: Literal["line", "dashed", "points", "iso"] = "line"
    """``dashed`` is the second of two that belong together (strong scaling); ``points`` are not joined;
    ``iso`` is a thin line of equal something, below the others."""
    group: str = ""
    """Series of one group share a colour."""
    points: tuple[Point, ...]
    marks: tuple[Mark, ...] = ()


class Part(Base):
    """A part of a stacked bar."""

    name: str
    value: float


class Stack(Base):
    """A stacked bar: a layout with its memory, a step with its time."""

    name: str
    parts: tuple[Part, ...]
    total: Interval
    limit: float | None = None
    """What it must stay below, as the memory there is."""
    facts: dict[str, Fact] = Field(default_factory=dict)


class CurveInputs(Base):
    """The question as resolved."""

    kind: str
    models: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    """Ids of accelerators, instead of clusters."""
    traffic: tuple[str, ...] = ()
    low: float | None = None
    """First and last point of the range."""
    high: float | None = None
    points: int | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    """More inputs of the questions that the points ask."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class CurveAnswer(Base):
    """The curve."""

    title: str
    """Says what is shown, and of what."""
    caption: tuple[str, ...] = ()
    """Sentences below it: the assumptions a reader must know."""
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    stacks: tuple[Stack, ...] = ()
    """Instead of series, where the figure is of bars."""
    reasons: tuple[str, ...] = ()
    """Why there is nothing to draw."""
    notes: tuple[str, ...] = ()


class CurveResult(Document):
    """Answer to ``planner curve``."""

    schema_name: Annotated[Literal["planner.curve/1"], Field(alias="schema")] = "planner.curve/1"
    inputs: CurveInputs
    assumptions: tuple[Assumption, ...]
    result: CurveAnswer
    sources: dict[str, SourceUsed]

    def rows(self) -> list[dict[str, Fact]]:
        """Return one flat row for each point, or part of a bar: the columns of ``--csv``."""
        answer = self.result
        lines = [
            {"series": series.name, answer.x.key: point.x, **_spread(answer.y.key, point.y), **point.facts}
            for series in answer.series
            for point in series.points
        ]
        bars = [
            {"bar": stack.name, "part": part.name, answer.y.key: part.value, **stack.facts}
            for stack in answer.stacks
            for part in stack.parts
        ]
        return [*lines, *bars]

    def records(self) -> list[dict[str, Any]]:
        """Return `rows`."""
        return [dict(row) for row in self.rows()]

    def sections(self) -> Iterable[Section]:
        """Return some of the points as a table."""
        from planner.plan.curve.table import sections

        return sections(self)


def _spread(key: str, value: Interval) -> dict[str, Fact]:
    return {key: value.value, f"{key}_low": value.low, f"{key}_high": value.high}
