"""Axes of a grid as arrays of numbers, and rows that share them evaluated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.plan.sweep.axes import Continuous
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Column
from planner.types import FloatArray, IntArray

__all__ = ["Distinct", "Keys", "Numbers", "distinct", "keep_freed", "numbers_of"]

S = TypeVar("S", bound=np.generic)

_FLAGGED: Final = 1 << 20
"""Keys up to which the distinct ones are found by flags, and not by sorting."""
_LARGEST: Final = 1 << 62
_FREED_BYTES: Final = 1 << 24
"""Of an array that is larger than any of a part, and smaller than what glibc never keeps (32 MiB)."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """An input as numbers: one for all rows, or one for each value of an axis.

    Attributes
    ----------
    name
        Of the input.
    table
        Number of each value of the axis; a single one where it is no axis.
    axis
        Whether it is an axis.
    drawn
        Whether the axis is a distribution, whose numbers need no table.
    """

    name: str
    table: FloatArray
    axis: bool = False
    drawn: bool = False
    factor: float = 1.0

    def of(self, axes: Mapping[str, Column], rows: IntArray | None) -> FloatArray:
        """Return its numbers in some rows, all of them where `rows` is None; ``[R]`` or ``[1]``."""
        if not self.axis:
            return self.table
        column = axes[self.name]
        if column.numbers is not None:
            numbers = column.numbers if rows is None else column.numbers[rows]
            return numbers if self.factor == 1.0 else numbers * self.factor
        return self.table[column.index if rows is None else column.index[rows]]


def numbers_of(
    sweep: Sweep, name: str, given: Any, read: Callable[[Any], float], factor: float = 1.0
) -> Numbers:
    """Read an input that is an axis, or has one value; raises `InputError`."""
    values = sweep.rows.axes.get(name)
    if values is None:
        return Numbers(name, np.array([read(given)]))
    if isinstance(values, Continuous):
        return Numbers(name, np.zeros(0), axis=True, drawn=True, factor=factor)
    return Numbers(name, np.array([read(value) for value in values.values]), axis=True)


@dataclass(frozen=True, eq=False)
class Distinct:
    """Rows that differ: the first row of each, and for every row which of them it is like.

    Attributes
    ----------
    first
        Row numbers; None where every row is one of its own.
    back
        Places in `first`.
    code
        Of each distinct row, the same in every part of a sweep; None where there is none.
    """

    first: IntArray | None
    back: IntArray | None
    code: IntArray | None

    def spread(self, values: NDArray[S]) -> NDArray[S]:
        """Return values of distinct rows for every row; a single one stays one."""
        return values if self.back is None or values.shape[0] == 1 else values[self.back]


class Keys:
    """Numbers rows by some axes, so that rows that are alike in these have the same number."""

    def __init__(self, sweep: Sweep, names: Sequence[str]) -> None:
        axes = sweep.rows.axes
        self.names = tuple(name for name in axes if name in set(names))
        self.drawn = any(isinstance(axes[name], Continuous) for name in self.names)
        self.bound = 1
        if not self.drawn:
            for name in self.names:
                self.bound *= len(axes[name])  # type: ignore[arg-type]
        others = [values for name, values in axes.items() if name not in self.names]
        self.all = not others and all(block.kind == "cartesian" for block in sweep.rows.blocks)
        self.able = not self.drawn and self.bound < _LARGEST

    def distinct(self, axes: Mapping[str, Column], rows: IntArray | None, many: int) -> Distinct:
        """Return the distinct rows among `rows` of a part, all `many` of them where it is None."""
        if not self.able:
            return Distinct(None, None, None)
        if not self.names:
            return Distinct(
                np.zeros(1, dtype=np.int64), np.zeros(many, dtype=np.int64), np.zeros(1, dtype=np.int64)
            )
        code = np.zeros(many, dtype=np.int64)
        for name in self.names:
            column = axes[name]
            index = column.index if rows is None else column.index[rows]
            code = code * len(column.values) + index
        if self.all:
            return Distinct(None, None, code)
        return distinct(code, self.bound)


def keep_freed() -> None:
    """Let the allocator keep the memory of temporary arrays for the next ones.

    Otherwise it goes back to the system after every operation, and comes anew, page by page, for the next:
    half of the time of a sweep. glibc keeps blocks up to the largest that it has seen freed, as
    ``mallopt(3)`` says of ``M_MMAP_THRESHOLD``; elsewhere nothing happens.
    """
    np.empty(_FREED_BYTES, dtype=np.uint8)


def distinct(code: IntArray, bound: int) -> Distinct:
    """Return the distinct values of some codes below a bound."""
    if bound <= _FLAGGED:
        place = np.full(bound, -1, dtype=np.int64)
        place[code[::-1]] = np.arange(len(code) - 1, -1, -1)
        there = np.flatnonzero(place >= 0)
        first = place[there]
        place[there] = np.arange(len(there))
        return Distinct(first, place[code], there)
    values, first, back = np.unique(code, return_index=True, return_inverse=True)
    return Distinct(first, back, values)
