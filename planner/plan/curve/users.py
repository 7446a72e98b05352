"""``planner curve users``: users (or requests) against accelerators, within latency targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan.curve.results import Axis, CurveAnswer, Fact, Mark, Point, Series
from planner.plan.curve.services import Line, Sized, Surroundings, lines_of, sized, surroundings
from planner.plan.curve.words import layouts_text, service_title, targets_text, usual
from planner.plan.operating.availability import availability_of
from planner.plan.serving.layouts import layouts_of, mode_of
from planner.plan.serving.running import service_of

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked
    from planner.plan.document import Interval
    from planner.plan.serving.results import ServeResult

__all__ = ["data"]

_FULL: Final = 0.95
"""Share of what an accelerator serves in the largest fleet, from which whole replicas and spares hardly
count."""


def data(asked: Asked) -> CurveAnswer:
    """Compute users against accelerators; `planner.curve` says how.

    Returns
    -------
    CurveAnswer
        With reasons where nothing can be served.
    """
    series, reasons, by_users = [], [], True
    answers: list[ServeResult] = []
    for line in lines_of(asked):
        numbers = [int(n) for n in asked.accelerators(line.spot)]
        found, answer = sized(asked, line, numbers)
        answers.append(answer)
        usual(asked, answer)
        if not found:
            reasons += [f"{line.name or line.spot.label}: {why}" for why in answer.result.reasons]
            continue
        by_users = by_users and found[0].found.case.job.users(1.0) is not None
        series.append((line, found, numbers[0]))
    drawn = tuple(_series(asked, line, found, low, by_users=by_users) for line, found, low in series)
    what = "Users" if by_users else "Requests"
    return CurveAnswer(
        title=service_title(f"{what} served", asked, answers[0] if answers else None),
        caption=(*targets_text(asked, answers), *_ABOUT),
        x=Axis(key="gpus", title="Accelerators, spares included", log=True),
        y=Axis(key="users", title="Users", log=True)
        if by_users
        else Axis(key="requests_per_s", title="Requests at the peak", unit="1/s", log=True),
        series=drawn,
        reasons=tuple(dict.fromkeys(reasons)),
    )


_ABOUT: Final = (
    "Fleets are whole replicas beside the spares that failures, upgrades and one failure domain take; the "
    "rest stands idle. Bands hold the measurement in 80 % of cases.",
)


def _series(asked: Asked, line: Line, found: list[Sized], low: int, *, by_users: bool) -> Series:
    points: list[Point] = []
    around = surroundings(asked, found[0])
    for one in found:
        point = Point(x=float(one.gpus), y=_served(one, by_users=by_users), facts=_facts(one, around))
        if points and point.y.value < points[-1].y.value:  # with fewer at work: the others stand idle
            point = points[-1].model_copy(update={"x": point.x})
        points.append(point)
    return Series(
        name=line.name, group=line.group, points=tuple(points), marks=tuple(_marks(found, points, low))
    )


def _served(one: Sized, *, by_users: bool) -> Interval:
    rate = one.spread.of(one.fleet.most_rate)
    each = one.found.case.job.users(1.0) if by_users else 1.0
    return rate.scaled(each or 1.0)


def _facts(one: Sized, around: Surroundings) -> dict[str, Fact]:
    parts = range(len(one.found.available))
    service = service_of(one.found, one.fleet, around.estates, one.spread)
    _, up = availability_of(service, around.asked, one.found.operations.reliability)
    return {
        "requests_per_s": one.fleet.most_rate,
        "gpus_serving": round(one.fleet.gpus),
        "gpus_spare": sum(one.found.spares(part) for part in parts),
        "replicas": sum(pool.replicas for pool in one.fleet.pools),
        "availability": up.value,
        "mode": mode_of(one.fleet),
        "layout": layouts_text(layouts_of(one.found.case, one.fleet)),
    }


def _marks(found: list[Sized], points: list[Point], low: int) -> list[Mark]:
    """Mark the fewest accelerators that serve, and where whole replicas and spares cease to count."""
    least, last = points[0], points[-1]
    marks = []
    if least.x > low:
        marks.append(
            Mark(
                x=least.x,
                y=least.y.value,
                label=f"{found[0].gpus:,} at least",
                sentence=f"{found[0].gpus:,} accelerators are the fewest of these that serve.",
            )
        )
    each = last.y.value / last.x
    below = [at for at, point in enumerate(points) if point.y.value < _FULL * each * point.x]
    full = points[min(below[-1] + 1, len(points) - 1)] if below else least
    if least is not full is not last:
        marks.append(
            Mark(
                x=full.x,
                y=full.y.value,
                label="spares, rounding < 5 %",
                sentence=f"From {full.x:,.0f} accelerators on, spares and whole replicas take less than 5 % "
                "of what an accelerator serves in the largest fleet.",
            )
        )
    return marks
