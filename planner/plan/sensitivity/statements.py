"""What must be true for a statement about a figure: thresholds, one input at a time, and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from planner.plan.sensitivity.asking import Asker
from planner.plan.sensitivity.claims import Claim
from planner.plan.sensitivity.corners import corner, counts, probability
from planner.plan.sensitivity.levers import Lever
from planner.plan.sensitivity.results import Bar, Statement, Threshold
from planner.plan.sensitivity.thresholds import LADDER, Walk, walked
from planner.plan.sensitivity.tornado import differs
from planner.plan.sensitivity.words import claim_words, corner_words, threshold_words

__all__ = ["statement_of"]

MOST_RANGES: Final = 8
"""Bars beside the usual inputs whose thresholds are looked for: the widest."""


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
    counted = [bar for bar in bars if bar.share is not None and counts(bar)]
    holds = claim.holds(base)
    worst, best = (corner(asker, claim, counted, by_name, base, better=better) for better in (False, True))
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


def _choice(claim: Claim, bar: Bar) -> str:
    ends = [bar.low, *bar.others, *([bar.high] if bar.high != bar.low else [])]
    good = [end.text for end in ends if claim.holds(end.figure)]
    bad = [end.text for end in ends if not claim.holds(end.figure)]
    said = [f"holds with {', '.join(good)}"] if good else []
    said += [f"not with {', '.join(bad)}"] if bad else []
    return f"{bar.label}: {'; '.join(said)} (as asked {bar.base_text})"
