"""From a scenario in a file, in the catalog or as a mapping to a question that is ready to be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from planner.catalog.load import Catalog, validated
from planner.catalog.paths import environment_overlays, overlay, shown
from planner.catalog.strict_yaml import Document, Location, parse_scalar, read_yaml
from planner.errors import InputError, PlannerError, UnknownNameError, UsageError
from planner.plan.scenario.checks import refused
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.scenario.questions import Question, question_named
from planner.workload.kinds import SCENARIO
from planner.workload.scenario import Scenario

__all__ = ["Ready", "changes", "read_document", "ready"]

_SUFFIXES: Final = (".yaml", ".yml")
_OPTION: Final = re.compile(r"--([a-z0-9][a-z0-9-]*)")
_MAPPING: Final = "scenario"
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
        Where it was read; `None` of a mapping.
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
        return _placed(self.document, location, message, missing=missing)

    def failed(self, error: PlannerError) -> NoReturn:
        """Raise what the question said of an input, with the place of the input in the file.

        Errors that are not of the input are raised as they are.
        """
        if not isinstance(error, InputError | UsageError):
            raise error
        name = self._concerned(error)
        if name in self.changed:
            raise InputError(f"--with {name}: {error}") from error
        location: Location = ("command",) if name is None else ("inputs", name)
        mistakes = error.mistakes if isinstance(error, InputError) else (str(error),)
        placed = [self.place(location, mistake) for mistake in mistakes]
        raise InputError.collect(placed) from error

    def _concerned(self, error: PlannerError) -> str | None:
        """Return the input that a message is about: the option it names, or the name it did not find."""
        if isinstance(error, UnknownNameError):
            return next((name for name, value in self.inputs.items() if value == error.name), None)
        for option in _OPTION.findall(str(error)):
            name = option.replace("-", "_")
            name = self.question.spelled.get(name, name)
            if name in self.inputs:
                return str(name)
        return None


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
    if isinstance(scenario, str) and not _is_path(scenario):
        path = catalog.path_of(SCENARIO, scenario)
    else:
        path = Path(scenario)
    return read_yaml(path), path.parent


def _is_path(text: str) -> bool:
    return Path(text).suffix.lower() in _SUFFIXES or "/" in text or "\\" in text


def _lineless(data: dict[str, Any]) -> Document:
    """Return a mapping as a document: its values have places, and 0 for a line."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
    lines: dict[Location, int] = {}
    for key, value in plain.items():
        lines[key,] = 0
        steps: Iterable[Any] = value if isinstance(value, Mapping) else ()
        steps = range(len(value)) if isinstance(value, list) else steps
        lines |= {(key, step): 0 for step in steps}
    return Document(_MAPPING, plain, lines)


def ready(
    document: Document,
    folder: Path | None,
    *,
    changed: Mapping[str, Any] | None = None,
    overlays: Iterable[Path] = (),
    overrides: Iterable[str] = (),
) -> Ready:
    """Check a scenario and what is changed in it.

    Parameters
    ----------
    document
        What it says.
    folder
        From which paths in it start; None is the working directory.
    changed
        Inputs instead of, or beside, those that it has; None leaves one open.
    overlays, overrides
        Of the catalog, on top of those that it has.

    Raises
    ------
    InputError
        All mistakes at once.
    """
    record = _record(document)
    question, mend = question_named(record.command)
    if question is None:
        raise InputError.collect([_placed(document, ("command",), mend)])
    base = folder or Path()
    given = {name: _from(base, question, name, value) for name, value in record.inputs.items()}
    one = Ready(
        question=question,
        inputs=given,
        overlays=_overlays(base, record),
        overrides=record.set,
        record=record,
        document=document,
        changed=frozenset(changed or ()),
    )
    mistakes = _mistakes(one, changed or {}, (*overlays,), (*overrides,))
    if mistakes:
        raise InputError.collect(mistakes)
    merged = {name: value for name, value in {**given, **(changed or {})}.items() if value is not None}
    return replace(one, inputs=merged)


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


def _record(document: Document) -> Scenario:
    """Validate what a file holds; one of the user's own needs no id and no name."""
    stem = Path(document.file).stem
    plain = re.sub(r"[^a-z0-9._-]+", "-", stem.casefold()).strip("-._") or _MAPPING
    data = {"id": plain, "name": stem, **document.data}
    try:
        return validated(replace(document, data=data), Scenario)
    except InputError as error:
        raise InputError.collect(map(_unlined, error.mistakes)) from error


def _mistakes(
    one: Ready, changed: Mapping[str, Any], overlays: tuple[Path, ...], overrides: tuple[str, ...]
) -> list[str]:
    """Return every mistake of the inputs, those of the file by line, then those beside it."""
    catalog, wrong = _catalog(one, overlays, overrides)
    kept = {name: value for name, value in one.inputs.items() if name not in changed}
    known = parameters_of(one.question)
    alone = mistakes_of(
        one.question, kept | {name: value for name, value in changed.items() if name in known}
    )
    beside = mistakes_of(one.question, changed)
    if catalog is not None:
        for values, mistakes in ((kept, alone), (changed, beside)):
            for name, value in values.items():
                why = "" if name in mistakes else refused(name, value, catalog)
                if why:
                    mistakes[name] = why
    placed = [
        (
            one.document.lines.get(("inputs", name), 1),
            one.place(("inputs", name), why, missing=name not in one.record.inputs),
        )
        for name, why in alone.items()
        if name not in changed
    ]
    with_ = [f"--with {name}: {why}" for name, why in beside.items() if name in changed]
    return [sentence for _, sentence in sorted([*wrong, *placed], key=lambda pair: pair[0])] + with_


def _catalog(
    one: Ready, overlays: tuple[Path, ...], overrides: tuple[str, ...]
) -> tuple[Catalog | None, list[tuple[int, str]]]:
    """Open the catalog that the scenario asks for, and say what is wrong with its overlays and overrides."""
    wrong: list[tuple[int, str]] = []

    def note(location: Location, error: PlannerError) -> None:
        wrong.append((one.document.lines.get(location, 1), one.place(location, str(error))))

    for index, path in enumerate(one.overlays):
        try:
            overlay(path)
        except InputError as error:
            note(("catalog", index), error)
    if wrong:
        return None, wrong
    layers = (*one.overlays, *overlays)
    for index, text in enumerate(one.overrides):
        try:
            Catalog(layers, (text,))
        except (InputError, UsageError) as error:
            note(("set", index), error)
    return (None if wrong else Catalog(layers, (*one.overrides, *overrides))), wrong


def _overlays(base: Path, record: Scenario) -> tuple[Path, ...]:
    """Return the overlays of a scenario, but those that the environment already lays over the catalog."""
    there = {path.resolve() for path in environment_overlays()}
    paths = (Path(shown(base / path)) for path in record.catalog)
    return tuple(path for path in paths if path.resolve() not in there)


def _from(base: Path, question: Question, name: str, value: Any) -> Any:
    """Return a value with the path in it from the folder of the scenario, where it names a file there."""
    if name not in question.files or not isinstance(value, str) or Path(value).is_absolute():
        return value
    path = base / value
    return shown(path) if base != Path() and path.exists() else value


def _placed(document: Document, location: Location, message: str, *, missing: bool = False) -> str:
    return _unlined(document.mistake(location, message, missing=missing))


def _unlined(mistake: str) -> str:
    """Leave out the line of a mistake in what is no file."""
    for line in (0, 1):
        mistake = mistake.replace(f"{_MAPPING}:{line}: ", f"{_MAPPING}: ", 1)
    return mistake
