"""The JSON of ``planner frontier``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.frontier.results import FrontierInputs, FrontierResult

__all__ = ["Frontier"]


class Inputs(FrontierInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Frontier(FrontierResult):
    """Answer to ``planner frontier``."""

    inputs: Inputs
