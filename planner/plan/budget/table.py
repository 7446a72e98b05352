"""A budget as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.budget.deals import DATED
from planner.plan.budget.words import days_words, hourly, number
from planner.plan.cluster.words import between, energy, plain, watts
from planner.plan.cluster.words import usd as dollars
from planner.plan.sections import Section
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.budget.parts import AtPrice, Bought, DealTerms, Energy, Largest, Run, Service
    from planner.plan.budget.results import BudgetAnswer, BudgetResult
    from planner.plan.document import Interval

__all__ = ["price_records", "sections"]

_SHOWN: Final = ("own", "reserved", "on-demand")
"""Prices whose break-even people see, with those at a date; programs get all of them."""


def sections(result: BudgetResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    answer = result.result
    yield Section(answer.sentence, (), _what(result))
    if answer.reasons:
        why = [("reason", reason) for reason in answer.reasons]
        mends = [("feasible with", nearest.sentence) for nearest in answer.nearest]
        yield Section("Not one accelerator for all the days", (), [*why, *mends])
    if answer.deal is not None:
        yield from _deal(answer.deal, result.inputs.rule)
    yield _prices(answer, result.inputs.rule)
    if answer.runs:
        yield _runs(answer)
    if answer.largest is not None:
        yield _largest(answer.largest)
    yield _at_utilisation(answer)
    yield _operations(answer)
    if answer.services:
        yield _services(answer.services)


def _what(result: BudgetResult) -> list[tuple[str, ...]]:
    answer, inputs = result.result, result.inputs
    rows: list[tuple[str, ...]] = []
    if answer.usd is not None:
        rows.append(("money", between(answer.usd, dollars)))
    rows.append(("price of an hour", f"{between(answer.usd_per_gpu_hour, hourly)} USD, {inputs.price}"))
    rows.append(("accelerator-hours", between(answer.gpu_hours, number)))
    each = f"{answer.h100_equivalents_per_accelerator.value:.3f} each"
    hours = between(answer.h100_equivalent_hours, number)
    rows.append((f"H100-equivalent hours by {inputs.rule}", f"{hours}, {each}"))
    if answer.accelerators is not None:
        rows.append((f"accelerators for {days_words(inputs.days)}", between(answer.accelerators, number)))
    if answer.share_of_cluster is not None:
        rows.append((f"share of {inputs.cluster}", between(answer.share_of_cluster, _percent)))
    rows += _energy(answer.energy) + _bought(answer.bought)
    rows.append(("what binds", answer.binds))
    return rows


def _percent(value: float) -> str:
    return f"{value:.1%}" if value < 10 else f"{value:,.0f} times"


def _energy(one: Energy | None) -> list[tuple[str, ...]]:
    if one is None:
        return []
    return [
        (
            "power",
            f"{between(one.nameplate_megawatts, watts)} nameplate at the meter, "
            f"{between(one.average_megawatts, watts)} in training",
        ),
        (
            "energy",
            f"{between(one.megawatt_hours, energy)}, {between(one.electricity_usd, dollars)}; "
            f"{between(one.co2_tonnes, plain)} t CO2",
        ),
    ]


def _bought(one: Bought | None) -> list[tuple[str, ...]]:
    if one is None:
        return []
    many = between(one.accelerators, lambda value: f"{value:,.0f}")
    boxes = "" if one.system is None else f" in {one.systems:,} {one.system}"
    rows: list[tuple[str, ...]] = [
        ("bought instead", f"{many}{boxes}, {watts(one.nameplate_megawatts)} nameplate")
    ]
    same = between(one.allotted_capital_usd, dollars)
    if one.days_to_pay_for_itself is not None:
        same += f"; the rent pays for it in {one.days_to_pay_for_itself:,.0f} days"
    rows.append(("buying as many", same))
    return rows


def _prices(answer: BudgetAnswer, rule: str) -> Section:
    clustered = any(one.share_of_cluster is not None for one in answer.prices)
    rows = []
    for one in answer.prices:
        row = [one.price, one.accelerator, *_amounts(one)]
        rows.append(tuple(row + ([_share(one.share_of_cluster)] if clustered else []) + [one.basis]))
    head = ("price", "of", "USD/h", "USD", "hours", f"H100e-hours by {rule}")
    return Section("At every cited price", (*head, *(("share",) if clustered else ()), "basis"), rows)


def _amounts(one: AtPrice) -> list[str]:
    shows = ((one.usd_per_gpu_hour, hourly), (one.usd, dollars))
    counts = (one.gpu_hours, one.h100_equivalent_hours)
    return [
        *("none" if value is None else show(value.value) for value, show in shows),
        *("none" if value is None else number(value.value) for value in counts),
    ]


def _share(share: Interval | None) -> str:
    return "" if share is None else _percent(share.value)


def _largest(one: Largest) -> Section:
    rows: list[tuple[str, ...]] = [
        ("model", f"{one.model}, {between(one.parameters, number)} parameters"),
        ("tokens", f"{between(one.tokens, number)}; {one.flop:.3g} FLOP"),
        ("run", f"{one.gpus:,} accelerators, {one.utilisation:.1%}, goodput {one.goodput:.1%}"),
        ("cost", between(one.usd, dollars)),
        ("binds", one.binds),
    ]
    rows += [("extrapolated", text) for text in one.extrapolated[:1]]
    return Section(f"The best model of one run on all of it, by {one.law}. {one.sentence}", (), rows)


def _runs(answer: BudgetAnswer) -> Section:
    rows = [_run(one) for one in answer.runs]
    head = ("run", "each takes", "utilisation", "cost of one", "runs", "binds")
    return Section("Published runs that the hours pay, by the estimator", head, rows)


def _run(one: Run) -> tuple[str, ...]:
    if one.gpu_hours is None or one.days is None or one.usd is None or one.runs is None:
        return one.model, "none", "", "", "0", one.binds
    takes = f"{between(one.gpu_hours, _short)} h, {one.days.value:.3g} days of {one.gpus:,} {one.accelerator}"
    reached = f"{one.utilisation or 0.0:.1%}, goodput {one.goodput or 0.0:.1%}"
    return one.model, takes, reached, between(one.usd, dollars), between(one.runs, _few), one.binds


def _short(value: float) -> str:
    return format_quantity(value, "count", digits=3)


def _few(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _at_utilisation(answer: BudgetAnswer) -> Section:
    rows = [
        (one.who, f"{one.utilisation:.0%}", between(one.flop, _flop), one.kind)
        for one in answer.at_utilisation
    ]
    return Section(
        "Operations of the hours at a share of the dense bf16 peak (arithmetic)",
        ("who reached it", "utilisation", "FLOP", "the share is"),
        rows,
    )


def _flop(value: float) -> str:
    return f"{value:.3g}"


def _operations(answer: BudgetAnswer) -> Section:
    rows = [
        (
            one.name,
            between(one.flop, _flop),
            between(one.h100_equivalent_hours, number),
            between(one.share, lambda value: f"{value:.2%}"),
            f"{one.hours_on_all:,.3g} h" if answer.accelerators is not None else "",
        )
        for one in answer.operations
    ]
    usual = answer.operations[0].utilisation if answer.operations else 0.0
    return Section(
        f"Numbers of operations that people speak of, at {usual:.0%} of the peak (arithmetic)",
        ("what", "FLOP", "H100e-hours by bf16", "share of the amount", "on all of it"),
        rows,
    )


def _services(services: tuple[Service, ...]) -> Section:
    rows = [
        (
            one.model,
            one.traffic,
            "none" if one.users is None else between(one.users, number),
            "" if one.usd_per_user_month is None else between(one.usd_per_user_month, _cents),
            one.binds,
        )
        for one in services
    ]
    head = ("model", "traffic", "users", "USD per user and month", "binds")
    return Section("Users that all of it serves", head, rows)


def _cents(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _deal(deal: DealTerms, rule: str) -> Iterator[Section]:
    yield Section(f"The deal, as reported: {deal.sentence}", (), _terms(deal))
    covers = [
        (
            one.what,
            "" if one.accelerators is None else f"{one.accelerators:,.0f}",
            f"{one.h100_equivalents:,.0f} by {one.rule}",
            "" if one.usd_per_gpu_hour is None else hourly(one.usd_per_gpu_hour),
            hourly(one.usd_per_h100_equivalent_hour),
        )
        for one in deal.capacity
    ]
    head = ("if it covers", "accelerators", "H100e", "USD/h", "USD per H100e-hour")
    yield Section("What an hour costs in it, by what it covers", head, covers)
    even = [
        (
            one.price,
            hourly(one.usd_per_h100_equivalent_hour),
            f"{one.h100_equivalents:,.0f}",
            "" if one.share_of_cluster is None else _percent(one.share_of_cluster),
        )
        for one in deal.break_even
        if one.price in _SHOWN or DATED in one.price
    ]
    yield Section(
        "Where it breaks even: who pays gains if it covers more, who is paid if less",
        ("against", "USD per H100e-hour", f"H100e by {rule}", "share"),
        even,
    )


def _terms(deal: DealTerms) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("between", f"{deal.pays} pays {deal.receives}; {deal.status}, terms of {deal.as_of}")
    ]
    rows += [
        (one.name, dollars(one.usd) + ("" if one.paid_in is None else f", {one.paid_in}"))
        for one in deal.payments
    ]
    if deal.months is not None:
        rows.append(("all of it", f"{dollars(deal.usd)} in {deal.months:.0f} months at the full fee"))
    if deal.committed_usd is not None:
        rows.append(("due after a notice", dollars(deal.committed_usd)))
    if deal.option is not None:
        rows.append(("option, not priced", deal.option))
    return rows + [(f"news of {one.date}", one.text) for one in deal.reports]


def price_records(result: BudgetResult) -> list[dict[str, Any]]:
    """Return the amount at every price as flat records, units in the names."""
    return [
        {
            "price": one.price,
            "accelerator": one.accelerator,
            "usd_per_gpu_hour": _data(one.usd_per_gpu_hour),
            "usd": _data(one.usd),
            "gpu_hours": _data(one.gpu_hours),
            f"h100_equivalent_hours_by_{result.inputs.rule.replace('-', '_')}": _data(
                one.h100_equivalent_hours
            ),
            "share_of_cluster": _data(one.share_of_cluster),
            "basis": one.basis,
        }
        for one in result.result.prices
    ]


def _data(one: Interval | None) -> dict[str, float] | None:
    return None if one is None else {"value": one.value, "low": one.low, "high": one.high}
