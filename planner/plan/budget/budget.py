"""``planner budget``: what money, power, accelerators or hours come to in everything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from planner.plan.bibliography import sources_of
from planner.plan.budget import counted, words
from planner.plan.budget.amounts import allotted
from planner.plan.budget.asked import PRICE, Wanted
from planner.plan.budget.deals import terms_of
from planner.plan.budget.hours import bought, energy, prices
from planner.plan.budget.largest import largest
from planner.plan.budget.results import BudgetAnswer, BudgetInputs, BudgetResult
from planner.plan.cluster.sheet import distinct
from planner.plan.defaults import Filled
from planner.plan.independent import times
from planner.plan.job import as_catalog
from planner.plan.operating.asked import Asked
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.budget.amounts import Amounts
    from planner.plan.numbers import Number

__all__ = ["budget"]


def budget(
    *,
    usd: Number | None = None,
    mw: Number | None = None,
    gpu_hours: Number | None = None,
    gpus: Number | None = None,
    deal: str | None = None,
    cluster: str | None = None,
    gpu: str | None = None,
    days: Number | None = None,
    price: Number | None = None,
    rule: str | None = None,
    model: Any = None,
    site: str | None = None,
    finance: str | None = None,
    failures: str | None = None,
    brief: bool = False,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> BudgetResult:
    """Turn an amount of money, power, accelerators or hours into all the others, and into what they do.

    Parameters
    ----------
    usd, mw, gpu_hours, gpus, deal
        Exactly one: dollars (``'10B'``), megawatts of nameplate at the meter (``300``, ``'1.2 GW'``),
        accelerator-hours, accelerators, or a deal of the catalog, whose payments are the amount.
    cluster, gpu
        On what: a cluster, of which the amount pays a share, or an accelerator (or system) by name. By
        default what the deal is set against, else an H100.
    days
        For which the amount is to last; a year by default, of a monthly contract its term.
    price
        Of an accelerator-hour: ``own``, ``colocation``, ``on-demand``, ``reserved`` (the default), ``spot``,
        a record or ``'$2.35/h'``; rents at a date as in ``reserved@2026-03``.
    rule
        By which H100 equivalents are counted: ``bf16`` (the default), ``8bit``, ``hbm-bandwidth`` or
        ``memory``.
    model
        That is served, as `planner.serve` takes it, instead of those of the yardstick.
    site, finance, failures
        As in `planner.train`.
    brief
        Leave out what asks the estimator: runs, the largest model, services.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    BudgetResult
        With reasons and the nearest changes where not one accelerator is paid for all the days.

    Raises
    ------
    UsageError
        No amount, or two; a cluster and an accelerator.
    InputError
        A value or a name that is wrong: an amount of zero, for example.
    """
    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        wanted = Wanted.read(
            book,
            filled,
            usd=usd,
            mw=mw,
            gpu_hours=gpu_hours,
            gpus=gpus,
            deal=deal,
            cluster=cluster,
            gpu=gpu,
            days=days,
            rule=rule,
            model=model,
        )
        if price is None:
            filled.assume("price", PRICE, "contracts of about a year, as a budget for compute is spent")
        asked = Asked.read(book, site=site, price=price or PRICE, finance=finance, failures=failures)
        found = allotted(book, wanted, asked, filled)
        answer = _answer(book, wanted, asked, found, filled, brief=brief)
    return BudgetResult(
        inputs=_inputs(wanted, asked, found, set),
        assumptions=distinct(filled),
        result=answer,
        sources=sources_of(book, used),
    )


def _inputs(wanted: Wanted, asked: Asked, found: Amounts, set: Iterable[str]) -> BudgetInputs:
    given, value = wanted.amount.given, wanted.amount.value
    own = found.hardware.own
    return BudgetInputs(
        given=given,
        usd=value if given == "usd" else None,
        megawatts=value / MEGA if given == "mw" else None,
        gpu_hours=value if given == "gpu-hours" else None,
        gpus=round(value) if given == "gpus" else None,
        deal=None if wanted.deal is None else wanted.deal.id,
        cluster=found.hardware.cluster,
        gpu=found.hardware.gpu,
        days=wanted.days,
        price=asked.price.text,
        rule=wanted.rule,
        site=own.estates[0].site.id,
        finance=own.estates[0].finance.id,
        failures=asked.failures,
        yardstick=wanted.yardstick.id,
        overrides=(set,) if isinstance(set, str) else tuple(set),
    )


def _answer(
    book: Catalog, wanted: Wanted, asked: Asked, found: Amounts, filled: Filled, *, brief: bool
) -> BudgetAnswer:
    each = found.hardware.equivalents(wanted.rule)
    hours = times(found.hours, each)
    listed = prices(book, wanted, asked, found)
    where = counted.where_of(book, wanted, asked, found)
    estimated = not brief and found.gpus >= 1
    if estimated:
        filled.assume(
            "days of a reference run",
            min(counted.RUN_DAYS, wanted.days),
            "each on the fewest accelerators that do it in that time, which takes the fewest hours",
        )
    return BudgetAnswer(
        sentence=words.headline(wanted, found, hours),
        binds=words.binds(wanted, found),
        usd=found.usd,
        usd_per_gpu_hour=found.price,
        accelerators=None if found.gpus < 1 else found.accelerators,
        gpu_hours=found.hours,
        h100_equivalents_per_accelerator=each,
        h100_equivalent_hours=hours,
        share_of_cluster=found.share,
        prices=listed,
        bought=bought(book, asked, found),
        energy=energy(found),
        at_utilisation=counted.at_utilisation(book, wanted, found),
        operations=counted.operations(book, wanted, found),
        largest=largest(where, found) if estimated else None,
        runs=counted.runs(where, wanted, found) if estimated else (),
        services=counted.services(where, wanted, found) if estimated else (),
        deal=terms_of(wanted, found, listed),
        reasons=words.reasons(wanted, found),
        nearest=words.nearest(wanted, found),
        notes=_notes(wanted, found, filled),
    )


def _notes(wanted: Wanted, found: Amounts, filled: Filled) -> tuple[str, ...]:
    notes = [*filled.notes, *found.hardware.own.notes]
    if found.outlasts:
        notes.append(
            f"Services, power and energy are those of {found.gpus:,} accelerators, all there are, for the "
            "days; hours, runs and money are those of the whole amount."
        )
    if wanted.deal is not None and wanted.deal.note is not None:
        notes.append(wanted.deal.note)
    return tuple(dict.fromkeys(notes))
