"""From a scenario in a file, in the catalog or as a mapping to a question that is ready to be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from planner.catalog.load import Catalog
from planner.catalog.strict_yaml import MOST_DEPTH, Document, Location, parse_scalar, read_yaml
from planner.errors import InputError, MissingExtraError, PlannerError, UnknownNameError, UsageError
from planner.plan.scenario.questions import Question
from planner.plan.scenario.values import is_path
from planner.workload.kinds import SCENARIO
from planner.workload.scenario import Scenario

__all__ = ["MAPPING", "Ready", "changes", "placed", "read_document", "unlined"]

_PLACED: Final = re.compile(r"[^\s:]+:[0-9]+: ")
"""A mistake of another file, which says its own place."""
_OPTION: Final = re.compile(r"--([a-z0-9][a-z0-9-]*)")
MAPPING: Final = "scenario"
"""What messages call a scenario that is no file."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A question with its inputs, checked.

    Attributes
    ----------
    question
        What is asked.
    inputs
        By name; those that are left open are left out.
    overlays, overrides
        What the scenario lays over the catalog, and changes in it.
    record
        The scenario.
    document
        Where it was read, with its lines.
    changed
        Inputs that were given beside the file.
    """

    question: Question
    inputs: Mapping[str, Any]
    overlays: tuple[Path, ...]
    overrides: tuple[str, ...]
    record: Scenario
    document: Document
    changed: frozenset[str] = frozenset()

    def place(self, location: Location, message: str, *, missing: bool = False) -> str:
        """Write a mistake with its file, line and path."""
        return placed(self.document, location, message, missing=missing)

    def failed(self, error: PlannerError) -> NoReturn:
        """Raise what the question said of an input, with the place of the input in the file.

        Errors that are not of the input are raised as they are.
        """
        if isinstance(error, MissingExtraError) or not isinstance(error, InputError | UsageError):
            raise error
        name = self._concerned(error)
        if name in self.changed:
            raise InputError(f"--with {name}: {error}") from error
        location: Location = ("command",) if name is None else ("inputs", name)
        mistakes = error.mistakes if isinstance(error, InputError) else (str(error),)
        found = [unlined(one) if _PLACED.match(one) else self.place(location, one) for one in mistakes]
        raise InputError.collect(found) from error

    def _concerned(self, error: PlannerError) -> str | None:
        """Return the input that a message is about.

        That is the name that was not found, the option that is named, or what is spelled out in place of a
        file.
        """
        if isinstance(error, UnknownNameError):
            return next((name for name, value in self.inputs.items() if value == error.name), None)
        options = (option.replace("-", "_") for option in _OPTION.findall(str(error)))
        named = [self.question.spelled.get(name, name) for name in options]
        concerned = [name for name in named if name in self.inputs]
        spelled_out = [name for name in self.question.files if isinstance(self.inputs.get(name), Mapping)]
        changed = [name for name in concerned if name in self.changed]
        return next(iter([*changed, *concerned, *spelled_out]), None)


def read_document(scenario: object, catalog: Catalog) -> tuple[Document, Path | None]:
    """Find what a scenario is given as, and the folder from which its paths start.

    Parameters
    ----------
    scenario
        The path of a file (a text that ends in ``.yaml`` or holds a slash), the name of a record, a mapping
        or a `Scenario`.
    catalog
        Where names are looked up.

    Raises
    ------
    InputError
        Unknown name, or a file that is no strict YAML; all mistakes at once.
    OutputError
        The file cannot be read.
    """
    if isinstance(scenario, Scenario):
        return _lineless(scenario.model_dump(exclude_defaults=True)), None
    if isinstance(scenario, Mapping):
        return _lineless(dict(scenario)), None
    if not isinstance(scenario, str | Path):
        raise InputError(f"a scenario is a name, a path or a mapping, not {type(scenario).__name__}")
    if isinstance(scenario, str) and not is_path(scenario):
        path = catalog.path_of(SCENARIO, scenario)
    else:
        path = Path(scenario)
    return read_yaml(path), path.parent


def _lineless(data: dict[str, Any]) -> Document:
    """Return a mapping as a document: its values have places, and 0 for a line.

    Raises
    ------
    InputError
        It is nested more deeply than a file may be.
    """
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
    lines: dict[Location, int] = {}
    below: list[tuple[Location, Any]] = [((), plain)]
    while below:
        place, value = below.pop()
        if len(place) > MOST_DEPTH:
            raise InputError(f"{MAPPING}: nested more than {MOST_DEPTH} deep; flatten it")
        if place:
            lines[place] = 0
        steps = value.items() if isinstance(value, Mapping) else ()
        items = enumerate(value) if isinstance(value, list) else steps
        below += [((*place, step), part) for step, part in items]
    return Document(MAPPING, plain, lines)


def changes(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` texts as `--with` has them; nothing behind the sign leaves an input open.

    Raises
    ------
    UsageError
        No ``=``, or one input twice.
    InputError
        A value that is no scalar of YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not sign or not name:
            raise UsageError(f"--with {text[:60]!r}: write NAME=VALUE, as in --with days=90")
        if name in found:
            raise UsageError(f"--with {name} is given twice; keep one")
        value = value.strip()
        several = len(value) > 1 and value[0] == "[" and value[-1] == "]"
        found[name] = (
            [parse_scalar(part.strip()) for part in value[1:-1].split(",")]
            if several
            else parse_scalar(value)
        )
    return found


def placed(document: Document, location: Location, message: str, *, missing: bool = False) -> str:
    """Write a mistake with its place: file, line and path, or the path alone in what is no file."""
    return unlined(document.mistake(location, message, missing=missing))


def unlined(mistake: str) -> str:
    """Leave out the line of a mistake in what is no file."""
    for line in (0, 1):
        mistake = mistake.replace(f"{MAPPING}:{line}: ", f"{MAPPING}: ", 1)
    return mistake
