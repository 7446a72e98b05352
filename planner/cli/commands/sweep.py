"""``planner sweep GRID``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, text_table
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
    answer, asked = result.result, result.inputs
    share = f" ({answer.infeasible / answer.rows:.0%})" if answer.infeasible else ""
    rows = [
        ("file", f"{answer.file}, {answer.file_bytes:,} bytes"),
        ("rows", f"{answer.rows:,} of {asked.command} over {', '.join(asked.axes)}"),
        ("infeasible", f"{answer.infeasible:,}{share}"),
        ("columns", f"{len(answer.columns)}"),
        ("engine", answer.engine),
        ("took", f"{answer.seconds:.3g} s, {answer.rows_per_s:,.0f} rows a second"),
    ]
    if answer.resumed_rows:
        rows.append(("done before", f"{answer.resumed_rows:,}"))
    record = {
        "file": answer.file,
        "rows": answer.rows,
        "infeasible": answer.infeasible,
        "engine": answer.engine,
        "resumed_rows": answer.resumed_rows,
        "seconds": answer.seconds,
        "rows_per_s": answer.rows_per_s,
        "file_bytes": answer.file_bytes,
    }
    return Answer(
        document=document_of(session, result),
        tables=[text_table(("", ""), rows, headed=False), *assumed(result)],
        records=Table([Column(key, key) for key in record], [record]),
        notes=answer.notes,
    )


def _read(grid: str) -> Any:
    """Return what stdin holds; a path as it is."""
    if grid != "-":
        return grid
    from planner.catalog.strict_yaml import parse_yaml
    from planner.cli.streams import read_input

    return parse_yaml(read_input("-"), "standard input").data
