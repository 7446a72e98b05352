"""Elasticities: per cent of the figure for each per cent of an input, at the base."""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Final, Literal

from planner.plan.sensitivity.asking import Asker, Outcome
from planner.plan.sensitivity.levers import Lever
from planner.plan.sensitivity.results import Elasticity

__all__ = ["elasticities_of", "step_of"]

SMOOTH: Final = 0.01
"""Share by which numbers of the catalog are moved: small, since the layout stays and the figure is smooth."""
WHOLE: Final = 0.05
"""Share by which counts are moved: layouts go in steps, over which a small move would tell chance."""
TWICE: Final = 1.0
"""Share by which whole counts with layouts of their own are moved: few layouts fit 5 % fewer accelerators."""
_STEPS: Final = "layouts go in steps: an average over the move"


def step_of(lever: Lever) -> float:
    """Return the share by which a lever is moved."""
    if lever.whole and not lever.keeps:
        return TWICE
    return WHOLE if not lever.keeps or lever.whole else SMOOTH


def elasticities_of(asker: Asker, base: float, levers: Iterable[Lever]) -> tuple[Elasticity, ...]:
    """Move each lever up and down by a share and return how the figure follows, the largest first.

    Where one side has no answer (no more accelerators than there are), the other is taken alone.
    """
    every = [lever for lever in levers if lever.base is not None and lever.base > 0]
    settings = [lever.scaled((1.0 + step_of(lever)) ** sign) for lever in every for sign in (1, -1)]
    found = asker.all(setting.ask for setting in settings)
    placed = [(one.value or 0.0, outcome) for one, outcome in zip(settings, found, strict=True)]
    slopes = [_slope(lever, base, placed[2 * at], placed[2 * at + 1]) for at, lever in enumerate(every)]
    return tuple(sorted(slopes, key=lambda one: (one.value is None, -abs(one.value or 0.0))))


def _slope(lever: Lever, base: float, up: tuple[float, Outcome], down: tuple[float, Outcome]) -> Elasticity:
    middle = lever.base or 0.0
    high, low = (_positive(outcome) for _, outcome in (up, down))
    above, below = (up[0], high), (down[0], low)
    side: Literal["both", "up", "down", "none"] = (
        "both" if high and low else "up" if high else "down" if low else "none"
    )
    if not high:
        above = (middle, base if base > 0 else None)
    if not low:
        below = (middle, base if base > 0 else None)
    return Elasticity(
        name=lever.name,
        label=lever.label,
        where=lever.where,
        dimension=lever.dimension,
        base=middle,
        base_text=lever.base_text,
        value=None if side == "none" else _ratio(above, below),
        step=step_of(lever),
        sides=side,
        note=_note(lever, side, up[1], down[1]),
    )


def _positive(outcome: Outcome) -> float | None:
    return outcome.value if outcome.value is not None and outcome.value > 0 else None


def _ratio(above: tuple[float, float | None], below: tuple[float, float | None]) -> float | None:
    (upper, high), (lower, low) = above, below
    if high is None or low is None or upper == lower:
        return None
    return log(high / low) / log(upper / lower)


def _note(lever: Lever, side: str, up: Outcome, down: Outcome) -> str:
    missing = up.reason if side == "down" else down.reason if side == "up" else up.reason or down.reason
    said = [_STEPS] if step_of(lever) >= WHOLE else []
    if side != "both":
        said.append(missing or "the figure is not positive there")
    return "; ".join(said)
