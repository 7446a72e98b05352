"""What the name of a side is in the catalog, and of which kind the sides of a comparison are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.kinds import ACCELERATOR, CLUSTER, SYSTEM, Kind
from planner.errors import InputError, PlannerError, UsageError, suggest
from planner.plan.compare.grammar import Words
from planner.plan.scenario.read import read_document
from planner.plan.scenario.values import is_path
from planner.workload.kinds import MODEL, SCENARIO, SHAPE

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["common_kind", "kinds_of"]

_RECORDS: Final[dict[str, tuple[Kind[Any], ...]]] = {
    "scenario": (SCENARIO,),
    "cluster": (CLUSTER,),
    "accelerator": (ACCELERATOR, SYSTEM),
    "model": (MODEL,),
}
_FILES: Final = (".json", ".yaml", ".yml")


def kinds_of(catalog: Catalog, words: Words) -> tuple[str, ...]:
    """Return what a name is: of scenario, cluster, accelerator and model those that there are.

    Raises
    ------
    InputError
        It is none, or not what is said before it; with what was meant.
    """
    name = words.name or ""
    if words.said is not None:
        _check(catalog, words.said, name)
        return (words.said,)
    ending = Path(name).suffix
    if is_path(name) and (Path(name).exists() or ending in _FILES):
        return ("model",) if Path(name).is_dir() or ending == ".json" else ("scenario",)
    part, colon, _ = name.rpartition(":")
    if colon:
        if any(_is(catalog, kind, part) for kind in _RECORDS["accelerator"]):
            return ("cluster",)  # so many of a part are a cluster
        if _is(catalog, SHAPE, part):
            return ("model",)
    found = tuple(
        kind for kind, records in _RECORDS.items() if any(_is(catalog, one, name) for one in records)
    )
    if not found and "/" in name and _is(catalog, CLUSTER, name.partition("/")[0]):
        return ("cluster",)
    if not found:
        known = [one for records in _RECORDS.values() for kind in records for one in catalog.ids(kind)]
        there = "planner catalog list scenario, cluster, accelerator and model list what there is"
        raise InputError(
            f"{words.text!r}: no scenario, cluster, accelerator or model is called {name!r}; "
            f"{suggest(name, known, otherwise=there)}"
        )
    return found


def common_kind(catalog: Catalog, sides: Sequence[Words]) -> str:
    """Return the one kind that all sides are, where no question was given beside them.

    Raises
    ------
    UsageError
        Sides of different kinds, of kinds that need a question, or that are several things at once.
    """
    for words in sides:
        if words.name is None:
            raise UsageError(
                f"{words.text!r} varies a question, and none is given: add --of SCENARIO, or --model with "
                "--gpu and --gpus or --cluster"
            )
    kinds = [_compared(catalog, words) for words in sides]
    common = [kind for kind in _RECORDS if all(kind in mine for mine in kinds)]
    if not common:
        said = " and ".join(
            f"{words.name} ({' or '.join(mine)})" for words, mine in zip(sides, kinds, strict=True)
        )
        raise UsageError(
            f"{said} are of different kinds: compare sides of one kind, or make them variants of one "
            "question with --of SCENARIO or --model, --gpu, --gpus ..."
        )
    if len(common) > 1:
        first = sides[0].name
        ways = " or ".join(f"{'gpu' if kind == 'accelerator' else kind}:{first}" for kind in common)
        raise UsageError(f"{first} is a {' and a '.join(common)}; write {ways}, and so for the others")
    if common[0] == "model":
        raise UsageError(
            "models are compared by what they take: add --gpu and --gpus, or --cluster; with --serve as "
            "services, else as training runs"
        )
    return common[0]


def _compared(catalog: Catalog, words: Words) -> tuple[str, ...]:
    """Return what a name is; one of neither plans nor fact sheets gives way to a cluster of its name."""
    from planner.plan.compare.sides import PLANS

    found = kinds_of(catalog, words)
    if len(found) == 1 or "scenario" not in found:
        return found
    command = read_document(words.name or "", catalog)[0].data.get("command")
    return (
        found if command in (*PLANS, "cluster show") else tuple(kind for kind in found if kind != "scenario")
    )


def _check(catalog: Catalog, kind: str, name: str) -> None:
    """Raise what looking a name up raises, where no kind of record of that sort has it."""
    part = name.rpartition(":")[0] if kind in ("cluster", "accelerator") and ":" in name else name
    part = part.partition("/")[0] if kind == "cluster" else part
    if is_path(part) and Path(part).exists():
        return
    records = (*_RECORDS[kind], SHAPE) if kind == "model" else _RECORDS[kind]
    wanted = part.partition(":")[0] if kind == "model" else part
    if not any(_is(catalog, one, wanted) for one in records):
        catalog.resolve(_RECORDS[kind][0], wanted)


def _is(catalog: Catalog, kind: Kind[Any], name: str) -> bool:
    try:
        catalog.resolve(kind, name)
    except PlannerError:
        return False
    return True
