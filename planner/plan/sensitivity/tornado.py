"""The tornado: the figure with each input at both ends of its range, and how much of its variance that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from planner.plan.sensitivity.asking import Asker, Outcome, together
from planner.plan.sensitivity.levers import Lever, Setting
from planner.plan.sensitivity.ranges import width
from planner.plan.sensitivity.results import Bar, End

__all__ = ["Screened", "bars_of", "screened", "spread_of", "tells"]

SAME: Final = 1e-9
"""Share by which a figure that nothing moved may differ."""


@dataclass(frozen=True)
class Screened:
    """Levers that may move the figure, those that do not, and those for which there were no answers left."""

    kept: tuple[Lever, ...]
    without_effect: int
    left_out: tuple[Lever, ...]


def screened(asker: Asker, base: float, records: Sequence[Sequence[Lever]], asks: int) -> Screened:
    """Leave out the records whose numbers do not move the figure, all at an end of their range at once.

    Groups of records are halved for as long as they move it. What is left is asked for one by one, two
    answers each; where there are more than allowed, the widest ranges come first.

    Parameters
    ----------
    base
        The figure as asked.
    records
        Levers with a range, by record.
    asks
        Most answers, those of this screening included.
    """
    kept: list[Lever] = []
    spent, quiet = 0, 0
    groups = [tuple(records)] if records else []
    while groups and spent + 2 * len(groups) <= asks // 2:
        moved = _moved(asker, base, groups)
        spent += 2 * len(groups)
        following = []
        for group, moves in zip(groups, moved, strict=True):
            if not moves:
                quiet += sum(map(len, group))
            elif len(group) == 1:
                kept += group[0]
            else:
                half = len(group) // 2
                following += [group[:half], group[half:]]
        groups = following
    kept += [lever for group in groups for record in group for lever in record]
    room = max((asks - spent) // 2, 0)
    order = sorted(kept, key=lambda lever: -width(lever)) if len(kept) > room else kept
    return Screened(tuple(order[:room]), quiet, tuple(order[room:]))


def _moved(asker: Asker, base: float, groups: Sequence[Sequence[Sequence[Lever]]]) -> list[bool]:
    asks = [
        together(lever.settings[end].ask for record in group for lever in record)
        for group in groups
        for end in (0, -1)
    ]
    found = [differs(one, base) for one in asker.all(asks)]
    return [low or high for low, high in zip(found[::2], found[1::2], strict=True)]


def differs(one: Outcome, base: float) -> bool:
    """Whether the figure is another, or not there."""
    return one.value is None or abs(one.value - base) > SAME * abs(base)


def bars_of(asker: Asker, base: float, levers: Iterable[Lever]) -> tuple[Bar, ...]:
    """Return the bars of levers with settings, the widest first, those without effect left out.

    The share of the variance reads each range as the 80 % interval of a number that is independent of the
    others, so that spreads add as squares; where the figure is positive at all ends, those of its logarithm.
    """
    every = list(levers)
    found = iter(asker.all(setting.ask for lever in every for setting in lever.settings))
    bars = [_bar(lever, base, [_end(one, next(found), base) for one in lever.settings]) for lever in every]
    logs = all(value > 0 for bar in bars for value in _figures(bar, base))
    spreads = [0.0 if bar.share is None else spread_of(bar, base, logs=logs) ** 2 for bar in bars]
    total = sum(spreads)
    shared = [
        bar if bar.share is None else bar.model_copy(update={"share": spread / total if total else 0.0})
        for bar, spread in zip(bars, spreads, strict=True)
    ]
    return tuple(sorted(shared, key=lambda bar: (-bar.effect, bar.name)))


def tells(bar: Bar) -> bool:
    """Whether the figure moves, or is not there at an end."""
    return bar.effect > 0 or any(end.figure is None for end in (bar.low, bar.high, *bar.others))


def spread_of(bar: Bar, base: float, *, logs: bool) -> float:
    """Distance of the figure between both ends of a range; an end without an answer counts as the base."""
    if bar.effect == 0:
        return 0.0
    low, high = (base if end.figure is None else end.figure for end in (bar.low, bar.high))
    return abs(log(high / low)) if logs else abs(high - low)


def _figures(bar: Bar, base: float) -> list[float]:
    ends = (bar.low, bar.high, *bar.others)
    return [base, *(end.figure for end in ends if end.figure is not None)]


def _end(setting: Setting, outcome: Outcome, base: float) -> End:
    value = outcome.value
    return End(
        value=setting.value,
        text=setting.text,
        figure=value,
        change=None if value is None or base == 0 else value / base - 1.0,
        searched=outcome.searched,
        reason=outcome.reason,
        refused=outcome.refused,
    )


def _bar(lever: Lever, base: float, ends: Sequence[End]) -> Bar:
    bar = Bar(
        name=lever.name,
        label=lever.label,
        where=lever.where,
        dimension=lever.dimension,
        base=lever.base,
        base_text=lever.base_text,
        low=ends[0],
        high=ends[-1],
        others=tuple(ends[1:-1]),
        effect=0.0,
        share=0.0 if lever.ranged else None,
        basis=lever.basis,
    )
    figures = _figures(bar, base)
    effect = max(figures) - min(figures)
    return bar.model_copy(update={"effect": effect if effect > SAME * abs(base) else 0.0})
