"""Blocks of the page on kernel rates: what ``planner calibrate kernels`` finds."""

from __future__ import annotations

from functools import cache

from generators.measured import markdown, percent
from planner.evidence.kernels import KernelCalibration, calibrate_kernels

__all__ = ["BLOCKS"]

NOTHING = 1e-6
_ANY_DATE = "2000-01-01"
"""The page shows no date, and must not change with it."""


@cache
def _found() -> KernelCalibration:
    return calibrate_kernels(date=_ANY_DATE)


def errors(_arguments: str, _old: str) -> str:
    """Errors of the laws on shapes left out of the fit, by accelerator and kernel."""
    lines = []
    for fit in _found().fits:
        e, small = fit.errors, fit.small
        held = [percent(e.median_abs_pct), percent(e.p90_abs_pct), percent(e.bias_pct, signed=True)]
        below = [str(small.rows), percent(small.bias_pct, signed=True)] if small.rows else ["", ""]
        lines.append([fit.accelerator, f"`{fit.kernel}`", str(fit.rows), *held, *below])
    head = [
        "accelerator",
        "kernel",
        "rows",
        "median error %",
        "90 % below %",
        "bias %",
        "small",
        "their bias %",
    ]
    return markdown(head, lines)


def rates(_arguments: str, _old: str) -> str:
    """Fitted rates beside those that ship."""
    lines = []
    for rate in _found().rates:
        known = rate.catalog is not None and rate.catalog > NOTHING
        held = "" if rate.catalog is None else f"{rate.catalog:.4g}" if known else "0"
        change = percent(rate.change_pct, signed=True) if known and rate.change_pct is not None else ""
        span = "" if rate.low is None or rate.high is None else f"{_short(rate.low)} to {_short(rate.high)}"
        rows = str(rate.rows) if rate.rows else ""
        lines.append([rate.record, f"`{rate.rate}`", _short(rate.value), span, rows, held, change])
    head = ["record", "rate", "fitted", "spread", "rows", "shipped", "change %"]
    return markdown(head, lines)


def _short(value: float) -> str:
    """Write three digits; what the fit drove to nothing is nothing, whatever its last digits are here."""
    return f"{value:.3g}" if value > NOTHING else "0"


BLOCKS = {"kernel-errors": errors, "kernel-rates": rates}
