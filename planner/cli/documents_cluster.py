"""The JSON of ``planner cluster``: the library's answers, and what the command line adds to them."""

from __future__ import annotations

from planner.plan.cluster.results import (
    CompareInputs,
    CompareResult,
    ListInputs,
    ListResult,
    ShowInputs,
    ShowResult,
    SizeInputs,
    SizeResult,
)

__all__ = ["ClusterCompare", "ClusterList", "ClusterShow", "ClusterSize"]


class InputsOfShow(ShowInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class ClusterShow(ShowResult):
    """Answer to ``planner cluster show``."""

    inputs: InputsOfShow


class InputsOfList(ListInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class ClusterList(ListResult):
    """Answer to ``planner cluster list``."""

    inputs: InputsOfList


class InputsOfCompare(CompareInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class ClusterCompare(CompareResult):
    """Answer to ``planner cluster compare``."""

    inputs: InputsOfCompare


class InputsOfSize(SizeInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class ClusterSize(SizeResult):
    """Answer to ``planner cluster size``."""

    inputs: InputsOfSize
