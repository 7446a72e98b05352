"""The JSON of ``planner validate serving`` and ``planner calibrate serving``, as types."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from planner.cli.documents import Calibration, Document, Errors

__all__ = ["CalibrateServing", "ValidateServing"]

Metric = Literal["tpot_ms", "ttft_ms", "throughput"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Scores(Errors):
    """Errors of a group of figures, and how their intervals did."""

    within_20_pct: float
    """Share of figures within 20 % of the measurement."""
    coverage_80: float | None
    """Share of figures within their 80 % interval."""
    width: float | None
    """Upper over lower end of the interval, in the median."""


class ServedRow(_Closed):
    """One figure of one row; the interval is in the unit of the metric."""

    id: str
    metric: Metric
    """Milliseconds, or tokens per second of the whole deployment."""
    measured: float | None
    predicted: float | None
    low: float | None
    high: float | None
    error_pct: float | None
    skipped: bool
    reason: str | None
    """Why it was skipped."""
    apart: list[str]
    """Why it is counted apart from the error statistics."""
    interval: str | None
    """Class that the interval is from."""
    labels: dict[str, str]
    """What it counts under in `groups`."""
    filled: list[str]
    """What the row leaves blank and how it was filled, and what is known of its source."""


class ServedErrors(_Closed):
    """Errors of the estimator on measurements of serving."""

    summary: dict[Metric, Scores]
    groups: dict[Metric, dict[str, dict[str, Scores]]]
    """By label (engine, accelerator ...) and its values."""
    apart: dict[Metric, dict[str, Scores]]
    """Of the figures counted apart, by reason."""
    rows: list[ServedRow]


class ValidateServing(_Closed):
    """``planner validate serving``."""

    name: Literal["planner.validate-serving/1"] = Field(alias="schema")
    inputs: dict[str, Any]
    assumptions: list[str]
    result: ServedErrors
    sources: list[str]
    """Where the rows were measured."""


class CalibrateServing(Document[Literal["planner.calibrate-serving/1"], Calibration]):
    """``planner calibrate serving``."""
