"""``planner distill``: what a student learns of a teacher, what each way costs, and when it pays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from planner.errors import UsageError
from planner.plan import numbers
from planner.plan.bibliography import sources_of
from planner.plan.defaults import Filled
from planner.plan.distill.question import USUAL_LAW, Question, resolve
from planner.plan.distill.results import DistillAnswer, DistillInputs, DistillResult
from planner.plan.distill.speeds import Speeds
from planner.plan.distill.weigh import weighed
from planner.plan.job import as_catalog
from planner.plan.operating.asked import Asked
from planner.plan.operating.money import first
from planner.plan.places import MOST_GPUS, Place, check_place
from planner.plan.rates import Where
from planner.workload.counts import parameters

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number

__all__ = ["distill"]

GOALS: Final = ("efficient", "fastest")
USUAL: Final = "usual"
"""Id of the records that surround hardware where nothing is named."""


def distill(
    student: object = None,
    *,
    teacher: object = None,
    mode: str | None = None,
    recipe: str | None = None,
    api: Number | None = None,
    tokens: Number | None = None,
    days: Number | None = None,
    cluster: str | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    teacher_loss: Number | None = None,
    teacher_tokens: Number | None = None,
    students: Number | None = None,
    epochs: Number | None = None,
    isl: Number | None = None,
    osl: Number | None = None,
    accept_rate: Number | None = None,
    top_k: Number | None = None,
    ground_truth: Number | None = None,
    seq_len: Number | None = None,
    global_batch: Number | None = None,
    precision: str | None = None,
    law: str = USUAL_LAW,
    goal: str | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    failures: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> DistillResult:
    """Plan a distillation: what the student reaches, what each way takes, and when plain training is better.

    Parameters
    ----------
    student
        As `planner.train` takes a model; by default that of the recipe.
    teacher
        The same, no smaller than the student; or an ``api-price`` record, of a teacher whose weights are not
        at hand.
    mode
        ``offline``, ``online``, ``sequence``, ``on-policy``, ``api``, or ``all`` of them that this teacher
        can go; by default that of the recipe, else all.
    recipe
        A record of the kind ``distillation`` for what is left open.
    api
        Where the teacher's text is bought: an ``api-price`` record, or ``'$3/$15'`` for dollars per million
        tokens in and out.
    tokens, days
        On which the student is trained, prompts and all epochs included; and the time. Both are a deadline,
        days alone solve for the tokens.
    cluster, gpu, gpus
        As in `planner.train`; of a cluster of unlike groups the one with the most compute.
    teacher_loss, teacher_tokens
        Nats per token on text like the law's; what the teacher was trained on, by which the law gives its
        loss where it is left out.
    students
        That share the training of the teacher; left out, the teacher exists and costs its passes alone.
    epochs, isl, osl, accept_rate
        How often the student sees each token; tokens of a prompt, and written after it; share of what a
        teacher writes that is kept.
    top_k, ground_truth
        Logits kept of each token, or ``all``; share of the loss on the text itself.
    seq_len, global_batch, precision
        Of the student's training.
    law
        A scaling law of the form ``distillation``.
    goal
        ``fastest`` spreads the student over all accelerators that shorten its training; ``efficient``, the
        default, stops where each does half of what it does at best, unless `days` need more.
    site, price, finance, failures
        As in `planner.train`.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    DistillResult
        With ``plan`` None, reasons and the nearest changes where no way is feasible in time.

    Raises
    ------
    UsageError
        Conflicting options, or too few of them.
    InputError
        A value or a name that is wrong, a student larger than its teacher.
    """
    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        question = resolve(
            book,
            filled,
            student=student,
            teacher=teacher,
            mode=mode,
            recipe=recipe,
            api=api,
            tokens=tokens,
            days=days,
            epochs=epochs,
            isl=isl,
            osl=osl,
            accept_rate=accept_rate,
            top_k=top_k,
            ground_truth=ground_truth,
            seq_len=seq_len,
            students=students,
            teacher_loss=teacher_loss,
            teacher_tokens=teacher_tokens,
            law=law,
        )
        asked = Asked.read(book, site=site, price=price, finance=finance, failures=failures)
        where = _where(book, filled, cluster=cluster, gpu=gpu, gpus=gpus)
        speeds = _speeds(where, asked, price, {"global_batch": global_batch, "precision": precision})
        wanted = None if goal is None else numbers.choice("goal", goal, GOALS)
        answer = weighed(question, speeds, filled, wanted)
    teacher_record = question.teacher.record
    return DistillResult(
        inputs=_inputs(question, speeds, asked, answer, (set,) if isinstance(set, str) else tuple(set)),
        assumptions=tuple(filled.assumptions),
        result=answer.model_copy(update={"notes": tuple(dict.fromkeys(filled.notes))}),
        sources=sources_of(book, used, question.student)
        | (sources_of(book, (), teacher_record) if teacher_record is not None else {}),
    )


def _where(
    book: Catalog, filled: Filled, *, cluster: str | None, gpu: str | None, gpus: Number | None
) -> Where:
    """Return one kind of hardware: of a cluster of unlike groups the one with the most compute."""
    check_place(cluster, gpu)
    number = None if gpus is None else numbers.count("gpus", gpus, most=MOST_GPUS)
    if gpu is not None and number is None:
        raise UsageError(f"how many of {gpu}? Add --gpus N")
    where = Where(book=book, cluster=cluster, gpu=gpu, gpus=number)
    places = where.places()
    if len(places) > 1:
        best = max(places, key=lambda place: place.available * _dense(place))
        group = f"{cluster}/{best.system.id}" if best.system is not None else str(cluster)
        filled.assume("cluster", group, f"the group with the most compute of {len(places)} unlike ones")
        where = Where(book=book, cluster=group, gpu=None, gpus=best.available)
    return where


def _dense(place: Place) -> float:
    matrix = place.accelerator.flops.bf16 or place.accelerator.flops.fp16
    return 0.0 if matrix is None else matrix.value


def _speeds(where: Where, asked: Asked, price: Number | None, training: dict[str, Any]) -> Speeds:
    (place,) = where.places()
    whole = 1 if place.system is None else round(place.system.accelerators.value)
    surrounded = replace(where, site=asked.site, price=price, finance=asked.finance, failures=asked.failures)
    options = {name: value for name, value in training.items() if value is not None}
    return Speeds(
        where=surrounded, size=place.available, whole=whole, peak_flop_per_s=_dense(place), options=options
    )


def _inputs(
    question: Question, speeds: Speeds, asked: Asked, answer: DistillAnswer, overrides: tuple[str, ...]
) -> DistillInputs:
    (place,) = speeds.where.places()
    own = parameters(question.student.architecture)
    teacher, price = question.teacher.record, question.teacher.price
    other = None if teacher is None else parameters(teacher.architecture)
    law = answer.law
    return DistillInputs(
        question=question.question,
        student=question.student.id,
        student_parameters=own.total,
        student_active_parameters=own.active,
        teacher=None if teacher is None else teacher.id,
        teacher_parameters=None if other is None else other.total,
        teacher_active_parameters=None if other is None else other.active,
        api=None if price is None else price.label,
        recipe=question.recipe.id,
        mode=question.mode,
        modes=question.ways,
        tokens=None if question.tokens is None else first(question.tokens),
        days=question.days,
        epochs=first(question.epochs),
        seq_len=question.seq_len,
        isl=first(question.isl),
        osl=first(question.osl),
        accept_rate=first(question.accept_rate),
        top_k=question.top_k,
        ground_truth=question.ground_truth,
        teacher_loss_nats=None if law is None else law.teacher_loss_nats,
        teacher_tokens=question.teacher.tokens,
        students=question.students,
        law=question.law.id,
        goal="fastest" if speeds.most is None else "efficient",
        cluster=speeds.where.cluster,
        gpu=place.accelerator.id,
        gpus=speeds.size,
        site=_resolved(speeds, "site", asked.site),
        price=asked.price.text,
        finance=_resolved(speeds, "finance", asked.finance),
        failures=_resolved(speeds, "failures", asked.failures),
        overrides=overrides,
    )


def _resolved(speeds: Speeds, name: str, asked: str | None) -> str:
    """Return the record that a plan settled on; what was asked for where there is no plan."""
    for role, result in speeds.results():
        if role == "student-trains":
            return str(getattr(result.inputs, name))
    return asked or USUAL
