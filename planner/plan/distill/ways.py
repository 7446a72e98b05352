"""Each way to teach as a plan: roles on the hardware, days, dollars, power, what is stored and bought."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.cluster.words import usd as money
from planner.plan.distill.keep import Kept, bought, stored
from planner.plan.distill.question import LOGIT_WAYS, Question
from planner.plan.distill.results import Role, WayPlan
from planner.plan.distill.roles import timed
from planner.plan.distill.speeds import Doing, Speeds
from planner.plan.distill.split import Division, Need, divide, in_turn
from planner.plan.distill.words import duration
from planner.plan.document import Interval
from planner.plan.operating.money import first, interval_of
from planner.plan.results import TrainInputs
from planner.plan.serving.results import ServeResult
from planner.units import MILLI, SECONDS_PER_DAY, SECONDS_PER_HOUR
from planner.workload.distillation import WAYS

if TYPE_CHECKING:
    from planner.plan.rates import Rate
    from planner.plan.serving.parts import Latency
    from planner.types import FloatArray
    from planner.workload.distillation import Way
    from planner.workload.record import ModelRecord

__all__ = ["Baseline", "needs_of", "planned", "readable", "student_training", "tokens_in"]

IN_TURN: Final = ("offline", "sequence")
"""Ways in which the teacher may be done before the student begins."""
WASTED: Final = 0.9
"""Share of the accelerators in use below which it is looked at whether the teacher should go first."""
VERBS: Final = {
    "student-trains": "training {model}",
    "teacher-reads": "the teacher {model}, which reads",
    "teacher-writes": "the teacher {model}, which writes",
    "student-writes": "the student {model}, which writes",
}


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Training the student without a teacher, on all the hardware.

    Attributes
    ----------
    rate
        Of training.
    usd_per_token
        Of it, samples ``[S, 1]``.
    """

    rate: Rate
    doing: Doing
    usd_per_token: FloatArray


def student_training(question: Question) -> Doing:
    """Return what the student does in every way."""
    return Doing(role="student-trains", record=question.student, isl=float(question.seq_len))


def needs_of(way: Way, question: Question) -> tuple[tuple[Doing, FloatArray], ...]:
    """Who reads or writes, and tokens of it for each token that the student is trained on, ``[S, 1]``.

    Logits are made once where they are stored, and with every epoch where they are not. What the student
    writes itself is fresh in every step.
    """
    teacher = question.teacher.record
    isl, osl = (float(length[0, 0]) for length in (question.isl, question.osl))
    once = 1.0 / question.epochs
    if teacher is None or way == "api":
        return ()
    if way in LOGIT_WAYS:
        reads = Doing(role="teacher-reads", record=teacher, isl=readable(teacher, question.seq_len))
        return ((reads, once if way == "offline" else np.ones((1, 1))),)
    written = question.written_share
    if way == "sequence":
        writes = Doing(role="teacher-writes", record=teacher, isl=isl, osl=osl)
        return ((writes, once * written / question.accept_rate),)
    return (
        (Doing(role="student-writes", record=question.student, isl=isl, osl=osl), written),
        (Doing(role="teacher-reads", record=teacher, isl=isl + osl), np.ones((1, 1))),
    )


def readable(teacher: ModelRecord, seq_len: int) -> float:
    """Tokens of a piece that a teacher reads: a sequence, or less where it is made for shorter ones."""
    if teacher.context is None:
        return float(seq_len)
    return min(float(seq_len), max(teacher.context.value - 1.0, 1.0))


def tokens_in(
    way: Way, question: Question, speeds: Speeds, baseline: Baseline, days: float, *, nominal: float
) -> FloatArray:
    """Tokens that the student is trained on in so many days, ``[1, 1]``; `nominal` ones set the price."""
    division = _divided(way, question, speeds, baseline, nominal)
    return np.array([[division.tokens_per_s * days * SECONDS_PER_DAY]])


def _divided(way: Way, question: Question, speeds: Speeds, baseline: Baseline, tokens: float) -> Division:
    """Divide the accelerators; where they hold both badly or not and the teacher may go first, it does."""
    needs = [Need(doing=doing, per_token=first(each)) for doing, each in needs_of(way, question)]
    pace, most = _pace(needs, speeds, baseline, tokens) if way == "on-policy" else (None, None)
    try:
        together = divide(speeds, baseline.doing, needs, tokens=tokens, most=most, pace=pace)
    except InfeasibleError:
        if way not in IN_TURN:
            raise
        return in_turn(speeds, baseline.doing, baseline.rate, needs)
    if way in IN_TURN and speeds.most is None and together.gpus < WASTED * speeds.size:
        alone = in_turn(speeds, baseline.doing, baseline.rate, needs)
        return max((together, alone), key=lambda one: one.tokens_per_s)
    return together


def _pace(needs: list[Need], speeds: Speeds, baseline: Baseline, tokens: float) -> tuple[Interval, int]:
    """Tokens per second of training on what the student writes itself, and accelerators that reach that.

    While a batch is trained on, the next one is written: a step takes no less than the mean time of writing a
    sequence, whatever the number of accelerators. The longest of a batch takes longer; `planner post-train`
    has tails and staleness.
    """
    writes, rate = needs[0].doing, baseline.rate
    served = speeds.serve(writes, speeds.size)
    answer, inputs = served.result, rate.result.inputs
    if not isinstance(answer, ServeResult) or answer.plan is None or not isinstance(inputs, TrainInputs):
        raise InfeasibleError(f"{writes.record.id} cannot be served here")
    batch, each = inputs.global_batch_tokens, writes.osl * MILLI
    pace = Interval(**{end: batch / (each * at) for end, at in _ends(answer.plan.tpot_ms).items()})
    most = max(math.ceil(pace.value / rate.tokens_per_s_per_gpu.value), 1)
    if most < rate.gpus:
        again = speeds.train(baseline.doing.record, most, tokens=tokens, seq_len=round(baseline.doing.isl))
        most = max(math.ceil(pace.value / again.tokens_per_s_per_gpu.value), 1)
    return pace, most


def _ends(latency: Latency) -> dict[str, float]:
    return {"value": latency.mean, "low": latency.high, "high": latency.low}


def planned(
    way: Way,
    question: Question,
    speeds: Speeds,
    baseline: Baseline,
    *,
    tokens: FloatArray,
    loss: Callable[[FloatArray], Interval] | None,
) -> WayPlan:
    """Place a way on the hardware.

    Parameters
    ----------
    tokens
        On which the student is trained, ``[S, 1]``.
    loss
        By the law, of so many tokens; None where it describes no such way.

    Raises
    ------
    InfeasibleError
        Student and teacher do not fit.
    """
    division = _divided(way, question, speeds, baseline, first(tokens))
    each = (np.ones((1, 1)), *(per_token for _, per_token in needs_of(way, question)))
    run = timed(division, tuple(tokens * per for per in each))
    days, hours = run.seconds / SECONDS_PER_DAY, run.seconds / SECONDS_PER_HOUR
    roles, flop = run.roles(), run.flop
    accelerators = sum(run.usd, np.zeros((1, 1)))
    kept = stored(
        way, question, speeds, baseline.rate, tokens=tokens, hours=hours, speed=division.tokens_per_s
    )
    paid = bought(question, tokens=tokens) if way == "api" else None
    total = accelerators + (0.0 if kept is None else kept.usd) + (0.0 if paid is None else paid.usd)
    ratio = first(total) / first(tokens * baseline.usd_per_token)
    return WayPlan(
        mode=way,
        what=WAYS[way],
        sentence=_sentence(way, roles, division, days, total, ratio),
        placing="in turn" if division.in_turn else "together",
        tokens=interval_of(tokens),
        unique_tokens=first(tokens / question.epochs),
        roles=roles,
        gpus_used=division.gpus,
        gpus_idle=speeds.size - division.gpus,
        days=interval_of(days),
        days_in_turn=_in_turn(division, speeds, baseline, each, first(tokens)) if way in IN_TURN else None,
        in_time=None if question.days is None else first(days) <= question.days * (1.0 + 1e-9),
        flop=sum(flop),
        flop_over_student=sum(flop) / flop[0],
        gpu_hours=interval_of(sum(run.gpu_hours, np.zeros((1, 1)))),
        cost_usd=interval_of(total),
        accelerator_usd=interval_of(accelerators),
        over_plain=ratio,
        power_megawatts=run.mean_megawatts,
        energy_megawatt_hours=run.mean_megawatts * first(hours),
        stored=None if kept is None else kept.section,
        bought=None if paid is None else paid.section,
        loss_nats=None if loss is None else loss(tokens),
        binds=_short_of_storage(kept) or _binds(roles, division, speeds),
    )


def _in_turn(
    division: Division,
    speeds: Speeds,
    baseline: Baseline,
    each: tuple[FloatArray, ...],
    tokens: float,
) -> float:
    """Days with the teacher first, on everything, and then the student, on all that it has use for."""
    seconds = tokens / baseline.rate.tokens_per_s.value
    for share, per in zip(division.shares[1:], each[1:], strict=True):
        seconds += tokens * first(per) / (share.rate.tokens_per_s_per_gpu.value * speeds.size)
    return seconds / SECONDS_PER_DAY


def _sentence(
    way: Way, roles: tuple[Role, ...], division: Division, days: FloatArray, usd: FloatArray, ratio: float
) -> str:
    has = "takes the first" if division.in_turn else "has"
    of = " of the time" if division.in_turn else ""
    others = ", ".join(
        f"{VERBS[role.role].format(model=role.model)}, {has} "
        f"{role.busy if division.in_turn else role.gpu_share:.0%}{of}"
        for role in roles[1:]
    )
    beside = f"; {others}" if others else ""
    return (
        f"{way}: {division.gpus:,} accelerators for {duration(first(days))}{beside}; {money(first(usd))}, "
        f"{ratio:,.3g} times training the student without a teacher."
    )


def _short_of_storage(kept: Kept | None) -> str | None:
    if kept is None or kept.section.share_of_usual <= 1.0:
        return None
    return (
        f"Storage: {kept.section.what} take {kept.section.petabytes.value:,.3g} PB, "
        f"{kept.section.share_of_usual:,.3g} times what is usual beside as many accelerators. Keep fewer "
        "logits (--top-k), or read them again (--mode online)."
    )


def _binds(roles: tuple[Role, ...], division: Division, speeds: Speeds) -> str:
    if division.pace is not None and division.tokens_per_s >= division.pace.value * (1.0 - 1e-9):
        return (
            "The pace of its own writing: a step waits until a batch of sequences is written, on any number "
            f"of accelerators: {speeds.size - division.gpus:,} of {speeds.size:,} are of no use here. "
            "A larger batch or shorter answers would use them."
        )
    if division.limited and division.gpus < speeds.size:
        return (
            f"The student's batch: it keeps {roles[0].gpus:,} accelerators at work"
            f"{'' if speeds.most is None else ' efficiently'}, so that {speeds.size - division.gpus:,} of "
            f"{speeds.size:,} are of no use here. A larger batch would use them"
            f"{'' if speeds.most is None else ', or --goal fastest, at a higher cost'}."
        )
    most = max(roles, key=lambda role: role.gpu_hours.value)
    what = VERBS[most.role].format(model=most.model)
    comma = "," * ("," in what)
    part = f"{most.gpu_share:.0%} of the accelerator-hours"
    return f"{what[0].upper()}{what[1:]}{comma} takes {part}. {most.binds}"
