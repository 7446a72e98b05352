"""The program of sharing a cluster: who gets how much of which group, in every period of every phase.

Symbols: ``y[k,t,a]`` group-days of activity ``a`` in period ``t`` of phase ``k``, ``D[k]`` days of the phase,
``s[t]`` share of the day::

    capacity    sum of y over the activities of a group  <=  free[g,t] s[t] D[k]
    power       sum of watts[a] y                        <=  (cap[t] - base[t]) s[t] D[k]
    curve       y[k,t,a]                                 <=  width[a] s[t] D[k]
    work        done  <=  sum of rate[a] y over all time / amount, and done = 1 where it must be
    service     met[k,t]  <=  sum of rate[a] y / demand[t], and share_least s[t] D[k] <= met[k,t] <= s[t] D[k]
    shares      least <= sum of accelerators / all of them <= most

A job that is not elastic has one ``y[k,a]`` for all periods of the day, of which ``s[t]`` falls into period
``t``. A job of one group has a whole number for each group that is 1 where it runs; one that is worth
something only when done has another. Where only whole systems are given out, their numbers are whole columns.

The rates are concave, so that steeper segments are filled first without being told to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.model.sharing.alike import Alike, alike_hours
from planner.model.sharing.linear import Builder, Linear
from planner.model.sharing.tasks import Pool, Task, active_in
from planner.types import FloatArray, IntArray

__all__ = ["Assembly", "Columns", "Objective", "Program", "Span", "sharing_program"]

Objective = Literal["value", "cost", "finish"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Where a task is in the program.

    Attributes
    ----------
    use : array of int
        Columns of group-days, ``[K, T, A]``; of a task that is not elastic the same in all periods.
    part : array
        Share of such a column that falls into the period, ``[T]``.
    work : array of int
        Rows in which work pays for what is done, ``[1]``; of a service for what is met, ``[K, T]``.
    """

    use: IntArray
    part: FloatArray
    work: IntArray

    def spread(self, alike: Alike) -> Columns:
        """Return the same over all periods of the day, where some were put together."""
        work = self.work if self.work.ndim == 1 else self.work[:, alike.of]
        return Columns(use=self.use[:, alike.of], part=self.part[alike.of] * alike.part, work=work)


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """A program with the places of what results need.

    Attributes
    ----------
    capacity : array of int
        Rows, ``[K, T, G]``.
    power : array of int
        Rows, ``[K, T]``; empty without a cap.
    length : array of int
        Columns of the days of each phase, ``[K]``; empty where they are fixed.
    days : array
        Of each phase, ``[K]``, where they are fixed.
    goes_on : array of int
        Columns that are 1 where a task that ends does so at the end of a phase or later, ``[J, K]``; empty
        where phases are fixed.
    """

    linear: Linear
    columns: tuple[Columns, ...]
    capacity: IntArray
    power: IntArray
    days: FloatArray
    length: IntArray
    goes_on: IntArray

    def phase_days(self, x: FloatArray) -> FloatArray:
        """Days of each phase in a solution, ``[K]``."""
        return x[self.length] if len(self.length) else self.days

    def end_days(self, x: FloatArray) -> FloatArray:
        """Days on which the tasks that end do so, in their order, ``[J]``; phases of open length only."""
        until = np.cumsum(self.phase_days(x))
        return np.asarray(until[np.rint(x[self.goes_on].sum(axis=1)).astype(int) - 1])

    def group_days(self, x: FloatArray, place: int) -> FloatArray:
        """Group-days of a task by phase, period and activity, ``[K, T, A]``."""
        columns = self.columns[place]
        return np.asarray(x[columns.use] * columns.part[:, None])


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """Days of the phases: numbers, or columns of the program.

    ``upper`` and ``lower`` add rows bounded by a coefficient ``[K, ...]`` times the days of the phase.
    """

    builder: Builder
    days: FloatArray
    columns: IntArray

    def upper(self, coefficient: FloatArray) -> IntArray:
        """Rows that are at most so much per day of their phase."""
        if not len(self.columns):
            return self.builder.add_rows(coefficient.shape, high=coefficient * self._along(coefficient))
        rows = self.builder.add_rows(coefficient.shape, high=0.0)
        self.builder.put(rows, self._along(coefficient), -coefficient)
        return rows

    def lower(self, coefficient: FloatArray) -> IntArray:
        """Rows that are at least so much per day of their phase."""
        if not len(self.columns):
            return self.builder.add_rows(coefficient.shape, low=coefficient * self._along(coefficient))
        rows = self.builder.add_rows(coefficient.shape, low=0.0)
        self.builder.put(rows, self._along(coefficient), -coefficient)
        return rows

    def _along(self, coefficient: FloatArray) -> FloatArray | IntArray:
        own = self.columns if len(self.columns) else self.days
        return own.reshape(-1, *([1] * (coefficient.ndim - 1)))


class Assembly:
    """Puts the rows and columns of tasks into a builder, over phases of fixed or open length.

    Parameters
    ----------
    pool, objective
        The hardware, and what is wanted.
    span
        Days of the phases.
    most_days : array
        Days that each phase may have at most, ``[K]``.
    """

    def __init__(
        self, builder: Builder, pool: Pool, objective: Objective, span: Span, most_days: FloatArray
    ) -> None:
        self.builder, self.pool, self.objective, self.span, self.most_days = (
            builder, pool, objective, span, most_days,
        )  # fmt: skip
        self.phases = len(most_days)
        ones = np.ones((self.phases, 1, 1))
        self.capacity = span.upper(ones * (pool.share[:, None] * pool.free.T)[None])
        self.power = np.zeros((0, 0), dtype=np.int64)
        if pool.cap_watts is not None:
            left = (1.0 - pool.base_watts / pool.cap_watts) * pool.share
            self.power = span.upper(ones[:, :, 0] * left[None])

    def add(self, task: Task, active: FloatArray, left: IntArray | None = None) -> Columns:
        """Add a task that may run in the phases that are `active`, ``[K]`` of 0 and 1.

        `left` are columns of the days in each phase on which it has not ended, ``[K]``, where these are open.
        """
        builder, pool = self.builder, self.pool
        part = np.ones_like(pool.share) if task.elastic else pool.share
        share = pool.share if task.elastic else np.ones(1)
        priced = task.usd.T if task.elastic else (pool.share @ task.usd.T)[None]
        cost = np.zeros_like(priced) if self.objective == "finish" else priced
        most = task.width * share[:, None] * (self.most_days * active)[:, None, None]
        own = builder.add_columns(most.shape, cost=cost[None], high=most)
        if len(self.span.columns):
            self._within(task, own, np.broadcast_to(task.width * share[:, None], most.shape), left)
        use = np.broadcast_to(own, (self.phases, len(part), own.shape[2]))
        times = part[None, :, None]
        builder.put(self.capacity[:, :, task.group], use, times)
        if self.power.size:
            builder.put(self.power[:, :, None], use, times * task.watts / self._cap[:, None])
        if task.single and left is None:
            self._one_group(task, own, active)
        work = self._worked(task, own) if task.finite else self._served(task, use, part)
        self._shares(task, use, part, active, left)
        return Columns(use=use, part=part, work=work)

    def _within(self, task: Task, own: IntArray, width: FloatArray, left: IntArray | None) -> None:
        """Keep activities within their segments in phases of open length; a job that has ended has none.

        Days of a job of one group are days in that group: those in the others are none. A segment that is
        wider than what is free needs no row of its own, and where a job may end one for all periods.
        """
        builder, free = self.builder, self.pool.free
        narrow = task.width < free.max(axis=1)[task.group]
        if left is None:
            if narrow.any():
                builder.put(self.span.upper(width[:, :, narrow]), own[:, :, narrow], 1.0)
            return
        days = np.broadcast_to(left[:, None], (self.phases, len(task.group)))
        if task.single:
            groups = len(task.groups)
            inside = builder.add_columns((self.phases, groups), high=self.most_days[:, None])
            chosen = self._chosen(task)
            rows = builder.add_rows(inside.shape, high=0.0)
            builder.put(rows, inside, 1.0)
            builder.put(rows, chosen[None], -self.most_days[:, None])
            whole = builder.add_rows((self.phases,), high=0.0)
            builder.put(whole[:, None], inside, 1.0)
            builder.put(whole, left, -1.0)
            days = inside[:, np.searchsorted(task.groups, task.group)]
        rows = builder.add_rows(own[:, :, narrow].shape, high=0.0)
        builder.put(rows, own[:, :, narrow], 1.0)
        builder.put(rows, days[:, None, narrow], -width[:, :, narrow])
        rows = builder.add_rows(days[:, ~narrow].shape, high=0.0)
        builder.put(rows[:, None], own[:, :, ~narrow], 1.0)
        builder.put(rows, days[:, ~narrow], -(free @ self.pool.share)[task.group[~narrow]])

    def _chosen(self, task: Task) -> IntArray:
        """Whole columns, one for each group of a task, of which one is 1."""
        chosen = self.builder.add_columns((len(task.groups),), high=1.0, integer=True)
        self.builder.put(self.builder.add_rows((1,), high=1.0), chosen, 1.0)
        return chosen

    @property
    def _cap(self) -> FloatArray:
        cap = self.pool.cap_watts
        return np.ones_like(self.pool.share) if cap is None else cap

    def _worked(self, task: Task, own: IntArray) -> IntArray:
        """Share of the work that is done: all of it where it must be; what pays when done is done or not."""
        worth = task.unit_usd * task.amount if self._earns else 0.0
        done = self.builder.add_columns((1,), cost=-worth, low=1.0 if task.must else 0.0, high=1.0)
        rows = self.builder.add_rows((1,), low=0.0)
        self.builder.put(rows, done, -1.0)
        self.builder.put(rows[0], own, task.rate / task.amount)
        if task.run_usd > 0.0 and self._earns:
            ended = self.builder.add_columns(
                (1,), cost=-task.run_usd, low=1.0 if task.must else 0.0, high=1.0, integer=True
            )
            enough = self.builder.add_rows((1,), low=0.0)
            self.builder.put(enough, done, 1.0)
            self.builder.put(enough, ended, -1.0)
        return rows

    def _served(self, task: Task, use: IntArray, part: FloatArray) -> IntArray:
        """Rows of the share of the demand of each period that is met, times the days of the period.

        Where it earns nothing no more is met than must be, and the share is no unknown.
        """
        demand = np.zeros_like(part) if task.demand is None else task.demand
        share = np.broadcast_to(self.pool.share, (self.phases, len(part)))
        some = demand > 0.0
        scale = np.where(some, 1.0 / np.where(some, demand, 1.0), 1.0)
        if self._earns:
            met = self.builder.add_columns(share.shape, cost=-(task.unit_usd * demand)[None])
            self.builder.put(self.span.upper(share), met, 1.0)
            if task.must:
                self.builder.put(self.span.lower(share * task.share_least), met, 1.0)
            rows = self.builder.add_rows(share.shape, low=0.0)
            self.builder.put(rows, met, np.where(some, -1.0, 0.0)[None])
        else:
            rows = self.span.lower(share * some * (task.share_least if task.must else 0.0))
        self.builder.put(rows[:, :, None], use, (scale * part)[None, :, None] * task.rate)
        return rows

    @property
    def _earns(self) -> bool:
        return self.objective == "value"

    def _one_group(self, task: Task, own: IntArray, active: FloatArray) -> None:
        for column, group in zip(self._chosen(task), task.groups, strict=True):
            rows = self.builder.add_rows((self.phases, 1, 1), high=0.0)
            self.builder.put(rows, own[:, :, task.group == group], 1.0)
            self.builder.put(rows[:, 0, 0], column, -task.whole_width(group) * self.most_days * active)

    def _shares(
        self, task: Task, use: IntArray, part: FloatArray, active: FloatArray, left: IntArray | None
    ) -> None:
        """At least and at most so much of all accelerators on which it can run."""
        number = self.pool.accelerators
        own = number[task.group] / number[task.groups].sum() * part[:, None]
        share = np.broadcast_to(self.pool.share, (self.phases, len(part)))
        if task.most < 1.0:
            self.builder.put(self.span.upper(share * task.most)[:, :, None], use, own[None])
        if task.least > 0.0:
            floor = share * task.least * active[:, None]
            if left is None:
                rows = self.span.lower(floor)
            else:
                rows = self.builder.add_rows(floor.shape, low=0.0)
                self.builder.put(rows, left[:, None], -floor)
            self.builder.put(rows[:, :, None], use, own[None])

    def whole(self, task: Task, columns: Columns) -> None:
        """Give out whole systems; phases of fixed length only."""
        elastic = task.elastic
        share = self.pool.share if elastic else np.ones(1)
        use = columns.use if elastic else columns.use[:, :1]
        for group in task.groups:
            number, system = self.pool.accelerators[group], self.pool.system[group]
            most = np.floor(number / system)
            count = self.builder.add_columns((self.phases, len(share)), high=most, integer=True)
            rows = self.builder.add_rows(count.shape, low=0.0, high=0.0)
            self.builder.put(rows[:, :, None], use[:, :, task.group == group], 1.0)
            each = (system / number) * share[None] * self.span.days[:, None]
            self.builder.put(rows, count, -each)


def sharing_program(
    *, pool: Pool, tasks: Sequence[Task], edges: FloatArray, objective: Objective, whole: bool = False
) -> Program:
    """Build the program over phases of fixed length.

    Parameters
    ----------
    pool, tasks
        Hardware and jobs.
    edges : array
        Of the phases, ``[K + 1]`` days; see `planner.model.sharing.tasks.phases_of`.
    objective
        ``value``: the least of cost less worth; ``cost``: the least cost. USD over all phases.
    whole
        Give out whole systems.

    Returns
    -------
    Program
        To be minimised.
    """
    builder, days = Builder(), np.diff(edges)
    alike = alike_hours(pool, tasks, priced=True, apart=whole)
    none = np.zeros(0, dtype=np.int64)
    assembly = Assembly(builder, alike.pool, objective, Span(builder=builder, days=days, columns=none), days)
    placed = []
    for task in alike.tasks:
        placed.append(assembly.add(task, active_in(task, edges).astype(float)))
        if whole:
            assembly.whole(task, placed[-1])
    return Program(
        linear=builder.built(),
        columns=tuple(columns.spread(alike) for columns in placed),
        capacity=assembly.capacity[:, alike.of],
        power=assembly.power[:, alike.of] if assembly.power.size else assembly.power,
        days=days,
        length=none,
        goes_on=np.zeros((0, 0), dtype=np.int64),
    )
