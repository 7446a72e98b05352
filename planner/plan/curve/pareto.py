"""``planner curve pareto``: what an accelerator yields against what a user of a service sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan.curve.results import Axis, CurveAnswer, Fact, Mark, Point, Series
from planner.plan.curve.services import Line, asking, lines_of
from planner.plan.curve.words import requests_text, service_title, targets_of, usual
from planner.units import MILLI

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked
    from planner.plan.serving.results import ParetoPoint, ServeResult

__all__ = ["data"]

_FREE: Final = {"tpot": "none", "e2e": "none"}
"""Targets that the frontier says the price of."""
_FEW: Final = 3
"""Lines up to which the two ends of each are named, too."""


def data(asked: Asked) -> CurveAnswer:
    """Compute the frontier of yield and speed; one search for each line.

    Returns
    -------
    CurveAnswer
        With reasons where no replica runs.
    """
    lines = lines_of(asked)
    series, reasons, kept = [], [], None
    for line in lines:
        answer = _answer(asked, line)
        kept = kept or answer
        usual(asked, answer)
        points = _points(answer)
        if not points:
            reasons += [f"{line.name or line.spot.label}: {why}" for why in answer.result.reasons]
            continue
        marks = _marks(answer, points, ends=len(lines) <= _FEW)
        series.append(Series(name=line.name, points=points, marks=marks))
    return CurveAnswer(
        title=service_title("Yield against speed", asked, kept),
        caption=(*requests_text(asked, kept), *_caption(kept, series)),
        x=Axis(key="tokens_per_s_per_user", title="Speed of a user", unit="output tokens/s", log=True),
        y=Axis(
            key="tokens_per_s_per_gpu",
            title="Yield of an accelerator",
            unit="output tokens/s",
            log=True,
        ),
        series=tuple(series),
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _answer(asked: Asked, line: Line) -> ServeResult:
    """Ask with the targets of the traffic, for the mark; without them where nothing meets them."""
    gpus = asked.range_on(line.spot)[1]
    answer = asking(asked, line, gpus=gpus, pareto=True)
    if answer.plan is not None:
        return answer
    return asking(asked, line, gpus=gpus, pareto=True, **_FREE)


def _points(answer: ServeResult) -> tuple[Point, ...]:
    plan = answer.plan
    if plan is None:
        return ()
    each = plan.output_tokens_per_s_per_gpu
    ratio = each.scaled(1.0 / each.value)
    found = sorted(answer.result.pareto, key=lambda one: one.tokens_per_s_per_user)
    return tuple(
        Point(
            x=one.tokens_per_s_per_user,
            y=ratio.scaled(one.tokens_per_s_per_gpu),
            facts=_facts(one),
        )
        for one in found
    )


def _facts(one: ParetoPoint) -> dict[str, Fact]:
    return {
        "ttft_ms": one.ttft_ms,
        "tpot_ms": 1.0 / one.tokens_per_s_per_user / MILLI,
        "mode": one.mode,
        "accelerator": one.accelerator,
        "layout": _layout(one),
        "batch": one.batch,
        "chunk": one.chunk,
    }


def _layout(one: ParetoPoint) -> str:
    degrees = [f"{name}{getattr(one, name)}" for name in ("tp", "pp", "dp", "ep") if getattr(one, name) > 1]
    return " ".join(degrees) or "tp1"


def _marks(answer: ServeResult, points: tuple[Point, ...], *, ends: bool) -> tuple[Mark, ...]:
    """Mark what is deployed within the targets, and the ends of the line with their layouts."""
    marks = []
    plan = answer.plan
    if plan is not None and _bounded(answer):
        speed = 1.0 / (plan.tpot_ms.mean * MILLI)
        per_gpu = plan.output_tokens_per_s_per_gpu.value
        marks.append(
            Mark(
                x=speed,
                y=per_gpu,
                label="within targets",
                sentence=f"Within the targets {per_gpu:,.0f} tokens/s per accelerator, at {speed:,.0f} "
                "tokens/s for a user on average.",
            )
        )
    for point in (points[0], points[-1]) if ends and len(points) > 1 else ():
        label = f"{point.facts['layout']}, {_batch(point)}"
        marks.append(
            Mark(x=point.x, y=point.y.value, label=label, sentence=f"{label}: an end of the frontier.")
        )
    return tuple(marks)


def _bounded(answer: ServeResult) -> bool:
    """Whether more is asked than the time to the first token, which all points keep."""
    return answer.inputs.tpot_ms is not None or answer.inputs.e2e_ms is not None


def _batch(point: Point) -> str:
    return f"batch {float(point.facts['batch'] or 0.0):,.0f}"


def _caption(answer: ServeResult | None, series: list[Series]) -> tuple[str, ...]:
    if answer is None or not series:
        return ()
    first = f"TTFT p{100 * answer.inputs.ttft_percentile:g}" if answer.inputs.ttft_percentile else "TTFT"
    held = (
        f" All points keep {first} within {answer.inputs.ttft_ms / 1000:g} s."
        if answer.inputs.ttft_ms
        else ""
    )
    said = "; ".join(targets_of(answer.inputs)) if _bounded(answer) else ""
    within = f" Marked: the service within {said}." if said else ""
    return (
        f"Each point is a replica at one batch; of pools, decode beside its share of prefill.{held}{within} "
        "Bands hold the measured yield in 80 % of cases.",
    )
