"""Asking the sides of a comparison, with the samples that their intervals are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.plan.compare.sides import Posed
from planner.plan.scenario.inputs import called, parameters_of
from planner.tables.samples import Kept, kept

if TYPE_CHECKING:
    from planner.plan.document import Document

__all__ = ["Answered", "ask"]

_LEFT_OUT: Final = {"top": 0, "pareto": False}
"""Alternatives and frontiers are not compared: they are not computed where the side does not ask."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """A side with its answer.

    Attributes
    ----------
    posed
        The side.
    result
        What the library's function returned.
    samples
        Of its intervals.
    """

    posed: Posed
    result: Any
    samples: Kept

    @property
    def plan(self) -> Any:
        """The plan, or the fact sheet; None where nothing is feasible."""
        document: Document = self.result
        found = document.result  # type: ignore[attr-defined]
        return getattr(found, "plan", None) if hasattr(found, "plan") else found

    @property
    def feasible(self) -> bool:
        """Whether its question has an answer; a part of one may be shown without."""
        answer = self.result.result
        if hasattr(answer, "plan"):
            return self.plan is not None
        return not getattr(answer, "reasons", ()) and bool(getattr(self.result, "feasible", True))


def ask(posed: Posed) -> Answered:
    """Ask a side.

    Raises
    ------
    PlannerError
        As its question does.
    """
    known = parameters_of(posed.question)
    more = {name: value for name, value in _LEFT_OUT.items() if name in known and name not in posed.inputs}
    with kept() as samples:
        result = called(posed.question, posed.inputs, catalog=posed.catalog, **more)
    return Answered(posed=posed, result=result, samples=samples)
