"""Which figures suit the answer of which question, and those of them that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.errors import UsageError, suggest
from planner.reports.figures import beside, plans, wholes

if TYPE_CHECKING:
    from planner.reports.asked import Asked
    from planner.reports.figures.make import Figure

__all__ = ["NONE", "figures_of", "named"]

NONE: Final = "none"
Figures = Callable[["Asked", Any], Iterator["Figure"]]
_BY_QUESTION: Final[dict[str, Figures]] = {
    "train": plans.train,
    "serve": plans.serve,
    "staged": plans.staged,
    "distill": plans.distill,
    "post-train": plans.post_train,
    "frontier": wholes.frontier,
    "cluster show": wholes.show,
    "cluster compare": wholes.compare,
    "cluster size": wholes.size,
    "budget": wholes.budget,
    "mix": wholes.mix,
    "capacity": wholes.capacity,
    "compare": beside.compare,
}


def named(figures: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Read names of figures: several in a text are divided by commas; ``none`` is none, None is all."""
    if figures is None:
        return None
    texts = figures.split(",") if isinstance(figures, str) else list(figures)
    found = tuple(dict.fromkeys(text.strip().casefold() for text in texts if text.strip()))
    return () if found in ((), (NONE,)) else found


def figures_of(asked: Asked, result: Any) -> list[Figure]:
    """Return the figures of an answer in their order; those that hold nothing are left out.

    Raises
    ------
    UsageError
        A figure that answers of this question do not have.
    """
    draw = _BY_QUESTION.get(asked.ready.question.command)
    wanted = asked.figures
    if draw is None or wanted == ():
        return []
    found = [figure for figure in draw(asked, result) if not figure.empty]
    if wanted is None:
        return found
    there = {figure.name: figure for figure in found}
    for name in wanted:
        if name not in there:
            known = f"this report has {', '.join(there) or 'none'}"
            raise UsageError(
                f"--figures {name[:40]}: no such figure; {suggest(name, there, otherwise=known)}"
            )
    return [there[name] for name in wanted]
