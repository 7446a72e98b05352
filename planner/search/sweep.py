"""Branch and bound: survey all groups by their bounds, then evaluate the promising ones, best first.

The order of evaluation and the moments at which bounds are compared with what was found do not depend on
the number of rows per call of the physics, so neither do the results and counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.search.bound import ROUNDING, lighter_wins, lower_bound_s
from planner.search.costs import Known, TupleCosts, tuple_costs
from planner.search.fit import FloorTables, allocated_limit, memory_floor, peak_bytes
from planner.search.rank import Pool
from planner.search.request import GOALS, Request
from planner.search.result import Counts
from planner.search.space import (
    Bases,
    Columns,
    Groups,
    Space,
    bases,
    build_space,
    groups,
    legal_layouts,
    legal_shardings,
)
from planner.search.steps import CHUNK_ROWS, Layouts, step_seconds
from planner.search.traffic import least_traffic
from planner.tables import Hardware, Model, Software
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["CHUNK_BASES", "Field", "field_of", "run"]

CHUNK_BASES = 2048
FIRST_BLOCK, LARGEST_BLOCK = 1024, 16384
"""Groups evaluated before the first look at what they must beat, and at most between two looks."""


@dataclass(frozen=True, eq=False)
class Field:
    """A space with its costs and memory limits: where a search takes place."""

    space: Space
    costs: TupleCosts
    limit: float  # allocated bytes that a plan may need
    likely: float  # allocated bytes of a plan that likely fits
    accelerators: int  # that may be used
    prune: bool = True
    chunk_rows: int = CHUNK_ROWS


@dataclass(frozen=True, eq=False)
class Surveyed(Columns):
    """Groups that may hold an answer, with what bounds them; ``[G]``."""

    dp: FloatArray
    count: FloatArray
    ranks: FloatArray
    bound: FloatArray  # least score
    plain: BoolArray  # may fit without recompute
    likely: BoolArray  # may be likely to fit

    def groups(self) -> Groups:
        """Return the groups alone."""
        return Groups(t=self.t, p=self.p, dp=self.dp, count=self.count, ranks=self.ranks)


def field_of(
    *, hardware: Hardware, model: Model, software: Software, request: Request, known: Known | None = None
) -> Field | None:
    """Space and costs of a request; None where no tuple or pipeline size is legal.

    Costs that are `known` from other accelerators or batches are not evaluated again.
    """
    space = build_space(hardware=hardware, model=model, request=request)
    if not len(space.tuples.tp) or not len(space.pp):
        return None
    costs = tuple_costs(hardware=hardware, model=model, software=software, space=space, known=known)
    limits = [
        allocated_limit(costs=costs, sigma=request.sigma, probability=p)
        for p in (request.fit, request.likely)
    ]
    return Field(
        space=space, costs=costs, limit=limits[0], likely=limits[1], accelerators=request.accelerators
    )


def run(
    field: Field, pool: Pool | None = None, useful: BoolArray | None = None
) -> tuple[Layouts | None, Counts]:
    """Find the layouts that answer a request, best first, and count what became of all layouts.

    A `pool` that asks for less, or knows what must be beaten, leaves more of them out; `useful`, ``[T, P]``,
    are the pairs of tuple and pipeline size that are looked at.
    """
    pool = Pool(field.space) if pool is None else pool
    surveyed, counts = survey(field, useful)
    order = np.argsort(surveyed.bound, kind="stable")
    start, size = 0, FIRST_BLOCK
    while start < len(order):
        block = surveyed.take(order[start : start + size])
        start, size = start + size, min(2 * size, LARGEST_BLOCK)
        if field.prune:
            thresholds = pool.thresholds
            useful = thresholds.passes(block.bound, block.p, plain=block.plain, likely=block.likely)
            block = block.take(np.flatnonzero(useful))
        if len(block):
            rows, seen = fitting(field, bases(field.space, block.groups()), pool)
            counts = counts.plus(seen)
            for part in rows:
                pool.add(part)
    pruned = counts.legal - counts.evaluated - counts.rejected
    return pool.rows, replace(counts, pruned=pruned)


def survey(field: Field, useful: BoolArray | None = None) -> tuple[Surveyed, Counts]:
    """Bounds of every group, or of those of `useful` pairs; groups that cannot fit are rejected at once."""
    space, costs = field.space, field.costs
    tables = FloorTables(space, costs)
    power = GOALS[space.request.goal].power
    parts: list[Surveyed] = []
    legal = rejected = 0
    free = int(np.argmin(space.recompute)) if np.any(space.recompute == 0) else None
    for found in groups(space, field.accelerators, useful):
        g = found.take(np.flatnonzero(costs.finite[found.t]))
        legal += legal_layouts(space, g)
        floor = memory_floor(space=space, costs=costs, rows=g, tables=tables)
        level = floor.lightest(field.limit)
        fits = level < len(space.recompute)
        if field.prune:
            rejected += legal_layouts(space, g.take(np.flatnonzero(~fits)))
        bound = lower_bound_s(
            space=space, costs=costs, rows=g, level=np.minimum(level, len(space.recompute) - 1)
        )
        surveyed = Surveyed(
            **vars(g),
            bound=bound * g.ranks**power if power else bound,
            plain=floor.can(free, field.limit) if free is not None else np.zeros(len(g), dtype=bool),
            likely=floor.least() <= field.likely,
        )
        parts.append(surveyed.take(np.flatnonzero(fits)) if field.prune else surveyed)
    nothing = Surveyed(*(np.zeros(0, dtype=d) for d in (int, int, float, float, float, float, bool, bool)))
    return nothing.joined(*parts), Counts(legal, 0, 0, rejected, 0)


def fitting(field: Field, rows: Bases, pool: Pool) -> tuple[list[Layouts], Counts]:
    """Evaluate the layouts of bases that fit and may answer a question, one table for each sharding."""
    space = field.space
    parts: list[list[Layouts]] = [[] for _ in space.shardings]
    checked = feasible = evaluated = 0
    for start in range(0, len(rows), CHUNK_BASES):
        chunk = rows.take(slice(start, start + CHUNK_BASES))
        legal = int(np.count_nonzero(legal_shardings(space, t=chunk.t, dp=chunk.dp)))
        checked += legal * len(space.recompute) * len(space.offloads)
        for offload in space.offloads:
            peak = peak_bytes(space=space, costs=field.costs, rows=chunk, offload=float(offload))
            fits, likely = peak <= field.limit, peak <= field.likely
            feasible += int(np.count_nonzero(fits))
            keep = needed(field, chunk, fits, likely, float(offload)) if field.prune else fits
            z, level, i = np.nonzero(keep)
            found = _layouts(space, chunk, z, level, i, float(offload), likely[z, level, i])
            edges = np.searchsorted(z, np.arange(len(parts) + 1))
            for k, part in enumerate(parts):
                if edges[k + 1] > edges[k]:
                    part.append(found.take(slice(edges[k], edges[k + 1])))
    tables = []
    for part in parts:
        if part:
            table = _evaluated(field, part[0].joined(*part[1:]), pool)
            evaluated += len(table)
            tables.append(table)
    return tables, Counts(0, evaluated, 0, checked - feasible, feasible)


def _layouts(
    space: Space, rows: Bases, z: IntArray, level: IntArray, i: IntArray, offload: float, likely: BoolArray
) -> Layouts:
    nothing = np.full(len(i), np.nan)
    return Layouts(
        **{name: column[i] for name, column in vars(rows).items()},
        z=space.shardings[z],
        level=level,
        offload=np.full(len(i), offload),
        likely=likely,
        step_s=nothing,
        score=nothing,
    )


def _evaluated(field: Field, rows: Layouts, pool: Pool) -> Layouts:
    """Rows that a bound does not rule out, with their step time and score."""
    space, costs = field.space, field.costs
    power = GOALS[space.request.goal].power
    if field.prune:
        bound = lower_bound_s(space=space, costs=costs, rows=rows, level=rows.level, vpp=rows.vpp)
        score = bound * rows.ranks**power if power else bound
        plain = space.recompute[rows.level] == 0
        useful = pool.thresholds.passes(score, rows.p, plain=plain, likely=rows.likely)
        rows = rows.take(np.flatnonzero(useful))
        if pool.ceiling < np.inf:
            tables = FloorTables(space, costs)
            traffic = least_traffic(space=space, costs=costs, rows=rows, tables=tables)
            least = step_seconds(
                space=space, costs=costs, rows=rows, chunk_rows=field.chunk_rows, traffic=traffic
            )
            rows = rows.take(np.flatnonzero(least * ROUNDING <= pool.ceiling))
    step_s = step_seconds(space=space, costs=costs, rows=rows, chunk_rows=field.chunk_rows)
    return replace(rows, step_s=step_s, score=step_s * rows.ranks**power if power else step_s)


def needed(field: Field, rows: Bases, fits: BoolArray, likely: BoolArray, offload: float) -> BoolArray:
    """Layouts that are not certainly beaten by one that answers the same questions, shape ``[Z, L, B]``."""
    wins = lighter_wins(space=field.space, costs=field.costs, rows=rows) if offload == 0 else None
    keep = np.zeros_like(fits)
    for kind in (fits, likely):
        chosen = kind.copy()
        if wins is not None:
            earlier = np.zeros_like(fits[:, 0])
            for level in range(fits.shape[1]):
                chosen[:, level] &= ~(earlier & wins)
                earlier |= kind[:, level]
        _drop_beaten_sharding(field.space, kind, chosen)
        keep |= chosen
    return keep


def _drop_beaten_sharding(space: Space, kind: BoolArray, chosen: BoolArray) -> None:
    """ZeRO-2 where ZeRO-1 is of the same kind."""
    one, two = np.flatnonzero(space.shardings == 1), np.flatnonzero(space.shardings == 2)
    if len(one) and len(two):
        chosen[two[0]] &= ~kind[one[0]]
