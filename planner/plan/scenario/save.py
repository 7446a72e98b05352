"""A question as the text of a scenario."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from planner.catalog.strict_yaml import parse_scalar
from planner.errors import InputError
from planner.plan.scenario.inputs import parameters_of
from planner.plan.scenario.questions import Question
from planner.plan.scenario.values import is_path
from planner.workload.emit import to_text

__all__ = ["text_of"]


def text_of(
    question: Question,
    inputs: Mapping[str, Any],
    *,
    file: str,
    name: str = "",
    note: str | None = None,
    overlays: Iterable[Path] = (),
    overrides: Iterable[str] = (),
) -> str:
    """Write a question as it was asked, without what was filled in.

    Parameters
    ----------
    question, inputs
        What is asked; inputs that are None are left out.
    file
        The file it will be written to: its stem becomes the id, and paths start at its folder.
    name, note
        For people; by default the question with the first of its inputs.
    overlays, overrides
        Of the catalog.
    """
    path = Path(file)
    given = {key: value for key, value in inputs.items() if value is not None}
    first = next((str(value) for value in given.values() if isinstance(value, str)), "")
    head: dict[str, Any] = {
        "id": re.sub(r"[^a-z0-9._-]+", "-", path.stem.casefold()).strip("-._") or "scenario",
        "name": name or f"planner {question.command} {first}".strip(),
        "note": note,
        "command": question.command,
    }
    tail: dict[str, Any] = {
        "catalog": [_beside(path.parent, str(overlay)) for overlay in overlays],
        "set": list(overrides),
    }
    written = to_text({key: _written(question, key, value, path.parent) for key, value in given.items()})
    inputs_text = "inputs:\n" + textwrap.indent(written, "  ") if given else "inputs: {}\n"
    return _filled(head) + inputs_text + _filled(tail)


def _filled(data: Mapping[str, Any]) -> str:
    """Write the fields that hold something."""
    kept = {key: value for key, value in data.items() if value}
    return to_text(kept) if kept else ""


def _written(question: Question, name: str, value: Any, folder: Path) -> Any:
    """Return a value as YAML has it: a number where text is one, a path from the folder of the scenario."""
    if isinstance(value, tuple | list):
        return [_written(question, name, one, folder) for one in value]
    if not isinstance(value, str):
        return value
    if name in question.files and is_path(value) and Path(value).exists():
        return _beside(folder, value)
    parameter = parameters_of(question).get(name)
    if parameter is None or "number" not in parameter.takes:
        return value
    try:
        number = parse_scalar(value)
    except InputError:
        return value
    return number if isinstance(number, int | float) and not isinstance(number, bool) else value


def _beside(folder: Path, path: str) -> str:
    """Write a path from a folder, or in full where it lies on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return Path(path).resolve().as_posix()
