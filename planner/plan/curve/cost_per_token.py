"""``planner curve cost-per-token``: what a million tokens cost, against the load.

Two fleets answer every load. One stands: it is the best on the accelerators that there are, and is paid for
whatever it is asked. The other is sized: the fewest accelerators for each load, with their spares.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.curve.results import Axis, CurveAnswer, Fact, Mark, Point, Series
from planner.plan.curve.services import Line, Sized, asking, lines_of, needed, of_answer, surroundings
from planner.plan.curve.words import layouts_text, service_title, targets_text, usual
from planner.plan.document import Interval
from planner.plan.operating.serving import operated
from planner.plan.serving.layouts import layouts_of
from planner.plan.serving.running import service_of

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked
    from planner.plan.curve.services import Surroundings
    from planner.plan.serving.results import ServeResult

__all__ = ["data"]

_LEAST: Final = 1e-2
"""Of what the fleet that stands can serve, from which on loads are looked at."""


@dataclass(frozen=True, kw_only=True)
class _Costs:
    """Dollars of a million output tokens at some loads."""

    rates: list[float]
    usd: list[Interval]
    facts: list[dict[str, Fact]]


def data(asked: Asked) -> CurveAnswer:
    """Compute dollars of a million output tokens against requests per second.

    Returns
    -------
    CurveAnswer
        For each line of the question one of the fleet that stands, and a dashed one of the fleet that is
        sized for the load; reasons where nothing can be served.
    """
    series: list[Series] = []
    reasons: list[str] = []
    answers: list[ServeResult] = []
    gpus = []
    for line in lines_of(asked):
        most = asked.range_on(line.spot)[1]
        answer = asking(asked, line, gpus=most)
        answers.append(answer)
        usual(asked, answer)
        if answer.plan is None:
            reasons += [f"{line.name or line.spot.label}: {why}" for why in answer.result.reasons]
            continue
        gpus.append(most)
        series += _both(asked, line, answer)
    return CurveAnswer(
        title=service_title("Cost of tokens", asked, answers[0] if answers else None),
        caption=(*targets_text(asked, answers), *_caption(answers[0] if answers else None, gpus)),
        x=Axis(key="requests_per_s", title="Load at the peak", unit="requests/s", log=True),
        y=Axis(
            key="usd_per_million_tokens",
            title="Cost of output",
            unit="USD per million tokens",
            log=True,
        ),
        series=tuple(series),
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _both(asked: Asked, line: Line, answer: ServeResult) -> list[Series]:
    """Return the line of the fleet that stands and that of the fleet sized for the load."""
    whole = of_answer(asked, answer)
    around = surroundings(asked, whole)
    most = whole.fleet.most_rate
    rates = np.geomspace(_LEAST * most, most, asked.points).tolist()
    stands = _standing(asked, whole, around, rates)
    sized = _sized(asked, whole, around, rates)
    name = f"{line.name}, " if line.name else ""
    group = line.name or "one"
    return [
        Series(
            name=f"{name}{whole.gpus:,} fixed",
            group=group,
            points=_points(stands),
            marks=_marks(stands),
        ),
        Series(name=f"{name}sized for the load", style="dashed", group=group, points=_points(sized)),
    ]


def _standing(asked: Asked, whole: Sized, around: Surroundings, rates: list[float]) -> _Costs:
    """Cost of a fleet that is there, at part of what it can serve."""
    usd: list[Interval] = []
    facts: list[dict[str, Fact]] = []
    for rate in rates:
        share = rate / whole.fleet.most_rate
        fleet = replace(whole.fleet, rate=rate)
        service = service_of(whole.found, fleet, around.estates, whole.spread)
        # What is asked for is served, unless the fleet is so much slower than predicted.
        service = replace(service, low=min(whole.spread.low / share, 1.0), high=1.0)
        usd.append(_usd(asked, whole, around, service))
        facts.append({"gpus": whole.gpus, "utilisation": share})
    return _Costs(rates=rates, usd=usd, facts=facts)


def _sized(asked: Asked, whole: Sized, around: Surroundings, rates: list[float]) -> _Costs:
    """Cost of the fewest accelerators for each load."""
    found = _Costs(rates=[], usd=[], facts=[])
    for rate, one in zip(rates, needed(asked, whole, rates), strict=True):
        if one is None:
            continue
        service = service_of(one.found, one.fleet, around.estates, one.spread)
        found.rates.append(rate)
        found.usd.append(_usd(asked, one, around, service))
        found.facts.append(
            {
                "gpus": one.gpus,
                "utilisation": rate / one.fleet.most_rate,
                "layout": layouts_text(layouts_of(one.found.case, one.fleet)),
            }
        )
    return found


def _usd(asked: Asked, one: Sized, around: Surroundings, service: object) -> Interval:
    taken = operated(service, around.asked, one.found.operations.reliability, catalog=asked.book)  # type: ignore[arg-type]
    value: Interval = taken["usd_per_million_tokens"]
    return value


def _points(costs: _Costs) -> tuple[Point, ...]:
    return tuple(
        Point(x=rate, y=usd, facts=facts)
        for rate, usd, facts in zip(costs.rates, costs.usd, costs.facts, strict=True)
    )


def _marks(stands: _Costs) -> tuple[Mark, ...]:
    """Mark the load at which targets bind."""
    last, least = stands.rates[-1], stands.usd[-1].value
    said = f"At {last:,.3g} requests/s latency targets or stability bind: no more can be served."
    return (Mark(x=last, y=least, label="targets bind", sentence=said),)


def _caption(answer: ServeResult | None, gpus: list[int]) -> tuple[str, ...]:
    if answer is None or not gpus:
        return ()
    inputs = answer.inputs
    how = {"own": "owned", "colocation": "owned in rented space"}.get(inputs.price, inputs.price)
    plan = answer.plan
    each = "" if plan is None else f" at about {plan.usd_per_gpu_hour.value:.2f} USD an accelerator-hour"
    return (
        f"Lines: a fixed fleet, paid for at any load ({how}, {inputs.site} site{each}). Dashed: the fewest "
        "accelerators for the load, in whole replicas with spares. Both are paid for around the clock; "
        "output, which pays for its prompts, is that of the mean hour. Bands hold 80 % of cases.",
    )
