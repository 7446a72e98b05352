"""A linear or mixed-integer program as arrays, and what collects it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Builder", "Linear", "Slack"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """Minimise ``cost x`` with ``row_low <= A x <= row_high`` and ``low <= x <= high``.

    Attributes
    ----------
    cost, low, high : array
        Of the columns, ``[N]``.
    integer : array of bool
        Columns that are whole numbers, ``[N]``.
    row, column : array of int
        Places of the entries of A, ``[E]``; entries of one place add up.
    value : array
        The entries, ``[E]``.
    row_low, row_high : array
        ``[M]``; infinite where there is no bound.
    """

    cost: FloatArray
    low: FloatArray
    high: FloatArray
    integer: BoolArray
    row: IntArray
    column: IntArray
    value: FloatArray
    row_low: FloatArray
    row_high: FloatArray

    def fixed(self, x: FloatArray) -> Linear:
        """Return the linear program in which whole columns have the values of `x`."""
        whole = np.round(x)
        return replace(
            self,
            low=np.where(self.integer, whole, self.low),
            high=np.where(self.integer, whole, self.high),
            integer=np.zeros_like(self.integer),
        )

    def relaxed(self, slacks: tuple[Slack, ...]) -> Linear:
        """Return the program that needs the least slack, at any cost: one new column, at the end, for each.

        A column of slack is not negative and costs its weight; everything else is free.
        """
        n, total = len(self.cost), len(slacks)
        rows = [np.asarray(slack.rows, dtype=np.int64) for slack in slacks]
        columns = [np.full(len(each), n + place, dtype=np.int64) for place, each in enumerate(rows)]
        values = [np.broadcast_to(np.asarray(s.value, dtype=float), s.rows.shape) for s in slacks]
        return replace(
            self,
            cost=np.concatenate([np.zeros(n), [slack.weight for slack in slacks]]),
            low=np.concatenate([self.low, np.zeros(total)]),
            high=np.concatenate([self.high, [slack.most for slack in slacks]]),
            integer=np.concatenate([self.integer, np.zeros(total, dtype=bool)]),
            row=np.concatenate([self.row, *rows]),
            column=np.concatenate([self.column, *columns]),
            value=np.concatenate([self.value, *values]),
        )


class Slack(NamedTuple):
    """What loosens some rows: ``value`` per unit of it is added to each of ``rows``."""

    rows: IntArray
    value: FloatArray | float
    weight: float = 1.0
    most: float = np.inf


@dataclass
class Builder:
    """Collects columns and rows; each call adds many at once."""

    columns: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = field(default_factory=list)
    rows: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    width: int = 0
    height: int = 0

    def add_columns(
        self, shape: Any, *, cost: Any = 0.0, low: Any = 0.0, high: Any = np.inf, integer: bool = False
    ) -> IntArray:
        """Add columns and return their numbers in that shape; costs and bounds broadcast."""
        number = int(np.prod(shape))
        flat = [np.broadcast_to(np.asarray(v, dtype=float), shape).ravel() for v in (cost, low, high)]
        self.columns.append((flat[0], flat[1], flat[2], np.full(number, integer)))
        start, self.width = self.width, self.width + number
        return np.arange(start, self.width).reshape(shape)

    def add_rows(self, shape: Any, *, low: Any = -np.inf, high: Any = np.inf) -> IntArray:
        """Add empty rows and return their numbers in that shape; bounds broadcast."""
        number = int(np.prod(shape))
        flat = [np.broadcast_to(np.asarray(v, dtype=float), shape).ravel() for v in (low, high)]
        self.rows.append((flat[0], flat[1]))
        start, self.height = self.height, self.height + number
        return np.arange(start, self.height).reshape(shape)

    def put(self, rows: Any, columns: Any, values: Any) -> None:
        """Add entries; the three broadcast against each other."""
        row, column, value = np.broadcast_arrays(
            np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64), np.asarray(values, float)
        )
        self.entries.append((row.ravel(), column.ravel(), value.ravel()))

    def built(self) -> Linear:
        """Return what was collected."""
        cost, low, high, integer = (np.concatenate(part) for part in zip(*self.columns, strict=True))
        row_low, row_high = (np.concatenate(part) for part in zip(*self.rows, strict=True))
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return Linear(
            cost=cost,
            low=low,
            high=high,
            integer=integer,
            row=row,
            column=column,
            value=value,
            row_low=row_low,
            row_high=row_high,
        )
