"""Rows of horizontal bars with words at both ends: what waterfalls and tornados are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plot.axes import extent
from planner.plot.style import GREY, INK, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Rod", "Row", "draw_rows", "height_of", "roomy"]

_LONGEST: Final = 38
"""Letters of a name in one line."""
_GAP: Final = 3.0
"""Points between a bar and its words."""


@dataclass(frozen=True, kw_only=True)
class Rod:
    """A part of a row, from one value to another.

    Attributes
    ----------
    text
        Written beside its far end; empty for nothing.
    low, high
        Vertical extent within the row, from -0.5 to 0.5.
    """

    start: float
    end: float
    text: str = ""
    colour: str = GREY
    hatch: str = ""
    low: float = -0.32
    high: float = 0.32


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row: its name and its bars."""

    name: str
    rods: tuple[Rod, ...]


def height_of(rows: int) -> float:
    """Return inches that a figure of so many rows needs, with title, axis and caption."""
    return max(2.6, 1.7 + 0.32 * rows)


def draw_rows(ax: Axes, rows: Sequence[Row]) -> list[Any]:
    """Draw rows from top to bottom; returns the words beside the bars."""
    made = []
    for at, row in enumerate(rows):
        for rod in row.rods:
            middle, height = at + (rod.low + rod.high) / 2.0, rod.high - rod.low
            ax.barh(
                middle, rod.end - rod.start, left=rod.start, height=height,
                color=rod.colour, hatch=rod.hatch, edgecolor="white", linewidth=0.5, zorder=3,
            )  # fmt: skip
            if rod.text:
                right = rod.end >= rod.start
                made.append(
                    ax.annotate(
                        rod.text, xy=(rod.end, middle),
                        xytext=(_GAP if right else -_GAP, 0.0), textcoords="offset points",
                        ha="left" if right else "right", va="center", fontsize=SMALL, color=INK, zorder=6,
                    )
                )  # fmt: skip
    ax.set_yticks(range(len(rows)), [textwrap.fill(row.name, _LONGEST) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False, axis="y")
    return made


def roomy(ax: Axes, words: Sequence[Any]) -> None:
    """Widen the axis of values until the words beside the bars lie within the axes."""
    for _ in range(4):
        inside: Any = ax.get_window_extent()
        boxes = [extent(word) for word in words]
        left = max([inside.x0 - box.x0 for box in boxes] + [0.0])
        right = max([box.x1 - inside.x1 for box in boxes] + [0.0])
        if left <= 0.0 and right <= 0.0:
            return
        low, high = ax.transScale.inverted().transform(
            ax.transLimits.inverted().transform(
                np.array([[-1.1 * left / inside.width, 0.0], [1.0 + 1.1 * right / inside.width, 0.0]])
            )
        )[:, 0]
        ax.set_xlim(low, high)
