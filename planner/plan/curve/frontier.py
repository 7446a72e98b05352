"""``planner curve frontier``: loss against the size of the model for each time, and the best sizes joined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import UsageError
from planner.plan.curve.results import Axis, CurveAnswer, Fact, Mark, Point, Series
from planner.plan.curve.words import listed
from planner.plan.document import Interval
from planner.plan.frontier.frontier import question_of
from planner.plan.frontier.outcome import expected
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked, Spot
    from planner.plan.frontier.asking import Question
    from planner.plan.frontier.curve import Curve
    from planner.plan.frontier.results import FrontierAnswer
    from planner.plan.frontier.results import Point as Best

__all__ = ["data"]

_DAYS: Final = (30.0, 90.0, 180.0, 365.0)
"""Times that are compared where the question names none."""


def data(asked: Asked) -> CurveAnswer:
    """Compute loss against size for each time: one surface of rates for all sizes and times of some hardware.

    By a law without a loss, tokens are shown against sizes.

    Raises
    ------
    UsageError
        An accelerator without how many.
    """
    options = {"days": _DAYS, **asked.options}
    series: list[Series] = []
    reasons: list[str] = []
    question = None
    for spot in asked.spots:
        question = question_of(asked.book, asked.filled, **_hardware(asked, spot), **options)
        answer = question.answered()
        series += _of(asked, question, answer, spot if len(asked.spots) > 1 else None)
        reasons += answer.reasons
        asked.filled.notes.extend(note for note in answer.notes if note not in asked.filled.notes)
    if question is None:
        raise UsageError("planner curve frontier needs hardware; report this")
    lossless = question.laws.loss_law is None
    family = question.setting.shape
    return CurveAnswer(
        title=f"{'Tokens' if lossless else 'Loss'} by size of a {family.id} model in "
        f"{listed(f'{days:g}' for days in question.times)} days on {_on(asked)}",
        caption=_caption(question),
        x=Axis(
            key="parameters",
            title="Parameters" if family.counted == "all" else "Active parameters",
            log=True,
        ),
        y=Axis(key="tokens", title="Tokens trained on", log=True)
        if lossless
        else Axis(key="loss", title="Expected loss", unit="nats per token"),
        series=tuple(series),
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _hardware(asked: Asked, spot: Spot) -> dict[str, Any]:
    if spot.cluster is None and asked.high is None:
        raise UsageError(
            f"planner curve frontier: how many {spot.label}? Add --gpus N, as in --gpus 16384; the best size "
            "depends on it"
        )
    return {"cluster": spot.cluster, "gpu": spot.gpu, "gpus": asked.high}


def _on(asked: Asked) -> str:
    many = "" if asked.high is None else f"{asked.high:,} "
    return listed(f"{many}{spot.label}" for spot in asked.spots)


def _of(asked: Asked, question: Question, answer: FrontierAnswer, spot: Spot | None) -> Iterator[Series]:
    """Yield a thin line for each time, and one through the best size of each."""
    best = {point.days: point for point in answer.points}
    label = spot.label if spot is not None else ""
    said = f"{label}, " if label else ""
    for days, curve in question.curves.items():
        if days in best:
            points = tuple(_points(question, curve, best[days], asked.points))
            yield Series(name=f"{said}{days:g} days", style="iso", group=label, points=points)
    if best:
        yield Series(
            name=label or "best",
            group=label or "best",
            points=tuple(_chosen(question, best[days]) for days in sorted(best)),
            marks=tuple(_mark(question, best[days]) for days in sorted(best)),
        )


def _points(question: Question, curve: Curve, best: Best, most: int) -> Iterator[Point]:
    """Yield sizes of one time, evenly spaced in their logarithms."""
    laws = question.laws
    rows = np.unique(np.linspace(0, len(curve.parameters) - 1, most).round().astype(int))
    spread = best.tokens.scaled(1.0 / best.tokens.value)
    for i in rows.tolist():
        tokens = spread.scaled(float(curve.tokens[i]))
        size, batch = float(curve.parameters[i]), float(curve.batches[i])
        loss = expected(
            laws,
            parameters=size,
            tokens=tokens,
            batch=batch,
            critical=laws.critical_samples(tokens.value),
        )
        facts: dict[str, Fact] = {
            "days": best.days,
            "tokens": tokens.value,
            "batch_tokens": batch,
            "gpus": round(float(curve.gpus[i])),
            "goodput": float(curve.goodput[i]),
        }
        if loss is None:
            del facts["tokens"]
        yield Point(x=size, y=tokens if loss is None else loss, facts=facts)


def _chosen(question: Question, best: Best) -> Point:
    facts: dict[str, Fact] = {
        "days": best.days,
        "tokens": best.tokens.value,
        "batch_tokens": best.batch_tokens,
        "gpus": best.run.gpus_used,
        "goodput": best.run.goodput.value,
        "model": best.model,
        "cost_usd": best.run.cost_usd.value,
        "binds": best.binds.resource,
    }
    if best.loss is None:
        del facts["tokens"]
    return Point(x=best.parameters.value, y=_height(best), facts=facts)


def _height(best: Best) -> Interval:
    return best.tokens if best.loss is None else best.loss


def _mark(question: Question, best: Best) -> Mark:
    size = format_quantity(best.parameters.value, "count", digits=2)
    tokens = format_quantity(best.tokens.value, "count", digits=2)
    return Mark(
        x=best.parameters.value, y=_height(best).value, label=f"{size} on {tokens}", sentence=best.sentence
    )


def _caption(question: Question) -> tuple[str, ...]:
    setting, laws = question.setting, question.laws
    unique = format_quantity(float(laws.unique[0, 0]), "count", digits=3)
    worth = "" if laws.leverage is None else f", worth {float(laws.leverage[0, 0]):.2g} times a dense model's"
    goal = {"loss": "the lowest loss", "size": "the largest model that is trained long enough"}
    return (
        f"By scaling law {laws.law.id}, {unique} different tokens, sequences of {setting.job.seq_len:,}, "
        f"shape {setting.shape.id}{worth}; layout, batch and failures of all sizes are the estimator's.",
        "Thin lines: the best run of each size in so many days, between sizes that were searched. Marked: "
        f"{goal[question.goal]}, parameters on tokens; what lies beside it was searched too, so that it "
        "may lie off its line. The band holds 80 % of cases: of the law, the rate, the batch and the data.",
    )
