"""The program of finishing early: phases end when jobs do, and their lengths are part of the answer.

With ``m`` jobs that end there are ``m`` phases, each of which ends with one of them: ``z[j,k]`` is 1 where
job ``j`` ends with phase ``k`` or later, and only there it runs; ``m - k`` of the jobs do. Group-days, not
accelerators, are the unknowns, so that a phase of unknown length is linear: everything that is bounded per
day is bounded by a multiple of ``D[k]``. Then with ``e[j,k]`` the days of phase ``k`` in which ``j`` has not
ended, and ``M[k]`` the k-th deadline::

    minimise  sum of weight[j] e[j,k]      D[k] - M[k] (1 - z[j,k]) <= e[j,k] <= D[k], M[k] z[j,k]
    curve     y[k,t,a]  <=  width[a] s[t] e[j,k]
    in time   sum of rate[a] y over k' <= k  >=  amount (1 - z[j,k+1])

and the day on which ``j`` ends is the sum of its ``e[j,k]``, which its deadline bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.model.sharing.alike import alike_hours
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
    goes_on = builder.add_columns((m, m), low=np.arange(m) == 0, high=1.0, integer=True)
    builder.put(builder.add_rows((m,), low=m - np.arange(m), high=m - np.arange(m))[None], goes_on, 1.0)
    falls = builder.add_rows((m, m - 1), low=0.0)
    builder.put(falls, goes_on[:, :-1], 1.0)
    builder.put(falls, goes_on[:, 1:], -1.0)
    weights = np.array([0.0 if alike else tasks[place].weight for place in ending])
    left = _days_left(builder, length, goes_on, most, weights)
    for place, columns in zip(ending, left, strict=True):
        builder.put(builder.add_rows((1,), high=min(tasks[place].deadline, days)), columns, 1.0)
    span = Span(builder=builder, days=most, columns=length)
    day = alike_hours(pool, tasks, priced=False)
    assembly = Assembly(builder, day.pool, "finish", span, most)
    placed: list[Columns] = []
    for place, task in enumerate(day.tasks):
        own = left[ending.index(place)] if task.finite else None
        placed.append(assembly.add(task, np.ones(m), own))
        if task.finite and task.must:
            _done_in_time(builder, task, placed[-1], goes_on[ending.index(place)])
    return Program(
        linear=builder.built(),
        columns=tuple(columns.spread(day) for columns in placed),
        capacity=assembly.capacity[:, day.of],
        power=assembly.power[:, day.of] if assembly.power.size else assembly.power,
        days=most,
        length=length,
        goes_on=goes_on,
    )


def _days_left(
    builder: Builder, length: IntArray, goes_on: IntArray, most: FloatArray, weights: FloatArray
) -> IntArray:
    """Columns of the days of each phase in which each job has not ended, ``[J, K]``."""
    m = len(most)
    left = builder.add_columns((m, m), cost=weights[:, None], high=most[None])
    within = builder.add_rows((m, m), high=0.0)
    builder.put(within, left, 1.0)
    builder.put(within, length[None, :], -1.0)
    none = builder.add_rows((m, m), high=0.0)
    builder.put(none, left, 1.0)
    builder.put(none, goes_on, -most[None])
    whole = builder.add_rows((m, m), low=-most[None])
    builder.put(whole, left, 1.0)
    builder.put(whole, length[None, :], -1.0)
    builder.put(whole, goes_on, -most[None])
    return left


def _done_in_time(builder: Builder, task: Task, columns: Columns, goes_on: IntArray) -> None:
    """Say that what ends in a phase has its work done by then, of which nothing is left for later ones.

    Whole numbers imply it; fractions of them do not, and the bound is twice as good with it.
    """
    own = columns.use if task.elastic else columns.use[:, :1]
    for phase in range(len(goes_on) - 1):
        row = builder.add_rows((1,), low=1.0)
        builder.put(row, own[: phase + 1], task.rate / task.amount)
        builder.put(row, goes_on[phase + 1], 1.0)
