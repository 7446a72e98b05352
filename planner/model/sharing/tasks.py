"""Jobs and hardware as a program of sharing sees them, and the phases into which deadlines cut the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Pool", "Task", "active_in", "phases_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Groups of like accelerators over the periods of a day.

    Attributes
    ----------
    accelerators : array
        Of each group, ``[G]``.
    system : array
        Accelerators of one system, ``[G]``: what is given out where only whole systems are.
    free : array
        Share of each group that is not set aside, ``[G, T]``.
    share : array
        Of the day, ``[T]``; they add up to 1.
    base_watts : array
        At the meter with all accelerators that are not set aside switched off, ``[T]``.
    cap_watts : array or None
        At the meter, at most, ``[T]``.
    """

    accelerators: FloatArray
    system: FloatArray
    free: FloatArray
    share: FloatArray
    base_watts: FloatArray
    cap_watts: FloatArray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A job: how fast it runs where, what it must do, and what that is worth.

    Activities ``A`` are the segments of its concave curves of rate, group by group. What is said *per
    group-day* holds for a whole group at work for a day.

    Attributes
    ----------
    name : str
        For messages.
    group : array of int
        Group of each activity, ``[A]``.
    width : array
        Share of the group that the segment spans, ``[A]``.
    rate : array
        Units of work per group-day, ``[A]``.
    watts : array
        Of the whole group at work, above those of the group switched off, ``[A]``.
    usd : array
        Cost per group-day in each period, ``[A, T]``: electricity, and rent that ends with the use.
    amount : float
        Units of work to do; 0 for a service.
    demand : array or None
        Units a day that a service is asked for in each period, ``[T]``.
    start, deadline : float
        Days between which it may run.
    must : bool
        Whether its work has to be done (of a service: `share_least` of it).
    share_least : float
        Share of the demand that a service must meet in every period.
    unit_usd, run_usd : float
        Worth of a unit of work, and of all of it done.
    elastic : bool
        Whether its accelerators may differ between the periods of a day.
    single : bool
        Whether it must stay inside one group.
    least, most : float
        Share of the accelerators that it must, and may, have while it may run.
    weight : float
        Of its day of finishing.
    """

    name: str
    group: IntArray
    width: FloatArray
    rate: FloatArray
    watts: FloatArray
    usd: FloatArray
    amount: float = 0.0
    demand: FloatArray | None = None
    start: float = 0.0
    deadline: float = np.inf
    must: bool = True
    share_least: float = 1.0
    unit_usd: float = 0.0
    run_usd: float = 0.0
    elastic: bool = True
    single: bool = False
    least: float = 0.0
    most: float = 1.0
    weight: float = 1.0

    @property
    def finite(self) -> bool:
        """Whether it ends: a service does not."""
        return self.demand is None

    @property
    def groups(self) -> IntArray:
        """Groups on which it can run, each once."""
        return np.unique(self.group)

    def whole_width(self, group: int) -> float:
        """Return the largest share of a group that is of use to it."""
        return float(self.width[self.group == group].sum())


def phases_of(tasks: Sequence[Task], *, days: float) -> FloatArray:
    """Cut the time at every start and deadline: the edges of the phases, ``[K + 1]`` days from 0.

    Within a phase the same jobs may run on every day, all days are alike, and a mean of feasible days is
    feasible: one typical day stands for all of them without loss.
    """
    edges = {0.0, days}
    for task in tasks:
        edges |= {edge for edge in (task.start, task.deadline) if 0.0 < edge < days}
    return np.array(sorted(edges))


def active_in(task: Task, edges: FloatArray) -> BoolArray:
    """Whether a task may run in each phase, ``[K]``."""
    return (task.start <= edges[:-1]) & (edges[1:] <= task.deadline)
