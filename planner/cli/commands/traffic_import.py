"""``planner traffic import TRACE``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.command import command
from planner.cli.measurements import measurements
from planner.cli.output import Answer, document
from planner.errors import InputError, UsageError, suggest

__all__ = ["run"]


@command
def run(
    trace: Annotated[
        str,
        typer.Argument(
            metavar="TRACE",
            help="A CSV file with a line for each request, or - for stdin.",
            show_default=False,
        ),
    ],
    id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Id of the record; its file is ID.yaml.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Name for people.")] = None,
    time_unit: Annotated[
        str | None,
        typer.Option("--time-unit", metavar="UNIT", help="Of times that are numbers: s, ms, us or ns."),
    ] = None,
) -> Answer:
    """Turn a trace of requests into a traffic profile.

    Columns go by their names: a time, input and output tokens; cached tokens, session and user where there
    are. Write it to DIR/workloads/serving/ID.yaml and use it with --catalog DIR.
    """
    from planner.workload.hf_config import slug
    from planner.workload.trace_times import UNITS
    from planner.workload.traffic_import import import_trace

    if id is not None and id != slug(id):
        raise InputError(
            f"--id {id[:80]!r} is no id; use lower case letters, digits, '-', '.' and '_'"
            + (f", for example {slug(id)}" if slug(id) else "")
        )
    if name is not None and not name.strip():
        raise UsageError("--name is blank; give a name, or leave the option out")
    if time_unit is not None and time_unit not in UNITS:
        mend = suggest(time_unit, UNITS, otherwise=f"use one of {', '.join(UNITS)}")
        raise UsageError(f"--time-unit {time_unit[:40]!r}: no such unit; {mend}")
    where = "standard input" if trace == "-" else trace
    title = name if name is not None or trace != "-" else id or "trace"
    with measurements(trace) as path:
        found = import_trace(
            trace if path is None else path, record_id=id, name=title, time_unit=time_unit, where=where
        )
    measured = found.statistics
    return Answer(
        document=document(
            "planner.traffic-import/1",
            inputs={"trace": trace, "id": id, "name": name, "time_unit": time_unit},
            assumptions=list(found.notes),
            result={
                "record": found.record.model_dump(mode="json", exclude_none=True),
                "trace": {
                    "requests": measured.requests,
                    "span_s": measured.span_s,
                    "requests_per_s": measured.requests / measured.span_s if measured.span_s else None,
                    "sessions": measured.sessions,
                    "users": None if measured.users is None else measured.users.users,
                },
            },
        ),
        text=found.yaml,
        notes=found.notes,
    )
