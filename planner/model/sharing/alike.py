"""Hours that are alike as one period with their total length, and back.

Where supply, prices and demand are the same in some hours, the mean of what is planned in them is feasible
in each of them at the same cost, since everything is linear: one typical hour stands for them without loss.
Not so where only whole systems are given out, whose mean need not be whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from planner.model.sharing.tasks import Pool, Task
from planner.types import FloatArray, IntArray

__all__ = ["Alike", "alike_hours"]

_DIGITS: Final = 12
"""Of the largest of a day: what agrees in so many differs by rounding only."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Alike:
    """Periods of a day put together.

    Attributes
    ----------
    pool, tasks
        Over the periods that are left, ``C`` of them.
    of : array of int
        Which of these each period of the day belongs to, ``[T]``.
    part : array
        Share of it that the period is, ``[T]``.
    """

    pool: Pool
    tasks: tuple[Task, ...]
    of: IntArray
    part: FloatArray


def alike_hours(pool: Pool, tasks: Sequence[Task], *, priced: bool, apart: bool = False) -> Alike:
    """Put periods together that no row or cost tells apart.

    Parameters
    ----------
    pool, tasks
        Over all periods of the day.
    priced
        Whether costs count: without, hours may differ in the price of electricity.
    apart
        Leave all periods as they are.

    Returns
    -------
    Alike
    """
    periods = len(pool.share)
    of = np.arange(periods) if apart else _kinds(pool, tasks, priced=priced)
    kinds = int(of.max()) + 1
    share = np.zeros(kinds)
    np.add.at(share, of, pool.share)
    part = pool.share / share[of]
    if kinds == periods:
        return Alike(pool=pool, tasks=tuple(tasks), of=np.arange(periods), part=np.ones(periods))
    mean = np.zeros((periods, kinds))
    mean[np.arange(periods), of] = part
    smaller = replace(
        pool,
        free=pool.free @ mean,
        share=share,
        base_watts=pool.base_watts @ mean,
        cap_watts=None if pool.cap_watts is None else pool.cap_watts @ mean,
    )
    fewer = tuple(
        replace(task, usd=task.usd @ mean, demand=None if task.demand is None else task.demand @ mean)
        for task in tasks
    )
    return Alike(pool=smaller, tasks=fewer, of=of, part=part)


def _kinds(pool: Pool, tasks: Sequence[Task], *, priced: bool) -> IntArray:
    """Return which kind each period is of, ``[T]``."""
    rows = [*pool.free, pool.base_watts]
    rows += [] if pool.cap_watts is None else [pool.cap_watts]
    rows += [task.demand for task in tasks if task.demand is not None]
    rows += [row for task in tasks for row in task.usd] if priced else []
    data = np.stack(rows)
    largest = np.abs(data).max(axis=1, keepdims=True)
    data = np.round(data / np.where(largest > 0.0, largest, 1.0), _DIGITS)
    return np.asarray(np.unique(data, axis=1, return_inverse=True)[1]).ravel()
