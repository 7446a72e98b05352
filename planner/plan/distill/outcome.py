"""The verdict in a sentence, what would meet a deadline, and published figures beside ours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from planner.plan.distill.results import LawView, Published, WayPlan
from planner.plan.distill.words import duration
from planner.plan.document import Interval, Nearest
from planner.plan.operating.money import interval_of
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.distill.question import Question
    from planner.plan.distill.speeds import Speeds
    from planner.workload.distillation import Figure

__all__ = ["late_reasons", "nearest", "published", "sentence"]


def sentence(
    question: Question, view: LawView | None, plans: tuple[WayPlan, ...], reasons: tuple[str, ...]
) -> str:
    """Say when it pays and what it costs."""
    if not plans:
        return f"Nothing can be distilled here: {'; '.join(reasons)}"
    if reasons:
        return f"Not in time: {reasons[0]}."
    cheapest = plans[0]
    said = [] if view is None else [view.sentence]
    if view is None:
        count = format_quantity(cheapest.tokens.value, "count", digits=3)
        said.append(
            f"{question.student.id} is trained on {count} tokens of text from {question.teacher.label}; how "
            "good that makes it, no published law says."
        )
    return " ".join([*said, f"{'Cheapest: ' if len(plans) > 1 else ''}{cheapest.sentence}"])


def late_reasons(question: Question, plans: tuple[WayPlan, ...]) -> tuple[str, ...]:
    """Say by how much each way misses the time, the fastest first."""
    if question.days is None:
        return ()
    return tuple(
        f"{plan.mode} takes {duration(plan.days.value)}, {duration(plan.days.value - question.days)} more "
        f"than the {duration(question.days)} that there are"
        for plan in sorted(plans, key=lambda plan: plan.days.value)
    )


def nearest(question: Question, plans: tuple[WayPlan, ...], speeds: Speeds) -> tuple[Nearest, ...]:
    """Return what would meet the deadline: fewer tokens, more days, or more accelerators."""
    fastest = min(plans, key=lambda plan: plan.days.value)
    if question.days is None:
        return ()
    over = fastest.days.value / question.days
    tokens = fastest.tokens.value / over
    found = [
        Nearest(
            field="tokens",
            value=tokens,
            sentence=f"{format_quantity(tokens, 'count', digits=3)} tokens ({fastest.mode}) in "
            f"{duration(question.days)}",
        ),
        Nearest(
            field="days",
            value=fastest.days.value,
            sentence=f"{duration(fastest.days.value)} ({fastest.mode})",
        ),
    ]
    if fastest.gpus_idle == 0 or fastest.gpus_used > 0.9 * speeds.size:
        more = math.ceil(speeds.size * over)
        found.append(
            Nearest(
                field="gpus",
                value=more,
                sentence=f"about {more:,} accelerators, if the student's batch keeps so many busy",
            )
        )
    return tuple(found)


def published(question: Question, plans: tuple[WayPlan, ...], speeds: Speeds) -> tuple[Published, ...]:
    """Return the figures of the recipe, each beside ours where there is one."""
    plan = next((plan for plan in plans if plan.mode == question.recipe.mode), None)
    (place,) = speeds.where.places()
    return tuple(_beside(figure, question, plan, place.accelerator.id) for figure in question.recipe.figures)


def _beside(figure: Figure, question: Question, plan: WayPlan | None, gpu: str) -> Published:
    value = figure.value
    cite = figure.cite if value is None else value
    same = figure.gpu is None or figure.gpu == gpu
    return Published(
        says=figure.says,
        value=None
        if value is None
        else Interval(
            value=value.value,
            low=value.value if value.low is None else value.low,
            high=value.value if value.high is None else value.high,
        ),
        unit=figure.unit,
        here=None if plan is None or not same else _here(figure.of, question, plan),
        source="" if cite is None else f"{cite.source}, {cite.at}",
        kind="" if cite is None else cite.kind,
        as_of=None if cite is None else cite.as_of,
    )


def _here(of: str | None, question: Question, plan: WayPlan) -> Interval | None:
    if of == "gpu-hours":
        return plan.gpu_hours
    if of == "teacher-gpu-hours":
        taught = [role for role in plan.roles if role.role.startswith("teacher")]
        ends = {
            end: sum(getattr(role.gpu_hours, end) * role.busy for role in taught)
            for end in ("value", "low", "high")
        }
        return Interval(**ends)
    if of == "samples" and question.tokens is not None:
        return interval_of(question.tokens / question.epochs / (question.isl + question.osl))
    return None
