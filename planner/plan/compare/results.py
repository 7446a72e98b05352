"""What ``planner compare`` answers: frozen result types, whose JSON other programs rely on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Document, Interval, Nearest, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Basis",
    "CompareAnswer",
    "CompareInputs",
    "CompareResult",
    "Figure",
    "Rank",
    "SharedError",
    "Side",
    "Step",
    "Waterfall",
]

Value = str | int | float | bool | None
Basis = Literal["common samples", "independent errors", "stated values"]
"""What the interval of a ratio rests on; stated values have none."""


class CompareInputs(Base):
    """The question as resolved."""

    names: tuple[str, ...]
    """The sides as they were given; ratios are to the first."""
    question: str
    """That each side asks, as the command line calls it; ``accelerator`` compares parts without a job."""
    of: str | None
    """The scenario that the sides vary; null where options or the sides themselves ask."""
    base: dict[str, Any]
    """Inputs that all sides share."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Side(Base):
    """One answer."""

    name: str
    kind: str
    """What its name is: scenario, cluster, accelerator, model, layout, inputs, or several of them."""
    inputs: dict[str, Any]
    """Of its question; asked alone it is the same answer."""
    overrides: tuple[str, ...] = ()
    """Values of the catalog that it changes."""
    headline: str
    """Its answer in a sentence."""
    plan: str
    """What was chosen, in short; empty where nothing was."""
    feasible: bool
    reasons: tuple[str, ...] = ()
    """Why there is no plan."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()


class Figure(Base):
    """One figure of every side; null where a side has none."""

    figure: str
    unit: str
    better: Literal["less", "more"] | None
    """Null where neither is better as such."""
    values: tuple[Interval | None, ...]
    ratios: tuple[Interval | None, ...]
    """To the first side."""
    bases: tuple[Basis | None, ...] = ()
    """What each ratio rests on. ``common samples``: taken sample by sample, so that what both sides share
    cancels. ``independent errors``: what their errors share is not known, and they are drawn apart. ``stated
    values``: an interval would mislead, and the ends are the value."""


class Rank(Base):
    """Which side is best by one figure, and how sure that is."""

    figure: str
    order: tuple[int, ...]
    """Sides by the stated value, the best first."""
    best: tuple[float | None, ...]
    """Probability that each side is the best of all."""
    better_than_first: tuple[float | None, ...]
    """Probability that each side is better than the first; a half where they are equal."""
    sentence: str
    """On the best and the second."""
    rests_on: str


class Step(Base):
    """One factor of a difference."""

    name: str
    group: str
    """What it is a part of, or its own name: parts of one group stand together."""
    factor: float
    """By which it multiplies the figure of the first side."""
    log_share: float
    """Logarithm of the factor; those of a waterfall add up to the logarithm of the ratio."""
    detail: str
    """The factor on both sides, in words."""


class Waterfall(Base):
    """What explains the difference between a side and the first."""

    figure: str
    unit: str
    side: int
    """Index of the side."""
    first: float
    """Figure of the first side."""
    value: float
    """Figure of this side."""
    ratio: float
    steps: tuple[Step, ...]
    sentence: str


class SharedError(Base):
    """What the errors of the estimator in two sides share."""

    sides: tuple[int, int]
    error: str
    """Which error: ``step_time`` of training; ``throughput``, ``tpot`` and ``ttft`` of serving."""
    kind: str
    """What differs: layout, accelerator, model, both, class; ``same`` where the plans are equal."""
    correlation: float
    why: str
    """Where the correlation comes from."""


class CompareAnswer(Base):
    """The answer."""

    sides: tuple[Side, ...]
    figures: tuple[Figure, ...]
    ranks: tuple[Rank, ...] = ()
    waterfalls: tuple[Waterfall, ...] = ()
    shared: tuple[SharedError, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class CompareResult(Document):
    """Answer to ``planner compare``."""

    schema_name: Annotated[Literal["planner.compare/1"], Field(alias="schema")] = "planner.compare/1"
    inputs: CompareInputs
    assumptions: tuple[Assumption, ...]
    result: CompareAnswer
    sources: dict[str, SourceUsed]

    @property
    def feasible(self) -> bool:
        """Whether every side has an answer."""
        return all(side.feasible for side in self.result.sides)

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.compare.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return one flat row for each figure of each side."""
        from planner.plan.compare.table import records_of

        return records_of(self)
