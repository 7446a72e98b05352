"""From jobs and groups to the arrays of the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError, InputError
from planner.model.sharing import Pool, Task, daily_curve
from planner.plan.mix.asked import Question, coverage
from planner.plan.mix.hardware import Group, groups_named, usd_per_kwh
from planner.plan.mix.measured import Curve, curve_of
from planner.units import KILO, MILLION, SECONDS_PER_DAY
from planner.workload.jobs import Batch, Reserve, Service
from planner.workload.kinds import DIURNAL, TRAFFIC

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.types import FloatArray

__all__ = ["Entry", "Setup", "pool_of", "set_up"]

_HOURS: Final = 24.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A job with its curves and its task.

    Attributes
    ----------
    job
        As in the file.
    curves : dict of int to Curve
        By group.
    task : Task
        At the rates of the estimator; its watts are those that a cap counts.
    watts : array
        Average power of the whole group at work, above that at rest, ``[A]``.
    """

    job: Any
    curves: dict[int, Curve]
    task: Task
    watts: FloatArray

    def at(self, end: str) -> Task:
        """Return the task with its rates at the ``low``, ``middle`` or ``high`` of their intervals."""
        if end == "middle":
            return self.task
        ends = [getattr(self.curves[int(g)], end) for g in self.task.group]
        return replace(self.task, rate=self.task.rate * np.array(ends))


@dataclass(frozen=True, kw_only=True, eq=False)
class Setup:
    """Everything that the program needs.

    Attributes
    ----------
    entries : tuple of Entry
        Jobs that the program decides on.
    left_out : tuple of str
        Jobs that need not be done, where nothing is gained by doing them.
    reserved : array
        Share of each group set aside, ``[G, T]``.
    price : array
        USD per kWh, ``[T]``.
    base_watts : array
        Average power with all accelerators that are not set aside switched off (or waiting), ``[T]``.
    """

    question: Question
    groups: tuple[Group, ...]
    entries: tuple[Entry, ...]
    left_out: tuple[str, ...]
    pool: Pool
    reserved: FloatArray
    price: FloatArray
    base_watts: FloatArray

    @property
    def tasks(self) -> list[Task]:
        """Of the entries, at the rates that the question plans with."""
        return [entry.at(self.question.rates) for entry in self.entries]


def set_up(catalog: Catalog, question: Question, groups: Sequence[Group], filled: Filled) -> Setup:
    """Ask the estimator for all rates, and make the arrays.

    Raises
    ------
    InfeasibleError
        A job that must be done can run nowhere.
    InputError
        A job names a group or a record that does not exist.
    """
    jobs = question.jobs.jobs
    allowed = {job.name: groups_named(groups, job.groups, job.name) for job in jobs}
    reserved = np.zeros((len(groups), question.periods))
    for job in jobs:
        if isinstance(job, Reserve):
            share = np.ones(question.periods) if job.hours is None else coverage(job.hours, question.periods)
            reserved[allowed[job.name]] += job.share * share
    if np.any(reserved > 1.0 + 1e-9):
        worst = groups[int(np.argmax(reserved.max(axis=1)))].name
        raise InputError(f"reserves add up to {reserved.max():.0%} of {worst}; lower their shares")
    base = usd_per_kwh(groups)
    price = np.where(np.isnan(question.price), base, question.price)
    pool = pool_of(question, groups, np.minimum(reserved, 1.0))
    entries, left = [], []
    for job in jobs:
        if isinstance(job, Reserve):
            continue
        must = _must(job, question.objective)
        if not must and question.objective != "value":
            left.append(job.name)
            continue
        curves = {place: curve_of(catalog, job, groups[place]) for place in allowed[job.name]}
        if not any(len(curve.width) for curve in curves.values()):
            why = "; ".join(f"{groups[g].name}: {curve.why_not}" for g, curve in curves.items())
            raise InfeasibleError(f"{job.name} runs on no group of the cluster: {why}")
        above = _above(groups, question, curves)
        task = _task(catalog, question, groups, job, curves, price, above, must=must, filled=filled)
        entries.append(Entry(job=job, curves=curves, task=task, watts=above))
    if not entries:
        raise InputError(
            "there is nothing to share: no job of the file has to be done or is worth anything; add a job, "
            "or leave must: false out"
        )
    return Setup(
        question=question,
        groups=tuple(groups),
        entries=tuple(entries),
        left_out=tuple(left),
        pool=pool,
        reserved=reserved,
        price=price,
        base_watts=_base(question, groups, np.minimum(reserved, 1.0)),
    )


def _must(job: Any, objective: str) -> bool:
    if job.must is not None:
        return bool(job.must)
    if objective != "value":
        return True
    worth = job.mtoken_usd + (job.request_usd if isinstance(job, Service) else job.run_usd)
    return float(worth) == 0.0


def _rest(group: Group, question: Question) -> float:
    """Watts of an accelerator that nobody uses."""
    return group.off_watts if question.jobs.power.idle == "off" else group.idle_watts


def _rest_at_peak(group: Group, question: Question) -> float:
    """Watts of an accelerator that nobody uses, as a cap counts them: those that wait may start any time."""
    return group.off_watts * group.summer if question.jobs.power.idle == "off" else group.peak_watts


def pool_of(question: Question, groups: Sequence[Group], reserved: FloatArray) -> Pool:
    """Return the hardware less what is set aside, ``[G, T]``."""
    rest = np.array([_rest_at_peak(group, question) for group in groups])
    busy = np.array([group.peak_watts for group in groups])
    number = np.array([float(group.number) for group in groups])
    base = (number * rest) @ (1.0 - reserved) + (number * busy) @ reserved
    cap = question.cap_watts
    capped = bool(np.isfinite(cap).any())
    most = float((number * busy).sum()) + float(base.max())
    return Pool(
        accelerators=number,
        system=np.array([float(group.system) for group in groups]),
        free=1.0 - reserved,
        share=np.full(question.periods, 1.0 / question.periods),
        base_watts=base,
        cap_watts=np.where(np.isfinite(cap), cap, most) if capped else None,
    )


def _base(question: Question, groups: Sequence[Group], reserved: FloatArray) -> FloatArray:
    rest = np.array([_rest(group, question) * group.number for group in groups])
    busy = np.array([group.busy_watts * group.number for group in groups])
    return np.asarray(rest @ (1.0 - reserved) + busy @ reserved)


def _above(groups: Sequence[Group], question: Question, curves: dict[int, Curve]) -> FloatArray:
    """Average watts of whole groups at work above those at rest, by activity, ``[A]``."""
    return np.array(
        [
            max(curve.watts - _rest(groups[g], question), 0.0) * groups[g].number
            for g, curve in curves.items()
            for _ in curve.width
        ]
    )


def _task(
    catalog: Catalog,
    question: Question,
    groups: Sequence[Group],
    job: Any,
    curves: dict[int, Curve],
    price: FloatArray,
    above: FloatArray,
    *,
    must: bool,
    filled: Filled,
) -> Task:
    own = [(g, s) for g, curve in curves.items() for s in range(len(curve.width))]
    group = np.array([g for g, _ in own], dtype=np.int64)
    number = np.array([float(groups[g].number) for g in group])
    at_peak = np.array([groups[g].peak_watts - _rest_at_peak(groups[g], question) for g in group]) * number
    rent = np.array([curves[int(g)].usd_per_hour for g in group]) * number
    task = Task(
        name=job.name,
        group=group,
        width=np.array([curves[g].width[s] for g, s in own]) / number,
        rate=np.array([curves[g].slope[s] for g, s in own]) * number * SECONDS_PER_DAY,
        watts=at_peak,
        usd=(above / KILO)[:, None] * _HOURS * price[None] + rent[:, None] * _HOURS,
        must=must,
        least=job.least,
        most=job.most,
    )
    if isinstance(job, Service):
        return _service(catalog, question, job, task, filled)
    batch = isinstance(job, Batch)
    deadline = question.days if job.deadline is None else job.deadline
    if job.deadline is None:
        filled.assume(f"{job.name} deadline", question.days, "the last day of the plan")
    if job.elastic is None:
        why = (
            "answers that may wait run when the cluster is empty"
            if batch
            else "a run keeps its accelerators all day: to change them takes a restart"
        )
        filled.assume(f"{job.name} elastic", batch, why)
    return replace(
        task,
        amount=job.tokens,
        start=job.start,
        deadline=deadline,
        unit_usd=job.mtoken_usd / MILLION,
        run_usd=job.run_usd,
        elastic=batch if job.elastic is None else job.elastic,
        single=not batch,
        weight=job.weight,
    )


def _service(catalog: Catalog, question: Question, job: Service, task: Task, filled: Filled) -> Task:
    profile = catalog.get(TRAFFIC, job.traffic)
    diurnal = catalog.get(DIURNAL, job.diurnal)
    if profile.arrival == "offline":
        raise InputError(
            f"job {job.name!r}: requests of {profile.id!r} wait in a queue; write kind: batch, or another "
            "traffic"
        )
    peak = profile.peak_over_mean("hour") if diurnal.peak_over_mean is None else diurnal.peak_over_mean.value
    try:
        each = 0.0 if job.users is None else profile.requests_per_user_s(peak="mean")
    except InputError as error:
        raise InputError(f"job {job.name!r}: {error}") from error
    mean = job.request_rate if job.users is None else each * job.users
    minute = profile.peak_over_mean("minute") / profile.peak_over_mean("hour")
    curve = daily_curve(peak_over_mean=peak, peak_hour=diurnal.peak_hour.value, periods=question.periods)
    if job.diurnal == "usual":
        filled.assume(
            f"{job.name} diurnal",
            diurnal.id,
            f"{diurnal.name}: {peak:g} times the mean at {diurnal.peak_hour.text} "
            f"({diurnal.peak_hour.source})",
        )
    if minute > 1.0:
        filled.assume(
            f"{job.name} minute", minute, f"of {profile.id}: accelerators for the busiest minute of each hour"
        )
    return replace(
        task,
        # Accelerators stand ready for the busiest minute, and answer the mean of the hour.
        rate=task.rate / minute,
        demand=(mean or 0.0) * curve * SECONDS_PER_DAY,
        share_least=job.share_least,
        unit_usd=job.request_usd + job.mtoken_usd / MILLION * profile.osl,
        elastic=job.elastic,
    )
