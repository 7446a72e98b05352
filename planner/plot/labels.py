"""Where words go in a figure: beside the ends of lines, and at marks, never on top of one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plot.axes import extent, renderer_of
from planner.plot.style import GREY, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

    from planner.types import FloatArray

__all__ = ["End", "Spot", "at_ends", "beside_ends", "mark_labels", "overlapping", "spread", "written"]

_GAP: Final = 6.0
_KEY: Final = 8.0
ROOM: Final = _GAP + _KEY + 2.0
"""Points from the end of a line to its label, for the marker before it, and for both."""
_CLEAR: Final = 4.0
"""Pixels between a label and a line."""
_AIR: Final = 1.5
"""Pixels between labels."""
_MOVED: Final = 7.0
"""Pixels from which a label that was moved gets a line to what it names."""
_RINGS: Final = (9.0, 14.0, 21.0, 30.0, 42.0, 58.0, 78.0, 102.0)
"""Distances of a mark from its label that are tried, in points."""
_DIRECTIONS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of a line, in data, with its label."""

    text: str
    x: float
    y: float
    colour: str
    marker: str = ""
    filled: str = ""
    """Marker of the line and its filling; drawn before the label."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A mark, in data, with its label."""

    text: str
    x: float
    y: float
    colour: str


def spread(wanted: FloatArray, heights: FloatArray, low: float, high: float) -> FloatArray | None:
    """Return middles near those wanted, so that labels of these heights do not overlap between two bounds.

    Parameters
    ----------
    wanted, heights
        ``[N]``, in any order.
    low, high
        Bounds of the labels' edges.

    Returns
    -------
    FloatArray or None
        None where they do not fit.
    """
    if float(np.sum(heights)) > high - low:
        return None
    order = np.argsort(wanted, kind="stable")
    middles, sizes = wanted[order], heights[order]
    before = np.concatenate([[0.0], np.cumsum(sizes)[:-1]]) + sizes / 2.0
    free = middles - before  # what is left to choose once each stands on those below it
    for _ in range(len(free)):  # pool those that overlap at their mean, as isotonic regression does
        groups = _pooled(free)
        if np.array_equal(groups, free):
            break
        free = groups
    free = np.clip(free, low, high - float(np.sum(sizes)))
    placed = np.empty_like(middles)
    placed[order] = free + before
    return placed


def _pooled(values: FloatArray) -> FloatArray:
    """Return the nearest ascending values (pool adjacent violators)."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, many = blocks.pop()
            before, count = blocks.pop()
            blocks.append([(mean * many + before * count) / (many + count), many + count])
    return np.array([mean for mean, many in blocks for _ in range(int(many))])


def beside_ends(ax: Axes, ends: Sequence[End]) -> list[Annotation]:
    """Write labels at the ends of lines, not yet moved apart; they take no part in the layout."""
    made = []
    for end in ends:
        label = ax.annotate(
            end.text,
            xy=(end.x, end.y),
            xytext=(_GAP + _KEY, 0.0),
            textcoords="offset points",
            fontsize=SMALL,
            color=end.colour,
            va="center",
            ha="left",
            annotation_clip=False,
            zorder=6,
        )
        label.set_in_layout(False)
        made.append(label)
    return made


def at_ends(ax: Axes, ends: Sequence[End], labels: Sequence[Annotation]) -> bool:
    """Move labels to the right of the axes and apart; whether there is room for them.

    A label that had to move gets a thin line to the end that it names.
    """
    if not ends:
        return True
    dpi = float(ax.figure.dpi)
    boxes = [extent(label) for label in labels]
    heights = np.array([box.height for box in boxes]) + 2.0 * _AIR
    pixels = ax.transData.transform(np.array([(end.x, end.y) for end in ends]))
    inside = ax.get_window_extent()
    edge = inside.x1 + _GAP * dpi / 72.0
    placed = spread(pixels[:, 1], heights, inside.y0 - heights[0], inside.y1 + heights[0] / 2.0)
    if placed is None:
        return False
    to_axes = ax.transAxes.inverted().transform
    for end, label, (x, y), middle in zip(ends, labels, pixels, placed, strict=True):
        label.set_position(((edge - x) * 72.0 / dpi + _KEY, (middle - y) * 72.0 / dpi))
        if abs(middle - y) > _MOVED or edge - x > 4.0 * _GAP * dpi / 72.0:
            a = to_axes([(x, y), (edge - 1.5, middle)])
            line = ax.plot(a[:, 0], a[:, 1], color=GREY, linewidth=0.5, transform=ax.transAxes, clip_on=False)
            line[0].set_in_layout(False)
        key = to_axes((edge + 0.4 * _KEY * dpi / 72.0, middle))
        dot = ax.plot(
            *key, marker=end.marker, markersize=4.0, markerfacecolor=end.filled or end.colour, linestyle="",
            markeredgecolor=end.colour, transform=ax.transAxes, clip_on=False, zorder=6,
        )  # fmt: skip
        dot[0].set_in_layout(False)
    return True


def mark_labels(ax: Axes, spots: Sequence[Spot], *, paths: Sequence[FloatArray]) -> None:
    """Write labels at marks where they cover neither one another nor, if it can be helped, a line.

    Parameters
    ----------
    paths
        Points of the lines, in pixels, ``[P, 2]`` each.
    """
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.0, foreground="white")]
    points = np.concatenate([_dense(path) for path in paths if len(path)]) if paths else np.empty((0, 2))
    inside = ax.get_window_extent()
    taken: list[Any] = [extent(text) for text in ax.texts]
    at = ax.transData.transform(np.array([(spot.x, spot.y) for spot in spots])) if spots else np.empty((0, 2))
    for spot, pixel in zip(spots, at, strict=True):
        label = ax.annotate(
            spot.text, xy=(spot.x, spot.y), xytext=(0.0, 0.0), textcoords="offset points", fontsize=SMALL,
            color=spot.colour, ha="center", va="center", zorder=7, path_effects=halo,
        )  # fmt: skip
        box = extent(label)
        best, kept = np.inf, None
        for offset in _offsets(box.width, box.height, float(ax.figure.dpi)):
            moved = _box(pixel + offset, box.width + 2 * _AIR, box.height + 2 * _AIR)
            cost = _cost(moved, inside, taken, points, at) + 0.02 * float(np.hypot(*offset))
            if cost < best:
                best, kept = cost, offset
        shift = kept if kept is not None else np.zeros(2)
        scale = 72.0 / float(ax.figure.dpi)
        label.set_position((shift[0] * scale, shift[1] * scale))
        _leader(ax, pixel, pixel + shift, box.width, box.height)
        taken.append(_box(pixel + shift, box.width + 2 * _AIR, box.height + 2 * _AIR))


def _leader(ax: Axes, mark: FloatArray, middle: FloatArray, width: float, height: float) -> None:
    """Join a mark with the nearest edge of its label."""
    nearest = np.array(
        [
            np.clip(mark[0], middle[0] - width / 2.0, middle[0] + width / 2.0),
            np.clip(mark[1], middle[1] - height / 2.0, middle[1] + height / 2.0),
        ]
    )
    ends = ax.transAxes.inverted().transform([mark, nearest])
    ax.plot(ends[:, 0], ends[:, 1], color=GREY, linewidth=0.6, transform=ax.transAxes, zorder=4)


def _offsets(width: float, height: float, dpi: float) -> Iterator[FloatArray]:
    """Yield places of the middle of a label around its mark, the nearest first, in pixels."""
    for ring in _RINGS:
        away = ring * dpi / 72.0
        for right, up in _DIRECTIONS:
            diagonal = 0.7 if right and up else 1.0
            yield np.array(
                [right * (width / 2.0 + away * diagonal), up * (height / 2.0 + away * diagonal)], dtype=float
            )


def _box(middle: FloatArray, width: float, height: float) -> Any:
    from matplotlib.transforms import Bbox

    return Bbox.from_bounds(middle[0] - width / 2.0, middle[1] - height / 2.0, width, height)


def _cost(box: Any, inside: Any, taken: Sequence[Any], points: FloatArray, marks: FloatArray) -> float:
    """Return how bad a place is: on other words or outside the axes worst, on lines less so."""
    outside = (
        max(inside.x0 - box.x0, 0) + max(box.x1 - inside.x1, 0) + max(inside.y0 - box.y0, 0)
        + max(box.y1 - inside.y1, 0)
    )  # fmt: skip
    covered = sum(1 for other in taken if box.overlaps(other))
    return (
        1e4 * covered
        + (1e3 + outside if outside > 0 else 0.0)
        + 6.0 * _within(box.padded(_CLEAR), points)
        + 60.0 * _within(box, marks)
    )


def _within(box: Any, points: FloatArray) -> int:
    if not len(points):
        return 0
    x, y = points[:, 0], points[:, 1]
    return int(np.count_nonzero((x >= box.x0) & (x <= box.x1) & (y >= box.y0) & (y <= box.y1)))


def _dense(path: FloatArray) -> FloatArray:
    """Return points of a line some pixels apart."""
    if len(path) < 2:
        return path
    steps = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.arange(0.0, along[-1], 5.0)
    return np.column_stack([np.interp(wanted, along, path[:, 0]), np.interp(wanted, along, path[:, 1])])


def written(ax: Axes) -> list[tuple[str, Any]]:
    """Return every text that a figure shows, tick labels included, with its box in pixels; for checks."""
    from matplotlib.text import Text

    figure: Any = ax.figure
    renderer = renderer_of(figure)
    figure.draw_without_rendering()  # legends find their place when they are drawn
    ticks = {
        id(label): (axes.get_window_extent(), which)
        for axes in figure.axes
        for which in "xy"
        for label in _ticks_of(axes, which)
    }
    found = []
    for text in figure.findobj(Text):
        box = text.get_window_extent(renderer)
        if text.get_visible() and text.get_text().strip() and _shown(box, ticks.get(id(text))):
            found.append((text.get_text(), box))
    return found


def overlapping(ax: Axes) -> list[tuple[str, str]]:
    """Return pairs of texts of a figure whose boxes overlap; for checks."""
    texts = written(ax)
    return [
        (texts[i][0], texts[j][0])
        for i in range(len(texts))
        for j in range(i)
        if texts[i][1].overlaps(texts[j][1])
    ]


def _ticks_of(axes: Any, which: str) -> list[Any]:
    axis = getattr(axes, f"{which}axis")
    return [*axis.get_majorticklabels(), *axis.get_minorticklabels()]


def _shown(box: Any, tick: tuple[Any, str] | None) -> bool:
    """Whether a text is drawn: labels of ticks beyond the ends of their axis are not."""
    if tick is None:
        return True
    inside, which = tick
    middle, low, high = (
        ((box.x0 + box.x1) / 2.0, inside.x0, inside.x1)
        if which == "x"
        else ((box.y0 + box.y1) / 2.0, inside.y0, inside.y1)
    )
    return bool(low - 1.0 <= middle <= high + 1.0)
