"""The fast engine of training: rows whose layout is given completely, evaluated as arrays.

What rows share is computed once: the *case* (model, part, software, surroundings) by the axes that are words,
the *layers* by what their costs depend on (`planner.search`), the *layouts* by what a step depends
on, and what *running* costs by the number of accelerators. The figures are those of `planner.train`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from planner.errors import InputError
from planner.plan import numbers
from planner.plan.scenario.inputs import parameters_of
from planner.plan.site import MOST_GPUS, sites
from planner.plan.sweep.arrays import Keys, Numbers, numbers_of
from planner.plan.sweep.axes import Continuous
from planner.plan.sweep.fast import ArrayEngine, HinderedError
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Column
from planner.plan.sweep.training_case import Shared, read_case
from planner.plan.sweep.training_figures import FIGURES, Sheet
from planner.plan.sweep.training_layers import LAYER, TRAFFIC, layers_of, traffic_of
from planner.plan.sweep.training_rows import (
    DEGREES,
    REASONS,
    Physics,
    evaluated,
    strategy_of,
    too_many,
)
from planner.tables import RECOMPUTES, SHARDINGS
from planner.types import FloatArray, IntArray

__all__ = ["Training"]

BLOCK: Final = 16_384
"""Rows that are evaluated together: some hundred temporary arrays stay in the cache."""
LAYOUT: Final = (*DEGREES, "sharding", "recompute", "recompute_layers", "sequence_parallel", "offload")
OTHERS: Final = ("global_batch", "tokens", "gpus")
NEEDED: Final = ("tp", "cp", "pp", "vpp", "dp", "micro_batch", "sharding", "recompute", "sequence_parallel")
EXPERTS: Final = ("ep", "etp")
_USUAL: Final = {"ep": 1, "etp": 1, "recompute_layers": 1.0, "offload": 0.0}
_WITHOUT: Final = {
    "days": "what is trained in given days is not tabulated; give tokens",
    "power_cap": "a power cap changes how many accelerators there are",
    "link": "sites are planned one by one",
}
"""Inputs that it does not know, and why."""
_IGNORED: Final = ("top", "exhaustive", "goal", "explain")
"""Inputs that change nothing where the layout is given."""


def _word(words: tuple[str, ...], name: str) -> Callable[[Any], float]:
    return lambda value: float(words.index(numbers.choice(name, value, words)))


def _counted(name: str) -> Callable[[Any], float]:
    return lambda value: float(numbers.count(name, value, most=MOST_GPUS))


def _share(name: str) -> Callable[[Any], float]:
    return lambda value: numbers.fraction(name, value)


_READ: Final[Mapping[str, Callable[[Any], float]]] = {
    **{name: _counted(name) for name in (*DEGREES, "gpus")},
    "sharding": _word(SHARDINGS, "sharding"),
    "recompute": _word(RECOMPUTES, "recompute"),
    "recompute_layers": _share("recompute_layers"),
    "offload": _share("offload"),
    "sequence_parallel": float,
    "tokens": lambda value: numbers.token_count("tokens", value),
}
_WHOLE: Final = (*DEGREES, "gpus", "global_batch")


class Training(ArrayEngine[Shared, Sheet]):
    """Evaluates rows of ``planner train`` as arrays; see the module."""

    block = BLOCK
    figures = FIGURES
    reasons = REASONS
    arrays = (*LAYOUT, *OTHERS)
    ignored = _IGNORED

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self._check()
        super().__init__(sweep)
        given = {**_USUAL, **sweep.inputs}
        self._numbers = {
            name: self._read(name, given.get(name))
            for name in (*LAYOUT, "tokens", "gpus")
            if name in sweep.rows.axes or given.get(name) is not None
        }
        self._by_layout = Keys(sweep, (*LAYOUT, "global_batch"))
        self._by_layer = Keys(sweep, LAYER)
        self._by_traffic = Keys(sweep, TRAFFIC)

    def _check(self) -> None:
        """Raise `HinderedError` with everything that stands in the way."""
        sweep, why = self.sweep, []
        axes, known = sweep.rows.axes, parameters_of(sweep.question)
        given = {name for name, value in sweep.inputs.items() if value is not None} | set(axes)
        lacking = [name for name in NEEDED if name not in given]
        if self._mixture():
            lacking += [name for name in EXPERTS if name not in given]
        if lacking:
            why.append(f"the layout is not given completely: {', '.join(lacking)} left open")
        why += [f"{name}: {reason}" for name, reason in _WITHOUT.items() if name in given and name in known]
        if not {"gpus", "cluster"} & given:
            why.append("gpus is left open: say how many accelerators there are")
        for name, values in axes.items():
            if isinstance(values, Continuous):
                if name not in (*LAYOUT, *OTHERS) or values.unit:
                    why.append(f"{name} is drawn from a distribution, and is no plain number to it")
                elif name in _WHOLE and not values.whole:
                    why.append(f"{name} is drawn and not whole; add whole: true")
        missing = [figure.path for figure in sweep.figures if figure.path not in FIGURES]
        if missing:
            why.append(f"it has no {', '.join(missing[:3])}")
        if "cluster" in given:
            why += self._unlike()
        if why:
            raise HinderedError("; ".join(why))

    def _mixture(self) -> bool:
        """Whether any of the models has experts."""
        from planner.plan.model_input import read_model_record

        book = self.sweep.catalog()
        values = self.sweep.rows.axes.get("model")
        named = getattr(values, "values", (self.sweep.inputs.get("model"),))
        try:
            return any(read_model_record(book, one)[0].architecture.moe is not None for one in named)
        except InputError:
            return False

    def _unlike(self) -> list[str]:
        values = self.sweep.rows.axes.get("cluster")
        named = getattr(values, "values", (self.sweep.inputs.get("cluster"),))
        book = self.sweep.catalog()
        several = [n for n in named if len(sites(book, cluster=str(n), gpu=None, gpus=None)) > 1]
        return [f"{', '.join(map(str, several))} has groups of unlike hardware"] if several else []

    def _read(self, name: str, given: Any) -> Numbers:
        return numbers_of(self.sweep, name, given, _READ[name])

    def read_case(self, changed: tuple[str, ...], inputs: Mapping[str, Any]) -> Shared | str:
        """Resolve model, hardware, software and surroundings."""
        return read_case(self.sweep.catalog(changed), inputs)

    def sheet(
        self, case: Shared, axes: Mapping[str, Column], rows: IntArray | None, many: int
    ) -> tuple[Sheet, IntArray]:
        """Return rows with their layouts, every layout evaluated once."""
        of = {name: one.of(axes, rows) for name, one in self._numbers.items()}
        of["global_batch"] = self._batches(case, axes, rows)
        layouts = self._by_layout.distinct(axes, rows, many)
        chosen = {
            name: values if layouts.first is None or values.shape[0] == 1 else values[layouts.first]
            for name, values in of.items()
        }
        physics = self._physics(case, axes, rows, layouts.first, chosen, many)
        gpus = of.get("gpus", np.full(1, float(MOST_GPUS)))
        limit = float(case.case.site.available) if case.cluster else float(MOST_GPUS)
        tokens, available = self._tokens(case, of), np.minimum(gpus, limit)
        sheet = Sheet(case, physics, layouts, tokens=tokens, available=available)
        reason = np.broadcast_to(layouts.spread(physics.reason), (many,))
        used = np.broadcast_to(layouts.spread(physics.accelerators), (many,))
        short = (used > available) | ((gpus > limit) & case.cluster)
        return sheet, np.where((reason < 0) & short, too_many(), reason)

    def _physics(
        self,
        shared: Shared,
        axes: Mapping[str, Column],
        rows: IntArray | None,
        first: IntArray | None,
        chosen: Mapping[str, FloatArray],
        many: int,
    ) -> Physics:
        strategy = strategy_of(shared, chosen)
        if first is not None:
            rows = first if rows is None else rows[first]
        count = many if rows is None else len(rows)
        tuples = self._by_layer.distinct(axes, rows, count)
        hardware = shared.case.site.table
        layers = layers_of(shared, hardware, strategy, tuples, kept=self._by_layer.able)
        traffic = traffic_of(shared, hardware, strategy, self._by_traffic.distinct(axes, rows, count))
        return evaluated(
            shared, hardware, strategy, tuples=tuples, layers=layers, traffic=traffic, many=count
        )

    def _batches(self, shared: Shared, axes: Mapping[str, Column], rows: IntArray | None) -> FloatArray:
        known = shared.tables.get("global_batch")
        if known is None:
            length = shared.case.job.seq_len

            def read(value: Any) -> float:
                return float(numbers.sequences("global_batch", value, seq_len=length)[0])

            given = self.sweep.inputs.get("global_batch")
            known = shared.tables["global_batch"] = (
                Numbers("global_batch", np.array([float(shared.case.job.global_batch)]))
                if given is None and "global_batch" not in self.sweep.rows.axes
                else numbers_of(self.sweep, "global_batch", given, read)
            )
        found: FloatArray = known.of(axes, rows)
        return found

    def _tokens(self, shared: Shared, of: Mapping[str, FloatArray]) -> FloatArray:
        if "tokens" not in of:
            return np.full(1, shared.tokens)
        return of["tokens"] * shared.seen
