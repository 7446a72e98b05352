"""What a little more of what is scarce is worth: accelerators, power, a day of a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from planner.plan.cluster.words import usd
from planner.plan.mix.optimum import check_finish, optimum
from planner.plan.mix.results import Worth
from planner.units import MEGA, short_number

if TYPE_CHECKING:
    from planner.model.sharing import Task
    from planner.plan.mix.optimum import Found, Tally
    from planner.plan.mix.setup import Setup

__all__ = ["worths"]

MOST_DEADLINES: Final = 6
"""Deadlines that are priced, each by a program of its own."""
_SMALL: Final = 1e-6
_HOURS: Final = 24.0


def worths(setup: Setup, found: Found, tally: Tally) -> tuple[Worth, ...]:
    """Price what is scarce: accelerators and power by the duals, deadlines by solving again."""
    return (*_gpus(setup, found), *_power(setup, found), *_deadlines(setup, found, tally))


def _amount(setup: Setup, value: float) -> str:
    if setup.question.objective == "finish":
        return f"{short_number(value)} days of finishing"
    return usd(value)


def _unit(setup: Setup) -> Literal["USD", "days"]:
    return "days" if setup.question.objective == "finish" else "USD"


def _gpus(setup: Setup, found: Found) -> list[Worth]:
    days = found.priced.phase_days(found.prices.x)
    weight = days[:, None] * setup.pool.share
    total, said = float(days.sum()), []
    for place, group in enumerate(setup.groups):
        own = found.prices.worth[found.priced.capacity[:, :, place]]
        amount = float(np.sum(own * weight)) / group.number
        if amount <= _SMALL * abs(found.objective) / group.number:
            amount = 0.0
            sentence = f"One more accelerator of {group.name} is worth nothing here: some are idle."
        else:
            many = 1000
            each = _amount(setup, amount) if _unit(setup) == "USD" else _amount(setup, many * amount)
            number = "One more accelerator" if _unit(setup) == "USD" else f"{many:,} more accelerators"
            hourly = "" if _unit(setup) == "days" else f", {usd(amount / (total * _HOURS))} an hour"
            verb = "is" if _unit(setup) == "USD" else "are"
            sentence = f"{number} of {group.name} {verb} worth {each} over {total:.4g} days{hourly}."
        said.append(Worth(what="gpu", name=group.name, amount=amount, unit=_unit(setup), sentence=sentence))
    return said


def _power(setup: Setup, found: Found) -> list[Worth]:
    cap = setup.pool.cap_watts
    if cap is None:
        return []
    days = found.priced.phase_days(found.prices.x)
    own = found.prices.worth[found.priced.power] / cap
    amount = float(np.sum(own * days[:, None] * setup.pool.share)) * MEGA
    total = float(days.sum())
    if amount <= _SMALL * abs(found.objective) * MEGA / float(cap.min()):
        amount, sentence = 0.0, "One more megawatt is worth nothing here: the cap does not bind."
    else:
        hourly = "" if _unit(setup) == "days" else f", {usd(amount / (total * _HOURS))} per MWh"
        sentence = f"One more megawatt is worth {_amount(setup, amount)} over {total:.4g} days{hourly}."
    name = setup.groups[0].estate.site.id
    return [Worth(what="megawatt", name=name, amount=amount, unit=_unit(setup), sentence=sentence)]


def _deadlines(setup: Setup, found: Found, tally: Tally) -> list[Worth]:
    if setup.question.whole:
        return []
    said = []
    tasks = setup.tasks
    dated = [p for p, entry in enumerate(setup.entries) if getattr(entry.job, "deadline", None) is not None]
    for place in dated[:MOST_DEADLINES]:
        said.append(_deadline(setup, found, tally, tasks, place))
    return [worth for worth in said if worth is not None]


def _deadline(setup: Setup, found: Found, tally: Tally, tasks: Sequence[Task], place: int) -> Worth | None:
    """Solve again with the deadline a day later, or a day earlier where the plan ends with it."""
    task = tasks[place]
    later = task.deadline + 1.0 <= setup.question.days
    moved = [*tasks]
    moved[place] = replace(task, deadline=task.deadline + (1.0 if later else -1.0))
    if moved[place].deadline <= moved[place].start:
        return None
    if setup.question.objective == "finish":
        ends = found.tasks[place].deadline
        if later and ends < task.deadline * (1.0 - _SMALL):
            sentence = (
                f"The deadline of {task.name} does not bind: it ends {task.deadline - ends:.3g} days before."
            )
            return Worth(what="deadline", name=task.name, amount=0.0, unit="days", sentence=sentence)
        check_finish(moved)
    other = optimum(setup.pool, moved, setup.question, tally)
    when = "later" if later else "earlier"
    if other is None:
        if later:
            return None
        sentence = f"The deadline of {task.name} cannot be a day earlier: nothing would meet it."
        return Worth(what="deadline", name=task.name, amount=0.0, unit=_unit(setup), sentence=sentence)
    amount = abs(found.objective - other.objective)
    if amount <= _SMALL * abs(found.objective):
        amount, words = 0.0, "changes nothing"
    else:
        words = f"{'is worth' if later else 'costs'} {_amount(setup, amount)}"
    return Worth(
        what="deadline",
        name=task.name,
        amount=amount if later else -amount,
        unit=_unit(setup),
        sentence=f"A deadline of {task.name} a day {when} {words}.",
    )
