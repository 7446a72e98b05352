"""The JSON of ``planner sweep``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.sweep.results import SweepInputs, SweepResult

__all__ = ["Sweep"]


class InputsOfSweep(SweepInputs):
    """The grid as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Sweep(SweepResult):
    """Answer to ``planner sweep``."""

    inputs: InputsOfSweep
