"""What a sweep comes to: a frozen summary, whose JSON other programs rely on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Document
from planner.plan.document import Base as Closed
from planner.plan.frames import typed
from planner.plan.sections import Section

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

    def sections(self) -> Iterable[Section]:
        """Return the table of text that the command line prints."""
        answer, asked = self.result, self.inputs
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
        return [Section("", (), rows)]

    def records(self) -> list[dict[str, Any]]:
        """Return the summary in one row; the rows themselves are in the file, and in `to_frame`."""
        left_out = {"columns", "notes"}
        return [self.result.model_dump(exclude=left_out)]

    def to_frame(self) -> Any:
        """Return the rows of the file as a pandas ``DataFrame``: all of them, in memory."""
        import pandas as pd

        if self.inputs.format == "parquet":
            return typed(pd.read_parquet(self.result.file))
        return typed(pd.read_csv(self.result.file, low_memory=False))
