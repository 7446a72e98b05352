"""What fast engines have in common: rows by the case that they share, and figures of all rows of a part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

import numpy as np

from planner.errors import InputError
from planner.plan.sweep.arrays import Keys, keep_freed
from planner.plan.sweep.frame import Field, Texts, Values, one_table
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Column
from planner.types import IntArray

__all__ = ["ArrayEngine", "HinderedError"]

_CASES: Final = 64
"""Cases that are kept."""

C = TypeVar("C")
S = TypeVar("S")
Ends = tuple[Values, ...]
"""Value, low and high of an interval; or a single one."""


class HinderedError(InputError):
    """The fast engine cannot answer a grid; the message says why."""


class ArrayEngine(ABC, Generic[C, S]):
    """Evaluates rows as arrays: those of one case at a time.

    ``C`` is a case, what rows share by the axes that are words; ``S`` a sheet, some rows of one case from
    which figures are made.

    Attributes
    ----------
    block
        Rows that are evaluated together.
    figures
        What a figure is, by path, from a sheet.
    reasons
        Why rows have no figures.
    arrays
        Inputs that are arrays of rows.
    ignored
        Inputs that change nothing.
    """

    name = "fast"
    block: ClassVar[int]
    figures: ClassVar[Mapping[str, Callable[[Any], Ends]]]
    reasons: ClassVar[tuple[str, ...]]
    arrays: ClassVar[Collection[str]]
    ignored: ClassVar[Collection[str]] = ()

    def __init__(self, sweep: Sweep) -> None:
        keep_freed()
        self.sweep = sweep
        self.fields = tuple(Field(name, f.kind) for f in sweep.figures for name in f.columns)
        self._case_axes = tuple(name for name in sweep.rows.names if name not in self.arrays)
        self._by_case = Keys(sweep, self._case_axes)
        self._cases: OrderedDict[int, C | str] = OrderedDict()
        self._ends = [
            (figure.path, place) for figure in sweep.figures for place in range(max(len(figure.ends), 1))
        ]

    @abstractmethod
    def read_case(self, changed: tuple[str, ...], inputs: Mapping[str, Any]) -> C | str:
        """Resolve what rows share; a sentence where that cannot be had."""

    @abstractmethod
    def sheet(
        self, case: C, axes: Mapping[str, Column], rows: IntArray | None, many: int
    ) -> tuple[S, IntArray]:
        """Return `many` rows of a case, all of a part where `rows` is None, and the reason of each or -1."""

    def evaluate(self, axes: Mapping[str, Column], start: int, stop: int) -> tuple[list[Values], Texts]:
        """Return the figures of some rows, whose axes are given, and why a row has none."""
        many = stop - start
        cases = self._by_case.distinct(axes, None, many)
        if cases.back is None or cases.first is None or cases.code is None:
            first = back = np.arange(many)
            code = start + first if cases.code is None else cases.code
        else:
            first, code, back = cases.first, cases.code, cases.back
        if len(first) == 1:
            return self._of_case(axes, None, many, int(code[0]), 0)
        parts, rows = [], []
        for place, row in enumerate(first.tolist()):
            own = np.flatnonzero(back == place)
            parts.append(self._of_case(axes, own, len(own), int(code[place]), row))
            rows.append(own)
        return _put_together(parts, rows, many)

    def _of_case(
        self, axes: Mapping[str, Column], rows: IntArray | None, many: int, code: int, row: int
    ) -> tuple[list[Values], Texts]:
        case = self._case(code, axes, row)
        if isinstance(case, str):
            nothing = [_nothing(field, many) for field in self.fields]
            return nothing, Texts((" ".join(case.split()),), np.zeros(many, dtype=np.int64))
        sheet, reason = self.sheet(case, axes, rows, many)
        bad = np.flatnonzero(reason >= 0)
        found: dict[str, Ends] = {}
        values = []
        for path, end in self._ends:
            if path not in found:
                found = {path: self.figures[path](sheet)}
            values.append(_masked(found[path][end], many, bad))
        return values, Texts(self.reasons, reason)

    def _case(self, code: int, axes: Mapping[str, Column], row: int) -> C | str:
        found = self._cases.get(code)
        if found is None:
            left_out = {*self.arrays, *self.ignored}
            inputs = {name: value for name, value in self.sweep.inputs.items() if name not in left_out}
            changed = []
            for name in self._case_axes:
                value = axes[name].at(row)
                if "." in name:
                    changed.append(f"{name}={value}")
                elif name not in left_out:
                    inputs[name] = value
            found = self._cases[code] = self.read_case(tuple(changed), inputs)
            if len(self._cases) > _CASES:
                self._cases.popitem(last=False)
        self._cases.move_to_end(code)
        return found


def _nothing(field: Field, many: int) -> Values:
    if field.kind == "text":
        return Texts((), np.full(many, -1, dtype=np.int64))
    return np.full(many, np.nan)


def _masked(found: Values, many: int, bad: IntArray) -> Values:
    """Return a figure of all rows, missing in the bad ones."""
    if isinstance(found, Texts):
        index = np.array(np.broadcast_to(found.index, (many,)))
        index[bad] = -1
        return Texts(found.table, index)
    if found.shape[0] == 1 and many > 1:
        found = np.full(many, found[0])
    elif len(bad):
        found = np.array(found, dtype=float)
    if len(bad):
        found[bad] = np.nan
    return found


def _put_together(
    parts: list[tuple[list[Values], Texts]], rows: list[IntArray], many: int
) -> tuple[list[Values], Texts]:
    """Return the rows of several cases in their order."""
    order = np.empty(many, dtype=np.int64)
    order[np.concatenate(rows)] = np.arange(many)
    columns: list[Values] = []
    for place in range(len(parts[0][0])):
        pieces = [values[place] for values, _ in parts]
        if isinstance(pieces[0], Texts):
            whole = one_table([one for one in pieces if isinstance(one, Texts)])
            columns.append(Texts(whole.table, whole.index[order]))
        else:
            columns.append(np.concatenate([one for one in pieces if isinstance(one, np.ndarray)])[order])
    why = one_table([reasons for _, reasons in parts])
    return columns, Texts(why.table, why.index[order])
