"""The least memory that any layout needs, and the fewest accelerators on which one fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.search.fit import FloorTables, memory_floor, peak_bytes
from planner.search.request import MOST_ACCELERATORS
from planner.search.space import Bases, bases, groups
from planner.search.sweep import CHUNK_BASES, Field

__all__ = ["Least", "fewest_accelerators", "least_memory", "legal_within", "smallest"]

FIRST_GROUPS = 256


@dataclass(frozen=True, eq=False)
class Least:
    """The layout that needs the least memory, or the first found that needs little enough."""

    allocated_bytes: float
    base: Bases  # one row
    sharding: int  # index into SHARDINGS
    level: int
    offload: float


def least_memory(field: Field, *, accelerators: int, enough: float = -np.inf) -> Least | None:
    """Find the layout that allocates the least, or the first below `enough`, on up to `accelerators`.

    Groups come in the order of their floors, so that few need a closer look. None where no layout is legal.
    """
    space, costs = field.space, field.costs
    tables = FloorTables(space, costs)
    best: Least | None = None
    for found in groups(space, accelerators):
        g = found.take(np.flatnonzero(costs.finite[found.t]))
        floor = memory_floor(space=space, costs=costs, rows=g, tables=tables).least()
        order = np.argsort(floor, kind="stable")
        if np.isfinite(enough):
            order = order[: np.searchsorted(floor[order], enough, side="right")]
        start, size = 0, FIRST_GROUPS
        while start < len(order) and (best is None or floor[order[start]] < best.allocated_bytes):
            rows = bases(space, g.take(order[start : start + size]))
            start, size = start + size, 2 * size
            best = _lesser(best, _least_of(field, rows))
            if best is not None and best.allocated_bytes <= enough:
                return best
    return best


def _lesser(a: Least | None, b: Least | None) -> Least | None:
    if a is None or b is None:
        return a or b
    return b if b.allocated_bytes < a.allocated_bytes else a


def _least_of(field: Field, rows: Bases) -> Least | None:
    """Find the least of some bases."""
    best: Least | None = None
    for start in range(0, len(rows), CHUNK_BASES):
        chunk = rows.take(slice(start, start + CHUNK_BASES))
        for offload in field.space.offloads:
            peak = peak_bytes(space=field.space, costs=field.costs, rows=chunk, offload=float(offload))
            z, level, i = np.unravel_index(int(np.argmin(peak)), peak.shape)
            if np.isfinite(peak[z, level, i]):
                found = Least(
                    allocated_bytes=float(peak[z, level, i]),
                    base=chunk.take(slice(int(i), int(i) + 1)),
                    sharding=int(field.space.shardings[z]),
                    level=int(level),
                    offload=float(offload),
                )
                best = _lesser(best, found)
    return best


def legal_within(field: Field, accelerators: int) -> bool:
    """Whether any layout is legal on up to that many accelerators."""
    return any(np.any(field.costs.finite[g.t]) for g in groups(field.space, accelerators))


def smallest(holds: Callable[[int], bool], *, start: int, most: int) -> int | None:
    """Smallest whole number from `start` to `most` for which a monotone condition holds, or None."""
    low, high = start - 1, start
    while not holds(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def fewest_accelerators(field: Field, *, start: int = 1, most: int = MOST_ACCELERATORS) -> int | None:
    """Fewest accelerators on which any layout fits, or None where none does on up to `most`.

    Whatever is legal on some accelerators is legal on more, and the largest data-parallel size that has
    room needs no more memory, so a binary search finds the edge.
    """

    def fits(accelerators: int) -> bool:
        least = least_memory(field, accelerators=accelerators, enough=field.limit)
        return least is not None and least.allocated_bytes <= field.limit

    return smallest(fits, start=start, most=most)
