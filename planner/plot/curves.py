"""A curve of any kind, drawn by what its result holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.errors import InfeasibleError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planner.plan.curve.results import CurveResult

__all__ = ["curve"]


def curve(result: CurveResult, ax: Axes | None = None, *, size: tuple[float, float] | None = None) -> Axes:
    """Draw the answer of `planner.curve`: lines, or bars where it holds those.

    Parameters
    ----------
    result
        From `planner.curve`.
    ax
        Axes of yours; without, a figure is made with title and caption.
    size
        Of that figure, in inches.

    Raises
    ------
    InfeasibleError
        There is nothing to draw; the message says why.
    """
    answer = result.result
    if answer.stacks:
        from planner.plot.stacks import bars

        return bars(result, ax, size=size)
    if not any(series.points for series in answer.series):
        raise InfeasibleError(
            "there is nothing to draw: " + ("; ".join(answer.reasons) or "no point has a plan")
        )
    from planner.plot.series import lines

    return lines(result, ax, size=size)
