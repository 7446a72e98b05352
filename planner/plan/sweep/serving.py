"""The fast engine of serving: replicas of given deployments while some sequences decode in them, as arrays.

A grid over ``planner serve`` that also says ``batch`` asks for operating points: what a replica does in
steady state with every finished request replaced (`planner.model.inference.batching`), as the search of a
service sees it before arrivals are added. Times are those of steps; what requests wait for each other is not
in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from planner.errors import InputError
from planner.plan import numbers
from planner.plan.places import MOST_GPUS
from planner.plan.sweep.arrays import Keys, Numbers, numbers_of
from planner.plan.sweep.axes import Continuous
from planner.plan.sweep.fast import ArrayEngine, HinderedError
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Column
from planner.plan.sweep.serving_points import (
    DEGREES,
    FIGURES,
    REASONS,
    Shared,
    Sheet,
    evaluated,
    read_case,
)
from planner.types import IntArray

__all__ = ["Serving"]

BLOCK: Final = 8192
"""Rows that are evaluated together: some hundred temporary arrays stay in the cache."""
LENGTHS: Final = ("isl", "osl")
_USUAL: Final = {"pp": 1, "dp": 1, "ep": 1}
_LATER: Final = (
    "users", "request_rate", "concurrency", "ttft", "tpot", "e2e", "percentile", "mode", "goal", "spares",
    "verify", "power_cap",
)  # fmt: skip
"""Inputs of a service that a single replica does not know."""


class Serving(ArrayEngine[Shared, Sheet]):
    """Evaluates operating points of replicas as arrays; see the module."""

    block = BLOCK
    figures = FIGURES
    reasons = REASONS
    arrays = (*DEGREES, *LENGTHS, "chunk", "max_batch", "prefix_hit", "batch")
    ignored = ("top", "pareto", "explain", "price", "site", "finance", "checkpoint", "years", "peak")

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        given = {name for name, value in sweep.inputs.items() if value is not None} | set(sweep.rows.names)
        why = self._hindrances(given)
        if why:
            raise HinderedError("; ".join(why))
        super().__init__(sweep)
        values = {**_USUAL, **sweep.inputs}
        self._numbers = {
            name: self._read(name, values.get(name))
            for name in self.arrays
            if name in sweep.rows.axes or values.get(name) is not None
        }
        self._keys = Keys(sweep, self.arrays)

    def _hindrances(self, given: set[str]) -> list[str]:
        if "batch" not in given:
            return [
                "of a whole service only a question for each row knows enough; for operating points of one "
                "replica add batch, the sequences that decode in it"
            ]
        found = [f"{name} is of a whole service, and batch of one replica: leave one of them out"
                 for name in _LATER if name in given]  # fmt: skip
        if "tp" not in given:
            found.append("the deployment is not given: add tp (pp, dp and ep are 1 where they are left out)")
        for name, values in self.sweep.rows.axes.items():
            if isinstance(values, Continuous):
                if name not in self.arrays or values.unit:
                    found.append(f"{name} is drawn from a distribution, and is no plain number to it")
                elif name in ("batch", *LENGTHS) and values.at(np.array([1e-9]))[0] < 1.0:
                    found.append(f"{name} may be drawn below one; raise its low end")
                elif name in (*DEGREES, "chunk", "max_batch") and not values.whole:
                    found.append(f"{name} is drawn and not whole; add whole: true")
        return found

    def _read(self, name: str, given: Any) -> Numbers:
        def read(value: Any) -> float:
            if name == "prefix_hit":
                return numbers.fraction(name, value)
            if name in ("batch", *LENGTHS):
                return _at_least_one(name, numbers.positive(name, value, most=1e9, example="64"))
            return float(numbers.count(name, value, most=MOST_GPUS))

        return numbers_of(self.sweep, name, given, read)

    def read_case(self, changed: tuple[str, ...], inputs: Mapping[str, Any]) -> Shared | str:
        """Resolve model, part, engine and precisions as `planner.serve` does."""
        book = self.sweep.catalog(changed)
        try:
            return read_case(book, inputs, {name for name in LENGTHS if name in self._numbers})
        except InputError as error:
            return str(error)

    def sheet(
        self, case: Shared, axes: Mapping[str, Column], rows: IntArray | None, many: int
    ) -> tuple[Sheet, IntArray]:
        """Return operating points, every one that differs evaluated once."""
        distinct = self._keys.distinct(axes, rows, many)
        of = {name: one.of(axes, rows) for name, one in self._numbers.items()}
        if distinct.first is not None:
            of = {n: v if v.shape[0] == 1 else v[distinct.first] for n, v in of.items()}
        count = many if distinct.first is None else len(distinct.first)
        sheet, reason = evaluated(case, of, distinct, count)
        return sheet, np.broadcast_to(distinct.spread(reason), (many,))


def _at_least_one(name: str, value: float) -> float:
    if value < 1.0:
        raise InputError(f"{name} {value:g} is less than one; raise it")
    return value
