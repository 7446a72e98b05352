"""How figures look: colours, lines, markers and fonts, set for one figure at a time.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; lines also differ by dashes and
markers, and their colours in lightness, so that a print without colour can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from planner.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "DPI", "GREY", "INK", "MARKERS", "SIZE", "SMALL", "figure", "on_axes", "styled"]

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito (2008), without the yellow that white paper swallows."""
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
HATCHES: Final = ("", "///", "..", "\\\\\\", "xxx", "---", "+++", "oo", "|||", "//..")
GREY: Final = "#8a8a8a"
INK: Final = "#222222"
SIZE: Final = (8.0, 5.0)
"""Inches."""
DPI: Final = 150
SMALL: Final = 7.5
"""Points: labels at lines, marks, the caption."""
_RC: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.5,
    "axes.labelsize": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.5,
    "lines.solid_capstyle": "round",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "planner",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": True,
    "path.sketch": None,
    "agg.path.chunksize": 0,
}
_SESSION: Final = (
    "backend",
    "interactive",
    "toolbar",
    "webagg",
    "tk.",
    "date.epoch",
    "docstring",
    "savefig.dir",
)
"""Settings of the user's session rather than of a figure."""
_NOTHING_WIDER: Final = 60.0
_NOTHING_SMALLER: Final = 2.0


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside the block as figures of planner look; what the user set is back afterwards."""
    import matplotlib

    with matplotlib.rc_context():
        usual: dict[Any, Any] = {
            k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(_SESSION)
        }
        matplotlib.rcParams.update(usual | _RC)
        yield


def figure(size: tuple[float, float] | None = None, dpi: float = DPI) -> Figure:
    """Return an empty figure of so many inches, with a canvas that measures text; call it in `styled`.

    Raises
    ------
    UsageError
        A size that no page has.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = size or SIZE
    if not all(_NOTHING_SMALLER <= side <= _NOTHING_WIDER for side in (width, height)):
        raise UsageError(
            f"a figure of {width:g} x {height:g} inches: each side must be from {_NOTHING_SMALLER:g} to "
            f"{_NOTHING_WIDER:g}; the usual size is {SIZE[0]:g}x{SIZE[1]:g}"
        )
    made = Figure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(made)
    return made


def on_axes(ax: Axes | None, size: tuple[float, float] | None = None) -> tuple[Axes, bool]:
    """Return the axes to draw on, and whether they, with their figure, are our own."""
    if ax is not None:
        return ax, False
    return figure(size).add_axes((0.1, 0.2, 0.8, 0.7)), True
