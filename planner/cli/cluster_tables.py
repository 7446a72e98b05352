"""What the commands on clusters have in common: options, and a fact sheet as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of

if TYPE_CHECKING:
    from planner.cli.session import Session
    from planner.plan.cluster.results import Sheet

_INFEASIBLE: Final = 4

__all__ = ["JobModel", "Name", "Names", "Workload", "cluster_answer"]

_WHAT = "A cluster of the catalog, so many accelerators (gb200:100000) or systems (gb200-nvl72:18)."
Name = Annotated[
    str, typer.Argument(metavar="NAME", help=_WHAT, autocompletion=names_of("cluster"), show_default=False)
]
Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help=_WHAT, autocompletion=names_of("cluster"), show_default=False),
]
Workload = Annotated[
    str | None,
    option("--workload", "-w", metavar="JOB", text="Also count by MODEL (training) or MODEL:TRAFFIC."),
]
JobModel = Annotated[
    str | None,
    option(
        "--model",
        "-m",
        metavar="MODEL",
        text="Whose job failures interrupt; default: 405B, or what fits.",
        kind="model",
    ),
]


def cluster_answer(
    session: Session,
    result: Any,
    *,
    sheet: Sheet | None = None,
    infeasible: bool = False,
    text: str = "",
) -> Answer:
    """Return the answer of a command from the library's result.

    Parameters
    ----------
    sheet
        Whose notes are told.
    infeasible
        Whether it says why nothing fits: exit code 4.
    text
        Stands below the tables.
    """
    records = result.records()
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], records),
        text=text,
        notes=() if sheet is None else sheet.notes,
        exit_code=_INFEASIBLE if infeasible else 0,
    )
