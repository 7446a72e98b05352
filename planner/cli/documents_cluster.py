"""The JSON of ``planner cluster``: the library's answers, and what the command line adds to them."""

from __future__ import annotations

from planner.plan.cluster.results import ListInputs, ListResult

__all__ = ["ClusterList"]


class InputsOfList(ListInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class ClusterList(ListResult):
    """Answer to ``planner cluster list``."""

    inputs: InputsOfList
