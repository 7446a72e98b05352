"""``planner compare``: answers to one question side by side, ratios, and what explains the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.errors import InputError, UsageError
from planner.plan.compare.asked import Answered, ask
from planner.plan.compare.factors import waterfalls_of
from planner.plan.compare.grammar import Words, read_side
from planner.plan.compare.names import common_kind, kinds_of
from planner.plan.compare.ratios import beside, ranks_of
from planner.plan.compare.results import CompareAnswer, CompareInputs, CompareResult
from planner.plan.compare.sides import BASE, Posed, scenario_of, sheet_sides, variants
from planner.plan.compare.words import assumptions_of, notes_of, side_of, sources_of_sides
from planner.plan.job import as_catalog
from planner.plan.numbers import count
from planner.plan.places import MOST_GPUS
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.scenario.questions import QUESTIONS
from planner.plan.scenario.read import changes

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number

__all__ = ["compare"]

SERVED: Final = "training runs have none; add --serve to compare services"
MOST_SIDES: Final = 12
USUAL_SIZE: Final = 1024
"""Accelerators of a part without a job: a cluster of few tiers, in whole racks of most systems."""
ACCELERATOR: Final = "accelerator"


def compare(
    *names: str,
    of: str | None = None,
    serve: bool = False,
    model: str | None = None,
    cluster: str | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    tokens: Number | None = None,
    days: Number | None = None,
    users: Number | None = None,
    traffic: str | None = None,
    precision: str | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    failures: str | None = None,
    inputs: Mapping[str, Any] | Iterable[str] = (),
    catalog: Any = None,
    set: Iterable[str] = (),
) -> CompareResult:
    """Set answers to one question side by side.

    Parameters
    ----------
    names
        Two or more sides, ratios are to the first. Each is a scenario (a shipped name or a path); or, beside
        a base question, a variant of it: a cluster, an accelerator or system (``gb200``, ``gb200:16384``), a
        model, a layout (``'tp8 pp16 dp64'``), inputs (``'gpus=1024 precision=fp8'``), a changed number of
        the catalog (``set:accelerator.h100-sxm.memory.bandwidth=*1.2``), several of these, or ``base``.
        Without a question, clusters and accelerators are compared as they are. ``cluster:NAME``, ``gpu:``,
        ``model:`` and ``scenario:`` say what a name is that is several things.
    of
        A scenario as the base question, whatever it asks.
    serve
        Whether the options are a question of serving; else of training.
    model, cluster, gpu, gpus, tokens, days, users, traffic, precision, site, price, finance, failures
        Inputs of the base question, as in `train` and `serve`; of scenarios instead of, or beside, their own.
    inputs
        Any other, by name, or as ``NAME=VALUE`` texts.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    CompareResult
        A side for which nothing is feasible says why, and has no figures.

    Raises
    ------
    UsageError
        Fewer than two sides, sides of different kinds, or a name that is several things.
    InputError
        A value or a name that is wrong.

    Examples
    --------
    >>> import planner
    >>> found = planner.compare("h100-sxm", "gb200", model="llama-3.1-8b", gpus=64, tokens="1T")
    >>> days = found.result.figures[0]
    >>> days.figure, days.ratios[0].low, days.ratios[1].value < 1
    ('time with failures', 1.0, True)
    """
    if not 2 <= len(names) <= MOST_SIDES:
        raise UsageError(
            f"compare needs two sides or more, as in compare h100-sxm gb200, and {MOST_SIDES} at most; "
            f"{len(names)} are given"
        )
    book = as_catalog(catalog, set)
    sides = [read_side(name) for name in names]
    given = {
        "model": model, "cluster": cluster, "gpu": gpu, "gpus": gpus, "tokens": tokens, "days": days,
        "users": users, "traffic": traffic, "precision": precision, "site": site, "price": price,
        "finance": finance, "failures": failures,
    }  # fmt: skip
    asked = {name: value for name, value in given.items() if value is not None} | _more(inputs)
    command, posed, base = _posed(book, sides, asked, of=of, serve=serve)
    answered = [ask(one) for one in posed]
    return _result(answered, command, base, of, (set,) if isinstance(set, str) else tuple(set))


def _more(inputs: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    if isinstance(inputs, Mapping):
        return dict(inputs)
    return changes((inputs,) if isinstance(inputs, str) else inputs)


def _posed(
    book: Catalog, sides: Sequence[Words], asked: Mapping[str, Any], *, of: str | None, serve: bool
) -> tuple[str, list[Posed], Mapping[str, Any]]:
    """Return what is compared, the question of each side, and the inputs that they share."""
    if of is not None:
        words = read_side(of)
        base = scenario_of(words, words.name or of, asked, book)
        return base.question.command, variants(sides, base, of), base.inputs
    if serve or (asked and not _alone(book, sides, asked)):
        return *_by_options(book, sides, asked, serve=serve), asked
    kind = common_kind(book, sides)
    if kind == "scenario":
        return *_scenarios(book, sides, asked), asked
    size, shared = USUAL_SIZE, dict(asked)
    if kind == ACCELERATOR:
        size = count("gpus", shared.pop("gpus", USUAL_SIZE), most=MOST_GPUS)
    posed = sheet_sides(sides, shared, book, kind, size=size)
    return (ACCELERATOR if kind == ACCELERATOR else "cluster show"), posed, asked


def _scenarios(book: Catalog, sides: Sequence[Words], asked: Mapping[str, Any]) -> tuple[str, list[Posed]]:
    """Return scenarios that ask the same question, each with the inputs that were given beside it."""
    posed = [scenario_of(words, words.name or "", asked, book) for words in sides]
    questions = {one.question.command for one in posed}
    if len(questions) > 1:
        said = " and ".join(f"{one.name} asks {one.question.command!r}" for one in posed)
        raise UsageError(
            f"{said}: compare scenarios that ask the same, or variants of one, as in "
            f"planner compare base cluster=NAME --of {posed[0].name}"
        )
    return questions.pop(), posed


_ALONE: Final = frozenset({"gpus", "site", "finance", "failures", "workload"})
"""Inputs that fact sheets take as well: beside clusters or parts they are no question."""


def _alone(book: Catalog, sides: Sequence[Words], asked: Mapping[str, Any]) -> bool:
    """Whether the sides are scenarios with other inputs, or hardware without a job."""
    if any(words.name is None for words in sides):
        return False
    kinds = [kinds_of(book, words) for words in sides]
    if all(mine == ("scenario",) for mine in kinds):
        return True
    return asked.keys() <= _ALONE and all({"cluster", ACCELERATOR} & {*mine} for mine in kinds)


def _by_options(
    book: Catalog, sides: Sequence[Words], asked: Mapping[str, Any], *, serve: bool
) -> tuple[str, list[Posed]]:
    """Return the sides as variants of a question given by options."""
    question = QUESTIONS["serve" if serve else "train"]
    inputs = {question.spelled.get(name, name): value for name, value in asked.items()}
    mistakes = {
        name: why for name, why in mistakes_of(question, {"model": "", **inputs}).items() if name in inputs
    }
    if mistakes:
        served = parameters_of(QUESTIONS["serve"])
        raise InputError.collect(
            f"--{name.replace('_', '-')}: {SERVED if not serve and name in served else why}"
            for name, why in mistakes.items()
        )
    if "model" not in inputs and not any(_names_model(book, words) for words in sides):
        raise UsageError(
            f"say what model is {'served' if serve else 'trained'}: --model NAME, or models as sides"
        )
    base = Posed(name="base", kind="base", question=question, inputs=inputs, catalog=book)
    return question.command, variants(sides, base)


def _names_model(book: Catalog, words: Words) -> bool:
    named = words.name is not None and words.name != BASE and "model" in kinds_of(book, words)
    return named or "model" in words.inputs


def _result(
    sides: Sequence[Answered],
    command: str,
    base: Mapping[str, Any],
    of: str | None,
    overrides: tuple[str, ...],
) -> CompareResult:
    names = tuple(side.posed.name for side in sides)
    found = beside(command, sides)
    return CompareResult(
        inputs=CompareInputs(names=names, question=command, of=of, base=dict(base), overrides=overrides),
        assumptions=assumptions_of(sides),
        result=CompareAnswer(
            sides=tuple(side_of(side) for side in sides),
            figures=found.figures,
            ranks=ranks_of(command, found, names),
            waterfalls=waterfalls_of(command, sides, names),
            shared=found.shared,
            notes=notes_of(command, sides, found.figures, found.shared),
        ),
        sources=sources_of_sides(sides),
    )
