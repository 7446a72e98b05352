"""What `planner.report` returns: the page, and what is on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from planner.plan.document import Assumption, Base, Document, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = ["FigureShown", "ReportAnswer", "ReportInputs", "ReportResult"]


class ReportInputs(Base):
    """The report as it was asked for."""

    what: str
    """A scenario or a cluster, as given."""
    command: str
    """The question that it asks."""
    title: str
    figures: tuple[str, ...] | None
    """By name; null for all that suit the answer."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call and of the scenario."""


class FigureShown(Base):
    """A figure of the page."""

    name: str
    """As ``--figures`` takes it."""
    title: str
    caption: tuple[str, ...] = ()


class ReportAnswer(Base):
    """The report."""

    sentence: str
    """The answer."""
    feasible: bool
    figures: tuple[FigureShown, ...]
    tables: int
    command: str
    """Asks the question again."""
    catalog_digest: str
    """SHA-256 of the records, their sources and the changes that the answer used, in brief."""
    kilobytes: float
    """Of the page."""
    notes: tuple[str, ...] = ()


class ReportResult(Document):
    """Answer to ``planner report``."""

    schema_name: Annotated[Literal["planner.report/1"], Field(alias="schema")] = "planner.report/1"
    inputs: ReportInputs
    assumptions: tuple[Assumption, ...]
    result: ReportAnswer
    sources: dict[str, SourceUsed]
    _answer: Any = PrivateAttr(default=None)
    _html: str = PrivateAttr(default="")

    @property
    def html(self) -> str:
        """The page, whole: it needs nothing beside it."""
        return self._html

    @property
    def answer(self) -> Any:
        """What the question answered: of a scenario of ``train`` a `planner.plan.results.TrainResult`."""
        return self._answer

    def records(self) -> list[dict[str, Any]]:
        """Return one row for each figure."""
        return [{"figure": one.name, "title": one.title} for one in self.result.figures]

    def sections(self) -> Iterable[Section]:
        """Return the tables of the answer."""
        return () if self._answer is None else self._answer.sections()
