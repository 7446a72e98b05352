"""CSV and --models of the commands that read measurements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.streams import read_input

__all__ = ["Measurements", "Models", "measurements"]

Measurements = Annotated[
    str | None,
    typer.Argument(
        metavar="CSV",
        help="Measured runs, in the columns of workloads/evidence/training_runs.csv; - for stdin.  "
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
