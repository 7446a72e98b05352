"""What a comparison says of its sides: headlines, assumptions, notes and sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planner.plan.compare.curated import CURATED
from planner.plan.compare.pairs import INDEPENDENT, STATED
from planner.plan.compare.results import Figure, SharedError, Side
from planner.plan.compare.sides import PLANS
from planner.plan.document import Assumption, SourceUsed

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered
    from planner.plan.sections import Section

__all__ = ["assumptions_of", "notes_of", "side_of", "sources_of_sides"]


def side_of(side: Answered) -> Side:
    """Return a side as results carry it."""
    answer, posed = side.result.result, side.posed
    return Side(
        name=posed.name,
        kind=posed.kind,
        inputs={name: _plain(value) for name, value in posed.inputs.items()},
        overrides=posed.overrides,
        headline=_headline(side),
        plan=_plan(side),
        feasible=side.feasible,
        reasons=tuple(getattr(answer, "reasons", ())),
        nearest=tuple(getattr(answer, "nearest", ())),
        notes=_notes(side),
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else str(value)


def _headline(side: Answered) -> str:
    command = side.posed.question.command
    if command == "train":
        from planner.plan.table import headline

        return headline(side.result)
    if command == "serve":
        from planner.plan.serving.table import headline as served

        return served(side.result)
    first: Section = next(iter(side.result.sections()))
    return first.title


def _plan(side: Answered) -> str:
    """Say what was chosen: the layout, or what is deployed."""
    plan, inputs = side.plan, side.result.inputs
    command = side.posed.question.command
    if plan is None or command not in PLANS:
        return ""
    if command == "train":
        from planner.plan.table import layout

        return f"{plan.gpus_used:,} {inputs.gpu}: {layout(plan.strategy)}, {plan.strategy.precision}"
    kinds = " + ".join(
        f"{one.replicas:,} x {one.gpus} {one.accelerator} (tp{one.tp} pp{one.pp} dp{one.dp} ep{one.ep})"
        for one in plan.deployment.layouts
    )
    return f"{kinds}, {plan.deployment.engine}, weights {plan.deployment.precisions.weights}"


def assumptions_of(sides: Sequence[Answered]) -> tuple[Assumption, ...]:
    """Return what the sides assumed: once where all did alike, else with the side that did."""
    said: dict[tuple[str, Any, str], list[str]] = {}
    for side in sides:
        for one in side.result.assumptions:
            holders = said.setdefault((one.field, one.value, one.why), [])
            if side.posed.name not in holders:
                holders.append(side.posed.name)
    everyone = len({side.posed.name for side in sides})
    return tuple(
        Assumption(
            field=field if len(holders) == everyone else f"{field} of {', '.join(holders)}",
            value=value,
            why=why,
        )
        for (field, value, why), holders in said.items()
    )


def notes_of(
    command: str, sides: Sequence[Answered], figures: Sequence[Figure], shared: Sequence[SharedError]
) -> tuple[str, ...]:
    """Return what a reader must know of the ratios, and the notes that all sides share."""
    notes = [
        "In ratios prices, power and failures that sides share are drawn alike, sample by sample, so that "
        "what is wrong with them is wrong in both and cancels."
    ]
    if command in CURATED:
        if any(basis in (INDEPENDENT, STATED) for one in figures for basis in one.bases):
            notes.append(
                f"What the errors of two answers of {command} share was not measured: ratios of figures that "
                "carry them have the interval of independent errors, too wide where sides share some, or "
                "none where both rest on the same prediction or none is stated."
            )
        notes.append(
            f"There is no ranking of answers of {command}, and no factors that explain their difference."
        )
    if shared:
        notes.append(
            "Errors of the estimator cancel as far as measured pairs of runs of one team and stack share "
            "them; beyond the conditions that were measured the same share is assumed."
        )
    solved = {side.result.inputs.question for side in sides if hasattr(side.result.inputs, "question")}
    if len(solved) > 1:
        notes.append(
            f"The sides solve for different things ({', '.join(sorted(solved))}): give all the same of "
            "tokens, days and GPUs for ratios of like with like."
        )
    widened = [side.posed.name for side in sides if getattr(side.plan, "interval_widened", ())]
    if widened:
        notes.append(f"Beyond the evidence: {', '.join(widened)}; see its own answer for why.")
    if command == "serve" and any(len(_layouts(side)) > 1 for side in sides):
        notes.append(
            "Where prompts and decoding have replicas of their own, the step is that of the largest pool."
        )
    lists = [set(_notes(side)) for side in sides]
    common = [one for one in _notes(sides[0]) if all(one in mine for mine in lists)]
    return (*notes, *common)


def _notes(side: Answered) -> tuple[str, ...]:
    return tuple(getattr(side.result.result, "notes", ()))


def _layouts(side: Answered) -> tuple[Any, ...]:
    found: tuple[Any, ...] = side.plan.deployment.layouts if side.plan is not None else ()
    return found


def sources_of_sides(sides: Sequence[Answered]) -> dict[str, SourceUsed]:
    """Return the sources of all sides."""
    found: dict[str, SourceUsed] = {}
    for side in sides:
        found |= side.result.sources
    return dict(sorted(found.items()))
