"""Who learns and who teaches: models of the catalog, and teachers that are known by their prices alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.errors import InputError, UnknownNameError, UsageError, did_you_mean
from planner.plan.model_input import read_model_record
from planner.units import MILLION, format_quantity
from planner.workload.counts import ParameterCounts, parameters
from planner.workload.kinds import API_PRICE, MODEL

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.workload.api_price import ApiPrice
    from planner.workload.distillation import DistillationRecipe
    from planner.workload.record import ModelRecord

__all__ = ["Price", "Teacher", "loss_parameters", "student_named", "teacher_named"]

_PRICES: Final = re.compile(r"\$?\s*(\d+(?:\.\d+)?)\s*/\s*\$?\s*(\d+(?:\.\d+)?)", re.ASCII)
"""``$3/$15``: dollars for a million tokens in, and out."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What whoever serves a teacher asks for tokens, USD each."""

    label: str
    input_usd: float
    output_usd: float
    batch: float | None
    """Of the list price, where requests may wait."""
    as_of: str | None
    of_model: str | None = None


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A model whose weights are at hand, a price, or both.

    Attributes
    ----------
    loss
        Nats per token, where the question says.
    tokens
        On which it was trained; None where unknown.
    tokens_why
        Where that comes from.
    """

    record: ModelRecord | None
    price: Price | None
    loss: float | None
    tokens: float | None
    tokens_why: str

    @property
    def label(self) -> str:
        """Name for sentences."""
        if self.record is not None:
            return self.record.id
        return "" if self.price is None else self.price.label


def loss_parameters(counts: ParameterCounts) -> float:
    """Parameters as the law of distillation counts them: those at work in a token, without embeddings."""
    return float(counts.non_embedding - counts.inactive)


def student_named(book: Catalog, given: object, recipe: DistillationRecipe, filled: Filled) -> ModelRecord:
    """Return the student: as given, or that of the recipe."""
    if given is None:
        if recipe.student is None:
            raise UsageError(
                "who is to learn? Name a student, as in planner distill llama-3.1-8b --teacher llama-3.1-70b"
            )
        filled.assume("student", recipe.student, f"the recipe {recipe.id}")
        given = recipe.student
    record, notes = read_model_record(book, given)
    filled.notes += notes
    return record


def teacher_named(
    book: Catalog,
    student: ModelRecord,
    recipe: DistillationRecipe,
    filled: Filled,
    *,
    teacher: object,
    api: Number | None,
    loss: float | None,
    tokens: float | None,
) -> Teacher:
    """Return the teacher: as given, or that of the recipe.

    Raises
    ------
    UsageError
        Nobody teaches.
    InputError
        A name that is neither a model nor a price; a student that is larger than its teacher.
    """
    record, price = _named(book, teacher, filled)
    if teacher is None:
        if recipe.teacher is not None:
            filled.assume("teacher", recipe.teacher, f"the recipe {recipe.id}")
            record = book.get(MODEL, recipe.teacher)
        if api is None and recipe.api is not None:
            filled.assume("api", recipe.api, f"the recipe {recipe.id}")
            price = _price(book.get(API_PRICE, recipe.api))
    if api is not None:
        price = _given(book, api)
    if record is None and price is None:
        raise UsageError("who teaches? Add --teacher MODEL, or --api NAME for one that is served by others")
    why = "as given"
    if record is not None:
        _refuse_larger(student, record, filled)
        if tokens is None and record.recipe is not None:
            tokens = record.recipe.tokens.value
            why = f"its published recipe ({record.recipe.tokens.source})"
    return Teacher(record=record, price=price, loss=loss, tokens=tokens, tokens_why=why)


def _named(book: Catalog, teacher: object, filled: Filled) -> tuple[ModelRecord | None, Price | None]:
    """Find a teacher among the models, then among the prices."""
    if teacher is None:
        return None, None
    try:
        record, notes = read_model_record(book, teacher)
    except UnknownNameError as unknown:
        try:
            return None, _price(book.get(API_PRICE, str(teacher)))
        except UnknownNameError as error:
            known = (*unknown.candidates, *error.candidates)
            raise InputError(
                f"neither a model nor an api-price is called {str(teacher)[:80]!r}."
                f"{did_you_mean(str(teacher), known)} List them: planner catalog list model, "
                "planner catalog list api-price"
            ) from None
    filled.notes += notes
    return record, None


def _given(book: Catalog, api: Number) -> Price:
    text = str(api).strip()
    found = _PRICES.fullmatch(text)
    if found is None:
        if text[:1] in "$0123456789" and not _is_known(book, text):
            raise InputError(
                f"--api {text[:40]!r} is no pair of prices; write dollars per million tokens in and out, as "
                "in '$3/$15', or a name of planner catalog list api-price"
            )
        return _price(book.get(API_PRICE, text))
    into, out = (float(part) / MILLION for part in found.groups())
    if out == 0.0:
        raise InputError(f"--api {text!r}: output that costs nothing is no price; for example '$3/$15'")
    label = f"${found[1]} in, ${found[2]} out per million"
    return Price(label=label, input_usd=into, output_usd=out, batch=None, as_of=None)


def _is_known(book: Catalog, name: str) -> bool:
    try:
        book.resolve(API_PRICE, name)
    except UnknownNameError:
        return False
    return True


def _price(record: ApiPrice) -> Price:
    return Price(
        label=record.id,
        input_usd=record.input.value,
        output_usd=record.output.value,
        batch=None if record.batch is None else record.batch.value,
        as_of=record.output.as_of,
        of_model=record.model,
    )


def _refuse_larger(student: ModelRecord, teacher: ModelRecord, filled: Filled) -> None:
    own, other = parameters(student.architecture), parameters(teacher.architecture)
    if own.total <= other.total:
        return
    sizes = tuple(format_quantity(float(one.total), "count", digits=3) for one in (own, other))
    if own.active > other.active:
        raise InputError(
            f"student {student.id} ({sizes[0]} parameters) is larger than its teacher {teacher.id} "
            f"({sizes[1]}); swap them: planner distill {teacher.id} --teacher {student.id}, or name a larger "
            "teacher"
        )
    filled.notes.append(
        f"{student.id} has more parameters than its teacher ({sizes[0]} against {sizes[1]}), but fewer at "
        "work in a token."
    )
