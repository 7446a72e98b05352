"""``planner sweep GRID``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session

__all__ = ["run"]


@command
def run(
    session: Session,
    grid: Annotated[
        str, typer.Argument(metavar="GRID", help="A grid in YAML, or - for stdin.", show_default=False)
    ],
    output: str | None = None,
    workers: Annotated[str | None, option("--workers", text="Processes of this machine; default: 1.")] = None,
    scheduler: Annotated[
        str | None,
        option("--scheduler", metavar="ADDRESS", text="Of a Dask cluster, as in tcp://10.0.0.1:8786."),
    ] = None,
    chunk: Annotated[
        str | None, option("--chunk", metavar="ROWS", text="Rows that are computed and written together.")
    ] = None,
    engine: Annotated[
        str | None, option("--engine", metavar="ENGINE", text="auto, fast or full, in place of the grid's.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, whatever was done before.", show_default=False)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress.", show_default=False)
    ] = False,
) -> Answer:
    """Ask a question of every row of a grid.

    A grid holds a question and axes over its inputs and over the catalog. The figures go to a file, GRID.csv
    or that of -o, ending in .csv or .parquet. A sweep that was ended by whatever goes on where it was when it
    is run again.
    """
    from planner.cli.progress import Progress
    from planner.cli.streams import talk
    from planner.plan.sweep.sweep import sweep

    progress = Progress(quiet=quiet)
    try:
        result = sweep(
            _read(grid),
            output=output,
            workers=workers or 1,
            scheduler=scheduler,
            chunk=chunk,
            engine=engine,
            restart=restart,
            progress=progress,
            catalog=session.overlays,
            set=session.overrides,
        )
    except KeyboardInterrupt:
        progress.close()
        talk("What is done is kept: run the same sweep again to go on")
        raise
    finally:
        progress.close()
    records = result.records()
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in records[0]], records),
        notes=result.result.notes,
    )


def _read(grid: str) -> Any:
    """Return what stdin holds; a path as it is."""
    if grid != "-":
        return grid
    from planner.catalog.strict_yaml import parse_yaml
    from planner.cli.streams import read_input

    return parse_yaml(read_input("-"), "standard input").data
