"""Statements about a figure, as ``--holds`` has them: ``days<=90``, ``usd<=$10B``, ``users>=1M``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from planner.errors import InputError, UsageError
from planner.plan.sensitivity.figures import Figure, figure_named

__all__ = ["Claim", "read_claim"]

Operator = Literal["<=", "<", ">=", ">"]
_CLAIM: Final = re.compile(r"\s*([A-Za-z][\w.\-]*)\s*(<=|>=|<|>|≤|≥)\s*(\S.*?)\s*")
_TINY: Final = 1e-300
"""Margin of a figure that is just what the statement excludes."""
_SPELLED: Final = {"≤": "<=", "≥": ">="}
_EXAMPLE: Final = "write for example --holds 'days<=90', --holds 'usd<=$10B' or --holds 'users>=1M'"
_HOLDS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Claim:
    """A statement about a figure."""

    figure: Figure
    operator: Operator
    limit: float

    def holds(self, value: float | None) -> bool:
        """Whether it holds of a value; of none, nothing does."""
        return value is not None and bool(_HOLDS[self.operator](value, self.limit))

    def holding(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Of which of many values it holds."""
        found: NDArray[np.bool_] = _HOLDS[self.operator](values, self.limit)
        return found

    def margin(self, value: float | None) -> float:
        """By how much it holds, on logarithms where both are positive: 0 or more where it does."""
        if value is None:
            return -np.inf
        logs = value > 0 and self.limit > 0
        over = float(np.log(value / self.limit)) if logs else value - self.limit
        found = -over if self.below else over
        return found if (found >= 0) == self.holds(value) else -_TINY

    @property
    def below(self) -> bool:
        """Whether small values make it hold."""
        return self.operator in ("<=", "<")

    @property
    def text(self) -> str:
        """As one writes it."""
        return f"{self.figure.label} {self.operator} {self.figure.show(self.limit)}"


def read_claim(text: str, result: Mapping[str, Any]) -> Claim:
    """Read ``days<=90``.

    Raises
    ------
    UsageError
        Not written like that.
    InputError
        An unknown figure, or a limit that is no number of its unit.
    """
    match = _CLAIM.fullmatch(text)
    if match is None:
        raise UsageError(f"--holds {text[:60]!r}: expected FIGURE<=LIMIT or FIGURE>=LIMIT; {_EXAMPLE}")
    name, sign, limit = match.groups()
    try:
        figure = figure_named(name, result)
    except InputError as error:
        raise InputError(f"--holds {text[:60]!r}: {error}") from error
    try:
        value = figure.read(limit)
    except InputError:
        now = figure.of(result)
        example = "" if now is None else f"; write for example {figure.show(now.value)!r}"
        raise InputError(f"--holds {text[:60]!r}: {limit!r} is no value of {figure.label}{example}") from None
    return Claim(figure, cast("Operator", _SPELLED.get(sign, sign)), value)
