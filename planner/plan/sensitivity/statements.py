"""What must be true for a statement about a figure: thresholds, all ranges together, how likely it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

import numpy as np

from planner.errors import InputError, UsageError
from planner.plan.sensitivity.asking import Asker, together
from planner.plan.sensitivity.figures import Figure, figure_named
from planner.plan.sensitivity.levers import Lever
from planner.plan.sensitivity.results import Bar, Corner, End, Statement, Threshold
from planner.plan.sensitivity.thresholds import LADDER, Walk, walked
from planner.plan.sensitivity.tornado import differs, tells
from planner.plan.sensitivity.words import claim_words, corner_words, threshold_words
from planner.tables.samples import EIGHTY, Samples

__all__ = ["Claim", "probability", "read_claim", "statement_of"]

Operator = Literal["<=", "<", ">=", ">"]
DRAWS: Final = 4095
MOST_RANGES: Final = 8
"""Bars beside the usual inputs whose thresholds are looked for: the widest."""
_CLAIM: Final = re.compile(r"\s*([A-Za-z][\w.\-]*)\s*(<=|>=|<|>|≤|≥)\s*(\S.*?)\s*")
_TINY: Final = 1e-300
"""Margin of a figure that is just what the statement excludes."""
_SPELLED: Final = {"≤": "<=", "≥": ">="}
_EXAMPLE: Final = "write for example --holds 'days<=90', --holds 'usd<=$10B' or --holds 'users>=1M'"
_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": lambda value, limit: value <= limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    ">": lambda value, limit: value > limit,
}


@dataclass(frozen=True)
class Claim:
    """A statement about a figure."""

    figure: Figure
    operator: Operator
    limit: float

    def holds(self, value: float | None) -> bool:
        """Whether it holds of a value; of none, nothing does."""
        return value is not None and _HOLDS[self.operator](value, self.limit)

    def margin(self, value: float | None) -> float:
        """By how much it holds, on logarithms where both are positive: 0 or more where it does."""
        if value is None:
            return -np.inf
        logs = value > 0 and self.limit > 0
        over = float(np.log(value / self.limit)) if logs else value - self.limit
        found = -over if self.below else over
        return found if (found >= 0) == self.holds(value) else -_TINY

    @property
    def below(self) -> bool:
        """Whether small values make it hold."""
        return self.operator in ("<=", "<")

    @property
    def text(self) -> str:
        """As one writes it."""
        return f"{self.figure.label} {self.operator} {self.figure.show(self.limit)}"


def read_claim(text: str, result: Mapping[str, Any]) -> Claim:
    """Read ``days<=90``.

    Raises
    ------
    UsageError
        Not written like that.
    InputError
        An unknown figure, or a limit that is no number of its unit.
    """
    match = _CLAIM.fullmatch(text)
    if match is None:
        raise UsageError(f"--holds {text[:60]!r}: expected FIGURE<=LIMIT or FIGURE>=LIMIT; {_EXAMPLE}")
    name, sign, limit = match.groups()
    try:
        figure = figure_named(name, result)
    except InputError as error:
        raise InputError(f"--holds {text[:60]!r}: {error}") from error
    try:
        value = figure.read(limit)
    except InputError:
        now = figure.of(result)
        example = "" if now is None else f"; write for example {figure.show(now.value)!r}"
        raise InputError(f"--holds {text[:60]!r}: {limit!r} is no value of {figure.label}{example}") from None
    return Claim(figure, cast("Operator", _SPELLED.get(sign, sign)), value)


def statement_of(
    asker: Asker,
    claim: Claim,
    base: float,
    bars: Sequence[Bar],
    levers: Sequence[Lever],
    known: Mapping[str, Lever],
) -> Statement:
    """Look along every lever for where the statement changes, and at all ranges together.

    Parameters
    ----------
    base
        The figure as asked.
    bars, levers
        Of the tornado.
    known
        Levers that anyone would ask about.
    """
    by_name = {lever.name: lever for lever in levers}
    tasks = [_Task(claim, lever, base) for lever in _along(bars, by_name, known)]
    found = asker.spread(_threshold, tasks)
    thresholds = [one for one, _, _ in found]
    asker.count(sum(answers for _, answers, _ in found), sum(searched for _, _, searched in found))
    counted = [bar for bar in bars if bar.share is not None and _counts(bar)]
    holds = claim.holds(base)
    worst, best = (_corner(asker, claim, counted, by_name, base, better=better) for better in (False, True))
    likely = probability(counted, base, claim)
    ordered = sorted(thresholds, key=lambda one: (one.change is None, abs(one.change or 0.0), one.name))
    return Statement(
        text=claim.text,
        operator=claim.operator,
        limit=claim.limit,
        holds=holds,
        thresholds=tuple(ordered),
        worst=worst,
        best=best,
        probability=likely,
        choices=tuple(_choice(claim, bar) for bar in bars if bar.share is None),
        sentence=corner_words(
            claim_words(claim.figure, claim.operator, claim.limit),
            base,
            holds,
            worst,
            best,
            likely,
            claim.figure,
        ),
    )


@dataclass(frozen=True)
class _Task:
    claim: Claim
    lever: Lever
    base: float


def _along(bars: Sequence[Bar], by_name: Mapping[str, Lever], known: Mapping[str, Lever]) -> list[Lever]:
    """Return the levers to look along: the usual ones, those varied by hand, and the widest ranges."""
    found = {lever.name: lever for lever in known.values()}
    usual = {path for lever in known.values() for path in lever.paths}
    wide = 0
    for bar in bars:
        lever = by_name[bar.name]
        if bar.share is None or not lever.base or lever.base <= 0:
            continue
        if lever.where == "record" and not (set(lever.paths) - usual):
            continue
        if bar.effect > 0 and (wide < MOST_RANGES or lever.where != "record"):
            wide += lever.where == "record"
            found[lever.name] = lever
    return list(found.values())


def _counts(bar: Bar) -> bool:
    """Whether both ends of a bar are places to be at, and the figure is another at one of them."""
    return tells(bar) and not (bar.low.refused or bar.high.refused)


def _threshold(asker: Asker, task: _Task) -> tuple[Threshold, int, int]:
    """Walk along one lever; also returns how many answers that took, and how many with a search."""
    asker = replace(asker, known=dict(asker.known))
    before, searched = asker.effort
    threshold = _looked_along(asker, task)
    return threshold, asker.effort[0] - before, asker.effort[1] - searched


def _looked_along(asker: Asker, task: _Task) -> Threshold:
    """Walk with the layout of the base; where that cannot make the statement hold, without it."""
    lever = task.lever
    walk = _walk(asker, task, lever)
    searched = asker.lays_out and not (asker.pins and lever.keeps)
    if walk.crossing is None and not searched and asker.pins and not task.claim.holds(task.base):
        free = replace(lever, keeps=False)
        far = [asker.ask(free.scaled(factor).ask) for factor in (1.0 / LADDER[-1], LADDER[-1])]
        if any(task.claim.holds(one.value) for one in far):
            walk, searched = _walk(asker, task, free), True
    return _said(task, walk, searched=searched)


def _walk(asker: Asker, task: _Task, lever: Lever) -> Walk:
    base = lever.base or 0.0

    def margin(value: float) -> float | None:
        outcome = asker.ask(lever.at(value).ask)
        return None if outcome.refused else task.claim.margin(outcome.value)

    far = [asker.ask(lever.scaled(factor).ask) for factor in (1.0 / LADDER[-1], LADDER[-1])]
    if not any(differs(one, task.base) for one in far):
        return Walk(None, 0, base / LADDER[-1], base * LADDER[-1])
    return walked(
        margin, base, at_base=task.claim.margin(task.base), ends=task.lever.stated, whole=lever.whole
    )


def _said(task: _Task, walk: Walk, *, searched: bool) -> Threshold:
    claim, lever, ends = task.claim, task.lever, task.lever.stated
    base, crossing = lever.base or 0.0, walk.crossing
    side: Literal["above", "below"] | None = None
    if crossing is not None:
        side = "above" if crossing.holds > crossing.fails else "below"
    value = None if crossing is None else crossing.holds
    threshold = Threshold(
        name=lever.name,
        label=lever.label,
        where=lever.where,
        dimension=lever.dimension,
        base=base,
        base_text=lever.base_text,
        side=side,
        value=value,
        text="" if value is None else lever.show(value),
        change=None if value is None else value / base - 1.0,
        least=walk.least,
        most=walk.most,
        monotone=walk.changes <= 1,
        searched=searched,
        within_range=None if value is None or not ends else min(ends) <= value <= max(ends),
        sentence="",
    )
    what = claim_words(claim.figure, claim.operator, claim.limit)
    text = threshold_words(
        threshold,
        what,
        holds=claim.holds(task.base),
        least=lever.show(walk.least),
        most=lever.show(walk.most),
    )
    return threshold.model_copy(update={"sentence": text})


def _corner(
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
    good = _HOLDS[claim.operator](values, claim.limit)  # type: ignore[arg-type]
    return float(np.mean(good & ~failed))


def _positive(bars: Sequence[Bar], base: float) -> bool:
    """Whether the figure is positive at all ends, so that effects can be multiplied."""
    figures = [end.figure for bar in bars for end in (bar.low, bar.high) if end.figure is not None]
    return base > 0 and all(value > 0 for value in figures)


def _effect(end: End, base: float, *, logs: bool) -> float:
    if end.figure is None:
        return 0.0
    return float(np.log(end.figure / base)) if logs else end.figure - base


def _choice(claim: Claim, bar: Bar) -> str:
    ends = [bar.low, *bar.others, *([bar.high] if bar.high != bar.low else [])]
    good = [end.text for end in ends if claim.holds(end.figure)]
    bad = [end.text for end in ends if not claim.holds(end.figure)]
    said = [f"holds with {', '.join(good)}"] if good else []
    said += [f"not with {', '.join(bad)}"] if bad else []
    return f"{bar.label}: {'; '.join(said)} (as asked {bar.base_text})"
