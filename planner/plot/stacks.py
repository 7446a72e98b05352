"""Stacked bars: parts told apart by colour and hatch, whiskers for intervals, a line for a limit."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.curve.results import Axis
from planner.plot.axes import LEAST, described, laid_out, legend_below
from planner.plot.style import COLOURS, HATCHES, INK, SIZE, SMALL, on_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planner.plan.curve.results import CurveResult

__all__ = ["bars"]

_LETTERS: Final = 34
"""Of a line of a bar's name."""
_THICK: Final = 0.62
_ROOM: Final = 0.48
"""Inches of a bar with its gap, and of everything around the bars."""
_AROUND: Final = 2.4
_LINE: Final = 0.16
"""Inches of a line of a bar's name, at least."""
_PALE: Final = "#c9c9c9"
"""Of the rest, which no other part is."""


def bars(result: CurveResult, ax: Axes | None = None, *, size: tuple[float, float] | None = None) -> Axes:
    """Draw the stacked bars of a curve, the first at the top.

    Parameters
    ----------
    result
        From `planner.curve`, with ``stacks``.
    ax
        Axes of yours; without, a figure is made with title and caption.
    size
        Of that figure, in inches; by default as high as the bars need.

    Returns
    -------
    Axes
    """
    answer = result.result
    many = len(answer.stacks)
    with styled():
        axes, own = on_axes(ax, size or (SIZE[0], max(SIZE[1] * 0.7, _AROUND + _ROOM * many)))
        at = np.arange(many, dtype=float)
        left = np.zeros(many)
        names = list(dict.fromkeys(part.name for stack in answer.stacks for part in stack.parts))
        names.sort(key=lambda name: name == "rest")
        for place, name in enumerate(names):
            width = np.array([_value(stack.parts, name) for stack in answer.stacks])
            axes.barh(at, width, left=left, height=_THICK, label=name, **_look(place, name))
            left += width
        _ends(axes, answer.stacks, at)
        described(axes, answer.y, Axis(key="", title=""))
        axes.grid(visible=False, axis="y")
        axes.set_yticks(at, [textwrap.fill(stack.name, _LETTERS) for stack in answer.stacks], fontsize=SMALL)
        axes.set_ylim(many - 0.45, -0.55)
        under = 0.0
        if len(names) > 1:  # of a single part the axis says what it is
            under = legend_below(axes, len(names), own=own)
        if own:
            rows = sum(label.get_text().count("\n") + 1 for label in axes.get_yticklabels())
            laid_out(axes, answer.title, answer.caption, under=under, least=max(LEAST, _LINE * rows))
        else:
            axes.set_title(answer.title)
    return axes


def _value(parts: Any, name: str) -> float:
    return float(sum(part.value for part in parts if part.name == name))


def _look(place: int, name: str) -> dict[str, Any]:
    if name == "rest":
        return {"color": _PALE, "edgecolor": "white", "linewidth": 0.5}
    return {
        "color": COLOURS[place % len(COLOURS)],
        "hatch": HATCHES[place % len(HATCHES)],
        "edgecolor": "white",
        "linewidth": 0.5,
    }


def _ends(ax: Axes, stacks: Any, at: Any) -> None:
    """Draw intervals of the totals and the limits."""
    for stack, y in zip(stacks, at, strict=True):
        if stack.total.high > stack.total.low:
            off = [[stack.total.value - stack.total.low], [stack.total.high - stack.total.value]]
            for colour, wide in (("white", 2.8), (INK, 1.1)):  # to be seen on any part
                ax.errorbar(
                    [stack.total.value], [y], xerr=off, fmt="none", ecolor=colour, elinewidth=wide,
                    capsize=3.0, capthick=wide, zorder=4,
                )  # fmt: skip
        if stack.limit is not None:
            half = 0.5 * (_THICK + 0.16)
            ax.plot([stack.limit] * 2, [y - half, y + half], color=INK, linewidth=2.0, zorder=5)
