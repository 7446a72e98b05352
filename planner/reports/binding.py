"""What binds in an answer of any question, as (what, sentence)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["binding", "feasible", "mends", "reasons"]

Pairs = list[tuple[str, str]]


def binding(result: Any) -> Pairs:
    """Return what binds; nothing where the question has no such thing, or no answer."""
    found = _BY_QUESTION.get(_question(result))
    return [] if found is None else [pair for pair in found(result) if pair[1]]


def reasons(result: Any) -> tuple[str, ...]:
    """Return why there is no answer, or none to a part of the question."""
    return tuple(getattr(result.result, "reasons", ()))


def mends(result: Any) -> tuple[str, ...]:
    """Return the nearest changes that would make it feasible."""
    return tuple(one.sentence for one in getattr(result.result, "nearest", ()))


def feasible(result: Any) -> bool:
    """Whether there is an answer: what the command's exit code says."""
    if hasattr(result, "feasible"):
        return bool(result.feasible)
    if hasattr(result.result, "plan"):
        return result.result.plan is not None
    return not reasons(result)


def _question(result: Any) -> str:
    return str(result.schema_name).removeprefix("planner.").rpartition("/")[0]


def _bottleneck(result: Any) -> Pairs:
    plan = result.plan
    return [] if plan is None else [(plan.bottleneck.resource, plan.bottleneck.sentence)]


def _mix(result: Any) -> Pairs:
    bottleneck = result.result.bottleneck
    worths = [(one.name, one.sentence) for one in result.result.worths]
    return [*([] if bottleneck is None else [(bottleneck.resource, bottleneck.sentence)]), *worths]


def _staged(result: Any) -> Pairs:
    return [] if result.plan is None else [("run", result.plan.binds)]


def _frontier(result: Any) -> Pairs:
    return [(f"{one.days:g} days", one.binds.sentence) for one in result.points]


def _capacity(result: Any) -> Pairs:
    return [(one.section, one.sentence) for one in result.result.binds]


_BY_QUESTION: Final[dict[str, Callable[[Any], Pairs]]] = {
    "train": _bottleneck,
    "serve": _bottleneck,
    "post-train": _bottleneck,
    "mix": _mix,
    "staged": _staged,
    "frontier": _frontier,
    "capacity": _capacity,
    "budget": lambda result: [("", result.result.binds)],
    "cluster-size": lambda result: [("limit", result.result.binds)],
}
