"""Figures of an answer: every number in it by its path, with short names and units for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from planner.errors import InputError, suggest
from planner.units import KILO, MEGA, MILLI, SECONDS_PER_DAY, format_quantity, parse, short_number

__all__ = ["Figure", "figure_named", "figures_of", "headline"]

_SAMPLE: Final = 12
"""Paths that a message lists."""
_FINE: Final = 5
"""Digits of a loss, whose differences are small."""
_CENTRAL: Final = ("value", "mean")
_LEFT_OUT: Final = frozenset({"search", "alternatives", "pareto", "surface", "solver"})
"""Parts of answers that are no figures: how they were found, and what else was found."""


class Reading(NamedTuple):
    """A figure in one answer, with the ends of the interval that the answer states."""

    value: float
    low: float | None
    high: float | None


class _Unit(NamedTuple):
    """What a number measures: a key of `planner.units.DIMENSIONS` and its size in the base unit."""

    dimension: str
    size: float = 1.0


_UNITS: Final[tuple[tuple[str, _Unit], ...]] = (
    (r"(^|_)usd_per_(gpu_)?hour", _Unit("usd_per_hour")),
    (r"usd_per_kwh", _Unit("usd_per_kwh")),
    (r"(^|_)usd(_|$)", _Unit("usd")),
    (r"megawatt_hours", _Unit("joules", 3600.0 * MEGA)),
    (r"megawatts$", _Unit("watts", MEGA)),
    (r"watts", _Unit("watts")),
    (r"(^|_)days(_|$)", _Unit("s", SECONDS_PER_DAY)),
    (r"_ms$", _Unit("s", MILLI)),
    (r"tonnes$", _Unit("kg", KILO)),
    (r"(^|_)(flop|tokens|parameters|gpus|users|gpu_hours|accelerators)", _Unit("count")),
    (r"_s$", _Unit("s")),
    (r"^(mfu|goodput|share|utilisation|fit_probability|headroom|used_share)$", _Unit("fraction")),
)
"""Pattern of the name of a field to its unit; the first that fits."""
_RATES: Final = re.compile(r"per_s(_|$)")


@dataclass(frozen=True)
class Figure:
    """A number of an answer.

    Attributes
    ----------
    path : str
        Below ``result``, as in ``plan.days`` or ``points.0.loss``.
    """

    path: str

    @property
    def label(self) -> str:
        """For people."""
        return self.path.removeprefix("plan.").replace("_", " ").replace(".", " ")

    @property
    def unit(self) -> _Unit | None:
        """None for plain numbers."""
        names = [step for step in self.path.split(".") if not step.isdecimal()]
        for name in reversed(names):
            for pattern, unit in _UNITS:
                if not _RATES.search(name) and re.search(pattern, name):
                    return unit
            if name not in ("value", "low", "high", "mean", "p50", "p90", "p99"):
                break
        return None

    def show(self, value: float) -> str:
        """Write a value of the figure, with its unit."""
        unit = self.unit
        if unit is None:
            return short_number(value, _FINE if "loss" in self.path else 3)
        return format_quantity(value * unit.size, unit.dimension, digits=3)

    def read(self, text: str) -> float:
        """Read a value of the figure; a bare number is in the unit of the field.

        Raises
        ------
        InputError
            No number, or one of another unit.
        """
        try:
            return parse(text, "count")
        except InputError:
            unit = self.unit
            if unit is None:
                raise
            return parse(text, unit.dimension) / unit.size

    def of(self, result: Mapping[str, Any]) -> Reading | None:
        """Return the figure in an answer; None where it has none."""
        value: Any = result
        for step in self.path.split("."):
            value = _below(value, step)
            if value is None:
                return None
        return _reading(value)


def _below(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal():
        return value[int(step)] if int(step) < len(value) else None
    return None


def _reading(value: Any) -> Reading | None:
    if isinstance(value, Mapping):
        name = next((name for name in _CENTRAL if _number(value.get(name))), None)
        if name is None or not {"low", "high"} <= set(value):
            return None
        ends = (float(value[end]) if _number(value[end]) else None for end in ("low", "high"))
        return Reading(float(value[name]), *ends)
    return Reading(float(value), None, None) if _number(value) else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def figures_of(result: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return every figure of an answer in its order; an interval comes before its parts."""
    return tuple(Figure(path) for path in _paths(result, ""))


def _paths(value: Any, path: str) -> Iterator[str]:
    if path and _reading(value) is not None:
        yield path
    steps: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, Mapping):
        steps = ((str(step), part) for step, part in value.items() if step not in _LEFT_OUT)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        steps = ((str(at), part) for at, part in enumerate(value))
    for step, part in steps:
        yield from _paths(part, f"{path}.{step}" if path else step)


_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "days": ("plan.days_with_failures", "plan.days", "points.0.run.days", "plain.days"),
    "usd": ("plan.cost_usd", "usd", "totals.cost_usd", "points.0.run.cost_usd", "capital.usd", "spent_usd"),
    "cost": ("plan.cost_usd", "usd", "totals.cost_usd", "points.0.run.cost_usd", "capital.usd", "spent_usd"),
    "power": ("plan.power_megawatts", "power.average_facility_megawatts", "points.0.run.power_megawatts"),
    "mw": ("plan.power_megawatts", "power.average_facility_megawatts", "points.0.run.power_megawatts"),
    "loss": ("points.0.loss", "largest.loss"),
    "gpus": ("gpus", "plan.gpus", "plan.gpus_used", "accelerators"),
}
"""Short names of figures: the first of the paths that the answer has."""
_HEADLINES: Final[Mapping[str, tuple[str, ...]]] = {
    "train": ("gpus", "tokens", "plan.days_with_failures"),
    "serve": ("plan.users", "plan.requests_per_s"),
    "serve gpus": ("plan.gpus",),
    "staged": ("plan.days",),
    "post-train": ("plan.steps",),
    "post-train steps": ("plan.days",),
    "distill": ("plain.cost_usd",),
    "frontier": ("points.0.loss",),
    "budget": ("gpu_hours",),
    "mix": ("totals.objective",),
    "capacity": ("training.0.plan.days", "serving.0.users", "frontier.0.loss"),
    "compare": ("figures.0.ratios.1",),
    "cluster show": ("capital.usd",),
    "cluster size": ("accelerators",),
}
"""What each question is asked for, by command, or by command and what is solved for."""


def headline(command: str, document: Mapping[str, Any]) -> Figure:
    """Return the figure that a question is asked for.

    Raises
    ------
    InputError
        The answer holds no number, or the question is asked for none in particular.
    """
    result, inputs = document["result"], document["inputs"]
    asked = inputs.get("question") or inputs.get("fixed")
    wanted = (*_HEADLINES.get(f"{command} {asked}", ()), *_HEADLINES.get(command, ()))
    for path in wanted:
        if Figure(path).of(result) is not None:
            return Figure(path)
    first = next(_paths(result, ""), None)
    if first is None:
        raise InputError(f"the answer of {command} holds no number to look at")
    if not wanted:
        raise InputError(f"{command} is asked for no figure in particular; name one, as in --figure {first}")
    return Figure(first)


def figure_named(name: str, result: Mapping[str, Any]) -> Figure:
    """Find a figure by its path, a short name, or the end of its path.

    Raises
    ------
    InputError
        The answer has none of that name; the message suggests what was meant.
    """
    plain = name.strip().replace("-", "_").removeprefix("result.")
    for path in (plain, *_ALIASES.get(plain.casefold(), ())):
        if Figure(path).of(result) is not None:
            return Figure(path)
    paths = [figure.path for figure in figures_of(result)]
    ending = [path for path in paths if path.endswith(f".{plain}")]
    if ending:
        return Figure(min(ending, key=lambda path: (path.count("."), paths.index(path))))
    last = {path.rpartition(".")[2]: path for path in reversed(paths)}
    names = list(dict.fromkeys([*paths, *last, *_ALIASES]))
    there = f"this answer has {', '.join(paths[:_SAMPLE])} ..."
    raise InputError(f"no figure {name[:60]!r} in the answer; {suggest(plain, names, otherwise=there)}")
