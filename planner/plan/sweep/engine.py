"""Which engine answers a grid, and rows with their axes, figures and reasons as one frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from planner.errors import InputError
from planner.plan.sweep.axes import Continuous, Values
from planner.plan.sweep.columns import Kind
from planner.plan.sweep.fast import HinderedError
from planner.plan.sweep.frame import Field, Frame, Texts, one_table, texts_of
from planner.plan.sweep.frame import Values as Filled
from planner.plan.sweep.full import Full
from planner.plan.sweep.question import BATCH, Sweep
from planner.plan.sweep.rows import Column

__all__ = ["Engine", "engine_of", "fields_of", "frame_of", "hindrances"]


class Engine(Protocol):
    """Evaluates the rows of a grid."""

    @property
    def name(self) -> str:
        """``fast`` or ``full``."""

    @property
    def block(self) -> int:
        """Rows that are evaluated together.

        Parts of a sweep start at multiples of it, so that no figure depends on how a sweep is divided.
        """

    @property
    def fields(self) -> tuple[Field, ...]:
        """Of its figures."""

    def evaluate(
        self, axes: Mapping[str, Column], start: int, stop: int
    ) -> tuple[list[Filled], list[str | None] | Texts]:
        """Return the figures of some rows, whose axes are given, and why a row has none."""


def _train(sweep: Sweep) -> Engine:
    from planner.plan.sweep.training import Training

    return Training(sweep)


def _serve(sweep: Sweep) -> Engine:
    from planner.plan.sweep.serving import Serving

    return Serving(sweep)


_FAST: Final[Mapping[str, Callable[[Sweep], Engine]]] = {"train": _train, "serve": _serve}
"""Fast engines by command; each raises `HinderedError` where it cannot answer."""


def engine_of(sweep: Sweep) -> Engine:
    """Return the engine of a grid, made once in each process.

    Raises
    ------
    InputError
        The fast engine was asked for and cannot answer; the message lists what hinders it.
    """
    return _engine(_Key(sweep))


class _Key:
    """A grid as the key of a cache: itself, not what is in it."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep

    def __hash__(self) -> int:
        return id(self.sweep)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.sweep is self.sweep


@lru_cache(maxsize=4)
def _engine(key: _Key) -> Engine:
    sweep = key.sweep
    alone = BATCH in {*sweep.inputs, *sweep.rows.names}
    if sweep.engine == "full" and not alone:
        return Full(sweep)
    try:
        return _fast(sweep)
    except HinderedError as why:
        if sweep.engine == "fast" or alone:
            raise InputError(f"{sweep.file}: the fast engine cannot answer: {why}") from why
        return Full(sweep)


def _fast(sweep: Sweep) -> Engine:
    make = _FAST.get(sweep.command)
    if make is None:
        raise HinderedError(f"it knows {', '.join(_FAST)}, not {sweep.command}; ask for engine: full")
    return make(sweep)


def hindrances(sweep: Sweep) -> str:
    """Return why the fast engine does not answer a grid; empty where it does."""
    try:
        _fast(sweep)
    except HinderedError as why:
        return str(why)
    return ""


def fields_of(sweep: Sweep) -> tuple[Field, ...]:
    """Return all columns: the number of the row, its axes, whether it is feasible, figures, the reason."""
    axes = tuple(_axis_field(name, values) for name, values in sweep.rows.axes.items())
    first, last = (Field("row", "whole"),), (Field("reason", "text"),)
    figures = tuple(Field(name, f.kind) for f in sweep.figures for name in f.columns)
    return (*first, *axes, Field("feasible", "flag"), *figures, *last)


def _axis_field(name: str, values: Values) -> Field:
    if isinstance(values, Continuous):
        return Field(
            f"{name} [{values.unit}]" if values.unit else name, "whole" if values.whole else "number"
        )
    return Field(name, _kind(values.values))


def _kind(table: tuple[Any, ...]) -> Kind:
    if all(isinstance(value, bool) for value in table):
        return "flag"
    if any(isinstance(value, bool | str) for value in table):
        return "text"
    return "whole" if all(isinstance(value, int) and abs(value) < 2**53 for value in table) else "number"


def frame_of(sweep: Sweep, start: int, stop: int) -> Frame:
    """Evaluate the rows from `start` on and below `stop`."""
    engine = engine_of(sweep)
    fields = fields_of(sweep)
    parts = []
    for begin in range(start, stop, max(engine.block, 1) if engine.block > 1 else stop - start):
        end = min(begin + engine.block, stop) if engine.block > 1 else stop
        parts.append(_part(sweep, engine, fields, begin, end))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _part(sweep: Sweep, engine: Engine, fields: tuple[Field, ...], start: int, stop: int) -> Frame:
    axes = sweep.rows.columns(start, stop)
    figures, reasons = engine.evaluate(axes, start, stop)
    why = reasons if isinstance(reasons, Texts) else texts_of(reasons)
    given = [
        _given(field.kind, column)
        for field, column in zip(fields[1 : 1 + len(axes)], axes.values(), strict=True)
    ]
    number = np.arange(start, stop, dtype=float)
    feasible = (why.index < 0).astype(float)
    return Frame(fields, (number, *given, feasible, *figures, why))


def _given(kind: Kind, column: Column) -> Filled:
    if column.numbers is not None:
        return column.numbers
    if kind == "text":
        table = tuple(
            str(value).lower() if isinstance(value, bool) else str(value) for value in column.values
        )
        return Texts(table, column.index)
    return np.array([float(value) for value in column.values])[column.index]


def _joined(parts: list[Frame]) -> Frame:
    columns: list[Filled] = []
    for place in range(len(parts[0].fields)):
        pieces = [part.values[place] for part in parts]
        if all(isinstance(one, np.ndarray) for one in pieces):
            columns.append(np.concatenate(pieces))  # type: ignore[arg-type]
        else:
            columns.append(one_table([one for one in pieces if isinstance(one, Texts)]))
    return Frame(parts[0].fields, tuple(columns))
