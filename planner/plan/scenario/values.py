"""Values that can be refused before a question is asked: numbers, their units, and names of records.

The question itself reads its inputs one after the other and stops at the first that is wrong. Here are those
that cost nothing to look at, so that a scenario is answered with all of its mistakes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.kinds import (
    ACCELERATOR,
    CHECKPOINT,
    CLUSTER,
    FABRIC,
    FAILURES,
    FINANCE,
    LINK,
    SITE,
    SYSTEM,
    Kind,
)
from planner.errors import PlannerError, UnknownNameError
from planner.plan import numbers
from planner.plan.places import MOST_GPUS
from planner.plan.price_words import PriceChoice
from planner.units import parse
from planner.workload.kinds import DEAL, ENGINE, MODEL, SHAPE, SOFTWARE, SPECULATION, TRAFFIC

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["is_path", "refused"]

Check = Callable[[Any, "Catalog"], object]
"""Takes a value and the catalog; raises `PlannerError`."""
_READ: Final = (".json", ".yaml", ".yml")


def _number(name: str, read: Callable[[str, Any], object]) -> Check:
    return lambda value, _catalog: read(name, value)


def _counted(name: str, *, least: int = 1, most: float = numbers.MOST_TOKENS) -> Check:
    return lambda value, _catalog: numbers.count(name, value, most=most, least=least)


def _above_zero(name: str, example: str) -> Check:
    return lambda value, _catalog: numbers.positive(name, value, most=numbers.MOST_TOKENS, example=example)


def _latency(name: str, value: Any) -> None:
    """Check a latency that was promised, or ``none``."""
    if str(value).strip().casefold() != "none":
        numbers.latency_s(name, value)


def _named(*kinds: Kind[Any]) -> Check:
    """Check that one of the kinds has a record of the name; the first of them lends its message."""

    def check(value: Any, catalog: Catalog) -> None:
        unknown: list[UnknownNameError] = []
        for kind in kinds:
            try:
                catalog.resolve(kind, value)
            except UnknownNameError as error:
                unknown.append(error)
        if len(unknown) == len(kinds):
            raise unknown[0]

    return check


def _cluster(value: Any, catalog: Catalog) -> None:
    """Check a cluster, that of ``colossus-1/hgx-h100``, or the part of ``gb200:100000``."""
    part, colon, _ = str(value).rpartition(":")
    name = part if colon else str(value).partition("/")[0]
    _named(*((SYSTEM, ACCELERATOR) if colon else (CLUSTER, SYSTEM, ACCELERATOR)))(name, catalog)


def _model(value: Any, catalog: Catalog) -> None:
    """Check the name of a model, or the shape of ``dense:1T``; files are read when the question is asked."""
    if not isinstance(value, str) or (is_path(value) and (_ending(value) or Path(value).exists())):
        return
    family, colon, size = value.partition(":")
    if not colon:
        catalog.resolve(MODEL, value)
        return
    catalog.resolve(SHAPE, family.strip())
    parse(size, "count")


def is_path(value: object) -> bool:
    """Whether a value is text written as a path: with a slash, or the ending of a file that is read."""
    return isinstance(value, str) and ("/" in value or "\\" in value or _ending(value))


def _ending(text: str) -> bool:
    return Path(text).suffix.lower() in _READ


def _price(value: Any, catalog: Catalog) -> None:
    PriceChoice.parse(str(value), catalog)


_WHOLE: Final = (
    "gpus", "generation_gpus", "tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "in_flight",
    "drafts", "rank", "periods", "top_k",
)  # fmt: skip
"""Numbers that are whole, above 0, and no more than there may be accelerators."""
_EXAMPLES: Final = {"isl": "4k", "osl": "500", "users": "5M", "h100e": "1M", "gpu_hours": "100k"}
"""Of amounts above 0, whole or not."""
_CHECKS: Final[Mapping[str, Check]] = {
    "model": _model,
    "student": _model,
    "cluster": _cluster,
    "gpu": _named(ACCELERATOR, SYSTEM),
    "accelerator": _named(ACCELERATOR, SYSTEM),
    "generation_gpu": _named(ACCELERATOR, SYSTEM),
    "site": _named(SITE),
    "finance": _named(FINANCE),
    "failures": _named(FAILURES),
    "checkpoint": _named(CHECKPOINT),
    "link": _named(LINK),
    "fabric": _named(FABRIC),
    "software": _named(SOFTWARE),
    "engine": _named(ENGINE),
    "traffic": _named(TRAFFIC),
    "speculation": _named(SPECULATION),
    "shape": _named(SHAPE),
    "deal": _named(DEAL),
    "price": _price,
    "days": _number("days", numbers.days_of),
    "budget": _number("budget", numbers.usd),
    "percentile": _number("percentile", numbers.percentile),
    "request_rate": lambda value, _: numbers.rate_per_s("request_rate", value, most=numbers.MOST_TOKENS),
    "top": _counted("top", least=0),
    "spares": _counted("spares", least=0, most=MOST_GPUS),
    **{name: _counted(name) for name in ("seq_len", "steps", "students", "environments")},
    **{name: _number(name, numbers.watts) for name in ("power", "power_cap")},
    **{name: _number(name, _latency) for name in ("ttft", "tpot", "e2e")},
    **{name: _number(name, numbers.fraction) for name in ("availability", "prefix_hit", "packing")},
    **{
        name: _number(name, numbers.token_count)
        for name in ("tokens", "teacher_tokens", "unique_tokens", "serve_tokens")
    },
    **{name: _counted(name, most=MOST_GPUS) for name in _WHOLE},
    **{name: _above_zero(name, example) for name, example in _EXAMPLES.items()},
}
"""By the name of an input, which means the same in every question that has it."""


def refused(name: str, value: object, catalog: Catalog, *, names: bool = True) -> str:
    """Return why a value cannot be had, or nothing where it may be fine.

    Parameters
    ----------
    name, value
        Of the input; several values are looked at one by one.
    catalog
        Where names are looked up.
    names
        Whether a name that is not there is refused.
    """
    check = _CHECKS.get(name)
    if check is None or value is None:
        return ""
    if isinstance(value, list | tuple):
        return next((why for one in value if (why := refused(name, one, catalog, names=names))), "")
    if isinstance(value, Mapping):
        return ""
    try:
        check(value, catalog)
    except PlannerError as error:
        if isinstance(error, UnknownNameError) and not names:
            return ""
        option = numbers.given(name)
        return str(error).removeprefix(f"{option} {value!r}: ").removeprefix(f"{option} ")
    return ""
