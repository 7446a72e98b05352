"""Runs, operations and services in which an amount of compute is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.model.cost.contract import hours_for_flop
from planner.plan import rates
from planner.plan.budget.deals import HOURS_PER_DAY
from planner.plan.budget.parts import FlatRate, Operations, Run, Service
from planner.plan.cluster.equivalents import reference_part
from planner.plan.document import Interval
from planner.plan.independent import exact, over, times
from planner.plan.results import TrainResult
from planner.plan.serve import serve
from planner.units import HOURS_PER_YEAR, SECONDS_PER_DAY, SECONDS_PER_HOUR
from planner.workload.flops import flops
from planner.workload.kinds import MODEL

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity
    from planner.plan.budget.amounts import Amounts
    from planner.plan.budget.asked import Wanted
    from planner.plan.operating.asked import Asked
    from planner.plan.rates import Rate, Where
    from planner.workload.record import ModelRecord

__all__ = ["RUN_DAYS", "at_utilisation", "operations", "runs", "services", "where_of"]

RUN_DAYS: Final = 90.0
"""Days in which a run is to be done: on fewer accelerators it takes fewer hours of them, but longer."""
_MONTHS: Final = 12.0


def where_of(catalog: Catalog, wanted: Wanted, asked: Asked, found: Amounts) -> Where:
    """Return the accelerators that are paid for, as the estimator takes them."""
    return rates.Where(
        book=catalog,
        cluster=wanted.cluster,
        gpu=wanted.gpu,
        gpus=max(found.gpus, 1),
        site=asked.site,
        price=asked.price.text,
        finance=asked.finance,
        failures=asked.failures,
    )


def at_utilisation(catalog: Catalog, wanted: Wanted, found: Amounts) -> tuple[FlatRate, ...]:
    """Return the operations of the hours at shares of the dense bf16 peak."""
    peak = _peak_flop_per_s(catalog)
    hours = times(found.hours, found.hardware.equivalents("bf16"))
    return tuple(
        FlatRate(
            who=one.who,
            utilisation=one.share.value,
            flop=times(hours, _bounds(one.share)).scaled(peak * SECONDS_PER_HOUR),
            kind="news" if one.share.kind == "reported" else "assumption",
            source=one.share.source,
        )
        for one in wanted.yardstick.utilisations
    )


def operations(catalog: Catalog, wanted: Wanted, found: Amounts) -> tuple[Operations, ...]:
    """Return numbers of operations in hours at the first of the utilisations, and their share."""
    usual = wanted.yardstick.utilisations[0].share.value
    each = found.hardware.equivalents("bf16")
    all_hours = times(found.hours, each)
    an_hour = 1.0 / float(hours_for_flop(flop=1.0, flop_per_s=_peak_flop_per_s(catalog), utilisation=usual))
    counted = []
    for one in wanted.yardstick.operations:
        flop = _bounds(one.flop)
        hours = flop.scaled(1.0 / an_hour)
        counted.append(
            Operations(
                name=one.name,
                flop=flop,
                utilisation=usual,
                h100_equivalent_hours=hours,
                share=over(hours, all_hours),
                hours_on_all=hours.value / (max(found.gpus, 1) * each.value),
            )
        )
    return tuple(counted)


def _peak_flop_per_s(catalog: Catalog) -> float:
    bf16 = reference_part(catalog).flops.bf16
    return 0.0 if bf16 is None else bf16.value


def _bounds(quantity: Quantity) -> Interval:
    low, high = quantity.bounds
    return Interval(value=quantity.value, low=low, high=high)


def runs(where: Where, wanted: Wanted, found: Amounts) -> tuple[Run, ...]:
    """Return how many published runs the hours pay, each on the fewest accelerators that do it in time."""
    return tuple(_run(where, name, wanted, found) for name in wanted.yardstick.runs)


def _run(where: Where, name: str, wanted: Wanted, found: Amounts) -> Run:
    record = where.book.get(MODEL, name)
    tokens = record.recipe.tokens.value if record.recipe is not None else 0.0
    days = min(RUN_DAYS, wanted.days)
    try:
        if _hopeless(record, tokens, found, days):
            rate = rates.training(where, name, tokens=tokens)
        else:
            rate = _in_time(where, name, tokens, days)
    except InfeasibleError as error:
        return Run(
            model=record.id,
            tokens=tokens,
            flop=0.0,
            gpus=None,
            days=None,
            gpu_hours=None,
            utilisation=None,
            goodput=None,
            usd=None,
            runs=None,
            binds=str(error),
        )
    hours = over(exact(tokens), rate.tokens_per_s).scaled(rate.gpus / SECONDS_PER_HOUR)
    part = str(rate.result.inputs.gpu) if isinstance(rate.result, TrainResult) else ""
    # Of unlike hardware the hours are those of the mean accelerator, and a run has those of one kind.
    mean_hours = hours.scaled(found.hardware.equivalents_of(part, wanted.rule))
    return Run(
        model=record.id,
        accelerator=part,
        tokens=tokens,
        flop=rate.flop_per_token * tokens,
        gpus=rate.gpus,
        days=hours.scaled(1.0 / (rate.gpus * HOURS_PER_DAY)),
        gpu_hours=hours,
        utilisation=rate.utilisation,
        goodput=rate.goodput,
        usd=times(mean_hours, found.price),
        runs=over(found.hours, mean_hours),
        binds=rate.binds,
    )


def _hopeless(record: ModelRecord, tokens: float, found: Amounts, days: float) -> bool:
    """Whether the 8-bit peak of all accelerators is too little: then no search for the fewest is needed."""
    peaks = found.hardware.own.peaks
    best = np.fmax(peaks.dense_16_bit_flop_per_s[0], peaks.dense_8_bit_flop_per_s[0])
    flop = 3.0 * float(flops(record.architecture, seq_len=1).forward) * tokens
    return flop > float(np.nanmax(best)) * found.gpus * days * SECONDS_PER_DAY


def _in_time(where: Where, name: str, tokens: float, days: float) -> Rate:
    """Rate on the fewest accelerators that finish in the days; on all of them where they do not."""
    most = where.size()
    try:
        rate = rates.training(replace(where, gpus=None), name, tokens=tokens, days=days)
    except InfeasibleError:
        return rates.training(where, name, tokens=tokens)
    return rate if rate.gpus <= most else rates.training(where, name, tokens=tokens)


def services(where: Where, wanted: Wanted, found: Amounts) -> tuple[Service, ...]:
    """Return the users that all of the accelerators serve, of each service."""
    return tuple(_service(where, model, traffic, found) for model, traffic in wanted.served)


def _service(where: Where, model: Any, traffic: str, found: Amounts) -> Service:
    answer = serve(
        model,
        cluster=where.cluster,
        accelerator=where.gpu,
        traffic=traffic,
        catalog=where.book,
        top=0,
        pareto=False,
        **where.options(),
    )
    plan = answer.plan
    if plan is None:
        return Service(
            model=answer.inputs.model,
            traffic=traffic,
            users=None,
            requests_per_s=None,
            output_tokens_per_s=None,
            usd_per_user_month=None,
            binds="; ".join(answer.result.reasons),
        )
    hours = HOURS_PER_YEAR / _MONTHS
    monthly = found.price.scaled(plan.gpus.value * hours)
    users = plan.users
    return Service(
        model=answer.inputs.model,
        traffic=answer.inputs.traffic,
        users=users,
        requests_per_s=plan.requests_per_s,
        output_tokens_per_s=plan.output_tokens_per_s,
        usd_per_user_month=None if users is None or users.low <= 0 else over(monthly, users),
        binds=plan.bottleneck.sentence,
    )
