"""The answer to a training question, from what the searches found: plan, alternatives, reasons, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan import results
from planner.plan.assemble import alternative_of, costs_of, plan_of, spread_at
from planner.plan.bottleneck import energy_note
from planner.plan.defaults import Filled, precisions_of
from planner.plan.document import Interval
from planner.plan.evaluate import Trace
from planner.plan.solve import Effort, Found, evaluated, lateness, replica_trials, step_budget_s
from planner.plan.table import layout
from planner.tables import GEMM_CLASSES, PRECISION_CLASS, RECOMPUTES, SHARDINGS
from planner.units import GIGA, SECONDS_PER_DAY, format_quantity

if TYPE_CHECKING:
    from planner.plan.evaluate import Costs
    from planner.plan.interval import Spread
    from planner.plan.operating.training import Run
    from planner.search import Change, Plans

__all__ = ["answered"]

WITHOUT_FAILURES: Final = (
    "Days and GPU-hours are without failures, restarts and checkpoints; days with failures, energy, carbon "
    "and cost include them."
)
ON_TIME: Final = 1e-3
"""Share of the days by which a run that was asked to fill them may miss them."""
_WHY: Final = {
    "no_recompute": "recomputes nothing",
    "likely": "more likely to fit",
    "fewest_accelerators": "fewest accelerators that fit",
}
_FIELDS: Final = {
    "accelerators": "gpus",
    "gemm_class": "precision",
    "offloads": "offload",
    "memory_bytes": "memory_gb",
}
"""Fields of the search under the names that a question gives them."""
_WORDS: Final = {"sharding": SHARDINGS, "recompute": RECOMPUTES}


def answered(
    found: Found,
    others: Sequence[Found],
    filled: Filled,
    effort: Effort,
    operated: Callable[[Run], dict[str, Any]],
) -> tuple[results.TrainAnswer, Trace | None]:
    """Put the answer together; with what `planner.plan.explain` needs where there is a plan.

    Parameters
    ----------
    found
        The search that answers.
    others
        Those on other groups of hardware.
    filled
        Its notes are part of the answer.
    effort
        Of all searches.
    operated
        What running a plan takes, as its fields.
    """
    plans = found.plans
    if plans is None or found.failed:
        return _infeasible(found, others, filled, effort), None
    case, job = found.case, found.case.job
    costs = costs_of(case, plans)
    spread = spread_at(case, costs)
    share = float(case.goodput(plans.accelerators[:1])[0])
    per_day = job.batch_tokens / costs.step_s * SECONDS_PER_DAY * share
    tokens = job.tokens if job.tokens is not None else (job.days or 0.0) * per_day
    available = found.fewest if found.fewest is not None else case.site.available

    def planned(tokens: float) -> results.Plan:
        return plan_of(
            case,
            costs,
            fit_probability=float(plans.fit_probability[0]),
            available=available,
            tokens=tokens,
            spread=spread,
            operated=operated,
        )

    said = list(filled.assumptions), list(filled.notes)
    plan = planned(tokens)
    if job.tokens is None and job.days is not None:
        late = plan.days_with_failures.value / job.days
        if abs(late - 1.0) > ON_TIME:
            # The goodput by which tokens were counted knows nothing of the length of a step.
            filled.assumptions[:], filled.notes[:] = said
            tokens /= late
            plan = planned(tokens)
    answer = results.TrainAnswer(
        plan=plan,
        gpus=_need(found, spread) if found.fewest is not None else None,
        tokens=_tokens(tokens, plan) if job.tokens is None else None,
        alternatives=tuple(_alternatives(found, others, tokens)),
        search=_search(found, effort),
        notes=tuple(_notes(found, plan, spread, filled)),
    )
    return answer, _trace(found, costs, plan)


def _tokens(tokens: float, plan: results.Plan) -> Interval:
    """Tokens of the days: fewer in as much as all of them would take longer, failures included."""
    took = plan.days_with_failures
    return Interval(value=tokens, low=tokens * took.value / took.high, high=tokens * took.value / took.low)


def _trace(found: Found, costs: Costs, plan: results.Plan) -> Trace:
    case = found.case
    return Trace(
        site=case.site,
        model=case.job.record,
        software=case.job.software,
        calibration=case.job.calibration,
        costs=costs,
        plan=f"{plan.gpus_used:,} x {case.site.accelerator.name}: {layout(plan.strategy)}",
        tuning=None if case.job.tuning is None else case.job.tuning.record,
    )


def _search(found: Found, effort: Effort) -> results.Search:
    counts, seconds = (found.result.counts, found.result.seconds) if found.result is not None else (None, 0.0)
    return results.Search(
        strategies_evaluated=counts.evaluated if counts else 0,
        strategies_pruned=counts.pruned if counts else 0,
        strategies_feasible=counts.feasible if counts else 0,
        seconds=seconds,
        searches=effort.searches,
        seconds_of_all=effort.seconds,
    )


def _need(found: Found, spread: Spread) -> results.Need:
    """Accelerators at both ends of the interval, for the layouts found with other numbers of replicas."""
    plans = evaluated(found, replica_trials(found, more=4.0))
    fits = plans.fit_probability >= found.fit
    budget = step_budget_s(found.case, plans.accelerators)

    def least(ratio: float) -> float:
        good = fits & (plans.step.step_s * ratio <= budget)
        return float(np.min(plans.accelerators[good], initial=np.inf))

    value = found.fewest or 0
    low, high = least(spread.low), least(spread.high)
    return results.Need(
        value=value,
        low=int(min(low, value)),
        high=int(max(high, value)) if np.isfinite(high) else None,
    )


def _alternatives(found: Found, others: Sequence[Found], tokens: float) -> Iterator[results.Alternative]:
    """Yield the next best layouts and the best of each kind; one that is several of them is listed once."""
    titles: dict[results.Strategy, list[str]] = {}
    listed: dict[results.Strategy, results.Alternative] = {}
    candidates = list(_candidates(found))
    together = np.array([float(plans.accelerators[row]) for _, plans, row in candidates])
    found.case.goodput(together)  # all at once: the alternatives then look them up
    found.case.hourly(together)
    for why, plans, row in candidates:
        one = alternative_of(found.case, plans, row, why=why, tokens=tokens)
        listed.setdefault(one.strategy, one)
        titles.setdefault(one.strategy, []).append(why)
    for place, (strategy, one) in enumerate(listed.items()):
        if place:  # the first is the plan itself
            yield one.model_copy(update={"why": ", ".join(titles[strategy])})
    for other in others:
        if other.plans is not None and not other.failed:
            yield alternative_of(other.case, other.plans, 0, why=f"on {other.case.site.short}", tokens=tokens)


def _candidates(found: Found) -> Iterator[tuple[str, Plans, int]]:
    """Yield why, in which table and at which row: the plan itself first."""
    result = found.result
    if result is None or result.plans is None:
        return
    for row in range(min(len(result.plans), found.case.job.top + 1)):
        yield f"rank {row + 1}", result.plans, row
    for name, plans in result.alternatives.items():
        yield _WHY.get(name, name.replace("_", " ")), plans, 0
    if result.by_pp is not None:
        for row in np.flatnonzero(result.by_pp.strategy.pp == 1)[:1]:
            yield "no pipeline", result.by_pp, int(row)


def _notes(found: Found, plan: results.Plan, spread: Spread, filled: Filled) -> Iterator[str]:
    yield WITHOUT_FAILURES
    yield from filled.notes
    if not spread.from_record:
        yield "The calibration record holds no intervals: those shown are pooled ones of a prototype."
    if spread.reasons:
        yield f"The intervals are widened: {'; '.join(spread.reasons)}."
    memory = plan.memory_gb_per_gpu
    if memory.fit == "marginal":
        yield (
            f"No layout is likely to fit into memory; this one does with a probability of "
            f"{memory.fit_probability:.0%}: try it before you count on it."
        )
    energy = energy_note(plan.time_breakdown_s)
    if energy is not None:
        yield energy
    correction = found.case.job.calibration.correction
    if correction is not None:
        yield f"Step times are multiplied by {correction.value:g}, the correction of your calibration."


def _infeasible(found: Found, others: Sequence[Found], filled: Filled, effort: Effort) -> results.TrainAnswer:
    reasons: list[str] = []
    nearest: list[results.Nearest] = []
    several = bool(others)
    for one in (found, *others):
        where = f"{one.case.site.short}: " if several else ""
        reasons += [where + reason for reason in _reasons(one)]
        nearest += list(_nearest(one, where))
    return results.TrainAnswer(
        plan=None,
        search=_search(found, effort),
        reasons=tuple(reasons),
        nearest=tuple(nearest),
        notes=tuple(filled.notes),
    )


def _reasons(found: Found) -> list[str]:
    if found.case.impossible is not None:
        return [found.case.impossible]
    if found.failed and found.plans is not None:
        return [found.failed]
    reason = found.result.reason.text if found.result is not None and found.result.reason is not None else ""
    return [text for text in (found.failed, reason) if text]


def _nearest(found: Found, where: str) -> Iterator[results.Nearest]:
    case, job = found.case, found.case.job
    if case.mend is not None:
        yield case.mend.model_copy(update={"sentence": where + case.mend.sentence})
        return
    if case.impossible is not None:
        for name in precisions_of(case.site.accelerator):
            if _distinct(name, precisions_of(case.site.accelerator)):
                yield results.Nearest(field="precision", value=name, sentence=f"{where}train in {name}")
        return
    if found.failed and found.plans is not None:
        ratio = lateness(found)
        days, tokens = (job.days or 0.0) * ratio, (job.tokens or 0.0) / ratio
        yield results.Nearest(field="days", value=days, sentence=f"{where}allow {_time(days)}")
        yield results.Nearest(
            field="tokens",
            value=tokens,
            sentence=f"{where}train on {format_quantity(tokens, 'count', digits=3)} tokens",
        )
        return
    if found.result is not None:
        for change in found.result.nearest:
            yield _change(change, where)


def _time(days: float) -> str:
    return format_quantity(days * SECONDS_PER_DAY, "s", digits=3)


def _change(change: Change, where: str) -> results.Nearest:
    """Say a change of the search in the terms of the question."""
    name = _FIELDS.get(change.field, change.field)
    value: str | int | float | None = change.value
    if change.value is not None:
        if change.field in _WORDS:
            value = _WORDS[change.field][int(change.value)]
        elif change.field == "gemm_class":
            value = GEMM_CLASSES[int(change.value)]
        elif change.field == "memory_bytes":
            value = change.value / GIGA
        elif float(change.value).is_integer():
            value = int(change.value)
    return results.Nearest(field=name, value=value, sentence=where + change.text)


def _distinct(name: str, names: Sequence[str]) -> bool:
    """Whether a precision is the first of its class among those that a part can run."""
    return next(one for one in names if PRECISION_CLASS[one] == PRECISION_CLASS[name]) == name
