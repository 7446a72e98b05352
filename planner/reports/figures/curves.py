"""Curves around the plan of a report: `planner.curve` with the inputs of the question."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.errors import InfeasibleError, InputError, UsageError
from planner.plan.curve.kinds import KINDS
from planner.reports.figures.make import Figure, of_curve

if TYPE_CHECKING:
    from planner.reports.asked import Asked

__all__ = ["asked_curves"]

POINTS: Final = 9
"""Of a line: enough for its shape, few enough for a page in seconds."""
_SPAN: Final = 8
"""The curve reaches from the accelerators of the plan over this to as many times more."""
_SURROUNDINGS: Final = ("site", "price", "finance", "failures")


def asked_curves(
    asked: Asked, kinds: Sequence[str], *, model: Any, size: int | None = None
) -> Iterator[Figure]:
    """Yield curves of these kinds with the question's own inputs; those that it does not allow are left out.

    Parameters
    ----------
    model
        Its name, where the question has it as one.
    size
        Accelerators of the plan, around which the curve is drawn; None for the range of the kind.
    """
    from planner.plan.curve.curve import curve

    inputs: dict[str, Any] = dict(asked.ready.inputs)
    place: dict[str, Any] = {
        name: inputs.get(name) for name in ("cluster", "gpu") if inputs.get(name) is not None
    }
    if inputs.get("accelerator") is not None:
        place["gpu"] = inputs["accelerator"]
    for name in kinds:
        kind = KINDS.get(name)
        if kind is None or not place or not asked.wants(name):
            continue
        free: dict[str, Any] = {
            key: value for key, value in inputs.items() if key not in kind.own and value is not None
        }
        if free.keys() & inspect.signature(curve).parameters.keys():
            continue  # a kind of fine-tuning, for which there is no curve
        traffic = inputs.get("traffic") if kind.question == "serve" else None
        span = None if size is None or "cluster" in place else f"{max(size // _SPAN, 1)}..{size * _SPAN}"
        try:
            found = curve(
                name,
                model=inputs.get("model", model),
                traffic=traffic,
                gpus=span,
                points=POINTS,
                catalog=asked.book,
                **place,
                **free,
            )
        except (InputError, UsageError, InfeasibleError):
            continue  # the curve sets an input itself that this question has given otherwise
        yield of_curve(name, found)
