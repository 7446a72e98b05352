"""A sensitivity as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.sections import Section
from planner.plan.sensitivity.figures import Figure
from planner.plan.sensitivity.thresholds import LADDER
from planner.plan.sensitivity.words import change_words, percent
from planner.units import format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.sensitivity.results import Bar, Elasticity, End, SensitivityResult, Statement, Threshold

__all__ = ["records_of", "sections"]

_BAR: Final = ("input", "low", "as asked", "high", "figure at low", "at high", "share")
_CLOSE: Final = 1.001
_NONE: Final = 5e-4
"""Elasticities below this are shown together."""
_SLOPE: Final = ("input", "as asked", "elasticity", "moved by", "note")


def sections(result: SensitivityResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    answer = result.result
    figure = Figure(answer.figure.path)
    shown = answer.bars[: result.inputs.top]
    rows = [_bar(bar, figure) for bar in shown]
    left = answer.bars[result.inputs.top :]
    if left:
        share = sum(bar.share or 0.0 for bar in left)
        rows.append((f"{len(left)} more", "", "", "", "", "", f"{share:.1%}"))
    yield Section(answer.sentence, _BAR, rows) if rows else Section(answer.sentence, (), [("bars", "none")])
    if answer.statement is not None:
        yield from _statement(answer.statement)
    moving = [one for one in answer.elasticities if one.value is None or abs(one.value) >= _NONE]
    slopes = [_slope(one) for one in moving]
    if len(moving) < len(answer.elasticities):
        still = ", ".join(one.label for one in answer.elasticities if one not in moving)
        slopes.append((still, "", "0", "", ""))
    yield Section(f"Elasticities: per cent of {figure.label} for each per cent of an input", _SLOPE, slopes)
    yield Section("", (), [("asked", _effort(result))])


def _bar(bar: Bar, figure: Figure) -> tuple[str, ...]:
    middle = "".join(f"; {end.text}: {_figure(end, figure)}" for end in bar.others)
    return (
        bar.label,
        bar.low.text,
        bar.base_text,
        bar.high.text,
        _figure(bar.low, figure),
        _figure(bar.high, figure) + middle,
        "" if bar.share is None else f"{bar.share:.1%}",
    )


def _figure(end: End, figure: Figure) -> str:
    if end.figure is None:
        return f"none: {end.reason}"
    change = "" if end.change is None else f" ({percent(end.change)})"
    return figure.show(end.figure) + change


def _slope(one: Elasticity) -> tuple[str, ...]:
    return (
        one.label,
        one.base_text,
        "" if one.value is None else f"{one.value:+.3f}",
        _moved(one),
        one.note,
    )


def _moved(one: Elasticity) -> str:
    if one.sides == "none":
        return ""
    if one.step < 1.0:
        sign = {"both": "+-", "up": "+", "down": "-"}[one.sides]
        return f"{sign}{one.step:.0%}"
    times = f"{1.0 + one.step:g}"
    return {"both": f"x {times}, / {times}", "up": f"x {times}", "down": f"/ {times}"}[one.sides]


def _statement(statement: Statement) -> Iterator[Section]:
    """Yield the thresholds, nearest first, and in one row each what has none."""
    there = [one for one in statement.thresholds if one.side is not None]
    rows = [(_bound(one), one.label, one.base_text, _change(one)) for one in there]
    if rows:
        title = f"{statement.text}: {'as long as' if statement.holds else 'only with'}"
        yield Section(statement.sentence, (title, "of", "as asked", "that is"), rows)
    whatever = ", ".join(_label(one) for one in statement.thresholds if one.side is None)
    never = "whatever the" if statement.holds else "not by the"
    said = (
        [(never, f"{whatever}: from a sixteenth to 16 times, where nothing else is said")] if whatever else []
    )
    said += [("choice", text) for text in statement.choices]
    if said:
        yield Section("" if rows else statement.sentence, (), said)


def _bound(one: Threshold) -> str:
    return f"{'at least' if one.side == 'above' else 'at most'} {one.text}"


def _change(one: Threshold) -> str:
    again = "; with another layout" if one.searched and one.where != "input" else ""
    again += "" if one.monotone else "; changes again further out"
    return change_words(one.change or 0.0) + again


def _label(one: Threshold) -> str:
    """Name an input, with what was looked at where that is not the whole bracket."""
    ends = []
    if one.least * LADDER[-1] > one.base * _CLOSE:
        ends.append(f"from {_shown(one, one.least)}")
    if one.most * _CLOSE < one.base * LADDER[-1]:
        ends.append(f"to {_shown(one, one.most)}")
    return f"{one.label} ({' '.join(ends)})" if ends else one.label


def _shown(one: Threshold, value: float) -> str:
    return short_number(value) if one.dimension is None else format_quantity(value, one.dimension, digits=3)


def _effort(result: SensitivityResult) -> str:
    effort = result.result.effort
    looked = f"{effort.answers:,} answers, {effort.searched:,} of them with a search of all layouts"
    if not effort.quantities:
        return looked
    text = f"{looked}; of {effort.quantities} numbers with a range {effort.without_effect} move nothing"
    return text + (f", {len(effort.not_looked_at)} were not looked at" if effort.not_looked_at else "")


def records_of(result: SensitivityResult) -> list[dict[str, Any]]:
    """Return flat records: one for each bar, the widest first."""
    answer = result.result
    return [
        {
            "figure": answer.figure.path,
            "figure_base": answer.figure.value,
            "input": bar.name,
            "label": bar.label,
            "where": bar.where,
            "dimension": bar.dimension,
            "base": bar.base_text if bar.base is None else bar.base,
            **_ends("low", bar.low),
            **_ends("high", bar.high),
            "effect": bar.effect,
            "share_of_variance": bar.share,
            "basis": bar.basis,
        }
        for bar in answer.bars
    ]


def _ends(name: str, end: End) -> dict[str, Any]:
    return {
        name: end.text if end.value is None else end.value,
        f"figure_at_{name}": end.figure,
        f"change_at_{name}": end.change,
        f"searched_at_{name}": end.searched,
        f"reason_at_{name}": end.reason or None,
    }
