"""Services on many numbers of accelerators, from a few searches.

A search does not depend on how many accelerators there are once enough replicas share a queue, and fleets are
whole replicas of what it found. So one search serves all numbers up to `_STEP` times its own, and from
`_MANY` on all there are; each fleet is then put together, loaded and judged by itself, beside its spares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked as Running
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.places import places
from planner.plan.serve import serve
from planner.plan.serving.answer import spread_for
from planner.plan.serving.fleet import serving_within
from planner.plan.serving.interval import Reason, reasons_of
from planner.plan.serving.solve import Found, spares_of
from planner.search.serving import fleets, loaded

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked, Spot
    from planner.plan.places import Place
    from planner.plan.serving.interval import Spread
    from planner.plan.serving.results import ServeResult
    from planner.search.serving import FleetPlan

__all__ = [
    "Line",
    "Sized",
    "Surroundings",
    "asking",
    "lines_of",
    "needed",
    "of_answer",
    "sized",
    "surroundings",
]

Reasons = dict[tuple[int, ...], tuple[Reason, ...]]
"""Why intervals are wider, by the ranks of the experts and the parts of a fleet."""

_STEP: Final = {False: 8, True: 16}
"""Between the numbers of accelerators at which is searched, on one kind of hardware and on several."""
_MANY: Final = 16384
"""Accelerators from which replicas of any size share their queues with as many others as a router fills."""
_ROUTED: Final = 16
"""Replicas of a kind beyond which another one changes nothing for the others."""
_LARGER: Final = 1.7
"""How far from the fewest that serve larger replicas are looked for again."""
_TRIES: Final = 4
"""Searches for the fewest accelerators, between one number on which nothing fits and one on which it does."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a curve of serving.

    Attributes
    ----------
    model, spot, traffic
        Of the question; the traffic is the usual one where it is None.
    name, group
        What tells it apart from the others, and which others share its colour.
    """

    model: Any
    spot: Spot
    traffic: str | None
    name: str
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Sized:
    """The best service on some number of accelerators.

    Attributes
    ----------
    gpus
        There are, spares included.
    found
        With that fleet as the best.
    fleet
        What serves.
    spread
        Of its throughput.
    """

    gpus: int
    found: Found
    fleet: FleetPlan
    spread: Spread


def lines_of(asked: Asked) -> tuple[Line, ...]:
    """Return every combination of models, hardware and traffic, named by what tells them apart."""
    traffic: Sequence[str | None] = asked.traffic or (None,)
    many = [len(each) > 1 for each in (asked.models, asked.spots, traffic)]
    made = []
    for model in asked.models:
        for spot in asked.spots:
            for profile in traffic:
                names = (_called(model), spot.label, profile or "")
                said = [name for name, told in zip(names, many, strict=True) if told and name]
                made.append(Line(model=model, spot=spot, traffic=profile, name=", ".join(said)))
    return tuple(made)


def _called(model: object) -> str:
    found = getattr(model, "id", model)
    return found if isinstance(found, str) else "your model"


def asking(asked: Asked, line: Line, **inputs: Any) -> ServeResult:
    """Ask `planner.serve`, with what the curve's question gives."""
    given = {"top": 0, "pareto": False, **asked.options, **inputs}
    return serve(
        line.model,
        cluster=line.spot.cluster,
        accelerator=line.spot.gpu,
        traffic=line.traffic,
        catalog=asked.book,
        **given,
    )


def sized(asked: Asked, line: Line, numbers: Sequence[int]) -> tuple[list[Sized], ServeResult]:
    """Find the best service on each of some numbers of accelerators.

    Parameters
    ----------
    numbers
        Ascending.

    Returns
    -------
    list of Sized, ServeResult
        Those on which something fits, ascending; and the answer on the most accelerators, which holds the
        reasons where nothing does.
    """
    spot = line.spot
    groups = places(asked.book, cluster=spot.cluster, gpu=spot.gpu, gpus=None)
    answers: dict[int, ServeResult] = {}

    def on(gpus: int) -> ServeResult:
        if gpus not in answers:
            answers[gpus] = asking(asked, line, gpus=gpus)
        return answers[gpus]

    starts = _starts(groups, numbers)
    fits = next((at for at, n in enumerate(starts) if on(n).plan is not None), None)
    if fits is None:
        return [], answers[starts[-1]]
    if fits:
        least = _fewest(numbers, starts[fits - 1], starts[fits], on)
        between = [n for n in numbers if _LARGER * least <= n < starts[fits] / _LARGER]
        starts[fits - 1 : fits] = [least, *between[:1]]
        fits -= 1
    kept: list[Sized] = []
    while fits is not None:
        answer = on(starts[fits])
        done = fits + 1 == len(starts) or (len(groups) == 1 and _settled(answer, starts[fits]))
        own = [n for n in numbers if starts[fits] <= n and (done or n < starts[fits + 1])]
        if answer.plan is not None:
            kept += _fleets(asked, groups, answer._trace, own)
        fits = None if done else fits + 1
    return kept, answer


def _settled(answer: ServeResult, gpus: int) -> bool:
    """Whether even the largest replicas share their queues with as many as a router fills."""
    found: Found | None = answer._trace
    if found is None:
        return False
    tables = [
        table for _, each in found.result.replicas for table in (each.aggregated, each.prefill, each.decode)
    ]
    largest = max(float(table.gpus.max()) for table in tables if table is not None)
    return gpus >= _ROUTED * largest


def _starts(groups: Sequence[Place], numbers: Sequence[int]) -> list[int]:
    """Return the numbers at which is searched: where a kind of hardware passes another step."""
    step = _STEP[len(groups) > 1]
    seen: dict[tuple[int, ...], int] = {}
    for n in numbers:
        parts = _parts(groups, n)
        levels = tuple(math.floor(math.log(min(k, _MANY) / 8.0, step)) if k >= 8 else -1 for k in parts)
        seen.setdefault(levels, n)
    return list(seen.values())


def _parts(groups: Sequence[Place], gpus: int) -> list[int]:
    """Share accelerators between the kinds of hardware of a cluster, the first kinds first."""
    left, parts = gpus, []
    for place in groups:
        parts.append(min(place.available, left))
        left -= parts[-1]
    return parts


def _fewest(numbers: Sequence[int], none: int, some: int, on: Callable[[int], ServeResult]) -> int:
    """Return about the fewest accelerators that serve, between a number that cannot and one that can.

    What cannot says how many would, spares not counted; the next numbers are tried first.
    """
    between = [n for n in numbers if none < n <= some]
    said = next((one.value for one in on(none).result.nearest if one.field == "gpus"), None)
    least = float(said) if isinstance(said, int | float) else 0.0
    low, high = sum(n < least for n in between) - 1, len(between) - 1
    for _ in range(_TRIES):
        if high - low <= 1:
            break
        guess = low + 1 if least else (low + high) // 2
        low, high = (low, guess) if on(between[guess]).plan is not None else (guess, high)
    return between[high]


def _fleets(asked: Asked, groups: Sequence[Place], found: Found, numbers: Sequence[int]) -> Iterator[Sized]:
    """Build the fleets of some numbers of accelerators from what was found on fewer."""
    laws = [spares_of(found.case, found.operations, part) for part in range(len(found.available))]
    parts = [_parts(groups, n) for n in numbers]
    serving = [[float(serving_within(law, n)) for law, n in zip(laws, each, strict=True)] for each in parts]
    known: Reasons = {}
    for n, each, fleet in zip(numbers, parts, fleets(found.result, serving), strict=True):
        if fleet is not None:
            own = replace(
                found,
                result=replace(found.result, best=fleet),
                available=tuple(float(k) for k in each),
            )
            yield Sized(gpus=n, found=own, fleet=fleet, spread=_spread(asked, own, fleet, known))


def _spread(asked: Asked, found: Found, fleet: FleetPlan, known: Reasons) -> Spread:
    """Spread of a fleet's throughput; what widens it is looked up once for like fleets."""
    key = (max(int(pool.point.ep[0]) for pool in fleet.pools), *(pool.part for pool in fleet.pools))
    if key not in known:
        known[key] = reasons_of(asked.book, found.case, fleet)
    return spread_for(found, fleet, "throughput", known[key])


def of_answer(asked: Asked, answer: ServeResult) -> Sized:
    """Take the fleet of an answer that has a plan; raises `ValueError` without one."""
    found: Found | None = answer._trace
    if found is None or found.best is None:
        raise ValueError("the answer has no plan")
    return Sized(
        gpus=round(sum(found.available)),
        found=found,
        fleet=found.best,
        spread=_spread(asked, found, found.best, {}),
    )


def needed(asked: Asked, whole: Sized, rates: Sequence[float]) -> Iterator[Sized | None]:
    """Yield the fewest accelerators for each of some loads, of the replicas of a search for the most.

    Parameters
    ----------
    rates
        Requests per second.
    """
    found = whole.found
    known: Reasons = {}
    for rate, fleet in zip(rates, loaded(found.result, rates), strict=True):
        if fleet is None:
            yield None
            continue
        own = replace(
            found,
            rate=rate,
            result=replace(found.result, best=fleet),
            available=(math.inf,) * len(found.available),
        )
        spare = sum(own.spares(part) for part in range(len(found.available)))
        yield Sized(
            gpus=round(fleet.gpus) + spare, found=own, fleet=fleet, spread=_spread(asked, own, fleet, known)
        )


class Surroundings(NamedTuple):
    """What surrounds the hardware of a question."""

    asked: Running
    estates: tuple[Estate, ...]


def surroundings(asked: Asked, one: Sized) -> Surroundings:
    """Look up what surrounds the hardware of a service; see `planner.plan.operating.estate`."""
    named = ("site", "price", "finance", "checkpoint")
    given = Running.read(asked.book, **{name: asked.options.get(name) for name in named})
    places = one.found.case.places
    return Surroundings(given, tuple(estate_of(asked.book, place, given, Filled()) for place in places))
