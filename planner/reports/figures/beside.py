"""Figures of answers side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from planner.plan.curve.results import Axis
from planner.reports.figures.make import Figure, amounts

if TYPE_CHECKING:
    from planner.plan.compare.results import CompareResult
    from planner.reports.asked import Asked

__all__ = ["compare"]

_FIGURES: Final = 4
"""Figures of a comparison that get a picture; the table has all."""
_FALLS: Final = 3


def compare(_asked: Asked, result: CompareResult) -> Iterator[Figure]:
    """Yield the figures of answers side by side: what explains the difference, and the first figures."""
    from planner.plot import waterfall

    answer = result.result
    for which, fall in enumerate(answer.waterfalls[:_FALLS]):
        title = f"What explains the difference: {answer.sides[fall.side].name}"
        draw: Any = partial(waterfall, result, which=which)
        yield Figure(name=f"waterfall-{which + 1}", title=title, caption=(), draw=partial(_sized, draw))
    names = [side.name for side in answer.sides]
    for one in [figure for figure in answer.figures if figure.better is not None][:_FIGURES]:
        axis = Axis(key="value", title=one.figure, unit=one.unit)
        name = "-".join(re.findall(r"[a-z0-9.]+", one.figure.casefold()))
        yield amounts(name, one.figure, axis, list(zip(names, one.values, strict=True)))


def _sized(draw: Any, size: tuple[float, float]) -> Any:
    """Draw as wide as the page has it and as high as the figure itself would be."""
    from planner.plot.style import SIZE

    usual = draw().figure.get_size_inches()
    return draw(size=(size[0], float(usual[1]) * size[0] / SIZE[0]))
