"""The JSON of ``planner capacity``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.capacity.results import CapacityInputs, CapacityResult

__all__ = ["Capacity"]


class Inputs(CapacityInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Capacity(CapacityResult):
    """Answer to ``planner capacity``."""

    inputs: Inputs
