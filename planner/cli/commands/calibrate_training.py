"""``planner calibrate training [CSV]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.command import command
from planner.cli.measurements import Measurements, Models, measurements
from planner.cli.output import Answer, document
from planner.cli.session import Session
from planner.cli.streams import to_file
from planner.errors import InputError, OutputError

__all__ = ["run"]


@command
def run(
    session: Session,
    csv: Measurements = None,
    models: Models = None,
    save: Annotated[
        str | None,
        typer.Option(
            "--save", metavar="DIR", help="Also write it to DIR, for --catalog.", show_default=False
        ),
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(
            "--date", metavar="DATE", help="Date of the record; default: today.", show_default=False
        ),
    ] = None,
) -> Answer:
    """Fit the constants of the estimator to measured runs.

    Prints a record of the catalog. Without CSV, the global constants are fitted to the shipped
    evidence, which needs the extra 'solve'. A CSV of your own with three rows or more gives a correction for
    your stack.
    """
    from planner.evidence.recalibrate import calibrate_training

    if date is not None:
        _check_date(date)
    with measurements(csv) as path:
        found = calibrate_training(
            path,
            models=None if models is None else Path(models),
            catalog=session.catalog(),
            date=date,
        )
    if save is not None:
        _save(Path(save), found.text)
    inputs = {"csv": csv, "models": models, "date": date}
    return Answer(
        document=document(
            "planner.calibrate-training/1",
            inputs={**inputs, **session.inputs()},
            assumptions=list(found.notes),
            result={
                "rows": found.rows,
                "families": list(found.families),
                "summary": dict(found.summary),
                "yaml": found.text,
            },
        ),
        text=found.text,
        notes=found.notes,
    )


def _check_date(date: str) -> None:
    from planner.catalog.quantity import iso_date

    try:
        iso_date(date)
    except ValueError as error:
        raise InputError(f"--date {date[:40]!r}: {error}") from None


def _save(directory: Path, text: str) -> None:
    from planner.catalog.kinds import CALIBRATION

    folder = directory / CALIBRATION.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    to_file(str(folder / "training.yaml"), text)
