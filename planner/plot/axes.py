"""Axes of figures: scales, ticks that people read, and a figure laid out around what is written on it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plot.style import INK, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from planner.plan.curve.results import Axis

__all__ = ["LEAST", "described", "extent", "laid_out", "legend_below", "renderer_of", "short", "wrapped"]

_PAD: Final = 0.09
"""Inches between what stands beside each other."""
LEAST: Final = 1.7
"""Inches of the height of axes: a figure whose words leave less grows."""
_BELOW: Final = 0.45
_GAP: Final = 0.08
"""Inches from the axis to the legend, for its ticks and title; and from there to the caption."""
_COLUMNS: Final = 6
_FEW_DECADES: Final = 1.2
_SOME_DECADES: Final = 2.6
_MANY_DECADES: Final = 8.0


def short(value: float) -> str:
    """Write the number of a tick: 8, 64, 1k, 2.5M."""
    from planner.units import format_quantity

    if value < 0:
        return f"\N{MINUS SIGN}{short(-value)}"
    if 0 < value < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-")
    return format_quantity(float(value), "count", digits=3)


def described(ax: Axes, x: Axis | None, y: Axis | None = None) -> None:
    """Give axes their scales, titles with units, ticks and grid; call it when everything is drawn.

    An axis that is None stays as it is.
    """
    for axis, which in ((x, "x"), (y, "y")):
        if axis is None:
            continue
        getattr(ax, f"set_{which}label")(f"{axis.title} ({axis.unit})" if axis.unit else axis.title)
        if axis.log:
            getattr(ax, f"set_{which}scale")("log")
        if axis.floor is not None:
            getattr(ax, f"set_{which}lim")(**{("left" if which == "x" else "bottom"): axis.floor})
        _ticks(getattr(ax, f"{which}axis"), axis, getattr(ax, f"get_{which}lim")())
        ax.grid(visible=True, which="major", axis=which)  # type: ignore[arg-type]


def _ticks(axis: Any, meant: Axis, ends: tuple[float, float]) -> None:
    from matplotlib import ticker

    plain = meant.unit in ("%", "year")
    writes = ticker.FuncFormatter(lambda value, _: f"{value:g}" if plain else short(value))
    if not meant.log:
        axis.set_major_locator(ticker.MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(writes)
        return
    low, high = (max(end, 1e-30) for end in ends)
    decades = np.log10(high / low)
    subs = (1, 2, 3, 5, 7) if decades <= _FEW_DECADES else (1, 2, 5) if decades <= _SOME_DECADES else (1,)
    if decades <= _FEW_DECADES / 2.0:  # a logarithmic axis that is nearly straight
        axis.set_major_locator(ticker.MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    else:
        axis.set_major_locator(ticker.LogLocator(base=10, subs=subs, numticks=30))
    axis.set_major_formatter(writes)
    minor = range(2, 10) if decades <= _MANY_DECADES else ()
    axis.set_minor_locator(
        ticker.LogLocator(base=10, subs=tuple(minor), numticks=400) if minor else ticker.NullLocator()
    )
    axis.set_minor_formatter(ticker.NullFormatter())


def renderer_of(figure: Figure) -> Any:
    """Return what measures text on a figure."""
    canvas: Any = figure.canvas
    if not hasattr(canvas, "get_renderer"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
    return canvas.get_renderer()


def extent(text: Text) -> Any:
    """Return the box of a text in pixels."""
    return text.get_window_extent(renderer_of(text.figure))  # type: ignore[arg-type]


def wrapped(figure: Figure, paragraphs: Sequence[str], inches: float, **style: Any) -> Text:
    """Return paragraphs as one text of a figure that is at most so wide."""
    text = figure.text(0.0, 0.0, "", **style)
    letters = max(int(inches * 72.0 / (0.44 * float(text.get_fontsize()))), 20)
    while True:
        text.set_text("\n".join(line for one in paragraphs for line in textwrap.wrap(one, letters)))
        if extent(text).width <= inches * figure.dpi or letters <= 20:
            return text
        letters -= max(letters // 40, 1)


def laid_out(
    ax: Axes,
    title: str,
    caption: Sequence[str],
    *,
    right: float = 0.0,
    under: float = 0.0,
    least: float = LEAST,
) -> None:
    """Place axes on their own figure below a title and above a caption, with room at the right.

    A figure that is too low for its words and `least` inches of axes becomes higher.

    Parameters
    ----------
    right, under
        Pixels that labels beside the axes need, and what stands between them and the caption.
    """
    figure: Any = ax.figure
    width, height = figure.get_size_inches()
    inside = width - 2.0 * _PAD
    head = wrapped(figure, [title], inside, fontsize=10.5, fontweight="bold", color=INK, va="top")
    foot = wrapped(
        figure, caption, inside, fontsize=SMALL - 0.5, color="#444444", va="bottom", linespacing=1.25
    )
    dpi = figure.dpi
    top = extent(head).height / dpi + 2.0 * _PAD
    bottom = (extent(foot).height / dpi + 2.5 * _PAD) if caption else _PAD
    asked, passes = height, 2  # the ticks may change with the room that they leave
    while passes:
        inner: Any = ax.get_window_extent()
        outer: Any = ax.get_tightbbox(renderer_of(figure), for_layout_only=True)
        left = (inner.x0 - outer.x0) / dpi + _PAD
        below = (inner.y0 - outer.y0 + under) / dpi + bottom
        beside = max(right / dpi, (outer.x1 - inner.x1) / dpi) + _PAD
        height = max(asked, top + below + least)
        figure.set_size_inches(width, height)
        box = (left / width, below / height, (width - left - beside) / width, (height - top - below) / height)
        ax.set_position((box[0], box[1], max(box[2], 0.1), box[3]))
        passes = 2 if _broken(ax) else passes - 1
    head.set_position((_PAD / width, 1.0 - _PAD / height))
    foot.set_position((_PAD / width, _PAD / height))


def _broken(ax: Axes) -> bool:
    """Write the title of the vertical axis in two lines where it is longer than the axis.

    Returns whether it did so now.
    """
    label = ax.yaxis.label
    text = label.get_text()
    if "\n" in text or " " not in text or extent(label).height <= ax.get_window_extent().height:
        return False
    middles = [at for at, letter in enumerate(text) if letter == " "]
    at = min(middles, key=lambda place: abs(place - len(text) / 2.0))
    label.set_text(f"{text[:at]}\n{text[at + 1 :]}")
    return True


def legend_below(ax: Axes, many: int, *, own: bool, handlelength: float = 1.6) -> float:
    """Write a legend below the axis, in the middle of the figure or of axes that are not our own.

    Returns the pixels that it takes, with the gap to what stands below.
    """
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure: Any = ax.figure
    below = ax.transAxes + ScaledTranslation(0.0, -_BELOW, figure.dpi_scale_trans)
    across = figure.transFigure if own else ax.transAxes
    for most in range(_COLUMNS, 0, -1):  # as many columns as the figure is wide for
        legend = ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=-(-many // -(-many // most)), fontsize=SMALL,
            bbox_transform=blended_transform_factory(across, below), frameon=False, handlelength=handlelength,
            handleheight=1.1, columnspacing=1.2, borderpad=0.0,
        )  # fmt: skip
        legend.set_in_layout(False)
        if legend.get_window_extent(renderer_of(figure)).width <= 0.98 * figure.bbox.width:
            break
    high: float = legend.get_window_extent(renderer_of(figure)).height
    return high + _GAP * float(figure.dpi)
