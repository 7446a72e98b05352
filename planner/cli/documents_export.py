"""The JSON of ``planner export``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.export.results import ExportInputs, ExportResult

__all__ = ["Export"]


class Inputs(ExportInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Export(ExportResult):
    """Answer to ``planner export``."""

    inputs: Inputs
