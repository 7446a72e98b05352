"""The JSON of ``planner train``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.explain import Explanation
from planner.plan.results import TrainInputs, TrainResult

__all__ = ["Train"]


class Inputs(TrainInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Train(TrainResult):
    """Answer to ``planner train``."""

    inputs: Inputs
    explanation: Explanation | None = None
    """With ``--explain``: the numbers traced to their sources."""
