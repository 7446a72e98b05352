"""``planner calibrate training [CSV]``."""

from __future__ import annotations

from pathlib import Path

from planner.cli.command import command
from planner.cli.measurements import Measurements, Models, measurements
from planner.cli.output import Answer, document
from planner.cli.records import Date, Save, check_date, save_records
from planner.cli.session import Session

__all__ = ["run"]


@command
def run(
    session: Session,
    csv: Measurements = None,
    models: Models = None,
    save: Save = None,
    date: Date = None,
) -> Answer:
    """Fit the constants of the estimator to measured runs.

    Prints a record of the catalog. Without CSV, the global constants are fitted to the shipped
    evidence, which needs the extra 'solve'. A CSV of your own with three rows or more gives a correction for
    your stack.
    """
    from planner.catalog.kinds import CALIBRATION
    from planner.evidence.recalibrate import calibrate_training

    check_date(date)
    with measurements(csv) as path:
        found = calibrate_training(
            path,
            models=None if models is None else Path(models),
            catalog=session.catalog(),
            date=date,
        )
    save_records(save, CALIBRATION.folder, {"training": found.text})
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
