"""``planner calibrate serving [CSV]``."""

from __future__ import annotations

from planner.cli.command import command
from planner.cli.measurements import ServingMeasurements, measurements
from planner.cli.output import Answer, document
from planner.cli.records import Date, Save, check_date, save_records
from planner.cli.session import Session
from planner.cli.streams import talk

__all__ = ["run"]


@command
def run(
    session: Session,
    csv: ServingMeasurements = None,
    save: Save = None,
    date: Date = None,
) -> Answer:
    """Fit the constants of the serving estimator to measurements.

    Prints a record of the catalog. Without CSV, all constants are fitted to the shipped evidence, which takes
    minutes and needs the extra 'solve'. A CSV of your own, one row or more, gives a correction for your stack
    and narrower intervals.
    """
    from planner.catalog.kinds import SERVING_CALIBRATION
    from planner.evidence.serving_recalibrate import calibrate_serving

    check_date(date)
    with measurements(csv) as path:
        found = calibrate_serving(path, catalog=session.catalog(), date=date, progress=talk)
    save_records(save, SERVING_CALIBRATION.folder, {found.id: found.text})
    return Answer(
        document=document(
            "planner.calibrate-serving/1",
            inputs={"csv": csv, "date": date, **session.inputs()},
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
