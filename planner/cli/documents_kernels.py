"""The JSON of ``planner calibrate kernels``, as types."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from planner.cli.documents import Document

__all__ = ["CalibrateKernels"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Rate(_Closed):
    """A rate of a record beside the one in the catalog."""

    record: str
    rate: str
    value: float
    low: float | None
    high: float | None
    rows: int
    """Rows it was fitted to; 0 where it was taken over."""
    catalog: float | None
    change_pct: float | None


class Errors(_Closed):
    """Errors of predicted times, in percent of the measured ones."""

    rows: int
    median_abs_pct: float
    mean_abs_pct: float
    p90_abs_pct: float
    bias_pct: float


class Fit(_Closed):
    """One kernel on one accelerator."""

    accelerator: str
    kernel: str
    rows: int
    values: dict[str, float]
    spread: dict[str, tuple[float, float]]
    """Least and largest value over fits that leave out one shape group in five."""
    errors: Errors
    """Of the shapes left out."""
    small: Errors
    """Of the shapes below the regime of training, which are never fitted."""
    assumed: tuple[str, ...]
    """Constants of which the rows say nothing."""


class Kernels(_Closed):
    """Kernel rates fitted to measured kernels."""

    rates: list[Rate]
    fits: list[Fit]
    records: dict[str, str]
    """Record id to its YAML text."""


class CalibrateKernels(Document[Literal["planner.calibrate-kernels/1"], Kernels]):
    """``planner calibrate kernels``."""
