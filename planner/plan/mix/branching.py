"""Branch and bound over the orders in which jobs end: few whole numbers, each of which decides much.

A general solver spends most of its time on cuts and heuristics, which the orders of a few jobs do not need: a
linear program each, the most open whole number split in two, the more promising half first. The bound is the
least of what is left open, so that an optimum is proven exactly as a solver proves it.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.mix.highs import Solution, solved

if TYPE_CHECKING:
    from planner.model.sharing import Linear
    from planner.types import FloatArray, IntArray

__all__ = ["MOST_PROGRAMS", "branched"]

MOST_PROGRAMS: Final = 80
"""Linear programs after which the solver's own branch and bound is quicker."""
_WHOLE: Final = 1e-6
_EQUAL: Final = 1e-10
"""Relative: what a branch must be better by, above the rounding of floating point."""


def branched(program: Linear, first: IntArray) -> Solution | None:
    """Solve a program with columns of 0 or 1 to proven optimality; None where nothing satisfies it.

    Parameters
    ----------
    program
        Whose whole columns are 0 or 1.
    first : array of int
        Whole columns to split before the others.

    Returns
    -------
    Solution
        With the duals of the linear program in which whole columns are fixed. Beyond `MOST_PROGRAMS` it is
        the solver's.
    """
    loose = replace(program, integer=np.zeros_like(program.integer))
    ranks = [np.asarray(first).ravel(), np.flatnonzero(program.integer)]
    root = solved(loose)
    if root is None:
        return None
    best: Solution | None = None
    left: list[tuple[float, int, Linear, FloatArray]] = [(root.cost, 0, loose, root.x)]
    count = 1
    while left and _better(left[0][0], best):
        _, _, node, x = heapq.heappop(left)
        column = _open(x, ranks)
        while column is not None:
            halves = []
            for value in (0.0, 1.0):
                half = _set(node, column, value)
                found = solved(half)
                count += 1
                if found is not None and _better(found.cost, best):
                    halves.append((found.cost, count, half, found.x))
            if count > MOST_PROGRAMS:
                return solved(program)
            if not halves:
                break
            halves.sort(key=lambda one: one[:2])
            for other in halves[1:]:
                heapq.heappush(left, other)
            _, _, node, x = halves[0]
            column = _open(x, ranks)
        else:
            # Again with all whole numbers exactly so: its duals are the prices.
            end = solved(program.fixed(x))
            best = end if end is not None and _better(end.cost, best) else best
    return best


def _better(cost: float, best: Solution | None) -> bool:
    return best is None or cost < best.cost - _EQUAL * abs(best.cost)


def _open(x: FloatArray, ranks: list[IntArray]) -> int | None:
    """Return the column farthest from a whole number, of the first rank that has one."""
    for columns in ranks:
        away = np.abs(x[columns] - np.rint(x[columns]))
        if away.size and away.max() > _WHOLE:
            return int(columns[np.argmax(away)])
    return None


def _set(node: Linear, column: int, value: float) -> Linear:
    low, high = node.low.copy(), node.high.copy()
    low[column] = high[column] = value
    return replace(node, low=low, high=high)
