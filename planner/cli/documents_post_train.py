"""The JSON of ``planner post-train``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.post_train.results import PostTrainInputs, PostTrainResult

__all__ = ["PostTrain"]


class InputsOfPostTrain(PostTrainInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class PostTrain(PostTrainResult):
    """Answer to ``planner post-train``."""

    inputs: InputsOfPostTrain
