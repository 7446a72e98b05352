"""The JSON of ``planner mix``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.mix.results import MixInputs, MixResult

__all__ = ["Mix"]


class InputsOfMix(MixInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Mix(MixResult):
    """Answer to ``planner mix``."""

    inputs: InputsOfMix
