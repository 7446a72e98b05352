"""Figures as files: the same figure gives the same bytes, today and tomorrow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planner.errors import OutputError, UsageError, suggest
from planner.plot.style import DPI, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FORMATS", "rendered", "save"]

FORMATS: Final = ("svg", "png", "pdf")
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "svg": {"Date": None, "Creator": "planner"},
    "png": {"Software": "planner"},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "planner", "Producer": "planner"},
}


def rendered(axes: Axes, format: str, *, dpi: float = DPI) -> bytes:
    """Return the figure of some axes as ``svg``, ``png`` or ``pdf``.

    Raises
    ------
    UsageError
        Another format.
    """
    if format not in FORMATS:
        mend = suggest(format, FORMATS, otherwise=f"there are {', '.join(FORMATS)}")
        raise UsageError(f"figures are not written as {format[:20]!r}; {mend}")
    stream = io.BytesIO()
    with styled():
        axes.figure.savefig(stream, format=format, dpi=dpi, metadata=_METADATA[format])  # type: ignore[union-attr]
    return stream.getvalue()


def save(axes: Axes, path: str | Path, *, dpi: float = DPI) -> None:
    """Write the figure of some axes to a file, whose ending says the format.

    Raises
    ------
    UsageError
        An ending that is none of ``.svg``, ``.png``, ``.pdf``.
    OutputError
        It cannot be written.
    """
    target = Path(path)
    content = rendered(axes, target.suffix.lower().removeprefix("."), dpi=dpi)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
