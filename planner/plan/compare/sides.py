"""From the words of the sides and a base question to the questions that the sides ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError
from planner.plan.cluster.named import cluster_named
from planner.plan.compare.curated import CURATED
from planner.plan.compare.grammar import Words
from planner.plan.compare.names import kinds_of
from planner.plan.defaults import Filled
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.scenario.questions import QUESTIONS, Question
from planner.plan.scenario.read import read_document

if TYPE_CHECKING:
    from planner.plan.scenario.read import Ready

__all__ = ["BASE", "COMPARED", "PLANS", "Posed", "scenario_of", "sheet_sides", "variants"]

PLANS: Final = ("train", "serve")
"""Questions that options may ask as well; their answers are ranked and explained."""
COMPARED: Final = (*PLANS, "cluster show", *CURATED)
"""Questions whose answers are set side by side."""
BASE: Final = "base"
"""The side that is the base question as it is."""
_HARDWARE: Final = ("cluster", "gpu", "accelerator")


@dataclass(frozen=True, kw_only=True)
class Posed:
    """A side with its question.

    Attributes
    ----------
    name, kind
        As written, and what it is.
    question
        That it asks.
    inputs
        By the names of the library's parameters.
    catalog
        In which it asks.
    overrides
        Of the catalog, that this side has beside those of the call.
    """

    name: str
    kind: str
    question: Question
    inputs: Mapping[str, Any]
    catalog: Catalog
    overrides: tuple[str, ...] = ()


def scenario_of(words: Words, name: str, changed: Mapping[str, Any], catalog: Catalog) -> Posed:
    """Return a side that is a scenario, with inputs instead of, or beside, those that it has.

    Raises
    ------
    InputError
        All mistakes of the scenario at once.
    UsageError
        It asks a question whose answers are not compared.
    """
    document, folder = read_document(name, catalog)
    one = ready(
        document,
        folder,
        changed={**changed, **words.inputs, **words.layout},
        overlays=catalog.roots[1:],
        overrides=(*catalog.overrides, *words.overrides),
        catalog=catalog,
    )
    if one.question.command not in COMPARED:
        raise UsageError(
            f"{name} asks {one.question.command!r}, which sets answers side by side itself: name its sides "
            f"instead, as in planner compare {_sides_of(one)}"
        )
    book = catalog
    if one.overlays or one.overrides or words.overrides:
        changes = (*one.overrides, *catalog.overrides, *words.overrides)
        book = Catalog((*one.overlays, *catalog.roots[1:]), changes)
    return Posed(
        name=words.text,
        kind="scenario",
        question=one.question,
        inputs=one.inputs,
        catalog=book,
        overrides=(*one.overrides, *words.overrides),
    )


def _sides_of(one: Ready) -> str:
    names = one.inputs.get("names")
    return " ".join(map(str, names)) if isinstance(names, list | tuple) else "A B"


def variants(sides: Sequence[Words], base: Posed, of: str | None = None) -> list[Posed]:
    """Return the sides that vary one question, each by what it says.

    Parameters
    ----------
    sides, base
        What is said, and of which question.
    of
        Name of the scenario that asks it, which stands for the question as it is, as `BASE` does.

    Raises
    ------
    InputError
        A name that stands for nothing, or inputs that the question does not have; all at once.
    UsageError
        A scenario among them, or a name that is several things.
    """
    found: list[Posed] = []
    wrong: list[str] = []
    for words in sides:
        try:
            found.append(_variant(replace(words, name=BASE) if words.name == of else words, base))
        except InputError as error:
            wrong += error.mistakes
    if wrong:
        raise InputError.collect(wrong)
    return found


def _variant(words: Words, base: Posed) -> Posed:
    inputs, kinds = dict(base.inputs), []
    if words.name is not None and words.name != BASE:
        kind = _kind_beside_base(words, base)
        kinds.append(kind)
        _put(inputs, kind, words.name, base)
    if words.layout:
        kinds.append("layout")
    if words.inputs or words.overrides:
        kinds.append("inputs")
    spelled = base.question.spelled
    given = {spelled.get(name, name): value for name, value in words.inputs.items()}
    if {spelled.get("gpu", "gpu"), "cluster"} & given.keys():
        for name in _HARDWARE:
            inputs.pop(name, None)
    inputs |= given
    inputs |= words.layout
    inputs = {name: value for name, value in inputs.items() if value is not None}
    mistakes = mistakes_of(base.question, inputs)
    if mistakes:
        raise InputError.collect(f"{words.text}: {name}: {why}" for name, why in mistakes.items())
    changed = base.catalog.changed(words.overrides) if words.overrides else base.catalog
    return Posed(
        name=words.text,
        kind=" and ".join(kinds) or BASE,
        question=base.question,
        inputs=inputs,
        catalog=changed,
        overrides=(*base.overrides, *words.overrides),
    )


def _kind_beside_base(words: Words, base: Posed) -> str:
    """Return what the name of a variant is: hardware or a model."""
    name = words.name or ""
    kinds = kinds_of(base.catalog, words)
    may = [kind for kind in kinds if kind != "scenario"]
    if not may:
        raise UsageError(
            f"{name} is a scenario, and asks a question of its own: compare it with other scenarios, or vary "
            f"it with --of {name} and sides such as gpus=1024, 'tp8 pp16' or the name of a cluster"
        )
    if len(may) > 1:
        ways = " or ".join(f"{_said(kind)}:{name}" for kind in may)
        raise UsageError(f"{name} is {' and '.join(map(_a, may))}; write {ways}")
    return may[0]


def _said(kind: str) -> str:
    return "gpu" if kind == "accelerator" else kind


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "accelerator" else f"a {kind}"


def _put(inputs: dict[str, Any], kind: str, name: str, base: Posed) -> None:
    """Ask about this model, or on this hardware."""
    if kind == "model":
        inputs["model"] = name
        return
    known = parameters_of(base.question)
    part = base.question.spelled.get("gpu", "gpu")
    if "cluster" not in known and "name" in known:
        inputs["name"] = name
        return
    before = inputs.get("cluster")
    for key in _HARDWARE:
        inputs.pop(key, None)
    if kind == "cluster" and (":" not in name or part not in known):
        inputs["cluster"] = name
        return
    if ":" in name:
        named = cluster_named(base.catalog, name, Filled())
        inputs |= {part: name.rpartition(":")[0], "gpus": named.accelerators}
        return
    inputs[part] = name
    if before is not None and inputs.get("gpus") is None:
        inputs["gpus"] = cluster_named(base.catalog, str(before).partition("/")[0], Filled()).accelerators


def sheet_sides(
    sides: Sequence[Words], changed: Mapping[str, Any], catalog: Catalog, kind: str, *, size: int
) -> list[Posed]:
    """Return clusters, or accelerators without a job, as questions for their fact sheets.

    Parameters
    ----------
    size
        Accelerators of each part, where its name does not say how many.
    """
    question = QUESTIONS["cluster show"]
    found = []
    for words in sides:
        name = words.name or ""
        sized = f"{name}:{size}" if kind == "accelerator" and ":" not in name else name
        inputs = {**changed, **words.inputs, **words.layout, "name": sized}
        mistakes = mistakes_of(question, inputs)
        if mistakes:
            raise InputError.collect(f"{words.text}: {one}: {why}" for one, why in mistakes.items())
        book = catalog.changed(words.overrides) if words.overrides else catalog
        found.append(
            Posed(
                name=words.text,
                kind=kind,
                question=question,
                inputs=inputs,
                catalog=book,
                overrides=words.overrides,
            )
        )
    return found
