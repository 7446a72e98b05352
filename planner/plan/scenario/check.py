"""Checking a scenario: everything that is wrong with it at once, before its question is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.catalog.load import Catalog, validated
from planner.catalog.paths import environment_overlays, overlay, shown
from planner.catalog.strict_yaml import Document, Location, Part
from planner.errors import InputError, PlannerError, UsageError
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.scenario.questions import Question, question_named
from planner.plan.scenario.read import MAPPING, Ready, placed, read_document, unlined
from planner.plan.scenario.values import is_path, refused
from planner.workload.kinds import SCENARIO
from planner.workload.scenario import Scenario

__all__ = ["mistakes_in", "ready"]

Mistakes = list[tuple[int, str]]
"""Line and sentence."""


def ready(
    document: Document,
    folder: Path | None,
    *,
    changed: Mapping[str, Any] | None = None,
    overlays: Iterable[Path] = (),
    overrides: Iterable[str] = (),
    catalog: Catalog | None = None,
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
    catalog
        With the overlays; names are looked up in it where neither the scenario nor an override changes it.

    Raises
    ------
    InputError
        All mistakes at once, those of the file by line.
    """
    changed = changed or {}
    record, wrong = _record(document)
    question, mend = (None, "") if record is None else question_named(record.command)
    if mend:
        wrong.append(_mistake(document, ("command",), mend))
    if record is None or question is None:
        raise InputError.collect(_sorted(wrong))
    base = folder or Path()
    one = Ready(
        question=question,
        inputs={name: _from(base, question, document, name) for name in record.inputs},
        overlays=tuple(_overlays(base, record).values()),
        overrides=record.set,
        record=record,
        document=document,
        changed=frozenset(changed),
    )
    book, complete = catalog, True
    if book is None or record.catalog or record.set or (*overrides,):
        book, complete = _catalog(one, base, wrong, (*overlays,), (*overrides,))
    beside = _inputs(one, changed, book, wrong, names=complete)
    if wrong or beside:
        raise InputError.collect([*_sorted(wrong), *beside])
    merged = {name: value for name, value in {**one.inputs, **changed}.items() if value is not None}
    return replace(one, inputs=merged)


def mistakes_in(catalog: Catalog, folder: Path | None = None) -> list[str]:
    """Return what is wrong with the questions of the scenarios of a catalog, or of one of its roots."""
    found: list[str] = []
    for record_id in catalog.ids(SCENARIO):
        path = catalog.path_of(SCENARIO, record_id)
        if folder is not None and not path.is_relative_to(folder):
            continue
        try:
            ready(*read_document(path, catalog), overlays=catalog.roots[1:], catalog=catalog)
        except InputError as error:
            found += error.mistakes
        except PlannerError:
            continue  # a file that cannot be read is reported by the linter of records
    return found


def _mistake(document: Document, location: Location, message: str, *, missing: bool = False) -> Any:
    line = document.lines.get(document.known(location), 1)
    return line, placed(document, location, message, missing=missing)


def _sorted(mistakes: Mistakes) -> list[str]:
    return [sentence for _, sentence in sorted(mistakes, key=lambda pair: pair[0])]


def _record(document: Document) -> tuple[Scenario | None, Mistakes]:
    """Validate what a file holds, and what is left of it without the fields that are wrong.

    A file of the user's own needs no id and no name.
    """
    stem = Path(document.file).stem
    plain = re.sub(r"[^a-z0-9._-]+", "-", stem.casefold()).strip("-._") or MAPPING
    usual = {"id": plain, "name": stem}
    try:
        return validated(replace(document, data=usual | document.data), Scenario), []
    except InputError as error:
        wrong = [(_line(document, mistake), unlined(mistake)) for mistake in error.mistakes]
        cause = error.__cause__
    fields = (
        {details["loc"][0] for details in cause.errors()} if isinstance(cause, ValidationError) else set()
    )
    kept = usual | {name: value for name, value in document.data.items() if name not in fields}
    try:
        return validated(replace(document, data=kept), Scenario), wrong
    except InputError:
        return None, wrong


def _line(document: Document, mistake: str) -> int:
    number = mistake.removeprefix(f"{document.file}:").partition(":")[0]
    return int(number) if number.isdecimal() else 1


def _inputs(
    one: Ready, changed: Mapping[str, Any], catalog: Catalog, wrong: Mistakes, *, names: bool
) -> list[str]:
    """Note every mistake of the inputs of the file, and return those beside it.

    Unknown names count only where the whole catalog could be opened.
    """
    known = parameters_of(one.question)
    kept = {name: value for name, value in one.inputs.items() if name not in changed}
    added = {name: value for name, value in changed.items() if name in known}
    alone, beside = mistakes_of(one.question, kept | added), mistakes_of(one.question, changed)
    for values, mistakes in ((kept, alone), (changed, beside)):
        for name, value in values.items():
            if name in mistakes:
                continue
            several = isinstance(value, str) and "list" in known[name].takes
            why = refused(name, value.split(",") if several else value, catalog, names=names)
            if why:
                mistakes[name] = why
    for name, why in alone.items():
        if name not in changed:
            missing = name not in one.record.inputs
            wrong.append(_mistake(one.document, ("inputs", name), why, missing=missing))
    return [f"--with {name}: {why}" for name, why in beside.items() if name in changed]


def _catalog(
    one: Ready, base: Path, wrong: Mistakes, overlays: tuple[Path, ...], overrides: tuple[str, ...]
) -> tuple[Catalog, bool]:
    """Open the catalog that the scenario asks for, and note what is wrong with its overlays and overrides.

    Returns
    -------
    Catalog, bool
        With what could be opened, and whether that is all.
    """
    layers: list[Path] = []
    before = len(wrong)
    for index, path in _overlays(base, one.record).items():
        try:
            layers.append(overlay(path))
        except InputError as error:
            wrong.append(_mistake(one.document, ("catalog", index), str(error)))
    layers += overlays
    for index, text in enumerate(one.overrides):
        try:
            Catalog(tuple(layers), (text,))
        except (InputError, UsageError) as error:
            wrong.append(_mistake(one.document, ("set", index), str(error)))
    if len(wrong) > before:
        return Catalog(tuple(layers)), False
    return Catalog(tuple(layers), (*one.overrides, *overrides)), True


def _overlays(base: Path, record: Scenario) -> dict[int, Path]:
    """Return the overlays of a scenario by place, but those that the environment already brings."""
    there = {path.resolve() for path in environment_overlays()}
    paths = {index: Path(shown(base / path)) for index, path in enumerate(record.catalog)}
    return {index: path for index, path in paths.items() if path.resolve() not in there}


def _from(base: Path, question: Question, document: Document, name: str) -> Any:
    """Return an input: the path in it from the folder of the scenario, what is spelled out with its lines."""
    value = document.data["inputs"][name]
    if name not in question.files:
        return value
    if isinstance(value, Mapping):
        return Part(document.part(("inputs", name)))
    if not is_path(value) or base == Path():
        return value
    path = base / value
    return shown(path) if path.exists() else value
