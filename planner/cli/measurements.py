"""CSV and --models of the commands that read measurements, and the table of rows that they skip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from planner.cli.output import Column, Table
from planner.cli.people import whole
from planner.cli.streams import read_input

__all__ = ["Measurements", "Models", "ServingMeasurements", "measurements", "skipped"]

Measurements = Annotated[
    str | None,
    typer.Argument(
        metavar="CSV",
        help="Measured runs, in the columns of workloads/evidence/training_runs.csv; - for stdin.  "
        "Default: that file.",
        show_default=False,
    ),
]
ServingMeasurements = Annotated[
    str | None,
    typer.Argument(
        metavar="CSV",
        help="Measurements in the columns of workloads/evidence/serving_runs.csv; - for stdin.  "
        "Default: that file.",
        show_default=False,
    ),
]
Models = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="CSV",
        help="Architectures that come before the catalog's, in the columns of models.csv.",
        show_default=False,
    ),
]


@contextmanager
def measurements(name: str | None) -> Iterator[Path | None]:
    """Give the path of a file of measurements; what stdin holds becomes a file for the while."""
    if name != "-":
        yield None if name is None else Path(name)
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="planner-") as folder:
        path = Path(folder) / "stdin.csv"
        path.write_bytes(read_input("-"))
        yield path


def skipped(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Return the reasons for skipping rows, each with the rows; nothing where none is skipped."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["skipped"]:
            reasons.setdefault(row["reason"], []).append(row["id"])
    columns = [
        Column("because", "skipped because"),
        Column("rows", "rows", whole, right=True),
        Column("ids", "ids"),
    ]
    found = [{"because": why, "rows": len(ids), "ids": ids} for why, ids in reasons.items()]
    return [Table(columns, found)] if found else []
