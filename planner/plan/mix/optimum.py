"""The optimum of a setup: who gets what, when, and what was proven."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import UsageError
from planner.model.sharing import Program, Task, finishing_program, phases_of, sharing_program
from planner.plan.mix.branching import branched
from planner.plan.mix.highs import Solution, solved

if TYPE_CHECKING:
    from planner.model.sharing import Pool
    from planner.plan.mix.asked import Question
    from planner.types import FloatArray

__all__ = ["Found", "Tally", "optimum"]

WHOLE_GAP: Final = 1e-4
"""Relative gap that is good enough where thousands of systems are given out whole: none is worth less."""
_GRAIN: Final = 1e-6
"""Days to which the ends of jobs are rounded up, so that phases of no length vanish."""


@dataclass
class Tally:
    """Programs solved so far, and their time."""

    programs: int = 0
    seconds: float = 0.0
    first_seconds: float = 0.0
    first: Program | None = field(default=None, repr=False)

    def solve(self, program: Program, *, gap: float = 0.0) -> Solution | None:
        """Solve a program and count it."""
        began = time.perf_counter()
        found = (
            branched(program.linear, program.goes_on)
            if program.goes_on.size
            else solved(program.linear, gap=gap)
        )
        took = time.perf_counter() - began
        self.programs += 1
        self.seconds += took
        if self.first is None:
            self.first, self.first_seconds = program, took
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """An optimum.

    Attributes
    ----------
    program, solution
        Over phases of fixed length: who gets what.
    priced, prices
        The program of the objective and its solution, whose duals are prices; the same but for ``finish``.
    tasks
        As solved: with ``finish``, their deadlines are the days on which they end.
    edges : array
        Of the phases, days.
    objective : float
        What was minimised.
    gap : float
        Relative; 0 where the optimum is proven.
    """

    program: Program
    solution: Solution
    priced: Program
    prices: Solution
    tasks: tuple[Task, ...]
    edges: FloatArray
    objective: float
    gap: float

    def use(self, place: int) -> FloatArray:
        """Share of its group that each activity of a task has, ``[K, T, A]``."""
        days = np.diff(self.edges)
        own = self.program.group_days(self.solution.x, place)
        return np.asarray(own * own.shape[1] / days[:, None, None])


def optimum(pool: Pool, tasks: Sequence[Task], question: Question, tally: Tally) -> Found | None:
    """Solve for the objective of the question; None where nothing satisfies the jobs.

    With ``finish`` the days on which jobs end come first; among all plans that end so, the cheapest is taken.

    Raises
    ------
    UsageError
        Nothing ends, or a job starts late, where the objective is to finish early.
    """
    if question.objective != "finish":
        edges = phases_of(tasks, days=question.days)
        program = sharing_program(
            pool=pool, tasks=tasks, edges=edges, objective=question.objective, whole=question.whole
        )
        solution = tally.solve(program, gap=WHOLE_GAP if question.whole else 0.0)
        if solution is None:
            return None
        return Found(
            program=program,
            solution=solution,
            priced=program,
            prices=solution,
            tasks=tuple(tasks),
            edges=edges,
            objective=solution.cost,
            gap=solution.gap,
        )
    check_finish(tasks)
    first = finishing_program(pool=pool, tasks=tasks, days=question.days)
    order = tally.solve(first)
    if order is None:
        return None
    ends = iter(np.ceil(first.end_days(order.x) / _GRAIN + 1.0) * _GRAIN)
    fixed = [replace(t, deadline=min(float(next(ends)), question.days)) if t.finite else t for t in tasks]
    edges = phases_of(fixed, days=question.days)
    program = sharing_program(pool=pool, tasks=fixed, edges=edges, objective="cost")
    solution = tally.solve(program)
    if solution is None:
        return None
    return Found(
        program=program,
        solution=solution,
        priced=first,
        prices=order,
        tasks=tuple(fixed),
        edges=edges,
        objective=order.cost,
        gap=order.gap,
    )


def check_finish(tasks: Sequence[Task]) -> None:
    """Refuse what the objective of finishing cannot have; raises `UsageError`."""
    if not any(task.finite for task in tasks):
        raise UsageError(
            "--objective finish: no job ends; choose --objective cost or value, or add one that does"
        )
    late = [task.name for task in tasks if task.finite and task.start > 0.0]
    if late:
        raise UsageError(
            f"--objective finish takes jobs that may all start at once, and {late[0]!r} starts later; leave "
            "start out, or choose --objective cost"
        )
