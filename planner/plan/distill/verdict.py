"""What the scaling law of distillation says of a student and its teacher, and when neither is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.scaling.distilling import (
    crossover_tokens,
    plain_tokens,
    student_loss,
    students_to_repay,
    supervised_loss,
    teacher_too_good,
)
from planner.model.scaling.ranges import beyond
from planner.plan.defaults import TOKENS_PER_PARAMETER
from planner.plan.distill.results import LawView
from planner.plan.distill.teachers import loss_parameters
from planner.plan.document import Interval
from planner.plan.operating.money import first, interval_of
from planner.tables.samples import Samples
from planner.units import format_quantity
from planner.workload.counts import parameters

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.distill.question import Question
    from planner.types import FloatArray
    from planner.workload.record import ModelRecord

__all__ = ["Judge", "judge_of", "law_view"]

ENOUGH_TRUTH: Final = 0.3
"""Share of the loss on the text itself with which the largest logits were measured to be enough."""
MEASURED_LOGITS: Final = 128
"""Logits of a token with which that was measured."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """The law, applied to one student and one teacher.

    Attributes
    ----------
    size, teacher_size
        Parameters as the law counts them.
    teacher_loss
        Nats.
    teacher_loss_of
        Where that comes from.
    teacher_tokens
        On which the teacher was trained.
    """

    question: Question
    size: float
    teacher_size: float
    teacher_loss: float
    teacher_loss_of: str
    teacher_tokens: float

    def taught(self, tokens: FloatArray) -> Interval:
        """Loss with the teacher's logits, all of them."""
        return interval_of(self._taught(tokens) * self._error())

    def taught_by_stored(self, tokens: FloatArray) -> Interval:
        """Loss with those logits that are stored."""
        lost = self.truncation()
        drawn = Samples().ranged(lost.value, lost.low, lost.high, "law.distillation.truncation")
        return interval_of(self._taught(tokens) * self._error() + drawn)

    def plain(self, tokens: FloatArray | float) -> Interval:
        """Loss without a teacher."""
        found = supervised_loss(law=self.question.law, parameters=self.size, tokens=tokens)
        return interval_of(found * self._error())

    def truncation(self) -> Interval:
        """Nats lost by keeping the largest logits alone: measured with 128 of them."""
        question = self.question
        if question.top_k is None:
            return Interval(value=0.0, low=0.0, high=0.0)
        mixed, alone = (first(lost) for lost in (question.law.mixed_top_k_loss, question.law.top_k_loss))
        if question.ground_truth >= ENOUGH_TRUTH:
            return Interval(value=mixed, low=0.0, high=mixed)
        return Interval(value=alone, low=mixed, high=alone)

    def _taught(self, tokens: FloatArray) -> FloatArray:
        return student_loss(
            law=self.question.law, parameters=self.size, tokens=tokens, teacher_loss=self.teacher_loss
        )

    def _error(self) -> FloatArray:
        error = first(self.question.law.relative_error)
        if not np.isfinite(error):
            return np.ones((1, 1))
        return Samples().ranged(1.0, 1.0 - error, 1.0 + error, f"law.{self.question.law.id}.error")


def judge_of(question: Question, filled: Filled) -> Judge | None:
    """Return the law for this question; None where the teacher is known by its prices alone."""
    teacher = question.teacher.record
    if teacher is None:
        return None
    size, teacher_size = (_counted(record) for record in (question.student, teacher))
    tokens = question.teacher.tokens
    if tokens is None:
        tokens = TOKENS_PER_PARAMETER * teacher_size
        filled.assume(
            "teacher_tokens", tokens, "20 per active parameter: no recipe of the teacher is on record"
        )
    elif question.teacher.tokens_why != "as given":
        filled.assume("teacher_tokens", tokens, question.teacher.tokens_why)
    loss, why = question.teacher.loss, "as given"
    if loss is None:
        loss = first(supervised_loss(law=question.law, parameters=teacher_size, tokens=tokens))
        why = (
            f"the law's own loss of {teacher.id} on {format_quantity(tokens, 'count')} tokens, as if all "
            "had been text like the law's"
        )
        filled.assume("teacher_loss", loss, why)
    return Judge(
        question=question,
        size=size,
        teacher_size=teacher_size,
        teacher_loss=loss,
        teacher_loss_of=why,
        teacher_tokens=tokens,
    )


def _counted(record: ModelRecord) -> float:
    return loss_parameters(parameters(record.architecture))


def law_view(
    judge: Judge, tokens: float, *, student_flop: float, teacher_flop: float, same_cost_tokens: float | None
) -> LawView:
    """Return what the law says at so many tokens.

    Parameters
    ----------
    student_flop
        Of training, per token.
    teacher_flop
        Of a forward pass, per token.
    same_cost_tokens
        Of plain training for the cost of the cheapest way with logits.
    """
    question, law = judge.question, judge.question.law
    column = np.array([[tokens]])
    taught, plain = judge.taught(column), judge.plain(column)
    crossover = first(crossover_tokens(law=law, parameters=judge.size, teacher_loss=judge.teacher_loss))
    too_good = teacher_too_good(
        law=law, parameters=judge.size, tokens=tokens, teacher_loss=judge.teacher_loss
    )
    equal = first(plain_tokens(law=law, parameters=judge.size, loss=taught.value))
    paid = tokens * (1.0 + teacher_flop / student_flop)
    shared = None
    if question.students is not None:
        shared = paid + 3.0 * teacher_flop * judge.teacher_tokens / question.students / student_flop

    def repaid(teacher_tokens: float, *, anew: bool) -> int | None:
        """Students that pay for a teacher's training, or its passes: a third of as much training."""
        many = first(
            students_to_repay(
                student_forward=student_flop / 3.0,
                teacher_forward=teacher_flop,
                tokens=tokens,
                equal_tokens=equal,
                teacher_tokens=teacher_tokens,
                logits=anew,
            )
        )
        return max(math.ceil(many), 1) if math.isfinite(many) else None

    error = first(law.relative_error)
    gained = plain.value - taught.value
    view = LawView(
        law=law.id,
        student_parameters=judge.size,
        tokens=tokens,
        teacher_loss_nats=judge.teacher_loss,
        teacher_loss_of=judge.teacher_loss_of,
        with_teacher_nats=taught,
        without_teacher_nats=plain,
        difference_nats=gained,
        within_error=bool(np.isfinite(error)) and abs(gained) < error * plain.value,
        crossover_tokens=crossover if math.isfinite(crossover) else None,
        equal_tokens=equal if math.isfinite(equal) else None,
        same_compute_tokens=paid,
        same_compute_nats=judge.plain(paid).value,
        same_cost_tokens=same_cost_tokens,
        same_cost_nats=None if same_cost_tokens is None else judge.plain(same_cost_tokens).value,
        with_training_tokens=shared,
        with_training_nats=None if shared is None else judge.plain(shared).value,
        students_to_repay=repaid(judge.teacher_tokens, anew=True),
        students_to_repay_stored=repaid(judge.teacher_tokens + tokens / 3.0, anew=False),
        students_to_share=repaid(tokens / 3.0, anew=False),
        teacher_too_good=bool(first(too_good)),
        truncation_nats=judge.truncation(),
        beyond=_beyond(judge, tokens),
        sentence="",
    )
    return view.model_copy(update={"sentence": _sentence(judge, view)})


def _beyond(judge: Judge, tokens: float) -> tuple[str, ...]:
    """Say where the law is extrapolated: the student, its tokens, and the teacher whose loss it gives."""
    law = judge.question.law
    said = beyond(law, parameters=judge.size, tokens=tokens)
    if judge.question.teacher.loss is None:
        said += tuple(
            f"of the teacher: {sentence}"
            for sentence in beyond(law, parameters=judge.teacher_size, tokens=judge.teacher_tokens)
        )
    return said


def _sentence(judge: Judge, view: LawView) -> str:
    student, count = judge.question.student.id, _count(view.tokens)
    better = view.difference_nats > 0.0
    verb = "beats" if better else "does not beat"
    error = ", less than the law's own error" if view.within_error else ""
    said = (
        f"On {count} tokens distilling {student} {verb} training it without a teacher: "
        f"{view.with_teacher_nats.value:.3f} against {view.without_teacher_nats.value:.3f} nats{error}; "
        f"{_until(view)}."
    )
    if not better:
        return said
    paid = view.same_compute_nats
    worse = paid > view.with_teacher_nats.value
    said += (
        f" For the compute of its passes {student} could be trained without it on "
        f"{_count(view.same_compute_tokens)} tokens, to {paid:.3f} nats, which is "
        f"{'worse' if worse else 'better'}"
    )
    if not worse and view.students_to_share is not None:
        said += f"; kept for {view.students_to_share:,} students or more, its logits pay"
    return f"{said}. {_repaid(view)}"


def _until(view: LawView) -> str:
    if view.crossover_tokens is None:
        return "by this teacher it does so at any number of tokens"
    if view.crossover_tokens == 0.0:
        return "by this teacher it never does"
    return f"by this teacher it does so up to {_count(view.crossover_tokens)} tokens"


def _repaid(view: LawView) -> str:
    if view.students_to_repay_stored is None:
        return "Training a teacher for it does not pay in compute, for any number of students."
    many = f"{view.students_to_repay_stored:,} student{'s' * (view.students_to_repay_stored != 1)}"
    return f"A teacher that must first be trained pays in compute from {many} on, its logits kept for all."


def _count(tokens: float) -> str:
    return format_quantity(tokens, "count", digits=3)
