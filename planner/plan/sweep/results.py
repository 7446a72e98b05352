"""What a sweep comes to: a frozen summary, whose JSON other programs rely on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.plan.document import Assumption, Document
from planner.plan.document import Base as Closed

__all__ = ["SweepAnswer", "SweepInputs", "SweepResult"]


class SweepInputs(Closed):
    """The grid as resolved."""

    grid: str
    """Where it was read."""
    command: str
    """The question that is asked of every row."""
    axes: tuple[str, ...]
    """In the order of the columns."""
    rows: int
    output: str
    format: Literal["csv", "parquet"]
    chunk: int
    """Rows that are computed and written together; no figure depends on it."""
    workers: int
    """Processes of this machine; 1 for this one alone."""
    scheduler: str | None
    """Of a Dask cluster."""
    overrides: tuple[str, ...] = ()
    """`--set` of every row."""


class SweepAnswer(Closed):
    """What was done."""

    file: str
    """With one line a row."""
    rows: int
    infeasible: int
    """Rows with a reason in place of figures."""
    columns: tuple[str, ...]
    engine: Literal["fast", "full"]
    resumed_rows: int
    """That an earlier run had done."""
    seconds: float
    """Of this run."""
    rows_per_s: float
    """Of this run."""
    file_bytes: int
    notes: tuple[str, ...] = ()


class SweepResult(Document):
    """Answer to ``planner sweep``."""

    schema_name: Annotated[Literal["planner.sweep/1"], Field(alias="schema")] = "planner.sweep/1"
    inputs: SweepInputs
    assumptions: tuple[Assumption, ...]
    result: SweepAnswer
