"""``planner catalog lint [DIR]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table, document
from planner.cli.session import Session

__all__ = ["run"]


@command
def run(
    session: Session,
    directory: Annotated[
        str | None, typer.Argument(metavar="DIR", help="A catalog directory of your own.")
    ] = None,
) -> Answer:
    """Check the catalog, or a directory of your own.

    A directory is checked on top of the catalog. Of scenarios the inputs are checked, too. Prints a line for
    every mistake, file:line: path: what is wrong; the mend, and exits with 3 where there is one.
    """
    from planner.catalog.lint import lint
    from planner.plan.scenario.check import mistakes_in

    folder = None if directory is None else Path(directory)
    if folder is not None and folder not in session.overlays:
        session.overlays = (*session.overlays, folder)
    catalog = session.catalog()
    mistakes = list(dict.fromkeys([*lint(catalog, folder=folder), *mistakes_in(catalog, folder)]))
    checked = directory or "the catalog"
    return Answer(
        document=document(
            "planner.catalog-lint/1",
            inputs={"directory": directory, **session.inputs()},
            result={"mistakes": mistakes},
        ),
        records=Table([Column("mistake", "mistake")], [{"mistake": mistake} for mistake in mistakes]),
        text="\n".join(mistakes) if mistakes else f"No mistakes in {checked}",
        notes=[f"{len(mistakes)} mistakes in {checked}"] if mistakes else [],
        exit_code=3 if mistakes else 0,
    )
