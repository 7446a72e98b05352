"""Where nothing satisfies the jobs: which of them fails by how much, and what would mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.sharing import Program, phases_of, sharing_program
from planner.model.sharing.linear import Slack
from planner.plan.cluster.words import watts
from planner.plan.document import Nearest
from planner.plan.mix.highs import solved
from planner.types import FloatArray, IntArray
from planner.units import MEGA, short_number

if TYPE_CHECKING:
    from planner.model.sharing import Pool, Task
    from planner.plan.mix.setup import Setup

__all__ = ["mended"]

_LATEST: Final = 16.0
"""Times a deadline up to which a later one is looked for."""
_NEAR: Final = 0.002
"""Relative accuracy of a later deadline."""
_SMALL: Final = 1e-6
_CHEAP: Final = 1e-3
"""Accelerators that a megawatt counts for, where both are short."""


def mended(setup: Setup) -> tuple[tuple[str, ...], tuple[Nearest, ...]]:
    """Return why nothing satisfies the jobs, and single changes each of which would be enough."""
    pool, tasks, days = setup.pool, setup.tasks, setup.question.days
    if pool.cap_watts is not None and np.any(pool.base_watts >= pool.cap_watts):
        return _dark(pool)
    program = _program(pool, tasks, days)
    slacks = _undone(program, tasks, pool)
    least = _least(program, slacks)
    if least is None:
        why = (
            "the shares that jobs must have at least (least) add up to more than the cluster, or more than "
            "the power cap carries"
        )
        return (why,), (Nearest(field="jobs.least", value=None, sentence="lower the least of some jobs"),)
    reasons = tuple(_short(task, share) for task, share in zip(tasks, least, strict=True) if share > _SMALL)
    if not reasons:
        reasons = ("whole systems do not divide so; leave --whole out",)
    late = [place for place, share in enumerate(least) if share > _SMALL]
    nearest = [
        *_later(setup, late),
        *_less(setup, program, slacks),
        *_more(setup, program),
    ]
    return reasons, tuple(nearest)


def _program(pool: Pool, tasks: Sequence[Task], days: float) -> Program:
    return sharing_program(pool=pool, tasks=tasks, edges=phases_of(tasks, days=days), objective="cost")


def _dark(pool: Pool) -> tuple[tuple[str, ...], tuple[Nearest, ...]]:
    cap = np.zeros(1) if pool.cap_watts is None else pool.cap_watts
    short = float(np.max(pool.base_watts - cap))
    needed = float(pool.base_watts.max())
    reason = (
        f"with no job at work, the reserve, the network and what stays on draw {watts(needed / MEGA)}, "
        f"{watts(short / MEGA)} more than the cap"
    )
    mend = f"allow more than {watts(needed / MEGA)}"
    return (reason,), (Nearest(field="power_cap_megawatts", value=needed / MEGA, sentence=mend),)


def _undone(program: Program, tasks: Sequence[Task], pool: Pool) -> list[Slack]:
    """Slack of each task: share of its work, or of a service's demand in every period, that is not done."""
    found = []
    for task, columns in zip(tasks, program.columns, strict=True):
        value: FloatArray | float = 1.0
        if not task.finite:
            value = (program.days[:, None] * pool.share).ravel()
        most = 1.0 if task.must else 0.0
        found.append(Slack(columns.work.ravel(), value, 1.0, most))
    return found


def _least(program: Program, slacks: Sequence[Slack]) -> FloatArray | None:
    """Return the least slack of each kind that satisfies everything else."""
    solution = solved(program.linear.relaxed(tuple(slacks)))
    return None if solution is None else solution.x[len(program.linear.cost) :]


def _short(task: Task, share: float) -> str:
    done = f"{max(1.0 - share, 0.0):.1%}"
    if task.finite:
        return f"{task.name}: {done} of its tokens are done by its deadline, day {task.deadline:g}"
    asked = f", of {task.share_least:.0%} that it must serve" if task.share_least < 1.0 else ""
    met = max(task.share_least - share, 0.0)
    return f"{task.name}: {met:.1%} of the demand of its worst hour is served{asked}"


def _later(setup: Setup, late: Sequence[int]) -> list[Nearest]:
    """Later deadlines: of each late job alone, or of all jobs alike where none alone is enough."""
    tasks, found = setup.tasks, []
    ending = [place for place in late if tasks[place].finite]
    for place in ending:
        day = _bisected(setup, [place])
        if day is not None:
            task = tasks[place]
            days = f"{short_number(day - task.deadline)} days later"
            found.append(
                Nearest(
                    field=f"jobs.{task.name}.deadline",
                    value=day,
                    sentence=f"move the deadline of {task.name} from day {task.deadline:g} to day "
                    f"{day:.4g}, {days}",
                )
            )
    everyone = [place for place, task in enumerate(tasks) if task.finite and task.must]
    if not found and len(everyone) > 1:
        day = _bisected(setup, everyone)
        if day is not None:
            more = day / max(tasks[place].deadline for place in everyone)
            found.append(
                Nearest(
                    field="jobs.deadline",
                    value=more,
                    sentence=f"move all deadlines out by {more - 1.0:.0%}, the last to day {day:.4g}",
                )
            )
    return found


def _bisected(setup: Setup, places: Sequence[int]) -> float | None:
    """Return the earliest last deadline of some jobs, all delayed by one factor, that can be met."""
    last = max(setup.tasks[place].deadline for place in places)

    def meets(factor: float) -> bool:
        tasks = [
            replace(task, deadline=task.deadline * factor) if place in places else task
            for place, task in enumerate(setup.tasks)
        ]
        return solved(_program(setup.pool, tasks, max(setup.question.days, last * factor)).linear) is not None

    low, high = 1.0, 1.0
    while not meets(high := high * 2.0):
        low = high
        if high >= _LATEST:
            return None
    while high - low > _NEAR * low:
        middle = (low + high) / 2.0
        low, high = (low, middle) if meets(middle) else (middle, high)
    return last * high


def _less(setup: Setup, program: Program, slacks: Sequence[Slack]) -> list[Nearest]:
    """Less work of one job, or less of the demand of one service; all of the reserve."""
    found = []
    for place, task in enumerate(setup.tasks):
        if not task.must:
            continue
        alone = _least(program, [slacks[place]])
        if alone is None or alone[0] >= (1.0 if task.finite else task.share_least) - _SMALL:
            continue
        if task.finite:
            tokens = short_number((1.0 - alone[0]) * task.amount / MEGA / MEGA)
            sentence = f"train {task.name} on {1.0 - alone[0]:.1%} of its tokens, {tokens}T"
            value = (1.0 - alone[0]) * task.amount
            field = f"jobs.{task.name}.tokens"
        else:
            value = task.share_least - alone[0]
            sentence = f"serve {value:.1%} of the demand of {task.name} in its worst hour"
            field = f"jobs.{task.name}.share_least"
        found.append(Nearest(field=field, value=float(value), sentence=sentence))
    if np.any(setup.reserved > 0.0):
        from planner.plan.mix.setup import pool_of

        bare = pool_of(setup.question, setup.groups, np.zeros_like(setup.reserved))
        if solved(_program(bare, setup.tasks, setup.question.days).linear) is not None:
            found.append(Nearest(field="jobs.share", value=0.0, sentence="give up the reserve"))
    return found


def _more(setup: Setup, program: Program) -> list[Nearest]:
    """More accelerators of one group, more power."""
    found = []
    pool = setup.pool
    weight = -(program.days[:, None] * pool.share)
    power = Slack(program.power.ravel(), 0.0)
    if pool.cap_watts is not None:
        power = Slack(program.power.ravel(), (weight * MEGA / pool.cap_watts).ravel())
    for place, group in enumerate(setup.groups):
        rows: IntArray = program.capacity[:, :, place].ravel()
        slacks = [Slack(rows, weight.ravel() / group.number)]
        if pool.cap_watts is not None:
            slacks.append(power._replace(weight=_CHEAP))
        extra = _least(program, slacks)
        if extra is not None and extra[0] > _SMALL:
            number = int(np.ceil(extra[0] / group.system - _SMALL)) * group.system
            also = f" and {watts(float(extra[1]))} at all hours" if extra[1:].sum() > _SMALL else ""
            found.append(
                Nearest(
                    field=f"groups.{group.name}",
                    value=group.number + number,
                    sentence=f"add {number:,} accelerators of {group.name}{also}",
                )
            )
    if pool.cap_watts is not None:
        extra = _least(program, [power])
        if extra is not None:
            cap = float(pool.cap_watts.min()) / MEGA + float(extra[0])
            sentence = f"allow {watts(float(extra[0]))} more at all hours"
            found.append(Nearest(field="power_cap_megawatts", value=cap, sentence=sentence))
    return found
