"""The JSON of ``planner compare``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.compare.results import CompareInputs, CompareResult

__all__ = ["Compare"]


class InputsOfCompare(CompareInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Compare(CompareResult):
    """Answer to ``planner compare``."""

    inputs: InputsOfCompare
