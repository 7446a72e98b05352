"""Figures side by side, with ratios in which what two sides share cancels, and how sure a ranking is.

Prices, power and failures are drawn by name, so that sample ``s`` of one side and of another have the same of
them. The error of the estimator is taken out of the samples of a side and put back with the correlation that
was measured; see `planner.plan.compare.spreads`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.compare.figures import figures_of
from planner.plan.compare.pairs import COMMON, ratio_between, ratio_of
from planner.plan.compare.results import Basis, Figure, Rank, SharedError
from planner.plan.compare.shown import Shown
from planner.plan.compare.spreads import FIRST, OUTPUT, SERVING, correlated, errors_in, factor
from planner.plan.document import Interval
from planner.tables.samples import Samples
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["Beside", "beside", "ranks_of"]

ALIKE: Final = 1e-12
"""Relative distance below which two figures are equal."""
TOKENS: Final = "tokens in that time"
_INSTEAD: Final = {"cost": "cost of a million tokens"}
"""Where tokens are solved for, and sides train on different ones, by figure."""
_RANKED: Final = {
    "train": (("accelerators needed", TOKENS, "time with failures"), ("cost",)),
    "serve": (("users", "output throughput", "accelerators"), ("cost of a million output tokens",)),
}
"""Figures by which sides are ranked: of each group the first in which they differ."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Beside:
    """Figures of all sides, and the samples that they were drawn by.

    Attributes
    ----------
    figures
        For the answer; null in a side without a plan.
    samples
        By figure and side, ``[1 + S]``, the value first; None where there is nothing.
    shared
        What the errors of the sides share.
    """

    figures: tuple[Figure, ...]
    shown: tuple[Shown, ...]
    samples: tuple[tuple[FloatArray | None, ...], ...]
    shared: tuple[SharedError, ...]


def beside(command: str, sides: Sequence[Answered]) -> Beside:
    """Set the figures of answers to one question side by side; a side without a plan has none."""
    there = [at for at, side in enumerate(sides) if side.plan is not None]
    able = [sides[at] for at in there]
    draws, shared = {}, []
    for error in errors_in(command):
        if not able:
            break
        drawn, said = correlated(error, able)
        draws[error] = drawn
        shared += [
            one.model_copy(update={"sides": (there[one.sides[0]], there[one.sides[1]])}) for one in said
        ]
    figures, kept, shown = [], [], []
    for one in figures_of(command, able):
        found = [one.at(side) for side in able]
        each_drawn = [_samples(one, value, at, able[at], draws) for at, value in enumerate(found)]
        if all(value is None for value in each_drawn):
            continue
        values: list[Interval | None] = [None] * len(sides)
        samples: list[FloatArray | None] = [None] * len(sides)
        for at, value, each in zip(there, found, each_drawn, strict=True):
            values[at] = _interval(value)
            samples[at] = each
        ratios, bases = _ratios(one, sides, values, samples)
        figures.append(
            Figure(
                figure=one.figure,
                unit=one.unit,
                better=one.better,
                values=tuple(values),
                ratios=ratios,
                bases=bases,
            )
        )
        shown.append(one)
        kept.append(tuple(samples))
    return Beside(figures=tuple(figures), shown=tuple(shown), samples=tuple(kept), shared=tuple(shared))


def _samples(
    one: Shown, value: Interval | float | None, at: int, side: Answered, draws: dict[str, FloatArray]
) -> FloatArray | None:
    """Return samples of a figure of a side, ``[1 + S]`` or ``[1]``."""
    if value is None:
        return None
    if not isinstance(value, Interval):
        return np.array([float(value)])
    known = side.samples.of(value) if one.samples is None else one.samples(side)
    power = _power(one, side)
    if one.error and power:
        spread = _spread(one.error, side)
        mine = factor(spread, draws[one.error][at]) ** power
        if known is None:
            return np.asarray(value.value * mine)
        usual = factor(spread, Samples().normal(one.error)) ** power
        return np.asarray(known * mine / usual)
    if known is not None:
        return known
    if one.error:
        return np.array([value.value])  # the load that was asked for
    key = f"compare.{one.figure}.{at}"
    return Samples().ranged(value.value, value.low, value.high, key)[:, 0]


def _power(one: Shown, side: Answered) -> float:
    fixed = getattr(side.result.inputs, "question", "") == "gpus"
    return one.fixed_power if one.fixed_power is not None and fixed and one.error == SERVING else one.power


def _spread(error: str, side: Answered) -> tuple[float, float]:
    """Return the ends of the interval of measured over predicted, of the class of a plan."""
    if error in side.samples.ranges:
        value, low, high = side.samples.ranges[error]
        return low / value, high / value
    latency = {OUTPUT: side.plan.tpot_ms, FIRST: side.plan.ttft_ms}[error]
    return latency.low / latency.mean, latency.high / latency.mean


def _interval(value: Interval | float | None) -> Interval | None:
    if value is None or isinstance(value, Interval):
        return value
    return Interval(value=value, low=value, high=value)


def _ratios(
    one: Shown,
    sides: Sequence[Answered],
    values: Sequence[Interval | None],
    samples: Sequence[FloatArray | None],
) -> tuple[tuple[Interval | None, ...], tuple[Basis | None, ...]]:
    """Return the ratio of each side to the first, and what its interval rests on."""
    if one.pairing is None:
        ratios = tuple(ratio_of(each, samples[0]) for each in samples)
        return ratios, tuple(None if ratio is None else COMMON for ratio in ratios)
    pairs = [
        ratio_between(one, (sides[0], side), (values[0], value))
        for side, value in zip(sides, values, strict=True)
    ]
    return tuple(ratio for ratio, _ in pairs), tuple(basis for _, basis in pairs)


def ranks_of(command: str, found: Beside, names: Sequence[str]) -> tuple[Rank, ...]:
    """Rank the sides by the figures of a question that people decide by."""
    by_name = {one.figure: at for at, one in enumerate(found.figures)}
    tokens = by_name.get(TOKENS)
    different = tokens is not None and all(each is not None for each in found.samples[tokens])
    ranks = []
    for group in _RANKED.get(command, ()):
        for said in group:
            name = _INSTEAD.get(said, said) if different else said
            at = by_name.get(name)
            better = None if at is None else found.shown[at].better
            if at is None or better is None:
                continue
            samples = found.samples[at]
            there = [side for side, each in enumerate(samples) if each is not None]
            if len(there) > 1 and not _equal([samples[side] for side in there]):
                ranks.append(_rank(found.figures[at], samples, there, names, better, found.shared))
                break
    return tuple(ranks)


def _equal(samples: Sequence[FloatArray | None]) -> bool:
    """Whether all sides have the same, as the days that were asked for."""
    values = [each[0] for each in samples if each is not None]
    return bool(max(values) - min(values) <= 1e-6 * abs(values[0]))


def _rank(
    figure: Figure,
    samples: Sequence[FloatArray | None],
    there: list[int],
    names: Sequence[str],
    better: str,
    shared: Sequence[SharedError],
) -> Rank:
    sign = 1.0 if better == "less" else -1.0
    drawn = np.stack(np.broadcast_arrays(*(sign * _many(samples[at], samples) for at in there)))
    values, draws = drawn[:, 0], drawn[:, 1:] if drawn.shape[1] > 1 else drawn
    least = draws.min(axis=0)
    ties = np.isclose(draws, least, rtol=ALIKE, atol=0.0)
    best = (ties / ties.sum(axis=0)).mean(axis=1)
    before = draws[0] if there[0] == 0 else None
    order = tuple(there[at] for at in np.argsort(values, kind="stable"))
    n = len(samples)
    best_of: list[float | None] = [None] * n
    than_first: list[float | None] = [None] * n
    for place, at in enumerate(there):
        best_of[at] = float(best[place])
        if before is not None:
            than_first[at] = _less(draws[place], before)
    first, second = order[0], order[1]
    sure = _less(draws[there.index(first)], draws[there.index(second)])
    return Rank(
        figure=figure.figure,
        order=order,
        best=tuple(best_of),
        better_than_first=tuple(than_first),
        sentence=f"{names[first]} is better than {names[second]} by {figure.figure} with a probability of "
        f"{_sure(sure, draws.shape[1])}",
        rests_on=_rests_on(draws.shape[1], (min(first, second), max(first, second)), shared),
    )


def _sure(share: float, draws: int) -> str:
    """Write a probability, none surer than so many draws can say."""
    if draws == 1:
        return "1: nothing in it is uncertain" if share in (0.0, 1.0) else f"{share:.0%}"
    most = 1.0 - 1.0 / draws
    return (
        f"over {most:.1%}"
        if share > most
        else f"under {1 - most:.1%}"
        if share < 1 - most
        else f"{share:.0%}"
    )


def _rests_on(draws: int, pair: tuple[int, int], shared: Sequence[SharedError]) -> str:
    """Say what a probability rests on."""
    if draws == 1:
        return "numbers without a range"
    own = next((one for one in shared if one.sides == pair), None)
    errors = (
        ""
        if own is None
        else f"; errors of the estimator with a correlation of {own.correlation:.2f} ({own.kind}: {own.why})"
    )
    return f"{draws} common samples of prices, power and failures{errors}"


def _many(samples: FloatArray | None, others: Sequence[FloatArray | None]) -> FloatArray:
    """Repeat a figure without a spread as often as the others were drawn."""
    most = max(len(each) for each in others if each is not None)
    given = np.zeros(1) if samples is None else samples
    return np.asarray(np.broadcast_to(given, most) if len(given) == 1 else given)


def _less(one: FloatArray, other: FloatArray) -> float:
    tied = np.isclose(one, other, rtol=ALIKE, atol=0.0)
    return float(np.mean(np.where(tied, 0.5, one < other)))
