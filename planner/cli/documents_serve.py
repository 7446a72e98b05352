"""The JSON of ``planner serve``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.serving.explain import Explanation
from planner.plan.serving.results import ServeInputs, ServeResult

__all__ = ["Serve"]


class Inputs(ServeInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Serve(ServeResult):
    """Answer to ``planner serve``."""

    inputs: Inputs
    explanation: Explanation | None = None
    """With ``--explain``: the numbers traced to their sources."""
