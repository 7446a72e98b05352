"""The JSON of ``planner staged``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.staged.results import StagedInputs, StagedResult

__all__ = ["Staged"]


class Inputs(StagedInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Staged(StagedResult):
    """Answer to ``planner staged``."""

    inputs: Inputs
