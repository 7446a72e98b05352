"""What explains the difference between two answers: factors from one figure to the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from planner.errors import InfeasibleError
from planner.plan.curve.results import Axis
from planner.plot.axes import described, laid_out, short
from planner.plot.rows import Rod, Row, draw_rows, height_of, roomy
from planner.plot.style import COLOURS, GREY, SIZE, on_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planner.plan.compare.results import CompareResult, Waterfall

__all__ = ["waterfall"]

_LESS, _MORE = COLOURS[0], COLOURS[1]
_HATCH: Final = "///"
_AIR: Final = 1.08
_COUNTS: Final = 0.005
"""Least logarithm of a factor that has a bar of its own."""


def waterfall(
    result: CompareResult, ax: Axes | None = None, *, size: tuple[float, float] | None = None, which: int = 0
) -> Axes:
    """Draw the factors between the figure of the first side and that of another, on a logarithmic axis.

    Parameters
    ----------
    result
        From `planner.compare`.
    ax
        Axes of yours; without, a figure is made with title and caption.
    size
        Of that figure, in inches.
    which
        Index into ``result.result.waterfalls``.

    Raises
    ------
    InfeasibleError
        The comparison explains no difference.
    """
    falls = result.result.waterfalls
    if not 0 <= which < len(falls):
        raise InfeasibleError("there is nothing to draw: the comparison explains no difference")
    fall = falls[which]
    first, other = result.result.sides[0].name, result.result.sides[fall.side].name
    rows, ends = _rows(fall, first, other)
    with styled():
        axes, own = on_axes(ax, size or (SIZE[0], height_of(len(rows))))
        axes.set_xscale("log")
        axes.set_xlim(min(ends) / _AIR, max(ends) * _AIR)
        words = draw_rows(axes, rows)
        roomy(axes, words)
        _drawn(axes, fall)
        if own:
            caption = (
                fall.sentence,
                "Bars to the right (hatched) raise the figure, to the left lower it; logarithmic axis.",
            )
            laid_out(axes, f"{fall.figure}: from {first} to {other}", caption)
            roomy(axes, words)
        _drawn(axes, fall)
    return axes


def _drawn(ax: Axes, fall: Waterfall) -> None:
    """Write the axis of values for what it spans now."""
    ends = ax.get_xlim()
    described(
        ax, Axis(key="x", title=fall.figure, unit="" if fall.unit == fall.figure else fall.unit, log=True)
    )
    ax.set_xlim(ends)


def _rows(fall: Waterfall, first: str, other: str) -> tuple[list[Row], list[float]]:
    """Return a row of each side, and one of each factor between them; with all ends of bars."""
    rows, ends, at = [], [fall.first, fall.value], fall.first
    for name, factor in _factors(fall):
        upwards = factor >= 1.0
        after = at * factor
        text = f"\N{MULTIPLICATION SIGN}{factor:.3g}"
        rod = Rod(
            start=at,
            end=after,
            text=text,
            colour=_MORE if upwards else _LESS,
            hatch=_HATCH if upwards else "",
        )
        rows.append(Row(name=name, rods=(rod,)))
        at = after
        ends.append(at)
    start = min(ends) / _AIR

    def side(name: str, value: float) -> Row:
        return Row(name=name, rods=(Rod(start=start, end=value, text=short(value), colour=GREY),))

    return [side(first, fall.first), *rows, side(other, fall.value)], ends


def _factors(fall: Waterfall) -> list[tuple[str, float]]:
    """Return the factors in their order; those that hardly count are one, the last."""
    counts = [(step.name, step.factor) for step in fall.steps if abs(step.log_share) >= _COUNTS]
    rest = sum(step.log_share for step in fall.steps if abs(step.log_share) < _COUNTS)
    few = sum(abs(step.log_share) < _COUNTS for step in fall.steps)
    return [*counts, (f"{few} more", math.exp(rest))] if few > 1 else [(s.name, s.factor) for s in fall.steps]
