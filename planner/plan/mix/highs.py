"""SciPy's HiGHS: the optimum of a program, proven, and what a little more of each row would be worth."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import MissingExtraError, PlannerError
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.model.sharing import Linear

__all__ = ["MOST_SECONDS", "Solution", "require_solver", "solved"]

MOST_SECONDS: Final = 30.0
"""After this the best solution found is returned, with the gap that is left to prove."""
PURPOSE: Final = "planner mix"
_INFEASIBLE: Final = 2
_OUT_OF_TIME: Final = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """An optimum.

    Attributes
    ----------
    x : array
        Columns, ``[N]``.
    cost : float
        What was minimised.
    gap : float
        Between this cost and the best that is possible, relative; 0 where the optimum is proven.
    worth : array
        Fall of the cost per unit by which the bounds of a row are raised, ``[M]``; whole columns held fixed.
    """

    x: FloatArray
    cost: float
    gap: float
    worth: FloatArray


def require_solver() -> None:
    """Raise `MissingExtraError` where SciPy is not installed, before anything else takes time."""
    import importlib.util

    if importlib.util.find_spec("scipy") is None:
        raise MissingExtraError("solve", PURPOSE)


def solved(program: Linear, *, gap: float = 0.0) -> Solution | None:
    """Solve a program to proven optimality, or to a gap; None where nothing satisfies it.

    A program with whole columns is solved again as a linear one with these fixed at their optimum: its duals
    are the prices of what is scarce.

    Raises
    ------
    MissingExtraError
        SciPy is not installed.
    PlannerError
        The solver gave up without a solution.
    """
    found = _run(program, gap)
    if found is None:
        return None
    left = 0.0
    if program.integer.any():
        left = float(getattr(found, "mip_gap", 0.0) or 0.0)
        again = _run(program.fixed(found.x), gap)
        found = found if again is None else again
        if again is None:
            return Solution(x=found.x, cost=float(found.fun), gap=left, worth=np.zeros(len(program.row_low)))
    return Solution(x=found.x, cost=float(found.fun), gap=left, worth=_worth(program, found))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the solver's own words, which it now and then writes past Python, off stdout."""
    try:
        own = os.dup(1)
    except OSError:  # nobody listens
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        _flush()
        os.dup2(nowhere, 1)
        yield
    finally:
        _flush()
        os.dup2(own, 1)
        os.close(own)
        os.close(nowhere)


def _flush() -> None:
    """Write out what C and Python hold back for stdout."""
    import ctypes

    with suppress(OSError, ValueError, AttributeError, TypeError):
        sys.stdout.flush()
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


def _split(program: Linear) -> tuple[Any, Any, Any]:
    """Rows that are equal, bounded above and bounded below: masks."""
    equal = program.row_low == program.row_high
    return equal, ~equal & np.isfinite(program.row_high), ~equal & np.isfinite(program.row_low)


def _run(program: Linear, gap: float) -> Any:
    try:
        from scipy.optimize import linprog
        from scipy.sparse import csr_array, vstack
    except ImportError as error:
        raise MissingExtraError("solve", PURPOSE) from error
    shape = (len(program.row_low), len(program.cost))
    matrix = csr_array((program.value, (program.row, program.column)), shape=shape)
    equal, above, below = _split(program)
    scale = float(np.abs(program.cost).max(initial=0.0)) or 1.0
    upper = vstack([matrix[above], -matrix[below]]) if (above | below).any() else None
    whole = bool(program.integer.any())
    with _quiet():
        found = linprog(
            program.cost / scale,
            A_ub=upper,
            b_ub=None
            if upper is None
            else np.concatenate([program.row_high[above], -program.row_low[below]]),
            A_eq=matrix[equal] if equal.any() else None,
            b_eq=program.row_low[equal] if equal.any() else None,
            bounds=np.stack([program.low, program.high], axis=1),
            method="highs",
            integrality=program.integer.astype(int) if whole else None,
            options={"time_limit": MOST_SECONDS} | ({"mip_rel_gap": gap} if whole else {}),
        )
    if found.status == _INFEASIBLE:
        return None
    if found.x is None or found.status not in (0, _OUT_OF_TIME):
        raise PlannerError(f"HiGHS gave up: {found.message}; write fewer jobs, or fewer periods")
    found.fun = float(program.cost @ found.x)
    found.scale = scale
    return found


def _worth(program: Linear, found: Any) -> FloatArray:
    """Duals by row: fall of the cost per unit of the bound."""
    equal, above, below = _split(program)
    worth = np.zeros(len(program.row_low))
    upper = found.ineqlin.marginals
    number = int(above.sum())
    worth[above] -= upper[:number]
    worth[below] += upper[number:]
    worth[equal] -= found.eqlin.marginals
    return np.asarray(worth * found.scale)
