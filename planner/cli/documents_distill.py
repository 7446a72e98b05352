"""The JSON of ``planner distill``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.distill.results import DistillInputs, DistillResult

__all__ = ["Distill"]


class Inputs(DistillInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Distill(DistillResult):
    """Answer to ``planner distill``."""

    inputs: Inputs
