"""The JSON of ``planner report``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.reports.results import ReportInputs, ReportResult

__all__ = ["Report"]


class Inputs(ReportInputs):
    """The report as it was asked for."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Report(ReportResult):
    """Answer to ``planner report``."""

    inputs: Inputs
