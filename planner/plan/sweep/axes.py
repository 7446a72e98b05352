"""The values of an axis: a table of them, or a quantile function from which rows draw."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from planner.errors import InputError
from planner.model.queueing.normal import normal_quantile
from planner.plan.sweep.grid import Drawn, Range
from planner.tables.samples import EIGHTY
from planner.types import FloatArray
from planner.units import parse

__all__ = ["Continuous", "Finite", "Values", "read_axis"]

_NUMBER: Final = re.compile(r"\s*([-+]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.ASCII)
_MULTIPLIERS: Final = frozenset("kKmMbBgGtT")
"""Units that are none: ``1T`` is a number."""


@dataclass(frozen=True, eq=False)
class Finite:
    """A table of values; those that draw take any of them alike."""

    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Continuous:
    """A distribution by its quantile function, in numbers of one unit.

    Attributes
    ----------
    quantile
        Shares above 0 and below 1 to numbers.
    unit : str
        What stands behind each number; empty for none.
    whole : bool
        Whether numbers are rounded.
    """

    quantile: Callable[[FloatArray], FloatArray]
    unit: str
    whole: bool

    def at(self, share: FloatArray) -> FloatArray:
        """Return the numbers at some shares."""
        numbers = self.quantile(share)
        return np.round(numbers) if self.whole else numbers


Values = Finite | Continuous


def read_axis(axis: tuple[Any, ...] | Range | Drawn) -> Values:
    """Return the values of an axis.

    Raises
    ------
    InputError
        No values, ends that are not finite numbers of one unit, or in the wrong order.
    """
    if isinstance(axis, Range):
        return _range(axis)
    if isinstance(axis, Drawn):
        return _drawn(axis)
    if not axis:
        raise InputError("there are no values; list at least one")
    for value in axis:
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{value!r} is not finite; write a number")
    if len({(type(value), value) for value in axis}) < len(axis):
        raise InputError("a value is there twice; list each once")
    return Finite(tuple(axis))


def _range(axis: Range) -> Finite:
    first, last, unit = _ends(axis.from_, axis.to, names=("from", "to"))
    if axis.scale == "log" and first <= 0:
        raise InputError(f"a log range starts above 0, not at {axis.from_!r}; raise 'from'")
    share = np.arange(axis.points) / (axis.points - 1)
    numbers = first * (last / first) ** share if axis.scale == "log" else first + (last - first) * share
    numbers[0], numbers[-1] = first, last
    if axis.whole:
        numbers = np.unique(np.round(numbers))
    return Finite(tuple(spelled(number, unit) for number in numbers.tolist()))


def _drawn(axis: Drawn) -> Continuous:
    low, high, unit = _ends(axis.low, axis.high, names=("low", "high"))
    kind = axis.distribution
    if kind in ("loguniform", "lognormal") and low <= 0:
        raise InputError(f"{kind} needs a 'low' above 0, not {axis.low!r}; raise it")
    if (axis.mode is not None) != (kind == "triangular"):
        raise InputError(
            "triangular needs 'mode', its likeliest value; add it"
            if kind == "triangular"
            else f"{kind} has no 'mode'; leave it out"
        )
    if axis.mode is not None:
        _, mode, _ = _ends(axis.low, axis.mode, names=("low", "mode"), equal=True)
        if mode > high:
            raise InputError(f"'mode' {axis.mode!r} is above 'high' {axis.high!r}; lower it")
        return Continuous(_triangular(low, high, mode), unit, axis.whole)
    return Continuous(_QUANTILES[kind](low, high), unit, axis.whole)


def _uniform(low: float, high: float) -> Callable[[FloatArray], FloatArray]:
    return lambda share: low + (high - low) * share


def _loguniform(low: float, high: float) -> Callable[[FloatArray], FloatArray]:
    return lambda share: low * (high / low) ** share


def _normal(low: float, high: float) -> Callable[[FloatArray], FloatArray]:
    middle, deviation = 0.5 * (low + high), 0.5 * (high - low) / EIGHTY
    return lambda share: middle + deviation * normal_quantile(share)


def _lognormal(low: float, high: float) -> Callable[[FloatArray], FloatArray]:
    of_log = _normal(math.log(low), math.log(high))
    return lambda share: np.exp(of_log(share))


def _triangular(low: float, high: float, mode: float) -> Callable[[FloatArray], FloatArray]:
    width, below = high - low, mode - low
    return lambda share: np.where(
        share * width < below,
        low + np.sqrt(share * width * below),
        high - np.sqrt((1.0 - share) * width * (high - mode)),
    )


_QUANTILES: Final = {
    "uniform": _uniform, "loguniform": _loguniform, "normal": _normal, "lognormal": _lognormal,
}  # fmt: skip


def _ends(
    low: float | str, high: float | str, *, names: tuple[str, str], equal: bool = False
) -> tuple[float, float, str]:
    """Return two ends as numbers of one unit, and the unit; counts such as ``500B`` and ``2T`` have none."""
    (first, unit), (last, other) = (_split(name, v) for name, v in zip(names, (low, high), strict=True))
    if unit != other or unit in _MULTIPLIERS:
        try:
            first, last = parse(low, "count"), parse(high, "count")
        except InputError:
            raise InputError(
                f"{names[0]!r} is in {unit or 'no unit'} and {names[1]!r} in {other or 'no unit'}; write "
                "both in the same unit"
            ) from None
        unit = ""
    if not (math.isfinite(first) and math.isfinite(last)):
        raise InputError(f"{names[0]!r} and {names[1]!r} must be finite numbers; write both out")
    if first > last or (first == last and not equal):
        why = "equal; make a list of one value" if first == last else f"above {high!r}; exchange them"
        raise InputError(f"{names[0]!r} {low!r} is {why}" if first > last else f"both ends are {why}")
    return first, last, unit


def _split(name: str, value: float | str) -> tuple[float, str]:
    if isinstance(value, int | float):
        return float(value), ""
    if value.strip().casefold().lstrip("+-") in ("inf", "infinity", "nan"):
        raise InputError(f"{name!r} {value!r} is not finite; write a number")
    found = _NUMBER.fullmatch(value)
    if found is None:
        raise InputError(f"{name!r} {value!r} does not start with a number; write for example 3 TB/s")
    return float(found[1].replace(",", "").replace("_", "")), found[2]


def spelled(number: float, unit: str) -> Any:
    """Write a number as a question takes it: whole ones as such, with its unit as text."""
    plain: int | float = int(number) if number == math.floor(number) and abs(number) < 1e15 else number
    return f"{plain!r} {unit}" if unit else plain
