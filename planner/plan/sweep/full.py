"""Question by question: every row is a full answer, of any question, over any axes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError, InputError, MissingExtraError, PlannerError, UsageError
from planner.plan.scenario.inputs import called
from planner.plan.sweep.frame import Field, Texts, Values, texts_of
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Column

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.sweep.columns import Figure, Kind

__all__ = ["Full"]

_CATALOGS: Final = 8
"""Catalogs that are kept open, by what rows change in them."""
_QUIET: Final = {"train": {"top": 0}, "serve": {"top": 0, "pareto": False}}
"""Inputs that leave out what no column shows."""


class Full:
    """Asks a question of each row.

    Attributes
    ----------
    block
        Rows that belong together; any number does.
    """

    name = "full"
    block = 1

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.fields = tuple(Field(name, f.kind) for f in sweep.figures for name in f.columns)
        self._catalogs: OrderedDict[tuple[str, ...], Catalog] = OrderedDict()

    def check(self) -> None:
        """Refuse a grid whose first and last rows cannot be asked at all; raises `InputError`."""
        try:
            self._answer(0)
        except InfeasibleError:
            return
        except (InputError, UsageError) as error:
            try:
                self._answer(self.sweep.rows.size - 1)
            except UsageError:
                if isinstance(error, UsageError):
                    raise InputError(f"{self.sweep.file}: the first row cannot be asked: {error}") from error
            except PlannerError:
                return

    def _answer(self, row: int) -> Any:
        inputs, changed = self._inputs(self.sweep.rows.columns(row, row + 1), 0)
        return called(self.sweep.question, inputs, catalog=self._catalog(changed)).result

    def _inputs(self, axes: Mapping[str, Column], row: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return the inputs of a row, without what no column shows, and what it changes in the catalog."""
        quiet = _QUIET.get(self.sweep.command, {})
        inputs = {**quiet, **self.sweep.inputs}
        inputs |= {name: column.at(row) for name, column in axes.items() if "." not in name}
        changed = (f"{name}={column.at(row)}" for name, column in axes.items() if "." in name)
        return inputs, tuple(changed)

    def evaluate(
        self, axes: Mapping[str, Column], start: int, stop: int
    ) -> tuple[list[Values], list[str | None] | Texts]:
        """Return the figures of some rows, whose axes are given, and why a row has none, or None."""
        sweep = self.sweep
        rows: list[list[Any]] = []
        reasons: list[str | None] = []
        for row in range(stop - start):
            values, reason = self._asked(*self._inputs(axes, row))
            rows.append(values)
            reasons.append(reason)
        return _columns(sweep.figures, rows), reasons

    def _asked(self, inputs: dict[str, Any], changed: tuple[str, ...]) -> tuple[list[Any], str | None]:
        result: Any
        question = self.sweep.question
        try:
            result = called(question, inputs, catalog=self._catalog(changed)).result
        except MissingExtraError:
            raise
        except (InfeasibleError, InputError, UsageError) as error:
            return self._nothing(), _line(str(error))
        reasons: tuple[str, ...] = getattr(result, "reasons", ())
        if hasattr(result, "plan") and result.plan is None:
            return self._nothing(), _line("; ".join(reasons or ("nothing is feasible",)))
        found = [value for figure in self.sweep.figures for value in figure.of(result)]
        return found, _line("; ".join(reasons)) if reasons else None

    def _nothing(self) -> list[Any]:
        return [None] * len(self.fields)

    def _catalog(self, changed: tuple[str, ...]) -> Catalog:
        found = self._catalogs.get(changed)
        if found is None:
            found = self._catalogs[changed] = self.sweep.catalog(changed)
            if len(self._catalogs) > _CATALOGS:
                self._catalogs.popitem(last=False)
        self._catalogs.move_to_end(changed)
        return found


def _line(text: str) -> str:
    return " ".join(text.split())


def _columns(figures: tuple[Figure, ...], rows: list[list[Any]]) -> list[Values]:
    kinds: list[Kind] = [figure.kind for figure in figures for _ in figure.columns]
    return [_column(kind, [row[place] for row in rows]) for place, kind in enumerate(kinds)]


def _column(kind: Kind, values: list[Any]) -> Values:
    if kind == "text":
        return texts_of([None if value is None else str(value) for value in values])
    return np.array([np.nan if value is None else float(value) for value in values])
