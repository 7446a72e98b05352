"""The JSON of ``planner curve``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.curve.results import CurveInputs, CurveResult

__all__ = ["Curve"]


class Inputs(CurveInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Curve(CurveResult):
    """Answer to ``planner curve``."""

    inputs: Inputs
