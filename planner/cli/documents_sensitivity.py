"""The JSON of ``planner sensitivity``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.sensitivity.results import SensitivityInputs, SensitivityResult

__all__ = ["Sensitivity"]


class InputsOfSensitivity(SensitivityInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Sensitivity(SensitivityResult):
    """Answer to ``planner sensitivity``."""

    inputs: InputsOfSensitivity
