"""Everything planner raises on purpose, with the exit code the command line gives it.

::

    PlannerError                 1   base; anything else that escapes is a bug
    +-- UsageError               2   the call itself is wrong
    |   +-- MissingExtraError    2   an optional dependency is not installed
    +-- InputError               3   a file, a value or the catalog is wrong
    |   +-- UnknownNameError     3   no record of that name
    +-- InfeasibleError          4   the input is valid, but no plan satisfies it
    +-- OutputError              5   unreadable or unwritable files, a full disk, a service out of reach

A message says what failed, where, and how to mend it. All of them survive pickling, since searches
run in worker processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

__all__ = [
    "MOST_MISTAKES",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "OutputError",
    "PlannerError",
    "UnknownNameError",
    "UsageError",
    "closest",
    "did_you_mean",
    "suggest",
]

MOST_MISTAKES: Final = 50
"""How many mistakes an error lists; a file with more is not what its author takes it for."""


class PlannerError(Exception):
    """Base of all errors that planner raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(PlannerError):
    """The call is wrong: options that exclude each other, an override without ``=``."""

    exit_code = 2


class MissingExtraError(UsageError):
    """An optional dependency is needed and not installed.

    Parameters
    ----------
    extra : str
        The extra of the project that brings it, for example ``solve``.
    purpose : str
        What needed it, as the subject of the sentence, for example ``planner mix``.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}'. Install it: pip install 'planner[{extra}]'")
        self.extra = extra
        self.purpose = purpose

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.extra, self.purpose)


class InputError(PlannerError):
    """A file, a value or a catalog record is wrong.

    Attributes
    ----------
    mistakes : tuple of str
        One sentence for each mistake; a single one when the error was raised with a plain message.
    """

    exit_code = 3

    def __init__(self, message: str, *, mistakes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.mistakes: tuple[str, ...] = tuple(mistakes) or (message,)

    @classmethod
    def collect(cls, mistakes: Iterable[str]) -> InputError:
        """Return one error that names all the mistakes, one a line, up to `MOST_MISTAKES`."""
        found = tuple(mistakes)
        more = len(found) - MOST_MISTAKES
        if more > 0:
            found = (*found[:MOST_MISTAKES], f"and {more} more mistakes")
        return InputError("\n".join(found) if found else "invalid input", mistakes=found)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_input_error, (str(self), self.mistakes)


def _rebuild_input_error(message: str, mistakes: tuple[str, ...]) -> InputError:
    return InputError(message, mistakes=mistakes)


class UnknownNameError(InputError):
    """No record has that name.

    Parameters
    ----------
    kind : str
        The kind of record asked for, for example ``accelerator``.
    name : str
        The name as the user wrote it.
    candidates : iterable of str
        All names that would have been accepted, for the suggestion.
    """

    def __init__(self, kind: str, name: str, candidates: Iterable[str] = ()) -> None:
        known = tuple(candidates)
        suggestion = did_you_mean(name, known)
        listing = f" List them: planner catalog list {kind}"
        super().__init__(f"unknown {kind} {name!r}.{suggestion}{listing}")
        self.kind = kind
        self.name = name
        self.candidates = known

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.name, self.candidates)


class InfeasibleError(PlannerError):
    """The input is valid, but nothing satisfies it; the message says what would."""

    exit_code = 4


class OutputError(PlannerError):
    """Input or output failed: unreadable, unwritable, out of space, out of reach."""

    exit_code = 5


def closest(name: str, candidates: Iterable[str], *, limit: int = 3) -> list[str]:
    """Return up to ``limit`` candidates that look like ``name``, the likeliest first.

    Case is ignored. Long input is not compared (the comparison is quadratic in the length).
    """
    if len(name) > 80:
        return []
    import difflib

    by_fold: dict[str, str] = {}
    for candidate in candidates:
        by_fold.setdefault(candidate.casefold(), candidate)
    found = difflib.get_close_matches(name.casefold(), by_fold, n=limit, cutoff=0.6)
    return [by_fold[fold] for fold in found]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return `` Did you mean 'x' or 'y'?`` to go after a sentence, or an empty string."""
    found = suggest(name, candidates)
    return f" {found[0].upper()}{found[1:]}" if found else ""


def suggest(name: str, candidates: Iterable[str], *, otherwise: str = "") -> str:
    """Return ``did you mean 'x' or 'y'?`` to go after a semicolon; ``otherwise`` where nothing is alike."""
    found = [repr(candidate) for candidate in closest(name, candidates)]
    if not found:
        return otherwise
    listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"
    return f"did you mean {listed}?"
