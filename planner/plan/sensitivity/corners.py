"""All ranges together: the figure with everything at its worse or better end; how likely a statement is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from planner.plan.sensitivity.asking import Asker, together
from planner.plan.sensitivity.claims import Claim
from planner.plan.sensitivity.levers import Lever
from planner.plan.sensitivity.results import Bar, Corner, End
from planner.plan.sensitivity.tornado import tells
from planner.tables.samples import EIGHTY, Samples

__all__ = ["corner", "counts", "probability"]

DRAWS: Final = 4095


def counts(bar: Bar) -> bool:
    """Whether both ends of a bar are places to be at, and the figure is another at one of them."""
    return tells(bar) and not (bar.low.refused or bar.high.refused)


def corner(
    asker: Asker,
    claim: Claim,
    bars: Sequence[Bar],
    by_name: Mapping[str, Lever],
    base: float,
    *,
    better: bool,
) -> Corner:
    """Ask with every range at the end that is worse for the statement, or better."""
    ends = [_end(claim, bar, base, better=better) for bar in bars]
    chosen = [by_name[bar.name].settings[end].ask for bar, end in zip(bars, ends, strict=True)]
    (outcome,) = asker.all([together(chosen)])
    logs = _positive(bars, base)
    effects = sum(
        _effect(bar.low if end == 0 else bar.high, base, logs=logs)
        for bar, end in zip(bars, ends, strict=True)
    )
    return Corner(
        figure=outcome.value,
        multiplied=base * float(np.exp(effects)) if logs else base + effects,
        holds=claim.holds(outcome.value),
        inputs=len(chosen),
        estimator=any(bar.where == "estimator" for bar in bars),
        searched=outcome.searched,
        reason=outcome.reason,
    )


def _end(claim: Claim, bar: Bar, base: float, *, better: bool) -> int:
    """Return which setting of a bar it is: 0 is the first, -1 the last."""
    missing = np.inf if claim.below else -np.inf
    low, high = (missing if end.figure is None else end.figure for end in (bar.low, bar.high))
    return 0 if (low < high) == (claim.below == better) else -1


def probability(bars: Sequence[Bar], base: float, claim: Claim) -> float:
    """Share of the ranges, as 80 % intervals of independent numbers, in which the statement holds.

    The effect of each number is that of the tornado, between its ends in proportion to how far it is out;
    effects of several are multiplied (added, where the figure is not positive everywhere). Beyond an end
    that has no answer the statement does not hold.
    """
    samples = Samples(DRAWS)
    logs = _positive(bars, base)
    moved, failed = np.zeros(DRAWS), np.zeros(DRAWS, dtype=bool)
    for bar in bars:
        out = samples.normal(bar.name) / EIGHTY
        down, up = (_effect(end, base, logs=logs) for end in (bar.low, bar.high))
        moved += np.where(out > 0, out * up, -out * down)
        failed |= (out < -1.0) & (bar.low.figure is None) | (out > 1.0) & (bar.high.figure is None)
    values = base * np.exp(moved) if logs else base + moved
    return float(np.mean(claim.holding(values) & ~failed))


def _positive(bars: Sequence[Bar], base: float) -> bool:
    """Whether the figure is positive at all ends, so that effects can be multiplied."""
    figures = [end.figure for bar in bars for end in (bar.low, bar.high) if end.figure is not None]
    return base > 0 and all(value > 0 for value in figures)


def _effect(end: End, base: float, *, logs: bool) -> float:
    if end.figure is None:
        return 0.0
    return float(np.log(end.figure / base)) if logs else end.figure - base
