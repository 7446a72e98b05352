"""Pictures of answers: ``--size`` and ``--dpi``, and a figure of `planner.plot` as the bytes of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from planner.cli.plans import option
from planner.errors import UsageError

__all__ = ["Dpi", "Picture", "Size", "no_picture"]

_LEAST_DPI: Final = 20
_MOST_DPI: Final = 1200
Size = Annotated[
    str | None, option("--size", metavar="WxH", text="Inches of a picture, as in 8x5 (default).")
]
Dpi = Annotated[str | None, option("--dpi", metavar="N", text="Dots per inch of a .png; default: 150.")]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """How a picture was asked for; None leaves it to `planner.plot`.

    Attributes
    ----------
    size
        Inches.
    dpi
        Of a raster.
    file
        Where to; empty where none was asked for.
    """

    size: tuple[float, float] | None = None
    dpi: float | None = None
    file: str = ""

    @classmethod
    def read(cls, size: str | None, dpi: str | None, file: str = "") -> Self:
        """Read the options; raises `UsageError`."""
        return cls(
            size=None if size is None else _size(size), dpi=None if dpi is None else _dpi(dpi), file=file
        )

    def of(self, figure: str, result: Any) -> Callable[[str], bytes]:
        """Return what an `Answer` needs: a function of the format, which draws when it is called.

        Parameters
        ----------
        figure
            Name of a function of `planner.plot`.
        result
            What it draws.
        """

        def picture(format: str) -> bytes:
            import planner.plot
            from planner.plot.files import rendered
            from planner.plot.style import DPI

            draw = getattr(planner.plot, figure)
            return rendered(draw(result, size=self.size), format, dpi=self.dpi or DPI)

        return picture


def no_picture(file: str, what: str) -> UsageError:
    """Return the refusal of a picture of what has none."""
    return UsageError(
        f"-o {file}: {what} has no picture; write .csv, .json or .md, or see planner curve --help"
    )


def _size(text: str) -> tuple[float, float]:
    parts = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
    try:
        width, height = (float(part) for part in parts)
    except ValueError:
        raise UsageError(f"--size {text!r}: write width x height in inches, as in --size 8x5") from None
    return width, height


def _dpi(text: str) -> float:
    try:
        dpi = float(text)
    except ValueError:
        dpi = 0.0
    if not _LEAST_DPI <= dpi <= _MOST_DPI:
        raise UsageError(
            f"--dpi {text!r}: write a number from {_LEAST_DPI} to {_MOST_DPI:,}, as in --dpi 150"
        )
    return dpi
