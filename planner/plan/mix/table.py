"""The answer of `planner mix` as rows for people and as flat records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.cluster.words import usd, watts
from planner.plan.sections import Section, no_plan
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.mix.results import Job, MixResult, Period

__all__ = [
    "DAY_HEAD",
    "GROUP_HEAD",
    "JOB_HEAD",
    "PHASE_HEAD",
    "Rows",
    "day_rows",
    "group_rows",
    "headline",
    "job_rows",
    "phase_rows",
    "records_of",
    "sections",
    "summary_rows",
]

Rows = list[tuple[str, ...]]
"""A table: rows of cells, all of the same length."""

JOB_HEAD: Final = ("job", "kind", "gpus", "on", "done", "by day", "deadline", "worth", "cost")
GROUP_HEAD: Final = ("group", "accelerators", "used", "reserved", "idle", "at most")
PHASE_HEAD: Final = ("phase", "job", "group", "gpus", "least to most in a day")
DAY_HEAD: Final = ("hours", "power", "idle", "served")
BLOCK: Final = 3.0
"""Hours that a row of the day stands for."""


def headline(result: MixResult) -> str:
    """Say the answer in one sentence."""
    return result.result.sentence


def summary_rows(result: MixResult) -> Rows:
    """Say what binds, the sums, and what more would be worth."""
    answer, totals = result.result, result.result.totals
    rows: Rows = []
    if answer.bottleneck is not None:
        rows.append(("binds", answer.bottleneck.sentence))
    if totals is not None:
        ends = _ends(result)
        rows += [
            *([("with rates low or high", ends)] if ends else []),
            ("power", f"{watts(totals.peak_megawatts)} at the peak, {_energy(totals.energy_megawatt_hours)}"),
            ("electricity", f"{usd(totals.electricity_usd)}, what is reserved or off included"),
            ("accelerators at work", f"{totals.used_share:.1%} of those not reserved, on average"),
        ]
    rows += [(_WORTH[worth.what], worth.sentence) for worth in answer.worths]
    solver = answer.solver
    rows.append(
        (
            "solver",
            f"{solver.status}, gap {solver.gap or 0.0:.2g}: {solver.columns:,} columns "
            f"({solver.whole_columns} whole) in {solver.phases} phases; HiGHS",
        )
    )
    return rows


_WORTH: Final = {"gpu": "worth of a GPU", "megawatt": "worth of power", "deadline": "worth of a day"}


def _ends(result: MixResult) -> str:
    totals = result.result.totals
    if totals is None:
        return ""
    show = (lambda v: f"{v:.4g} days") if result.inputs.objective == "finish" else usd
    low, high = totals.objective_at_low, totals.objective_at_high
    if low is None and high is None:
        return ""
    return f"{'not all can be done' if low is None else show(low)}; {'?' if high is None else show(high)}"


def _energy(megawatt_hours: float) -> str:
    from planner.plan.cluster.words import energy

    return energy(megawatt_hours)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def job_rows(result: MixResult) -> Rows:
    """Rows under `JOB_HEAD`."""
    return [
        (
            job.name,
            job.kind if job.model is None else f"{job.kind} {job.model}",
            _count(job.gpus),
            ", ".join(name for name, gpus in job.gpus_by_group.items() if gpus >= 0.5),
            _done(job),
            "" if job.ends_day is None else _by(job),
            "" if job.deadline_day is None else f"{job.deadline_day:g}",
            usd(job.worth_usd) if job.worth_usd else "",
            usd(job.cost_usd),
        )
        for job in result.result.jobs
    ]


def _done(job: Job) -> str:
    if job.wanted is None:
        return ""
    share = f"{job.done_share:.1%}".replace("100.0%", "all")
    much = f" of {format_quantity(job.wanted, 'count', digits=3)} {job.unit}"
    worst = "" if job.least_share is None or job.least_share > 0.9995 else f", {job.least_share:.0%} at worst"
    return f"{share}{much}{worst}"


def _by(job: Job) -> str:
    ends = job.ends_day
    return "" if ends is None else f"{ends.value:.3g} ({ends.low:.3g} to {ends.high:.3g})"


def group_rows(result: MixResult) -> Rows:
    """Rows under `GROUP_HEAD`."""
    return [
        (
            group.name,
            _count(group.accelerators),
            _count(group.used),
            _count(group.reserved),
            _count(group.idle),
            f"{group.busiest_share:.0%}",
        )
        for group in result.result.groups
    ]


def phase_rows(result: MixResult) -> Rows:
    """Rows under `PHASE_HEAD`: accelerators of each job in each phase, on average over the day."""
    rows: Rows = []
    for phase, periods in _phases(result).items():
        days = f"day {periods[0].from_day:.4g} to {periods[0].to_day:.4g}"
        for job in dict.fromkeys(name for period in periods for name in period.gpus):
            for group in dict.fromkeys(g for period in periods for g in period.gpus.get(job, {})):
                own = np.array([period.gpus.get(job, {}).get(group, 0.0) for period in periods])
                if own.max() < 0.5:
                    continue
                spread = "" if np.ptp(own) < 0.5 else f"{_count(own.min())} to {_count(own.max())}"
                rows.append((f"{phase}: {days}", job, group, _count(own.mean()), spread))
    return rows


def day_rows(result: MixResult) -> Rows:
    """Rows under `DAY_HEAD`: the typical day of the longest phase, in blocks of hours."""
    phases = _phases(result)
    if not phases:
        return []
    longest = max(phases.values(), key=lambda own: own[0].to_day - own[0].from_day)
    blocks: dict[int, list[Period]] = {}
    for period in longest:
        blocks.setdefault(int(period.from_hour // BLOCK), []).append(period)
    rows: Rows = []
    for own in blocks.values():
        idle = sum(sum(period.idle.values()) for period in own) / len(own)
        served = [f"{name} {min(period.served[name] for period in own):.0%}" for name in own[0].served]
        rows.append(
            (
                f"{own[0].from_hour:g} to {own[-1].to_hour:g}",
                watts(max(period.power_megawatts for period in own)),
                _count(idle),
                ", ".join(served),
            )
        )
    return rows


def _phases(result: MixResult) -> dict[int, list[Period]]:
    phases: dict[int, list[Period]] = {}
    for period in result.result.periods:
        phases.setdefault(period.phase, []).append(period)
    return phases


def records_of(result: MixResult) -> list[dict[str, Any]]:
    """One row for each period, job and group."""
    return [
        {
            "phase": period.phase,
            "from_day": period.from_day,
            "to_day": period.to_day,
            "from_hour": period.from_hour,
            "to_hour": period.to_hour,
            "job": job,
            "group": group,
            "gpus": gpus,
            "served_share": period.served.get(job),
            "power_megawatts": period.power_megawatts,
            "usd_per_kwh": period.usd_per_kwh,
        }
        for period in result.result.periods
        for job, own in period.gpus.items()
        for group, gpus in own.items()
    ]


def sections(result: MixResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    if result.plan is None:
        yield no_plan(result, headline(result))
        return
    yield Section(headline(result), (), summary_rows(result))
    yield Section("", JOB_HEAD, job_rows(result))
    yield Section("", GROUP_HEAD, group_rows(result))
    yield Section("Who has what, day by day", PHASE_HEAD, phase_rows(result))
    yield Section("A day of the longest phase", DAY_HEAD, day_rows(result))
