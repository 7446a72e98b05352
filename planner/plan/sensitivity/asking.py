"""Asking a question again with something changed: alone, or many times on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from planner.errors import InfeasibleError, InputError, MissingExtraError, UsageError
from planner.plan.capacity.pool import run_all
from planner.plan.scenario.inputs import called
from planner.plan.sensitivity.figures import Figure

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.scenario.questions import Question

__all__ = ["Ask", "Asker", "Outcome", "together"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Ask:
    """What is different from the base.

    Attributes
    ----------
    inputs
        Of the question, by name.
    overrides
        ``KIND[.ID].PATH=VALUE``, as ``--set`` takes them.
    keeps
        Whether the layout of the base stays.
    """

    inputs: tuple[tuple[str, Any], ...] = ()
    overrides: tuple[str, ...] = ()
    keeps: bool = True


def together(asks: Iterable[Ask]) -> Ask:
    """Return all changes at once; the layout stays where all of them keep it."""
    every = tuple(asks)
    return Ask(
        inputs=tuple(pair for one in every for pair in one.inputs),
        overrides=tuple(text for one in every for text in one.overrides),
        keeps=all(one.keeps for one in every),
    )


@dataclass(frozen=True)
class Outcome:
    """What came of an ask.

    Attributes
    ----------
    value : float or None
        The figure; None where there is no answer.
    reason : str
        Why there is none.
    refused : bool
        Whether the value itself is not taken (a PUE below 1, more accelerators than there are), rather than
        that nothing is feasible with it.
    searched : bool
        Whether all layouts were searched.
    """

    value: float | None
    reason: str = ""
    refused: bool = False
    searched: bool = False


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Asks one question for one figure.

    Attributes
    ----------
    question, inputs, book
        What is asked, of which catalog.
    figure
        That is looked at.
    pins
        Inputs that fix the layout of the base; empty where every ask searches.
    lays_out
        Whether the question has a layout to search for.
    workers
        Processes; by default one for each core.
    known
        What came of the asks so far.
    """

    question: Question
    inputs: Mapping[str, Any]
    book: Catalog
    figure: Figure
    pins: Mapping[str, Any]
    lays_out: bool = True
    workers: int | None = None
    known: dict[Ask, Outcome] = field(default_factory=dict, compare=False)
    elsewhere: list[int] = field(default_factory=lambda: [0, 0], compare=False)
    """Answers asked for by workers that keep them to themselves, and those with a search."""

    def all(self, asks: Iterable[Ask]) -> list[Outcome]:
        """Return what comes of each ask, in their order; those that are known are not asked again."""
        wanted = list(asks)
        new = [one for one in dict.fromkeys(wanted) if one not in self.known]
        self.known.update(zip(new, self.spread(Asker.ask, new), strict=True))
        return [self.known[one] for one in wanted]

    def ask(self, one: Ask) -> Outcome:
        """Ask here; with a layout that does not fit any more, all of them are searched."""
        if one in self.known:
            return self.known[one]
        pins = self.pins if one.keeps else {}
        found = self._asked(one, pins)
        if found.value is None and pins and (one.inputs or not found.refused):
            found = self._asked(one, {})
        self.known[one] = found
        return found

    def spread(self, work: Callable[[Asker, T], R], tasks: Sequence[T]) -> list[R]:
        """Return what a function of a module makes of the asker and each task, on all cores."""
        _WORK.append((self, work))
        try:
            return run_all(_one, tasks, workers=self.workers)
        finally:
            _WORK.pop()

    def count(self, answers: int, searched: int) -> None:
        """Count answers that workers kept to themselves."""
        self.elsewhere[0] += answers
        self.elsewhere[1] += searched

    @property
    def effort(self) -> tuple[int, int]:
        """Answers asked for so far, and how many of them took a search of all layouts."""
        searched = sum(one.searched for one in self.known.values())
        return len(self.known) + self.elsewhere[0], searched + self.elsewhere[1]

    def _asked(self, one: Ask, pins: Mapping[str, Any]) -> Outcome:
        inputs = {**pins, **self.inputs, **dict(one.inputs)}
        given = {name: value for name, value in inputs.items() if value is not None}
        try:
            book = self.book.changed(one.overrides) if one.overrides else self.book
            document = called(self.question, given, catalog=book).to_dict()
        except MissingExtraError:
            raise
        except InfeasibleError as error:
            return Outcome(None, str(error), searched=self.lays_out and not pins)
        except (InputError, UsageError) as error:
            return Outcome(
                None, str(error).partition("\n")[0], refused=True, searched=self.lays_out and not pins
            )
        reading = self.figure.of(document["result"])
        if reading is None:
            reasons = document["result"].get("reasons") or ["the answer has no such figure"]
            return Outcome(None, str(reasons[0]), searched=self.lays_out and not pins)
        return Outcome(reading.value, searched=self.lays_out and not pins)


_WORK: Final[list[tuple[Asker, Callable[[Asker, Any], Any]]]] = []
"""What workers inherit: the question with what was read for it, and what is done with each task."""


def _one(task: Any) -> Any:
    asker, work = _WORK[-1]
    return work(asker, task)
