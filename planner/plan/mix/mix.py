"""``planner mix``: one cluster shared between jobs, by a proven optimum of one stated objective."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.bibliography import sources_of
from planner.plan.cluster.named import cluster_named
from planner.plan.cluster.words import usd
from planner.plan.defaults import Filled
from planner.plan.job import as_catalog
from planner.plan.mix import results
from planner.plan.mix.answer import (
    job_rows,
    period_rows,
    totals_of,
    use_of,
)
from planner.plan.mix.asked import Question, jobs_of
from planner.plan.mix.binding import bottleneck_of, group_rows
from planner.plan.mix.checked import measured_rows
from planner.plan.mix.hardware import groups_of
from planner.plan.mix.highs import require_solver
from planner.plan.mix.mends import mended
from planner.plan.mix.optimum import Tally, check_finish, optimum
from planner.plan.mix.setup import set_up
from planner.plan.mix.worth import worths
from planner.plan.operating.asked import Asked
from planner.plan.rates import Where
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.plan.mix.optimum import Found
    from planner.plan.mix.setup import Setup
    from planner.plan.numbers import Number

__all__ = ["mix"]

_LINEAR: Final = (
    "Services and batches are taken to run on any number of accelerators at the same rate each; a run "
    "between two planned sizes spends time at either."
)
PROVEN: Final = 1e-9
"""Gap below which an optimum counts as proven: the accuracy of floating point."""
FAR: Final = 0.05
"""Share by which a curve may differ from the estimator unsaid."""
_PLACED: Final = (
    "Worths of accelerators and power hold each run in its group; those of deadlines are solved anew."
)
_CAPITAL: Final = "Costs are what running adds: capital of what is owned is spent either way and not in them."


def mix(
    cluster: str,
    *,
    jobs: object,
    objective: str | None = None,
    days: Number | None = None,
    periods: Number = 24,
    power_cap: Number | None = None,
    rates: str = "middle",
    whole: bool = False,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    failures: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.MixResult:
    """Share a cluster between jobs: who gets how much of which hardware, hour by hour, at the optimum.

    Parameters
    ----------
    cluster
        A cluster of the catalog, or ``PART:N``.
    jobs
        Name of a set of jobs, path of a file, a mapping or a `JobSet`: training runs with deadlines,
        post-training, services with users, batches that may wait, reserves; what each is worth.
    objective
        ``value``: most worth less cost of running; ``cost``: everything done at the least cost; ``finish``:
        the least weighted sum of the days on which jobs end. By default value where a job names what it is
        worth, else cost.
    days
        Of the plan; by default those of the jobs, or their last deadline.
    periods
        Of a day, in which services and power may differ.
    power_cap
        Of the facility at all hours, as in ``'300MW'``; instead of the cap of the jobs.
    rates
        Plan with the ``middle`` of the intervals of all rates, or with their ``low`` ends, so that deadlines
        hold where everything is slower than expected.
    whole
        Give out whole systems only.
    site, price, finance, failures
        Where it runs; ``own``, ``colocation``, terms of rent, or ``'$2.35/h'``: what is rented costs nothing
        while nobody uses it; how what is owned is paid for; how often hosts fail.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    MixResult
        With ``plan`` None, reasons and the nearest changes where nothing satisfies the jobs.

    Raises
    ------
    MissingExtraError
        SciPy is not installed.
    UsageError
        Options that exclude each other.
    InputError
        A value, a name or a file that is wrong; all mistakes of a file at once.
    """
    require_solver()
    book, filled = as_catalog(catalog, set), Filled()
    overrides = (set,) if isinstance(set, str) else tuple(set)
    with book.tracking() as used:
        asked = Asked.read(book, site=site, price=price, finance=finance, failures=failures)
        question = Question.read(
            jobs_of(book, jobs),
            filled,
            objective=objective,
            days=days,
            periods=periods,
            power_cap=power_cap,
            rates=rates,
            whole=whole,
        )
        named = cluster_named(book, cluster, filled)
        where = Where(book=book, site=site, price=price, finance=finance, failures=failures)
        groups = groups_of(book, named, asked, filled, where)
        began = time.perf_counter()
        try:
            setup = set_up(book, question, groups, filled)
        except InfeasibleError as error:
            answer = _nowhere(str(error))
        else:
            answer = _answered(setup, filled, time.perf_counter() - began)
    cap = float(question.cap_watts.min())
    estate = groups[0].estate
    return results.MixResult(
        inputs=results.MixInputs(
            cluster=named.label,
            jobs=question.jobs.id,
            objective=question.objective,
            days=question.days,
            periods=question.periods,
            rates=question.rates,
            whole=whole,
            power_cap_megawatts=cap / MEGA if np.isfinite(cap) else None,
            idle=question.jobs.power.idle,
            site=estate.site.id,
            price=asked.price.text,
            finance=estate.finance.id,
            failures=failures,
            overrides=overrides,
        ),
        assumptions=tuple(filled.assumptions),
        result=answer,
        sources=sources_of(book, used),
    )


def _nowhere(reason: str) -> results.MixAnswer:
    solver = results.Solver(
        status="infeasible", gap=None, columns=0, rows=0, whole_columns=0, phases=0, seconds=0.0, programs=0,
        seconds_of_all=0.0, searches_seconds=0.0,
    )  # fmt: skip
    return results.MixAnswer(
        plan=None,
        sentence=f"No plan: {reason}",
        bottleneck=None,
        totals=None,
        solver=solver,
        reasons=(reason,),
    )


def _answered(setup: Setup, filled: Filled, searched: float) -> results.MixAnswer:
    tally = Tally()
    if setup.question.objective == "finish":
        check_finish(setup.tasks)
    found = optimum(setup.pool, setup.tasks, setup.question, tally)
    groups, notes = setup.groups, _notes(setup, filled)
    if found is None:
        reasons, nearest = mended(setup)
        return results.MixAnswer(
            plan=None,
            sentence=f"No plan does all that must be done: {reasons[0]}.",
            bottleneck=None,
            totals=None,
            measured=measured_rows(setup.entries, groups, None),
            solver=_solver(tally, None, searched),
            reasons=reasons,
            nearest=nearest,
            notes=notes,
        )
    use = use_of(setup, found)
    jobs = job_rows(setup, found, use)
    totals = totals_of(setup, found, use, jobs).model_copy(update=_ends(setup, tally))
    said = worths(setup, found, tally)
    measured = measured_rows(setup.entries, groups, use.gpus)
    return results.MixAnswer(
        plan="feasible",
        sentence=_sentence(setup, totals, found),
        bottleneck=bottleneck_of(setup, found, use),
        totals=totals,
        jobs=jobs,
        groups=group_rows(setup, use),
        worths=said,
        periods=period_rows(setup, found, use),
        measured=measured,
        solver=_solver(tally, found, searched),
        notes=(*notes, *_doubts(jobs, totals), *_curved(measured)),
    )


def _ends(setup: Setup, tally: Tally) -> dict[str, float | None]:
    """Return the objective with all rates at either end of their intervals."""
    sign = -1.0 if setup.question.objective == "value" else 1.0
    ends: dict[str, float | None] = {}
    for name, end in (("objective_at_low", "low"), ("objective_at_high", "high")):
        tasks = [entry.at(end) for entry in setup.entries]
        other = None if setup.question.whole else optimum(setup.pool, tasks, setup.question, tally)
        ends[name] = None if other is None else sign * other.objective
    return ends


def _solver(tally: Tally, found: Found | None, searched: float) -> results.Solver:
    linear = None if tally.first is None else tally.first.linear
    gap = None if found is None else found.gap
    status = "infeasible" if gap is None else "optimal" if gap <= PROVEN else "within the gap"
    return results.Solver(
        status=status,  # type: ignore[arg-type]  # one of its three words
        gap=gap,
        columns=0 if linear is None else len(linear.cost),
        rows=0 if linear is None else len(linear.row_low),
        whole_columns=0 if linear is None else int(linear.integer.sum()),
        phases=0 if found is None else len(found.edges) - 1,
        seconds=tally.first_seconds,
        programs=tally.programs,
        seconds_of_all=tally.seconds,
        searches_seconds=searched,
    )


def _notes(setup: Setup, filled: Filled) -> tuple[str, ...]:
    notes = [*filled.notes, _LINEAR]
    if setup.question.objective != "finish":
        notes.append(_CAPITAL)
    if any(task.single for task in setup.tasks) and len(setup.groups) > 1:
        notes.append(_PLACED)
    if setup.left_out:
        notes.append(
            f"{', '.join(setup.left_out)}: need not be done and left out; only --objective value weighs it."
        )
    nowhere = [
        f"{entry.job.name} cannot run on {setup.groups[g].name}"
        for entry in setup.entries
        for g, curve in entry.curves.items()
        if curve.why_not
    ]
    return (*notes, *nowhere)


def _doubts(jobs: tuple[results.Job, ...], totals: results.Totals) -> tuple[str, ...]:
    said = [
        f"{job.name} misses its deadline at the low end of its rate: it then ends on day "
        f"{job.ends_day.high:.3g}; --rates low plans for that."
        for job in jobs
        if job.ends_day is not None and job.kept_at_low is False
    ]
    if totals.objective_at_low is None:
        said.append("With all rates at their low ends at once, not everything that must be done can be.")
    return tuple(said)


def _curved(measured: tuple[results.Measured, ...]) -> tuple[str, ...]:
    """Say where a curve is far from the estimator at the size that a run got."""
    return tuple(
        f"The curve of {one.job} is {abs(one.used_error):.0%} {'above' if one.used_error > 0 else 'below'} "
        f"the estimator at {one.used_gpus:,.0f} of {one.group}: sizes nearby divide the batch otherwise."
        for one in measured
        if one.used_error is not None and one.used_gpus is not None and abs(one.used_error) > FAR
    )


def _sentence(setup: Setup, totals: results.Totals, found: Found) -> str:
    question = setup.question
    proof = "the optimum, proven" if found.gap <= PROVEN else f"within {found.gap:.2%} of the optimum"
    objective = totals.objective or 0.0
    if question.objective == "finish":
        return f"The jobs end on {objective:.4g} days in sum: {proof}."
    if question.objective == "cost":
        return f"{question.days:g} days cost {usd(objective)} of running: {proof}."
    return (
        f"{question.days:g} days are worth {usd(objective)}, {usd(totals.worth_usd)} earned less "
        f"{usd(totals.cost_usd)} of running: {proof}."
    )
