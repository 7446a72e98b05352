"""Every way planned and weighed against the others and against no teacher at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.defaults import TOKENS_PER_PARAMETER, Filled
from planner.plan.distill.outcome import late_reasons, nearest, published, sentence
from planner.plan.distill.question import LOGIT_WAYS, Question
from planner.plan.distill.results import DistillAnswer, LawView, LeftOut, Plain, TeacherTraining, WayPlan
from planner.plan.distill.speeds import SPARES, Doing, Speeds, efficient
from planner.plan.distill.verdict import Judge, judge_of, law_view
from planner.plan.distill.ways import Baseline, planned, readable, student_training, tokens_in
from planner.plan.operating.money import first, interval_of
from planner.tables.samples import Samples
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from planner.workload.counts import parameters

if TYPE_CHECKING:
    from planner.plan.rates import Rate
    from planner.types import FloatArray

__all__ = ["weighed"]

CARRIED_TRAINING: Final = ("global_batch", "precision", "software", "system", "site", "checkpoint")
CARRIED_SERVICE: Final = ("engine", "weights", "kv")
"""What the plans behind the rates may leave open, and the answer rests on."""


def weighed(question: Question, speeds: Speeds, filled: Filled, goal: str | None) -> DistillAnswer:
    """Plan every way, and judge."""
    nominal = TOKENS_PER_PARAMETER * parameters(question.student.architecture).active
    wanted = nominal if question.tokens is None else first(question.tokens)
    judge = judge_of(question, filled)
    try:
        plans, left_out, baseline = _planned(question, speeds, judge, wanted, goal, filled)
    except InfeasibleError as error:
        why = str(error)
        return DistillAnswer(
            sentence=f"Nothing can be distilled here: {why}", law=None, plain=None, plans=(), reasons=(why,)
        )
    view = None if judge is None else _view(question, judge, baseline, plans, wanted, filled)
    _carry(speeds, filled)
    if any(plan.mode == "api" for plan in plans):
        filled.notes.append(
            "Whoever sells text limits how fast it is written, and may forbid training on it: "
            "neither is modelled."
        )
    late = bool(plans) and all(plan.in_time is False for plan in plans)
    reasons = late_reasons(question, plans) if late else ()
    if not plans:
        reasons = tuple(one.reason for one in left_out)
    return DistillAnswer(
        sentence=sentence(question, view, plans, reasons),
        law=view,
        plain=_plain(baseline, plans[0].tokens.value if plans else wanted),
        plans=plans,
        left_out=left_out,
        teacher_training=_teacher_training(question, speeds, judge, filled),
        published=published(question, plans, speeds),
        reasons=reasons,
        nearest=nearest(question, plans, speeds) if late else (),
    )


def _planned(
    question: Question, speeds: Speeds, judge: Judge | None, wanted: float, goal: str | None, filled: Filled
) -> tuple[tuple[WayPlan, ...], tuple[LeftOut, ...], Baseline]:
    """Plan every way, efficiently unless the fastest was asked for or the days need it."""
    if goal != "fastest":
        speeds.most = efficient(speeds, question.student, tokens=wanted, seq_len=question.seq_len)
    baseline = _baseline(question, speeds, wanted)
    plans, left_out = _plans(question, speeds, baseline, judge, wanted)
    hurry = plans and question.tokens is not None and all(plan.in_time is False for plan in plans)
    if goal is None and speeds.most is not None and hurry:
        speeds.most = None
        baseline = _baseline(question, speeds, wanted)
        plans, left_out = _plans(question, speeds, baseline, judge, wanted)
        filled.assume("goal", "fastest", "in time only if the student takes all accelerators that shorten it")
    elif goal is None and speeds.most is not None:
        why = f"{speeds.most:,} train the student at most: of more, each would do less than half of its best"
        filled.assume("goal", "efficient", why)
    return plans, left_out, baseline


def _carry(speeds: Speeds, filled: Filled) -> None:
    """Bring what the plans behind the rates assumed into the answer, each once."""
    if any(role != "student-trains" for role, _ in speeds.results()):
        filled.assume("spares", SPARES, "reading and writing are batch jobs: what fails is waited for")
    if any(role == "student-writes" for role, _ in speeds.results()):
        filled.assume("staleness", 1, "a batch is written while the one before it is trained on")
    for role, result in speeds.results():
        wanted = CARRIED_TRAINING if role == "student-trains" else CARRIED_SERVICE
        whose = "" if role == "student-trains" else f"{role.partition('-')[0]}_"
        said = {one.field for one in filled.assumptions}
        for one in result.assumptions:
            if one.field in wanted and whose + one.field not in said:
                filled.assume(whose + one.field, one.value, one.why)


def _baseline(question: Question, speeds: Speeds, tokens: float) -> Baseline:
    rate = speeds.train(question.student, speeds.most or speeds.size, tokens=tokens, seq_len=question.seq_len)
    return Baseline(rate=rate, doing=student_training(question), usd_per_token=_usd_per_token(rate))


def _usd_per_token(rate: Rate) -> FloatArray:
    """Return the cost of training on a token, samples ``[S, 1]``."""
    samples = Samples()
    each, hour = rate.tokens_per_s_per_gpu, rate.usd_per_gpu_hour
    speed = samples.ranged(each.value, each.low, each.high, f"rate.student-trains.{rate.result.inputs.model}")
    usd = samples.ranged(hour.value, hour.low, hour.high, "distill.usd_per_gpu_hour")
    return np.asarray(usd / SECONDS_PER_HOUR / speed)


def _plans(
    question: Question, speeds: Speeds, baseline: Baseline, judge: Judge | None, nominal: float
) -> tuple[tuple[WayPlan, ...], tuple[LeftOut, ...]]:
    """Plan the ways that can be gone, in time and cheapest first, and say why the others cannot."""
    plans, left_out = [], []
    for way in question.ways:
        loss = None
        if judge is not None and way in LOGIT_WAYS:
            loss = judge.taught_by_stored if way == "offline" else judge.taught
        try:
            tokens = question.tokens
            if tokens is None:
                tokens = tokens_in(way, question, speeds, baseline, question.days or 1.0, nominal=nominal)
            plans.append(planned(way, question, speeds, baseline, tokens=tokens, loss=loss))
        except InfeasibleError as error:
            left_out.append(LeftOut(mode=way, reason=str(error)))
    plans.sort(key=lambda plan: (plan.in_time is False, plan.cost_usd.value / plan.tokens.value))
    return tuple(plans), tuple(left_out)


def _view(
    question: Question,
    judge: Judge,
    baseline: Baseline,
    plans: tuple[WayPlan, ...],
    wanted: float,
    filled: Filled,
) -> LawView | None:
    logits = [plan for plan in plans if plan.mode in LOGIT_WAYS]
    tokens = logits[0].tokens.value if logits else plans[0].tokens.value if plans else wanted
    teacher = question.teacher.record
    if teacher is None or not any(way in LOGIT_WAYS for way in question.ways):
        return None
    reads = Doing(role="teacher-reads", record=teacher, isl=readable(teacher, question.seq_len))
    same = min((plan.cost_usd.value for plan in logits), default=None)
    view = law_view(
        judge,
        tokens,
        student_flop=baseline.doing.flop_per_token,
        teacher_flop=reads.flop_per_token,
        same_cost_tokens=None if same is None else same / first(baseline.usd_per_token),
    )
    filled.notes += [*view.beyond]
    if teacher.architecture.moe is not None or question.student.architecture.moe is not None:
        filled.notes.append(
            "The law knows dense models: of a mixture it takes the parameters at work in a token, which "
            "understates it."
        )
    if reads.isl < question.seq_len:
        filled.notes.append(
            f"{teacher.id} is made for {reads.isl + 1.0:,.0f} tokens: it reads the student's sequences in "
            "pieces."
        )
    if view.teacher_too_good:
        filled.notes.append(
            "By the law this teacher is too good for the student: a slightly worse one would teach it better."
        )
    if any(plan.mode not in LOGIT_WAYS for plan in plans):
        filled.notes.append(
            "No published law says what a student reaches by text, be it the teacher's or its own: the "
            "losses are those of logits."
        )
    if any(plan.mode == "sequence" for plan in plans):
        filled.notes.append(
            "What is written costs what writing takes at full load. The data of DeepSeek-R1 took about six "
            "times that, with prompts tried, filtered and checked."
        )
    return view


def _plain(baseline: Baseline, tokens: float) -> Plain:
    rate = baseline.rate
    drawn = Samples().ranged(
        rate.tokens_per_s.value,
        rate.tokens_per_s.low,
        rate.tokens_per_s.high,
        f"rate.student-trains.{rate.result.inputs.model}",
    )
    hours = tokens / drawn / SECONDS_PER_HOUR
    return Plain(
        gpus_used=rate.gpus,
        days=interval_of(hours * SECONDS_PER_HOUR / SECONDS_PER_DAY),
        gpu_hours=interval_of(hours * rate.gpus),
        cost_usd=interval_of(tokens * baseline.usd_per_token),
        flop=tokens * baseline.doing.flop_per_token,
        utilisation=rate.utilisation,
    )


def _teacher_training(
    question: Question, speeds: Speeds, judge: Judge | None, filled: Filled
) -> TeacherTraining | None:
    """Plan the training of a teacher that does not exist; None where it does, or does not fit."""
    teacher = question.teacher.record
    if question.students is None or judge is None or teacher is None:
        return None
    tokens = judge.teacher_tokens
    try:
        rate = speeds.train(teacher, speeds.size, tokens=tokens, seq_len=None)
    except InfeasibleError as error:
        filled.notes.append(f"The teacher cannot be trained here: {error}")
        return None
    hours = tokens / rate.tokens_per_s.value / SECONDS_PER_HOUR
    usd = hours * rate.gpus * rate.usd_per_gpu_hour.value
    return TeacherTraining(
        tokens=tokens,
        days=hours * SECONDS_PER_HOUR / SECONDS_PER_DAY,
        gpu_hours=hours * rate.gpus,
        cost_usd=usd,
        flop=tokens * rate.flop_per_token,
        students=question.students,
        gpu_hours_per_student=hours * rate.gpus / question.students,
        usd_per_student=usd / question.students,
    )
