"""What a sensitivity says, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from planner.plan.sensitivity.figures import Figure
from planner.plan.sensitivity.results import Bar, Corner, SensitivityAnswer, Threshold

__all__ = [
    "change_words",
    "claim_words",
    "corner_words",
    "notes_of",
    "percent",
    "sentence_of",
    "threshold_words",
]

_OPERATORS: Final = {"<=": "at most", "<": "below", ">=": "at least", ">": "above"}
_SURE: Final = 0.995
_LISTED: Final = 3


def percent(change: float) -> str:
    """Write a change with its sign."""
    return f"{100 * change:+.3g} %"


def sentence_of(answer: SensitivityAnswer) -> str:
    """Say what moves the figure most."""
    figure = Figure(answer.figure.path)
    interval = ""
    if answer.figure.low is not None and answer.figure.high is not None:
        interval = f" ({figure.show(answer.figure.low)} to {figure.show(answer.figure.high)})"
    said = [_moves(bar, figure) for bar in answer.bars[:_LISTED]]
    start = f"{figure.label}: {figure.show(answer.figure.value)}{interval}."
    if not said:
        which = "that was looked at" if answer.effort.not_looked_at else "that has a range"
        return f"{start} Nothing {which} moves it."
    return f"{start} What moves it most: {'; '.join(said)}."


def _moves(bar: Bar, figure: Figure) -> str:
    ends = " or ".join(
        "no answer" if end.figure is None else figure.show(end.figure) for end in (bar.low, bar.high)
    )
    return f"{bar.label} ({ends})"


def notes_of(answer: SensitivityAnswer, *, pinned: bool, given: Sequence[str]) -> Iterator[str]:
    """Yield what a reader must know.

    Parameters
    ----------
    pinned
        Whether answers keep the layout of the base.
    given
        Inputs that were filled in with a number.
    """
    effort = answer.effort
    if pinned:
        yield (
            "Answers keep the layout of the one as asked, unless it does not fit any more: effects are those "
            "before anyone changes the layout. --search looks for the best layout each time."
        )
    yield (
        "Ranges are read as 80 % intervals of independent numbers, one moved at a time; shares are of the "
        "variance that these add up to."
    )
    if any(bar.where == "estimator" for bar in answer.bars):
        basis = next(bar.basis for bar in answer.bars if bar.where == "estimator")
        yield (
            f"'measured over predicted times' is the estimator's own interval ({basis}); the spread of its "
            "fitted constants is part of it and has no bars."
        )
    if answer.statement is not None and answer.statement.worst.figure is not None:
        worst, figure = answer.statement.worst, Figure(answer.figure.path)
        yield (
            f"The share of the ranges in which it holds multiplies effects of one number at a time; at the "
            f"worse ends of all of them these come to {figure.show(worst.multiplied)}, asked together to "
            f"{figure.show(worst.figure or 0.0)}."
        )
    if effort.not_looked_at:
        first = ", ".join(effort.not_looked_at[:_LISTED])
        yield (
            f"{len(effort.not_looked_at)} of {effort.quantities} numbers with a range were not looked at "
            f"({first} ...): raise --asks, or name them with --vary."
        )
    if given:
        names = ", ".join(given)
        yield f"Assumed, without a range: {names}. Give one with --vary, as in {given[0]}=LOW..HIGH."


def claim_words(figure: Figure, operator: str, limit: float) -> str:
    """Say a statement after its subject: ``days at most 90 days``."""
    return f"{figure.label} {_OPERATORS[operator]} {figure.show(limit)}"


def threshold_words(one: Threshold, claim: str, *, holds: bool, least: str, most: str) -> str:
    """Say how far an input may move, or must."""
    if one.side is None or one.change is None:
        across = f"whatever the {one.label} from {least} to {most} (now {one.base_text})"
        return f"{claim} {across}" if holds else f"not {claim} {across}, with the rest as it is"
    bound = "at least" if one.side == "above" else "at most"
    moved = f"(now {one.base_text}, {change_words(one.change)})"
    again = "" if one.monotone else "; further out that changes again"
    start = "as long as" if holds else "only with"
    return f"{claim} {start} {bound} {one.text} of {one.label} {moved}{again}"


def change_words(change: float) -> str:
    """Say how far a threshold is from the base."""
    if change >= 1.0:
        return f"{1.0 + change:.3g} times as much"
    return f"{abs(100 * change):.3g} % {'higher' if change > 0 else 'lower'}"


def corner_words(
    claim: str, base: float, holds: bool, worst: Corner, best: Corner, likely: float, figure: Figure
) -> str:
    """Say whether a statement holds, at the ends of all ranges together, and how likely."""
    first = f"{claim}: {'holds' if holds else 'does not hold'} as asked ({figure.show(base)})"
    share = (
        f"{likely:.0%}" if 1 - _SURE <= likely <= _SURE else ("over 99 %" if likely > 0.5 else "under 1 %")
    )
    if worst.inputs == 0:
        return f"{first}; no range that was looked at moves it."
    whose = "the range at its" if worst.inputs == 1 else f"all {worst.inputs} ranges at their"
    ends = f"with {whose} worse end {_at(worst, figure)}"
    if not worst.holds:
        ends += f", at the better end {_at(best, figure)}"
    return f"{first}; it holds in {share} of the ranges; {ends}."


def _at(corner: Corner, figure: Figure) -> str:
    if corner.figure is None:
        return f"there is no answer ({corner.reason})"
    return f"it {'holds' if corner.holds else 'does not'} ({figure.show(corner.figure)})"
