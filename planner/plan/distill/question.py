"""A question about distillation resolved against the catalog: who learns from whom, by which ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from planner.errors import InputError, UsageError
from planner.plan import defaults, numbers
from planner.plan.distill.fields import Fields
from planner.plan.distill.teachers import Teacher, student_named, teacher_named
from planner.tables.laws import DistillationLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named
from planner.workload.distillation import WAYS
from planner.workload.kinds import DISTILLATION

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.types import FloatArray
    from planner.workload.distillation import DistillationRecipe, Way
    from planner.workload.record import ModelRecord

__all__ = ["ALL", "LOGIT_WAYS", "USUAL_LAW", "Question", "resolve"]

ALL: Final = "all"
USUAL: Final = "usual"
"""Id of the recipe that has what others leave out."""
USUAL_LAW: Final = "busbridge"
LOGIT_WAYS: Final = ("offline", "online")
"""Ways in which the student sees distributions over the vocabulary, which the law describes."""
WRITTEN_WAYS: Final = ("sequence", "on-policy", "api")
MOST_LENGTH: Final = 1e7
MOST_EPOCHS: Final = 1000
MOST_NATS: Final = 20.0
MOST_STUDENTS: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, without the hardware; arrays are samples ``[S, 1]``, the stated value first.

    Attributes
    ----------
    student, teacher
        The teacher may be a model, whoever serves one, or both.
    recipe
        Whose numbers stand where the question left them open.
    mode
        As asked: ``all`` or one way.
    ways
        To plan.
    tokens
        On which the student is trained; None where they follow from `days`.
    days
        Allowed; None where asked for.
    epochs, isl, osl, accept_rate
        As `DistillationRecipe`.
    top_k
        None for the whole vocabulary.
    kept_bytes, index_bytes
        Of a logit that is stored, and of its place.
    """

    student: ModelRecord
    teacher: Teacher
    recipe: DistillationRecipe
    mode: str
    ways: tuple[Way, ...]
    tokens: FloatArray | None
    days: float | None
    epochs: FloatArray
    isl: FloatArray
    osl: FloatArray
    accept_rate: FloatArray
    ground_truth: float
    top_k: int | None
    kept_bytes: FloatArray
    index_bytes: FloatArray
    seq_len: int
    students: int | None
    law: DistillationLaw

    @property
    def question(self) -> Literal["days", "tokens"]:
        """What is solved for."""
        return "tokens" if self.tokens is None else "days"

    @property
    def written_share(self) -> FloatArray:
        """Tokens written over tokens trained on, where somebody writes what is trained on."""
        return self.osl / (self.isl + self.osl)


def resolve(
    book: Catalog,
    filled: Filled,
    *,
    student: object,
    teacher: object,
    mode: str | None,
    recipe: str | None,
    api: Number | None,
    tokens: Number | None,
    days: Number | None,
    epochs: Number | None,
    isl: Number | None,
    osl: Number | None,
    accept_rate: Number | None,
    top_k: Number | None,
    ground_truth: Number | None,
    seq_len: Number | None,
    students: Number | None,
    teacher_loss: Number | None,
    teacher_tokens: Number | None,
    law: str,
) -> Question:
    """Read a question.

    Raises
    ------
    UsageError
        Nobody who learns or teaches, a way that this teacher cannot go.
    InputError
        A value or a name that is wrong, a student larger than its teacher.
    """
    usual = book.get(DISTILLATION, USUAL)
    named = usual if recipe is None else book.get(DISTILLATION, recipe)
    fields = Fields(recipe=named, usual=usual, filled=filled, samples=Samples())
    if recipe is not None and named.note:
        filled.notes.append(named.note)
    learner = student_named(book, student, named, filled)
    master = teacher_named(
        book,
        learner,
        named,
        filled,
        teacher=teacher,
        api=api,
        loss=None if teacher_loss is None else _nats(teacher_loss),
        tokens=None if teacher_tokens is None else numbers.token_count("teacher_tokens", teacher_tokens),
    )
    chosen = numbers.choice("mode", mode or named.mode or ALL, (ALL, *WAYS))
    ways = _ways(chosen, master)
    allowed = None if days is None else numbers.days_of("days", days)
    many = None if students is None else numbers.count("students", students, most=MOST_STUDENTS)
    written = any(way in WRITTEN_WAYS for way in ways)
    length = {"most": MOST_LENGTH, "example": "2k"}
    lengths = (
        fields.above_zero("isl", isl, say=written, **length),
        fields.above_zero("osl", osl, say=written, **length),
    )
    if written and isl is None and osl is None:
        lengths = _within_context(lengths, learner, master, filled)
    kept = None if top_k is None else _kept(top_k, learner.architecture.vocab)
    stored = "offline" in ways
    every = stored and top_k is not None and kept is None
    return Question(
        student=learner,
        teacher=master,
        recipe=named,
        mode=chosen,
        ways=ways,
        tokens=_tokens(fields, learner, tokens, allowed, filled),
        days=allowed,
        epochs=fields.epochs(epochs, most=MOST_EPOCHS),
        isl=lengths[0],
        osl=lengths[1],
        accept_rate=fields.share("accept_rate", accept_rate, say="sequence" in ways or "api" in ways),
        ground_truth=float(fields.share("ground_truth", ground_truth, say=stored, zero=True)[0, 0]),
        top_k=kept if top_k is not None else fields.whole("top_k", say=stored),
        kept_bytes=fields.stored("full_logit_bytes" if every else "logit_bytes", say=stored),
        index_bytes=fields.stored("index_bytes", say=stored and not every) * (0.0 if every else 1.0),
        seq_len=_seq_len(learner, named, seq_len, filled),
        students=many,
        law=law_named(book, law, Samples(0), DistillationLaw),
    )


def _ways(chosen: str, teacher: Teacher) -> tuple[Any, ...]:
    """Return the ways to plan: those that this teacher can go, or the one asked for."""
    if chosen == ALL:
        own = () if teacher.record is None else tuple(way for way in WAYS if way != "api")
        return own + (("api",) if teacher.price is not None else ())
    if chosen == "api" and teacher.price is None:
        raise UsageError(
            "--mode api: bought from whom? Add --api NAME (planner catalog list api-price), or --api "
            "'$3/$15' for dollars per million tokens in and out"
        )
    if chosen != "api" and teacher.record is None:
        raise UsageError(
            f"--mode {chosen} needs the weights of the teacher, and {teacher.label} is known by its prices "
            "alone; use --mode api, or name a model: planner catalog list model"
        )
    return (chosen,)


def _tokens(
    fields: Fields, student: ModelRecord, given: Number | None, days: float | None, filled: Filled
) -> FloatArray | None:
    if given is not None:
        return fields.given(numbers.token_count("tokens", given))
    if fields.recipe.tokens is not None:
        return fields.drawn("tokens")
    if days is not None:
        return None
    from planner.workload.counts import parameters

    value = defaults.TOKENS_PER_PARAMETER * parameters(student.architecture).active
    filled.assume("tokens", value, "20 per active parameter of the student (Hoffmann et al. 2022)")
    return fields.given(value)


def _within_context(
    lengths: tuple[FloatArray, FloatArray], student: ModelRecord, teacher: Teacher, filled: Filled
) -> tuple[FloatArray, FloatArray]:
    """Shorten lengths that nobody gave to what student and teacher are made for."""
    records = [record for record in (student, teacher.record) if record is not None]
    most = min((one.context.value for one in records if one.context is not None), default=math.inf) - 1.0
    total = float(lengths[0][0, 0] + lengths[1][0, 0])
    if total <= most:
        return lengths
    share = most / total
    filled.assume(
        "isl and osl", round(most), f"{total:,.0f} are more than the context of student or teacher holds"
    )
    return math.floor(share * lengths[0][0, 0]) / lengths[0][0, 0] * lengths[0], share * lengths[1]


def _seq_len(student: ModelRecord, recipe: DistillationRecipe, given: Number | None, filled: Filled) -> int:
    if given is None and recipe.seq_len is not None:
        filled.assume("seq_len", recipe.seq_len, f"the recipe {recipe.id}")
        return recipe.seq_len
    return defaults.sequence_length(student, given, filled)


def _kept(value: Number, vocabulary: int) -> int | None:
    """Logits kept of a token; None for all of them."""
    if str(value).strip().lower() == "all":
        return None
    count = numbers.count("top_k", value, most=MOST_LENGTH)
    if count > vocabulary:
        raise InputError(
            f"--top-k {value!r} is more than the vocabulary of {vocabulary:,}; lower it, or write --top-k all"
        )
    return count


def _nats(value: Number) -> float:
    return numbers.positive("teacher_loss", value, most=MOST_NATS, example="2.1 (nats per token)")
