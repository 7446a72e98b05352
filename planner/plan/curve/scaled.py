"""The best layout of a training job at every number of accelerators of a curve.

Weak scaling: the batch grows with the accelerators, in proportion to the recipe's on a stated number of them.
Strong scaling: the batch stays. Each point is a whole search, the same as that of `planner.train`; costs of
layers and what a neighbouring point reaches are shared (`planner.search.best`), and lines run in parallel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan import numbers
from planner.plan.capacity.pool import run_all, usable_cores
from planner.plan.solve import FITS, request_of
from planner.search import best
from planner.tables import Strategy

if TYPE_CHECKING:
    from planner.plan.curve.asked import Spot
    from planner.plan.job import Case
    from planner.plan.sweep.training_case import Shared
    from planner.search.costs import Known
    from planner.types import IntArray

__all__ = ["Line", "batches_of", "layouts_of"]

_NEAR: Final = 6
"""Layouts of neighbouring points that are tried first: divisors make one or the other come back."""
_LEAST_IN_PART: Final = 8
"""Points that are worth a process of their own."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One model on one kind of hardware, by one way of scaling.

    Attributes
    ----------
    shared
        The job on its hardware, with its surroundings; layouts that are pinned are in its job.
    scaling
        ``weak`` or ``strong``.
    gpus
        Accelerators available at each point, ascending.
    batches
        Sequences of a step at each point.
    base
        Accelerators on which weak scaling has the recipe's batch.
    """

    model: str
    spot: Spot
    shared: Shared
    scaling: str
    gpus: IntArray
    batches: IntArray
    base: int = 1


def batches_of(case: Case, gpus: IntArray, scaling: str, base: int) -> IntArray:
    """Return sequences of a step for each number of accelerators: the recipe's on `base` of them."""
    given = case.job.global_batch
    if scaling == "strong":
        return np.full(len(gpus), given)
    return np.array([numbers.even(max(given * int(n) / base, 1.0)) for n in gpus])


def layouts_of(lines: Sequence[Line]) -> list[list[Strategy | None]]:
    """Return the best layout of every point of every line, one row each; None where nothing fits."""
    global _LINES
    parts = max(-(-usable_cores() // max(len(lines), 1)), 1)
    tasks = [
        (at, int(some[0]), int(some[-1]) + 1)
        for at, line in enumerate(lines)
        for some in np.array_split(
            np.arange(len(line.gpus)), max(min(parts, len(line.gpus) // _LEAST_IN_PART), 1)
        )
    ]
    _LINES = tuple(lines)
    try:
        done = run_all(_part, tasks)
    finally:
        _LINES = ()
    found: list[list[Strategy | None]] = [[] for _ in lines]
    for (at, _, _), some in zip(tasks, done, strict=True):
        found[at] += some
    return found


_LINES: tuple[Line, ...] = ()
"""What workers inherit."""


def _part(task: tuple[int, int, int]) -> list[Strategy | None]:
    at, start, stop = task
    line = _LINES[at]
    known: Known = {}
    found: list[Strategy | None] = []
    near: list[Strategy] = []
    fits: Sequence[float] = FITS
    for place in range(stop - 1, start - 1, -1):
        case = line.shared.case
        case = replace(case, job=replace(case.job, global_batch=int(line.batches[place])))
        own, level = _best(case, int(line.gpus[place]), known, near, fits)
        found.append(own)
        near = [*near, own][-_NEAR:] if own is not None else near
        if line.scaling == "strong":  # what does not fit here does not on fewer, with the same batch
            fits = fits[level:]
    return found[::-1]


def _best(
    case: Case, gpus: int, known: Known, near: Sequence[Strategy], fits: Sequence[float]
) -> tuple[Strategy | None, int]:
    """Find a layout that likely fits, else one that may, as `planner.plan.solve.find` does.

    Also returns how many of the probabilities were asked for in vain.
    """
    for level, fit in enumerate(fits):
        found = best(
            hardware=case.site.table,
            model=case.job.model,
            software=case.software,
            request=request_of(case, gpus, fit=fit),
            known=known,
            near=near,
        )
        if found is not None:
            return found, level
    return None, len(fits)
