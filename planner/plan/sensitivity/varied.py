"""Levers that a person names, with where they are put: ``NAME=LOW..HIGH`` and ``NAME=A,B,C``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.overrides import Override
from planner.catalog.strict_yaml import parse_scalar
from planner.errors import InputError, UsageError, suggest
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.sensitivity.asking import Ask
from planner.plan.sensitivity.levers import Lever, Setting, held
from planner.plan.sensitivity.profiles import keeps_layout
from planner.plan.sensitivity.ranges import counted
from planner.units import SECONDS_PER_DAY, format_quantity, parse

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.scenario.questions import Question

__all__ = ["varied"]

_EXAMPLE: Final = (
    "write for example --vary gpus=8192..32768, --vary precision=bf16,fp8 or "
    "--vary accelerator.h100-sxm.memory.bandwidth='*0.8..*1.2'"
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*", re.ASCII | re.IGNORECASE)


def varied(
    text: str,
    *,
    question: Question,
    inputs: Mapping[str, Any],
    resolved: Mapping[str, Any],
    known: Mapping[str, Lever],
    used: Sequence[tuple[str, str]],
    book: Catalog,
) -> Lever:
    """Read ``NAME=LOW..HIGH`` or ``NAME=A,B,C``.

    Parameters
    ----------
    text
        As ``--vary`` has it. NAME is an input of the question, ``KIND[.ID].PATH`` of the catalog, or the name
        of a lever that is known.
    question, inputs, resolved
        What is asked, as given and as it was taken.
    known
        Levers with names of their own.
    used
        Records that the answer used.

    Raises
    ------
    UsageError
        Not written like that.
    InputError
        An unknown name, or values that are none.
    """
    name, sign, values = text.partition("=")
    name = name.strip().lstrip("-")
    if not sign or not values.strip() or not _NAME.fullmatch(name):
        raise UsageError(f"--vary {text[:80]!r}: expected NAME=LOW..HIGH or NAME=A,B,C; {_EXAMPLE}")
    plain = name.replace("-", "_")
    if name in known or plain in known:
        lever = replace(known.get(name) or known[plain], basis="as asked")
    elif plain in parameters_of(question):
        lever = _input(plain, question, inputs, resolved)
    elif "." in name:
        lever = _record(name, used, book)
    else:
        names = [*parameters_of(question), *known]
        there = f"inputs of {question.command}, KIND.ID.FIELD of the catalog, {', '.join(known)}"
        raise InputError(f"--vary {name}: unknown; {suggest(name, names, otherwise=f'it may be {there}')}")
    try:
        return _placed(lever, values.strip(), question)
    except InputError as error:
        raise InputError(f"--vary {text[:80]}: {error}") from error


def _input(name: str, question: Question, inputs: Mapping[str, Any], resolved: Mapping[str, Any]) -> Lever:
    """Return an input of the question; its base is what was taken for it, or what was given."""
    value = resolved.get(name, inputs.get(name))
    if isinstance(value, str) and "number" in parameters_of(question)[name].takes:
        value = value if counted(value) is None else counted(value)
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    text = "left open" if value is None else str(value)
    return Lever(
        name=name,
        label=name.replace("_", " "),
        where="input",
        base=number,
        base_text=text if number is None else format_quantity(number, "count"),
        dimension=None if number is None else "count",
        whole=isinstance(value, int),
        keeps=keeps_layout(name),
        basis="as asked",
    )


def _measured(name: str, text: str) -> float | None:
    """Read a value with a unit that is no count: days, dollars, a price, watts."""
    for dimension in ("s", "usd", "usd_per_hour", "watts"):
        try:
            number = parse(text, dimension)
        except InputError:
            continue
        return number / SECONDS_PER_DAY if name == "days" else number
    return None


def _record(name: str, used: Sequence[tuple[str, str]], book: Catalog) -> Lever:
    """Return a number or a word of the catalog; without an ID, of every record of the kind that was used."""
    try:
        parsed = Override.parse(f"{name}=0", lambda kind, record_id: book.find(kind, record_id) is not None)
    except (InputError, UsageError) as error:
        raise type(error)(str(error).replace(f"--set {name}=0", f"--vary {name}")) from error
    ids = [key[1] for key in used if key[0] == parsed.kind.name] if parsed.id is None else [parsed.id]
    path = ".".join(parsed.path)
    found = next((one for one in (held(book, parsed.kind, x, path) for x in ids) if one is not None), None)
    if (parsed.kind.name, parsed.id) not in used and (parsed.id is not None or not ids):
        which = parsed.kind.name if parsed.id is None else f"{parsed.kind.name} {parsed.id}"
        there = sorted({key[1] for key in used if key[0] == parsed.kind.name})
        mend = (
            f"of that kind it used {', '.join(there)}"
            if there
            else f"it used none of kind {parsed.kind.name}"
        )
        raise InputError(f"--vary {name}: the answer did not use {which}; {mend}")
    return Lever(
        name=name,
        label=f"{path.replace('.', ' ').replace('_', ' ')} of {parsed.id or 'every ' + parsed.kind.name}",
        where="record",
        base=None if found is None else found.value,
        base_text="" if found is None else str(found),
        dimension=None if found is None else found.dimension,
        paths=(name,),
        basis="as asked",
    )


def _placed(lever: Lever, values: str, question: Question) -> Lever:
    """Put a lever where it was asked to be."""
    if ".." in values:
        low, _, high = values.partition("..")
        ends = tuple(_setting(lever, end.strip(), question) for end in (low, high))
        first, last = (end.value for end in ends)
        if first is None or last is None:
            raise InputError("a range has two numbers; for words write them with commas, as in bf16,fp8")
        if first >= last:
            raise InputError(f"the lower end comes first; write {high.strip()}..{low.strip()}")
        return replace(lever, settings=ends, ranged=True)
    texts = [part.strip() for part in values.split(",")]
    if not all(texts):
        raise InputError("a value is missing between commas")
    settings = tuple(_setting(lever, one, question) for one in texts)
    numbers = all(one.value is not None for one in settings) and lever.base is not None
    return replace(lever, settings=settings, ranged=numbers and len(settings) > 1)


def _setting(lever: Lever, text: str, question: Question) -> Setting:
    """Read one value: a factor ``*0.8`` of the base, or a value as the question or the record takes it."""
    if not text:
        raise InputError("a range has two ends, as in 8192..32768")
    if text.startswith("*"):
        return _factor(lever, text)
    if lever.where == "input":
        value = parse_scalar(text)
        wrong = mistakes_of(question, {lever.name: value}).get(lever.name)
        if wrong:
            raise InputError(wrong)
        counts = lever.base is not None or "number" in parameters_of(question)[lever.name].takes
        number = counted(text) if counts else None
        shown = text if number is None else lever.show(number)
        number = _measured(lever.name, text) if number is None else number
        return Setting(number, shown, Ask(((lever.name, value),), (), lever.keeps))
    if lever.dimension is None:
        return Setting(None, text, Ask((), tuple(f"{path}={text}" for path in lever.paths), False))
    number = parse(text, lever.dimension)
    if len(lever.paths) > 1:
        return lever.at(number)
    return Setting(number, text, Ask((), tuple(f"{path}={text}" for path in lever.paths), lever.keeps))


def _factor(lever: Lever, text: str) -> Setting:
    try:
        factor = float(text[1:])
    except ValueError:
        factor = -1.0
    if not 0.0 <= factor < 1e12:
        raise InputError(f"{text!r} is not a factor; write for example '*0.8'")
    if lever.base is None:
        what = "is left open" if lever.base_text == "left open" else "is no number"
        raise InputError(f"there is nothing to scale, since it {what}; give values instead")
    return lever.scaled(factor)
