"""``--save DIR`` and ``--date DATE`` of the commands that make records of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.streams import to_file
from planner.errors import InputError, OutputError

__all__ = ["Date", "Save", "check_date", "save_records"]

Save = Annotated[
    str | None,
    typer.Option("--save", metavar="DIR", help="Also write it to DIR, for --catalog.", show_default=False),
]
Date = Annotated[
    str | None,
    typer.Option("--date", metavar="DATE", help="Date of the record; default: today.", show_default=False),
]


def check_date(date: str | None) -> None:
    """Check ``--date``; raises `planner.errors.InputError`."""
    from planner.catalog.quantity import iso_date

    try:
        _ = None if date is None else iso_date(date)
    except ValueError as error:
        raise InputError(f"--date {(date or '')[:40]!r}: {error}") from None


def save_records(directory: str | None, folder: str, texts: Mapping[str, str]) -> None:
    """Write records, by id, into a folder of an overlay; raises `planner.errors.OutputError`."""
    if directory is None:
        return
    path = Path(directory) / folder
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made: {error.strerror or error}") from error
    for name, text in texts.items():
        to_file(str(path / f"{name}.yaml"), text)
