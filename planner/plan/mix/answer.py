"""From an optimum to the answer: what each job, group and period gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from planner.plan.document import Interval
from planner.plan.mix import results
from planner.units import KILO, MEGA
from planner.workload.jobs import Reserve, Service

if TYPE_CHECKING:
    from planner.model.sharing import Task
    from planner.plan.mix.optimum import Found
    from planner.plan.mix.setup import Entry, Setup
    from planner.types import FloatArray

__all__ = ["Use", "job_rows", "period_rows", "totals_of", "use_of"]

_HOURS: Final = 24.0
_SMALL: Final = 1e-6
_FULL: Final = 0.9999


class Use(NamedTuple):
    """Who has what, arrays over phases ``K``, periods ``T``, jobs ``J`` and groups ``G``.

    Attributes
    ----------
    gpus : array
        Accelerators, ``[J, K, T, G]``.
    work : array
        Units done in the period on all days of the phase, ``[J, K, T]``.
    watts : array
        On average, above accelerators at rest, ``[J, K, T]``.
    peak : array
        The same as a cap counts them, ``[J, K, T]``.
    usd : array
        Cost in the period on all days of the phase, ``[J, K, T]``.
    hours : array
        Of the period on all days of the phase, ``[K, T]``.
    """

    gpus: FloatArray
    work: FloatArray
    watts: FloatArray
    peak: FloatArray
    usd: FloatArray
    hours: FloatArray


def use_of(setup: Setup, found: Found) -> Use:
    """Read a solution."""
    groups, periods = len(setup.groups), setup.question.periods
    days = np.diff(found.edges)
    phases, jobs = len(days), len(setup.entries)
    spent = days[:, None] / periods * np.ones(periods)
    gpus = np.zeros((jobs, phases, periods, groups))
    work, watts, peak, usd = (np.zeros((jobs, phases, periods)) for _ in range(4))
    for place, task in enumerate(found.tasks):
        share = found.use(place)
        share = np.where(share > _SMALL, share, 0.0)
        for activity, group in enumerate(task.group):
            gpus[place, :, :, group] += share[:, :, activity] * setup.pool.accelerators[group]
        work[place] = share @ task.rate * spent
        watts[place] = share @ setup.entries[place].watts
        peak[place] = share @ task.watts
        usd[place] = np.sum(share * task.usd.T[None], axis=2) * spent
        if task.demand is not None:
            work[place] = np.minimum(work[place], task.demand * spent)
    return Use(gpus, work, watts, peak, usd, spent * _HOURS)


def job_rows(setup: Setup, found: Found, use: Use) -> tuple[results.Job, ...]:
    """One row for each job of the file, in its order; a job left out has nothing."""
    entries = {entry.job.name: place for place, entry in enumerate(setup.entries)}
    rows = []
    for job in setup.question.jobs.jobs:
        if isinstance(job, Reserve):
            rows.append(_reserve(setup, job))
        elif job.name in entries:
            place = entries[job.name]
            rows.append(_job(setup, setup.entries[place], found, use, place))
        else:
            rows.append(_left_out(job))
    return tuple(rows)


def _job(setup: Setup, entry: Entry, found: Found, use: Use, place: int) -> results.Job:
    task, job = found.tasks[place], entry.job
    hours, gpus = use.hours, use.gpus[place]
    done = float(use.work[place].sum())
    plan_hours = float(hours.sum())
    gpu_hours = float(np.sum(gpus * hours[..., None]))
    running = gpus.sum(axis=2) > _SMALL
    service = task.demand is not None
    wanted = float(np.sum(task.demand * hours)) / _HOURS if task.demand is not None else task.amount
    share = min(done / wanted, 1.0) if wanted else 1.0
    whole = not service and share > _FULL
    worth = task.unit_usd * min(done, wanted) + (task.run_usd if whole else 0.0)
    ends = _ends(setup, entry, found, use, place) if whole else None
    given = entry.task.deadline
    return results.Job(
        name=job.name,
        kind=job.kind,
        model=job.model,
        gpus=gpu_hours / float(hours[running].sum()) if running.any() else 0.0,
        gpus_by_group={
            group.name: float(np.sum(gpus[:, :, g] * hours)) / plan_hours
            for g, group in enumerate(setup.groups)
        },
        gpu_hours=gpu_hours,
        energy_megawatt_hours=float(np.sum(use.watts[place] * hours)) / MEGA,
        cost_usd=float(use.usd[place].sum()),
        worth_usd=worth,
        unit="requests" if service else "tokens",
        wanted=wanted,
        done=min(done, wanted),
        done_share=share,
        least_share=_worst(task, use, place) if service else None,
        start_day=None if service else task.start,
        deadline_day=None if service else given,
        ends_day=ends,
        kept_at_low=None if ends is None else bool(ends.high <= given * (1.0 + _SMALL)),
    )


def _ends(setup: Setup, entry: Entry, found: Found, use: Use, place: int) -> Interval:
    """Return the day by which all is done; it moves with the rate, the accelerators staying as they are."""
    by_phase = use.work[place].sum(axis=1)
    last = int(np.flatnonzero(by_phase > _SMALL * by_phase.sum())[-1])
    day, start = float(found.edges[last + 1]), entry.task.start
    weight = use.gpus[place].sum(axis=(0, 1))
    curves = {g: curve for g, curve in entry.curves.items() if weight[g] > 0.0}
    total = sum(float(weight[g]) for g in curves) or 1.0
    low = sum(curve.low * float(weight[g]) for g, curve in curves.items()) / total
    high = sum(curve.high * float(weight[g]) for g, curve in curves.items()) / total
    # Planned with low rates, the middle ends earlier than the plan has it.
    took = (day - start) * (low if setup.question.rates == "low" else 1.0)
    return Interval(value=start + took, low=start + took / high, high=start + took / low)


def _worst(task: Task, use: Use, place: int) -> float:
    demand = np.zeros(1) if task.demand is None else task.demand * use.hours / _HOURS
    asked = demand > 0.0
    if not asked.any():
        return 1.0
    return float(np.min(use.work[place][asked] / demand[asked]).clip(0.0, 1.0))


def _reserve(setup: Setup, job: Reserve) -> results.Job:
    from planner.plan.mix.asked import coverage
    from planner.plan.mix.hardware import groups_named

    periods, days = setup.question.periods, setup.question.days
    cover = 1.0 if job.hours is None else float(coverage(job.hours, periods).mean())
    own = set(groups_named(setup.groups, job.groups, job.name))
    gpus = {
        group.name: job.share * cover * group.number if g in own else 0.0
        for g, group in enumerate(setup.groups)
    }
    hours = days * _HOURS
    watts = sum(gpus[group.name] * group.busy_watts for group in setup.groups)
    energy = watts * hours / MEGA
    price = float(np.mean(setup.price))
    return results.Job(
        name=job.name,
        kind=job.kind,
        model=None,
        gpus=sum(gpus.values()),
        gpus_by_group=gpus,
        gpu_hours=sum(gpus.values()) * hours,
        energy_megawatt_hours=energy,
        cost_usd=energy * KILO * price,
        worth_usd=0.0,
        unit="share",
        wanted=None,
        done=None,
        done_share=1.0,
        least_share=None,
        start_day=None,
        deadline_day=None,
        ends_day=None,
        kept_at_low=None,
    )


def _left_out(job: Any) -> results.Job:
    service = isinstance(job, Service)
    return results.Job(
        name=job.name,
        kind=job.kind,
        model=job.model,
        gpus=0.0,
        gpus_by_group={},
        gpu_hours=0.0,
        energy_megawatt_hours=0.0,
        cost_usd=0.0,
        worth_usd=0.0,
        unit="requests" if service else "tokens",
        wanted=None if service else job.tokens,
        done=0.0,
        done_share=0.0,
        least_share=0.0 if service else None,
        start_day=None if service else job.start,
        deadline_day=None if service else job.deadline,
        ends_day=None,
        kept_at_low=None,
    )


def period_rows(setup: Setup, found: Found, use: Use) -> tuple[results.Period, ...]:
    """One row for each period of each phase."""
    watts = setup.base_watts + use.watts.sum(axis=0)
    length = _HOURS / setup.question.periods
    rows = []
    for k in range(use.hours.shape[0]):
        for t in range(setup.question.periods):
            idle = setup.pool.free[:, t] * setup.pool.accelerators - use.gpus[:, k, t].sum(axis=0)
            rows.append(
                results.Period(
                    phase=k + 1,
                    from_day=float(found.edges[k]),
                    to_day=float(found.edges[k + 1]),
                    from_hour=t * length,
                    to_hour=(t + 1) * length,
                    gpus=_gpus(setup, use, k, t),
                    served={
                        entry.job.name: _share(entry.task, use, j, k, t)
                        for j, entry in enumerate(setup.entries)
                        if entry.task.demand is not None
                    },
                    idle={
                        group.name: max(float(one), 0.0)
                        for group, one in zip(setup.groups, idle, strict=True)
                    },
                    power_megawatts=float(watts[k, t]) / MEGA,
                    usd_per_kwh=float(setup.price[t]),
                )
            )
    return tuple(rows)


def _gpus(setup: Setup, use: Use, k: int, t: int) -> dict[str, dict[str, float]]:
    found = {}
    for j, entry in enumerate(setup.entries):
        own = {
            group.name: float(use.gpus[j, k, t, g])
            for g, group in enumerate(setup.groups)
            if use.gpus[j, k, t, g] > 0.0
        }
        if own:
            found[entry.job.name] = own
    return found


def _share(task: Task, use: Use, j: int, k: int, t: int) -> float:
    asked = 0.0 if task.demand is None else float(task.demand[t] * use.hours[k, t]) / _HOURS
    return 1.0 if asked == 0.0 else min(float(use.work[j, k, t]) / asked, 1.0)


def totals_of(setup: Setup, found: Found, use: Use, jobs: tuple[results.Job, ...]) -> results.Totals:
    """Add up all jobs; the ends of the objective are filled in later."""
    watts = setup.base_watts + use.watts.sum(axis=0)
    energy = float(np.sum(watts * use.hours)) / MEGA
    free = np.sum(setup.pool.free.T * setup.pool.accelerators, axis=1)
    used = float(np.sum(use.gpus.sum(axis=(0, 3)) * use.hours))
    objective = -found.objective if setup.question.objective == "value" else found.objective
    return results.Totals(
        objective=objective,
        objective_at_low=None,
        objective_at_high=None,
        worth_usd=sum(job.worth_usd for job in jobs),
        cost_usd=float(use.usd.sum()),
        electricity_usd=float(np.sum(watts * use.hours * setup.price)) / KILO,
        energy_megawatt_hours=energy,
        peak_megawatts=float((setup.pool.base_watts + use.peak.sum(axis=0)).max()) / MEGA,
        used_share=used / max(float(np.sum(free * use.hours)), 1.0),
    )
