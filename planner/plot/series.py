"""Curves with their intervals as bands, what binds as marks, and names beside the lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plot.axes import described, extent, laid_out, legend_below
from planner.plot.labels import ROOM, End, Spot, at_ends, beside_ends, mark_labels
from planner.plot.style import COLOURS, GREY, MARKERS, SMALL, on_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planner.plan.curve.results import CurveAnswer, CurveResult, Series
    from planner.types import FloatArray

__all__ = ["lines"]

_DASHES: Final[dict[str, Any]] = {"line": "-", "dashed": (0, (5, 2)), "points": "", "iso": (0, (1, 2))}
_MARKED: Final = 8
"""Markers along a line."""
_BEYOND: Final = 6.0
"""How far beyond the largest and below the smallest value a logarithmic picture reaches for bands."""
_MOST_WORDS: Final = 8
"""Marks in a picture up to which each has its words beside it."""
_WIDEST: Final = 0.34
"""Share of a figure that labels beside the lines may take; with more, a legend names them."""


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """A series on the axes."""

    series: Series
    colour: str
    x: FloatArray
    y: FloatArray
    marker: str = ""
    filled: str = ""


def lines(result: CurveResult, ax: Axes | None = None, *, size: tuple[float, float] | None = None) -> Axes:
    """Draw the series of a curve.

    Parameters
    ----------
    result
        From `planner.curve`.
    ax
        Axes of yours; without, a figure is made with title and caption.
    size
        Of that figure, in inches.

    Returns
    -------
    Axes
    """
    answer = result.result
    with styled():
        axes, own = on_axes(ax, size)
        drawn = _series(axes, answer)
        words = _words(drawn)
        axes.margins(x=0.015)
        _framed(axes, answer, drawn)
        described(axes, answer.x, answer.y)
        if own:
            key = ", ".join(f"{short}: {label}" for label, short in words.items() if short != label)
            _named(axes, answer, drawn, (f"Marks: {key}.",) if key else ())
        else:
            axes.set_title(answer.title)
            if len(drawn) > 1:
                _legend(axes)
        _marked(axes, drawn, words)
    return axes


def _series(ax: Axes, answer: CurveAnswer) -> list[_Drawn]:
    """Draw bands and lines; series of one group share a colour and a marker."""
    groups = list(dict.fromkeys(one.group or one.name for one in answer.series if one.style != "iso"))
    drawn = []
    for one in answer.series:
        named = one.group or one.name
        at = groups.index(named) if named in groups else 0
        # Lines of equal something that belong to no other are grey.
        colour = COLOURS[at % len(COLOURS)] if named in groups else GREY
        x = np.array([point.x for point in one.points])
        y, low, high = (
            np.array([getattr(point.y, name) for point in one.points]) for name in ("value", "low", "high")
        )
        if not len(x):
            continue
        if np.any(high > low) and one.style in ("line", "dashed") and len(x) > 1:
            ax.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0, zorder=1)
        if np.any(high > low) and (one.style == "points" or len(x) == 1):
            ax.vlines(x, low, high, color=colour, alpha=0.4, linewidth=1.0, zorder=2)
        style: dict[str, Any] = {"color": colour, "linestyle": _DASHES[one.style], "label": one.name}
        # Where colours come again, they come with other markers.
        marker, filled = (
            MARKERS[(at + at // len(COLOURS)) % len(MARKERS)],
            colour if one.style != "dashed" else "white",
        )
        if one.style == "iso":
            ax.plot(x, y, linewidth=0.8, zorder=2, **style)
            drawn.append(_Drawn(series=one, colour=colour, x=x, y=y))
            continue
        every = 1 if one.style == "points" else max(len(x) // _MARKED, 1)
        ax.plot(
            x, y, marker=marker, markevery=every, markerfacecolor=filled, markeredgecolor=colour, zorder=3,
            **style,
        )  # fmt: skip
        drawn.append(_Drawn(series=one, colour=colour, x=x, y=y, marker=marker, filled=filled))
    return drawn


def _framed(ax: Axes, answer: CurveAnswer, drawn: list[_Drawn]) -> None:
    """Let bands that are very wide run out of a logarithmic picture, so that lines do not lie flat in it."""
    if not answer.y.log or not drawn:
        return
    values = np.concatenate([one.y for one in drawn])
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, float(np.min(values)) / _BEYOND), min(high, float(np.max(values)) * _BEYOND))


def _words(drawn: list[_Drawn]) -> dict[str, str]:
    """Return what is written at marks, by their label: a letter where there are too many for words."""
    labels = [mark.label for one in drawn for mark in one.series.marks]
    distinct = dict.fromkeys(labels)
    if len(labels) <= _MOST_WORDS:
        return {label: label for label in distinct}
    return {label: chr(ord("a") + at % 26) for at, label in enumerate(distinct)}


def _named(ax: Axes, answer: CurveAnswer, drawn: list[_Drawn], key: tuple[str, ...]) -> None:
    """Write names beside the ends of lines and lay the figure out; a legend where there is no room."""
    caption = (*answer.caption, *key)
    figure: Any = ax.figure
    ends = [
        End(
            text=one.series.name,
            x=float(one.x[-1]),
            y=float(one.y[-1]),
            colour=one.colour,
            marker=one.marker,
            filled=one.filled,
        )
        for one in drawn
        if one.series.name
    ]
    labels = beside_ends(ax, ends)
    widest = max((extent(label).width for label in labels), default=0.0)
    if widest <= _WIDEST * figure.get_size_inches()[0] * figure.dpi:
        laid_out(ax, answer.title, caption, right=widest + ROOM * figure.dpi / 72.0)
        if at_ends(ax, ends, labels):
            return
    for label in labels:
        label.remove()
    under = legend_below(ax, len(ends), own=True, handlelength=3.0) if ends else 0.0
    laid_out(ax, answer.title, caption, under=under)


def _legend(ax: Axes) -> None:
    ax.legend(fontsize=SMALL, frameon=True, framealpha=0.9, edgecolor="#cccccc", loc="best", handlelength=3.0)


def _marked(ax: Axes, drawn: list[_Drawn], words: dict[str, str]) -> None:
    """Draw marks and their labels."""
    spots = []
    for one in drawn:
        for mark in one.series.marks:
            ax.plot(
                [mark.x], [mark.y], marker="o", markersize=7.5, markerfacecolor="white", markeredgewidth=1.4,
                markeredgecolor=one.colour, linestyle="", zorder=5,
            )  # fmt: skip
            spots.append(Spot(text=words[mark.label], x=mark.x, y=mark.y, colour=one.colour))
    paths = [ax.transData.transform(np.column_stack([one.x, one.y])) for one in drawn]
    mark_labels(ax, spots, paths=paths)
