"""A tornado: how far each input moves an answer, the widest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.errors import InfeasibleError
from planner.plan.curve.results import Axis
from planner.plot.axes import described, laid_out
from planner.plot.rows import Rod, Row, draw_rows, height_of, roomy
from planner.plot.style import COLOURS, INK, SIZE, on_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planner.plan.sensitivity.results import Bar, SensitivityResult

__all__ = ["tornado"]

_LOW, _HIGH = COLOURS[0], COLOURS[1]
_HATCH: Final = "///"
_MOST: Final = 16
_LEAST: Final = 0.01
"""Bars that are drawn, and how wide at least beside the widest; the others move the answer less."""


def tornado(
    result: SensitivityResult, ax: Axes | None = None, *, size: tuple[float, float] | None = None
) -> Axes:
    """Draw the figure with each input at both ends of its range, the rest as it is.

    Parameters
    ----------
    result
        From `planner.sensitivity`.
    ax
        Axes of yours; without, a figure is made with title and caption.
    size
        Of that figure, in inches.

    Raises
    ------
    InfeasibleError
        No input has a range.
    """
    answer = result.result
    base = answer.figure.value
    bars = [bar for bar in answer.bars if bar.low.figure is not None or bar.high.figure is not None]
    if not bars:
        raise InfeasibleError("there is nothing to draw: no input moves the answer")
    widest = max(bar.effect for bar in bars)
    drawn = [bar for bar in bars[:_MOST] if bar.effect >= _LEAST * widest]
    rows = [Row(name=bar.label, rods=_rods(bar, base)) for bar in drawn]
    with styled():
        axes, own = on_axes(ax, size or (SIZE[0], height_of(len(rows))))
        words = draw_rows(axes, rows)
        axes.axvline(base, color=INK, linewidth=1.0, zorder=4)
        axes.margins(x=0.03)
        described(axes, Axis(key="x", title=answer.figure.label))
        roomy(axes, words)
        if own:
            laid_out(axes, f"What moves {answer.figure.label}", _caption(len(bars) - len(rows)))
            roomy(axes, words)
    return axes


def _rods(bar: Bar, base: float) -> tuple[Rod, ...]:
    """Return the bars of both ends; one above the other where they point the same way."""
    ends = [
        (end, colour, hatch)
        for end, colour, hatch in ((bar.low, _LOW, ""), (bar.high, _HIGH, _HATCH))
        if end.figure is not None
    ]
    sides = {(end.figure or 0.0) >= base for end, _, _ in ends}
    apart = len(ends) == 2 and len(sides) == 1
    return tuple(
        Rod(
            start=base,
            end=float(end.figure or 0.0),
            text=end.text,
            colour=colour,
            hatch=hatch,
            low=0.0 if apart and place else -0.32,
            high=0.0 if apart and not place else 0.32,
        )
        for place, (end, colour, hatch) in enumerate(ends)
    )


def _caption(left_out: int) -> list[str]:
    more = f" {left_out} more inputs move it less." if left_out > 0 else ""
    return [
        "Each bar moves one input over its range, the others as they are; plain: its low end or first value, "
        f"hatched: its high end or last value. The line is the answer as asked.{more}"
    ]
