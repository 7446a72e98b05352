"""Figures of answers about the whole: clusters, budgets, frontiers, mixes, dossiers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from planner.plan.cluster.words import RULE_LABELS
from planner.plan.curve.results import Axis, Series
from planner.reports.figures.make import Figure, amounts, lines, pairs, parts, stacks

if TYPE_CHECKING:
    from planner.plan.budget.results import BudgetResult
    from planner.plan.capacity.results import CapacityResult
    from planner.plan.cluster.results import CompareResult, Sheet, ShowResult, SizeResult
    from planner.plan.frontier.results import FrontierResult
    from planner.plan.mix.results import MixResult
    from planner.reports.asked import Asked

__all__ = ["budget", "capacity", "compare", "frontier", "mix", "show", "size"]

_DAYS = Axis(key="days", title="Time", unit="days")
_USD = Axis(key="cost_usd", title="Cost", unit="USD")
_HOUR = Axis(key="usd_per_gpu_hour", title="Price of an accelerator-hour", unit="USD")
_SHARE = Axis(key="goodput", title="Goodput", unit="%")
_H100 = Axis(key="h100_equivalents", title="H100 equivalents")
_MW = Axis(key="megawatts", title="Power", unit="MW")
_LOSS = Axis(key="loss_nats", title="Expected loss", unit="nats")
_GPUS = Axis(key="gpus", title="Accelerators", floor=0.0)


def show(_asked: Asked, result: ShowResult) -> Iterator[Figure]:
    """Yield the figures of a fact sheet."""
    yield from _sheet(result.result)


def size(_asked: Asked, result: SizeResult) -> Iterator[Figure]:
    """Yield the figures of the cluster that was sized."""
    if result.result.sheet is not None:
        yield from _sheet(result.result.sheet)


def _sheet(sheet: Sheet) -> Iterator[Figure]:
    yield amounts(
        "equivalents",
        "H100 equivalents by what is counted",
        _H100,
        [(label, getattr(sheet.h100_equivalents, rule)) for rule, label in RULE_LABELS.items()],
    )
    power = sheet.power
    levels = [
        ("nameplate", power.nameplate_facility_megawatts),
        ("peak", power.peak_facility_megawatts),
        ("average, training", power.average_facility_megawatts),
    ]
    yield amounts("power", "Power of the facility", _MW, levels)
    yield amounts(
        "price",
        "Price of an accelerator-hour",
        _HOUR,
        [(one.price, one.usd_per_gpu_hour) for one in sheet.cost.prices],
    )
    fails = sheet.failures
    policies = [(one.policy, one.goodput.scaled(100.0)) for one in fails.policies]
    yield amounts("goodput", f"Goodput of {fails.model} on all of it, by policy", _SHARE, policies)


def compare(_asked: Asked, result: CompareResult) -> Iterator[Figure]:
    """Yield the figures of clusters side by side."""
    sheets = result.result.sheets
    yield amounts(
        "equivalents",
        "H100 equivalents",
        _H100,
        [
            (f"{sheet.cluster}, {label}", getattr(sheet.h100_equivalents, rule))
            for rule, label in list(RULE_LABELS.items())[:2]
            for sheet in sheets
        ],
    )
    nameplate = [(sheet.cluster, sheet.power.nameplate_facility_megawatts) for sheet in sheets]
    yield amounts("power", "Nameplate power of the facility", _MW, nameplate)
    yield amounts("capital", "Capital", _USD, [(sheet.cluster, sheet.capital.usd) for sheet in sheets])


def budget(_asked: Asked, result: BudgetResult) -> Iterator[Figure]:
    """Yield the figures of a budget."""
    answer = result.result
    hours = Axis(key="gpu_hours", title="Accelerator-hours")
    if answer.usd is not None and result.inputs.given == "usd":
        yield amounts(
            "hours", "What the money pays at every price", hours, _priced(answer.prices, "gpu_hours")
        )
    yield amounts("prices", "Price of an accelerator-hour", _HOUR, _priced(answer.prices, "usd_per_gpu_hour"))
    runs = Axis(key="runs", title="Runs", log=True)
    yield amounts(
        "runs",
        "Published training runs that the hours pay",
        runs,
        [(one.model, one.runs) for one in answer.runs],
    )


def _priced(prices: Iterable[Any], field: str) -> list[tuple[str, Any]]:
    return [(f"{one.price}, {one.accelerator}", getattr(one, field)) for one in prices]


def frontier(_asked: Asked, result: FrontierResult) -> Iterator[Figure]:
    """Yield the figures of the best models."""
    size_of = Axis(key="parameters", title="Parameters", log=True)
    series = []
    for point in result.points:
        curve = sorted((one.parameters, one.loss) for one in point.sizes if one.loss is not None)
        series.append(Series(name=f"{point.days:g} days", points=pairs(curve)))
    caption = ("Each line is the best that its time trains at every size; the lowest of each is the answer.",)
    yield lines(
        "sizes", "Expected loss against the size of the model", size_of, _LOSS, series, caption=caption
    )
    if len(result.points) > 1:
        days = Axis(key="days", title="Time", unit="days", log=True)
        best_of = [Series(name="", points=pairs((one.days, one.loss) for one in result.points))]
        yield lines("loss", "Lowest expected loss against the time", days, _LOSS, best_of)
        count = Axis(key="count", title="Parameters, tokens", log=True)
        both = [
            Series(name="tokens", points=pairs((one.days, one.tokens) for one in result.points)),
            Series(name="parameters", points=pairs((one.days, one.parameters) for one in result.points)),
        ]
        yield lines("best", "The best model and its tokens against the time", days, count, both)
    yield amounts(
        "cost",
        "Cost of the best run",
        _USD,
        [(f"{one.days:g} days", one.run.cost_usd) for one in result.points],
    )


def mix(_asked: Asked, result: MixResult) -> Iterator[Figure]:
    """Yield the figures of a shared cluster."""
    answer = result.result
    if answer.plan is None:
        return
    jobs = dict.fromkeys(job for period in answer.periods for job in period.gpus)
    phases: dict[int, list[Any]] = {}
    for period in answer.periods:
        phases.setdefault(period.phase, []).append(period)
    bars = []
    for periods in phases.values():
        hours = sum(one.to_hour - one.from_hour for one in periods)
        used = {
            job: sum(sum(one.gpus.get(job, {}).values()) * (one.to_hour - one.from_hour) for one in periods)
            / hours
            for job in jobs
        }
        label = f"day {periods[0].from_day:.3g} to {periods[0].to_day:.3g}"
        bars.append(parts(label, used))
    yield stacks("jobs", "Who has the accelerators, on average over each phase", _GPUS, bars)
    longest = max(phases.values(), key=lambda periods: periods[0].to_day - periods[0].from_day)
    services = dict.fromkeys(name for one in longest for name in one.served)
    hour = Axis(key="hour", title="Hour of the day")
    day = [
        Series(
            name=job,
            points=pairs(
                ((one.from_hour + one.to_hour) / 2.0, sum(one.gpus.get(job, {}).values())) for one in longest
            ),
        )
        for job in jobs
        if job in services or _varies(longest, job)
    ]
    yield lines("day", "Accelerators through a day of the longest phase", hour, _GPUS, day)
    worth = [(one.name, one.worth_usd) for one in answer.jobs if one.worth_usd]
    yield amounts(
        "worth", "Worth of what each job does", Axis(key="worth_usd", title="Worth", unit="USD"), worth
    )


def _varies(periods: list[Any], job: str) -> bool:
    had = {round(sum(one.gpus.get(job, {}).values())) for one in periods}
    return len(had) > 1


def capacity(_asked: Asked, result: CapacityResult) -> Iterator[Figure]:
    """Yield the figures of a dossier."""
    answer = result.result
    if answer.training:
        long = Axis(key="days", title="Time", unit="days", log=True)
        runs = [(run.recipe, None if run.plan is None else run.plan.days) for run in answer.training]
        yield amounts("training", "Days of training runs on all of it", long, runs)
    by_shape: dict[str, list[Any]] = {}
    for one in answer.frontier:
        by_shape.setdefault(one.shape, []).append(one)
    days = Axis(key="days", title="Time", unit="days", log=True)
    series = [
        Series(name=shape if len(by_shape) > 1 else "", points=pairs((one.days, one.loss) for one in found))
        for shape, found in by_shape.items()
    ]
    yield lines("frontier", "Lowest expected loss of a model against the time", days, _LOSS, series)
    if answer.serving:
        served = [(f"{one.model}, {one.traffic}", one) for one in answer.serving]
        users = Axis(key="users", title="Users at the peak")
        yield amounts(
            "users",
            "Users of a service that has all of it",
            users,
            [(name, one.users) for name, one in served],
        )
        tokens = Axis(key="usd_per_million_output_tokens", title="Cost", unit="USD per million output tokens")
        costs = [(name, one.usd_per_million_output_tokens) for name, one in served]
        yield amounts("tokens", "Cost of serving, everything included", tokens, costs)
    if answer.site is not None:
        yield from _sheet(answer.site)
