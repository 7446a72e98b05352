"""The program of finishing early: phases end when jobs do, and their lengths are part of the answer.

With ``m`` jobs that end there are ``m`` phases, each of which ends with one of them: ``u[j,k]`` is 1 where
job ``j`` ends phase ``k``, and job ``j`` runs in phase ``k`` only where it ends there or later. Group-days,
not accelerators, are the unknowns, so that a phase of unknown length is linear: everything that is bounded
per day is bounded by a multiple of ``D[k]``. Then with ``z[j,k]`` the sum of ``u[j,k']`` over ``k' >= k``,
``e[j,k]`` the days of phase ``k`` in which ``j`` has not ended, and ``M[k]`` the k-th deadline::

    minimise  sum of weight[j] e[j,k]      D[k] - M[k] (1 - z[j,k]) <= e[j,k] <= D[k], M[k] z[j,k]
    curve     y[k,t,a]  <=  width[a] s[t] e[j,k]

and the day on which ``j`` ends is the sum of its ``e[j,k]``, which its deadline bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.model.sharing.linear import Builder
from planner.model.sharing.program import Assembly, Columns, Program, Span
from planner.model.sharing.tasks import Pool, Task
from planner.types import FloatArray, IntArray

__all__ = ["finishing_program"]


def finishing_program(*, pool: Pool, tasks: Sequence[Task], days: float) -> Program:
    """Build the program of the least weighted sum of finishing days.

    Parameters
    ----------
    pool, tasks
        Hardware and jobs; at least one ends, and none of these starts late.
    days
        In which everything has to end.

    Returns
    -------
    Program
        To be minimised; its phases are those until the last job ends.
    """
    ending = [place for place, task in enumerate(tasks) if task.finite]
    m = len(ending)
    # k jobs have ended by the k-th deadline, so that the k-th to end does so by then.
    most = np.sort([min(tasks[place].deadline, days) for place in ending])
    builder = Builder()
    # Days of a phase are paid for by each job that has not ended: m - k of them, where all weigh the same.
    alike = len({tasks[place].weight for place in ending}) == 1
    paid = tasks[ending[0]].weight * (m - np.arange(m)) if alike else np.zeros(m)
    length = builder.add_columns((m,), cost=paid, high=most)
    rows = builder.add_rows((m,), high=most)
    builder.put(rows[:, None], length[None, :], np.tril(np.ones((m, m))))
    ends = builder.add_columns((m, m), high=1.0, integer=True)
    one = builder.add_rows((2, m), low=1.0, high=1.0)
    builder.put(one[0][:, None], ends, 1.0)
    builder.put(one[1][None, :], ends, 1.0)
    weights = np.array([0.0 if alike else tasks[place].weight for place in ending])
    left = _days_left(builder, length, ends, most, weights)
    for place, columns in zip(ending, left, strict=True):
        builder.put(builder.add_rows((1,), high=min(tasks[place].deadline, days)), columns, 1.0)
    span = Span(builder=builder, days=most, columns=length)
    assembly = Assembly(builder, pool, "finish", span, most)
    placed: list[Columns] = []
    for place, task in enumerate(tasks):
        own = left[ending.index(place)] if task.finite else None
        placed.append(assembly.add(task, np.ones(m), own))
    return Program(
        linear=builder.built(),
        columns=tuple(placed),
        capacity=assembly.capacity,
        power=assembly.power,
        days=most,
        length=length,
        ends=ends,
    )


def _days_left(
    builder: Builder, length: IntArray, ends: IntArray, most: FloatArray, weights: FloatArray
) -> IntArray:
    """Columns of the days of each phase in which each job has not ended, ``[J, K]``."""
    m = len(most)
    later = np.triu(np.ones((m, m)))  # [k, k']: k' at k or later
    left = builder.add_columns((m, m), cost=weights[:, None], high=most[None])
    within = builder.add_rows((m, m), high=0.0)
    builder.put(within, left, 1.0)
    builder.put(within, length[None, :], -1.0)
    none = builder.add_rows((m, m), high=0.0)
    builder.put(none, left, 1.0)
    builder.put(none[:, :, None], ends[:, None, :], -(most[:, None] * later)[None])
    whole = builder.add_rows((m, m), low=-most[None])
    builder.put(whole, left, 1.0)
    builder.put(whole, length[None, :], -1.0)
    builder.put(whole[:, :, None], ends[:, None, :], -(most[:, None] * later)[None])
    return left
