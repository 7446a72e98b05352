"""The public search: one request in, one frozen result out."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from planner.errors import UsageError
from planner.model.evaluate import training_costs
from planner.model.memory import fit_probability
from planner.search.least import fewest_accelerators
from planner.search.rank import distinct, first_of
from planner.search.reasons import explain, unsupported
from planner.search.request import GOALS, Request
from planner.search.result import Counts, Plans, SearchResult
from planner.search.steps import CHUNK_ROWS, Layouts, strategy_of
from planner.search.sweep import Field, field_of, run
from planner.tables import Hardware, Model, Software, Strategy

__all__ = ["ALTERNATIVES", "evaluate", "search"]

ALTERNATIVES: Final = {
    "no_recompute": "the best plan that recomputes nothing",
    "likely": "the best plan that fits with the probability that the request calls likely",
    "fewest_accelerators": "the fastest plan on the fewest accelerators on which anything fits",
}


def search(
    *,
    hardware: Hardware,
    model: Model,
    software: Software,
    request: Request,
    alternatives: bool = True,
    reasons: bool = True,
    prune: bool = True,
    chunk_rows: int = CHUNK_ROWS,
) -> SearchResult:
    """Find the best layouts for a job.

    Parameters
    ----------
    hardware, model, software
        Tables of one row.
    request
        The job, the accelerators available, the goal and the pinned fields.
    alternatives
        Also find the plan on the fewest accelerators, which takes searches of its own.
    reasons
        Where nothing is feasible also find out why and what would be, which takes searches of its own.
    prune
        Leave out layouts that are proved not to matter (`planner.search.bound`); without it every layout
        that fits is evaluated, with the same answer.
    chunk_rows
        Rows per call of the physics; no result depends on it.

    Returns
    -------
    SearchResult
        With ``plans`` None, a reason and the nearest changes where nothing is feasible.
    """
    started = time.perf_counter()
    for name, table in (("hardware", hardware), ("model", model), ("software", software)):
        if len(table) != 1:
            raise UsageError(f"search: {name} has {len(table)} rows; a search takes one of each")
    nothing = Counts(0, 0, 0, 0, 0)
    field = None
    rows, counts = None, nothing
    if unsupported(hardware=hardware, request=request) is None:
        field = field_of(hardware=hardware, model=model, software=software, request=request)
    if field is not None:
        field = replace(field, prune=prune, chunk_rows=chunk_rows)
        fewest = _fewest(field) if GOALS[request.goal].fewest else request.accelerators
        if fewest is not None:
            rows, counts = run(replace(field, accelerators=fewest))
    if field is None or rows is None:
        said = SearchResult(request, None, None, {}, counts, 0.0)
        if reasons:
            reason, nearest = explain(
                field=field, hardware=hardware, model=model, software=software, request=request
            )
            said = replace(said, reason=reason, nearest=nearest)
        return replace(said, seconds=time.perf_counter() - started)
    chosen = _alternatives(field, rows)
    if alternatives:
        chosen["fewest_accelerators"] = _on_fewest(field, rows)
    return _result(field, rows, chosen, counts, started)


def _fewest(field: Field) -> int | None:
    return fewest_accelerators(field, most=field.accelerators)


def _alternatives(field: Field, rows: Layouts) -> dict[str, Layouts]:
    """Plans of each kind among the rows that the pool kept."""
    kinds = {"no_recompute": field.space.recompute[rows.level] == 0, "likely": rows.likely}
    return {name: rows.take(np.flatnonzero(mask)[:1]) for name, mask in kinds.items() if np.any(mask)}


def _on_fewest(field: Field, rows: Layouts) -> Layouts:
    """Find the best plan on the fewest accelerators."""
    if GOALS[field.space.request.goal].fewest:
        return rows.take(slice(0, 1))
    enough = int(np.min(rows.ranks))
    fewest = fewest_accelerators(field, most=enough) or enough
    found, _ = run(replace(field, accelerators=fewest, prune=True))
    return (rows if found is None else found).take(slice(0, 1))


def _result(
    field: Field, rows: Layouts, chosen: dict[str, Layouts], counts: Counts, started: float
) -> SearchResult:
    """Plans of the chosen rows, with everything that the physics says of them."""
    request, space = field.space.request, field.space
    top = rows.take(first_of(distinct(space, rows))[: request.top])
    by_pp = rows.take(first_of(rows.p))
    by_pp = by_pp.take(np.argsort(by_pp.p, kind="stable"))
    parts = [top, by_pp, *chosen.values()]
    plans = _plans(field, parts[0].joined(*parts[1:]))
    edges = np.cumsum([0, *(len(p) for p in parts)])
    tables = [plans.take(np.arange(a, b)) for a, b in pairwise(edges)]
    return SearchResult(
        request=request,
        plans=tables[0],
        by_pp=tables[1],
        alternatives=dict(zip(chosen, tables[2:], strict=True)),
        counts=counts,
        seconds=time.perf_counter() - started,
    )


def _plans(field: Field, rows: Layouts) -> Plans:
    costs = field.costs
    return evaluate(
        hardware=costs.hardware,
        model=costs.model,
        software=costs.software,
        strategy=strategy_of(field.space, rows),
        request=field.space.request,
    )


def evaluate(
    *, hardware: Hardware, model: Model, software: Software, strategy: Strategy, request: Request
) -> Plans:
    """All that the physics says of some strategies, without a search.

    Raises nothing for strategies that do not fit: see ``fit_probability``.
    """
    costs = training_costs(hardware=hardware, model=model, software=software, strategy=strategy)
    step, memory = costs.step, costs.memory
    ranks = strategy.tp * strategy.cp * strategy.pp * strategy.dp
    fits = fit_probability(
        device_bytes=memory.device_bytes, capacity_bytes=hardware.memory_bytes, sigma=request.sigma
    )
    power = GOALS[request.goal].power
    return Plans(
        strategy=strategy,
        step=step,
        layer=costs.layer,
        memory=memory,
        accelerators=ranks,
        spares=request.accelerators - ranks,
        fit_probability=fits,
        score=step.step_s * ranks**power if power else step.step_s,
    )
