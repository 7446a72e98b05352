"""What a sensitivity says: frozen result types, whose JSON other programs rely on.

Figures are in the unit of the answer's own field (days, USD, megawatts ...); inputs in the base unit of their
dimension (`planner.units`). What does not exist is null, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Document, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Bar",
    "Corner",
    "Effort",
    "Elasticity",
    "End",
    "FigureUsed",
    "SensitivityAnswer",
    "SensitivityInputs",
    "SensitivityResult",
    "Statement",
    "Threshold",
]

Where = Literal["input", "record", "estimator"]
"""An input of the question, a number of the catalog, or the spread of measured over predicted times."""


class SensitivityInputs(Base):
    """The question as resolved."""

    command: str
    """Whose answer is looked at."""
    scenario: str
    """Id of the scenario."""
    question: dict[str, Any]
    """Inputs of the question."""
    figure: str
    """Path below ``result`` of the answer."""
    vary: tuple[str, ...]
    """As given."""
    all: bool
    """Whether everything with a stated range is looked at beside what is varied by hand."""
    holds: str | None
    search: bool
    """Whether every ask searches all layouts."""
    asks: int
    """Most answers that the tornado may ask for."""
    top: int
    overrides: tuple[str, ...] = ()


class FigureUsed(Base):
    """The figure that is looked at, in the answer as asked."""

    path: str
    label: str
    """For people, with its unit."""
    value: float
    low: float | None
    """Ends of the 80 % interval that the answer itself states; null where it states none."""
    high: float | None


class End(Base):
    """The answer with one input elsewhere."""

    value: float | None
    """Of the input; null where it is a word."""
    text: str
    figure: float | None
    """Null where there is no answer; see `reason`."""
    change: float | None
    """Of the figure, over the base minus 1; null where there is no answer or the base is 0."""
    searched: bool = False
    """Whether all layouts were searched; else the layout is that of the base."""
    reason: str = ""
    """Why there is no answer."""
    refused: bool = False
    """Whether the record or the question does not take the value, rather than that nothing is feasible."""


class Bar(Base):
    """One bar of the tornado: the figure with one input at both ends of its range, the rest as it is."""

    name: str
    """As ``--vary`` takes it."""
    label: str
    where: Where
    dimension: str | None
    """Of `planner.units`; null for plain numbers and words."""
    base: float | None
    base_text: str
    low: End
    """With the low end of the input, or the first of the values given."""
    high: End
    """With the high end, or the last of the values."""
    others: tuple[End, ...] = ()
    """With values between, where more than two were given."""
    effect: float
    """Largest figure less the smallest, the base among them."""
    share: float | None
    """Of the variance of the figure, with ranges as 80 % intervals of independent numbers; null for words."""
    basis: str
    """Where the range comes from."""


class Elasticity(Base):
    """How many per cent the figure moves for each per cent of an input, at the base."""

    name: str
    label: str
    where: Where
    dimension: str | None
    base: float
    base_text: str
    value: float | None
    """d log figure / d log input; null where it could not be had."""
    step: float
    """Share by which the input was moved: to its base times, and over, 1 more than this."""
    sides: Literal["both", "up", "down", "none"]
    """In which directions there was an answer."""
    note: str = ""


class Threshold(Base):
    """How far one input may move, the others as they are, until the statement no longer holds (or does)."""

    name: str
    label: str
    where: Where
    dimension: str | None
    base: float
    base_text: str
    side: Literal["above", "below"] | None
    """On which side of `value` the statement holds; null where nothing changes within the bracket."""
    value: float | None
    text: str
    change: float | None
    """Of the input from its base to the threshold, over the base."""
    least: float
    most: float
    """What was looked at: the bracket, within which the record or the question takes the input."""
    monotone: bool
    """Whether the statement changes at most once in that bracket, as far as it was looked at."""
    searched: bool
    """Whether all layouts were searched on the way; else the layout is that of the base."""
    within_range: bool | None
    """Whether the threshold lies within the stated range; null without a range or a threshold."""
    sentence: str


class Corner(Base):
    """The answer with everything that has a range at its worse (or better) end at once."""

    figure: float | None
    multiplied: float
    """What their effects one at a time, multiplied, would make of it."""
    holds: bool
    inputs: int
    """How many are moved."""
    estimator: bool
    """Whether the estimator's own interval is among them."""
    searched: bool = False
    reason: str = ""


class Statement(Base):
    """What must be true for a statement about the figure to hold."""

    text: str
    operator: Literal["<=", "<", ">=", ">"]
    limit: float
    """In the unit of the figure."""
    holds: bool
    """As asked."""
    thresholds: tuple[Threshold, ...]
    """Nearest first."""
    worst: Corner
    best: Corner
    probability: float
    """That it holds, over the ranges as 80 % intervals of independent numbers, effects multiplied."""
    choices: tuple[str, ...] = ()
    """Sentences on inputs that are words."""
    sentence: str


class Effort(Base):
    """What was asked, and what was not."""

    answers: int
    """Questions asked, that of the base included."""
    searched: int
    """Of them with a search of all layouts."""
    quantities: int
    """Numbers with a stated range in the records that the answer used."""
    without_effect: int
    """Of them that do not move the figure at all."""
    not_looked_at: tuple[str, ...] = ()
    """Of them that were left out, so that there are no more answers than allowed."""


class SensitivityAnswer(Base):
    """The answer."""

    sentence: str
    figure: FigureUsed
    bars: tuple[Bar, ...]
    """The widest first."""
    elasticities: tuple[Elasticity, ...]
    """The largest first."""
    statement: Statement | None = None
    effort: Effort
    notes: tuple[str, ...] = ()


class SensitivityResult(Document):
    """Answer to ``planner sensitivity``."""

    schema_name: Annotated[Literal["planner.sensitivity/1"], Field(alias="schema")] = "planner.sensitivity/1"
    inputs: SensitivityInputs
    assumptions: tuple[Assumption, ...]
    """Of the answer that is looked at."""
    result: SensitivityAnswer
    sources: dict[str, SourceUsed]

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The tornado, the widest bar first."""
        return self.result.bars

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.sensitivity.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each bar of the tornado."""
        from planner.plan.sensitivity.table import records_of

        return records_of(self)
