"""``planner cluster size``: how much hardware H100 equivalents, money or power come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.kinds import FABRIC
from planner.errors import UsageError
from planner.plan.bibliography import sources_of
from planner.plan.cluster.limits import POWERS
from planner.plan.cluster.named import Named
from planner.plan.cluster.results import SizeAnswer, SizeInputs, SizeResult
from planner.plan.cluster.sheet import Question, distinct, sheet_of
from planner.plan.cluster.wanted import Sized, Wanted, sized
from planner.plan.cluster.words import usd, watts
from planner.plan.defaults import Filled
from planner.plan.document import Interval
from planner.plan.job import as_catalog
from planner.plan.operating.estate import estate_of
from planner.plan.places import Place, places
from planner.units import MEGA, format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.results import Sheet
    from planner.plan.numbers import Number
    from planner.plan.operating.estate import Estate

__all__ = ["size"]

_POWER_WORDS: Final = {
    "nameplate": "of nameplate",
    "peak": "at the peak in summer",
    "average": "on average in training",
}


def size(
    accelerator: str | None = None,
    *,
    h100e: Number | None = None,
    rule: str | None = None,
    budget: Number | None = None,
    years: Number | None = None,
    power: Number | None = None,
    power_of: str | None = None,
    gpus: Number | None = None,
    fabric: str | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    failures: str | None = None,
    model: str | None = None,
    workload: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> SizeResult:
    """Size a cluster of one kind of hardware, in whole systems (servers or racks).

    Parameters
    ----------
    accelerator
        An accelerator in its usual system, or a system, by name.
    h100e, rule
        So many H100 equivalents, and the rule by which they are counted: one of `planner.cluster.RULES`. A
        workload names itself as the rule.
    budget, years
        What so much money buys, as in ``'10B USD'``: capital (in colocation, without the building), or with a
        rent as `price` so many years of it, one by default.
    power
        What so much power at the meter of the facility carries, as in ``'300 MW'``. Of a site whose supplies
        carry less than the peak of that, as many accelerators as they do.
    power_of
        Which power it is: ``nameplate``, all equipment at its rating in the warmest season, which is the
        power that announcements give, ``peak`` in that season, or ``average`` in training.
    gpus
        So many accelerators, rounded up to whole systems.
    fabric
        Network between systems; by default the usual one of the system.
    site, finance, failures, model, workload
        As in `planner.cluster.show`.
    price
        ``own``, ``colocation``, ``on-demand``, ``reserved``, ``spot``, a record or ``'$2.35/h'``.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    SizeResult
        With ``sheet`` None and reasons where not one system fits.

    Raises
    ------
    UsageError
        No accelerator, nothing to size for or both a demand and a limit, H100 equivalents without a rule.
    InputError
        A value or a name that is wrong.
    """
    book, filled = as_catalog(catalog, set), Filled()
    wanted = Wanted.read(
        h100e=h100e,
        rule=rule,
        workload=workload,
        budget=budget,
        years=years,
        power=power,
        power_of=power_of,
        gpus=gpus,
    )
    if accelerator is None:
        raise UsageError("size of what? Name an accelerator or a system, as in --gpu gb200-nvl72")
    with book.tracking() as used:
        question = Question.read(
            book,
            model=model,
            workload=workload,
            site=site,
            finance=finance,
            failures=failures,
            price=price,
        )
        place = _place(book, accelerator, fabric, filled)
        estate = estate_of(book, place, question.asked, filled, strict=True)
        found = sized(book, estate, wanted, question, filled)
        sheet = _sheet(book, place, found, question, filled)
    return SizeResult(
        inputs=SizeInputs(
            accelerator=place.accelerator.id,
            system=None if place.system is None else place.system.id,
            fabric=None if place.fabric is None else place.fabric.id,
            site=estate.site.id,
            price=question.asked.price.text,
            h100_equivalents=wanted.h100e,
            rule=wanted.rule,
            workload=workload,
            budget_usd=wanted.budget_usd,
            years=found.years,
            power_megawatts=None if wanted.power_watts is None else wanted.power_watts / MEGA,
            power_of=wanted.power_of,
            gpus=wanted.gpus,
            model=question.model if sheet is None else sheet.failures.model,
            overrides=(set,) if isinstance(set, str) else tuple(set),
        ),
        assumptions=distinct(filled),
        result=SizeAnswer(
            sentence=_sentence(estate, wanted, found, sheet),
            binds=found.binds,
            accelerators=Interval(**found.accelerators._asdict()),
            systems=round(found.accelerators.value / found.whole),
            accelerators_per_system=found.whole,
            spent_usd=found.spent_usd,
            reasons=found.reasons,
            sheet=sheet,
        ),
        sources=sources_of(book, used),
    )


def _place(catalog: Catalog, name: str, fabric: str | None, filled: Filled) -> Place:
    (place,) = places(catalog, cluster=None, gpu=name, gpus=None)
    if place.why:
        filled.assume("system", place.system.id if place.system else None, place.why)
    if fabric is not None:
        return replace(place, fabric=catalog.get(FABRIC, fabric))
    if place.fabric is not None:
        filled.assume("fabric", place.fabric.id, "the usual one of the system; --fabric names another")
    return place


def _sheet(catalog: Catalog, place: Place, found: Sized, question: Question, filled: Filled) -> Sheet | None:
    number = round(found.accelerators.value)
    if number == 0:
        return None
    box = place.system.id if place.system is not None else place.accelerator.id
    count = number if place.system is None else round(number / found.whole)
    named = Named(label=f"{box}:{count}", record=None, places=(place.limited(number),))
    return sheet_of(catalog, named, question, filled)


def _sentence(estate: Estate, wanted: Wanted, found: Sized, sheet: Sheet | None) -> str:
    place = estate.place
    part = place.accelerator.id
    if sheet is None:
        return f"Nothing fits: {found.reasons[0]}"
    boxes = round(found.accelerators.value / found.whole)
    of = f" in {boxes:,} {place.system.id}" if place.system is not None else ""
    bought = f"{usd(sheet.capital.usd.value)} {'of capital' if found.years is None else 'to buy'}"
    takes = f"{watts(sheet.power.nameplate_facility_megawatts.value)} nameplate at the meter, {bought}"
    much = f"{round(found.accelerators.value):,} {part}{of}: {takes}"
    if wanted.h100e is not None:
        asked = format_quantity(wanted.h100e, "count")
        return f"{asked} H100 equivalents by {wanted.rule} are {much}."
    if wanted.gpus is not None:
        return f"{wanted.gpus:,} accelerators in whole systems are {much}."
    if found.binds == "budget":
        verb = "buys" if found.years is None else f"rents for {found.years:g} years"
        return f"{usd(wanted.budget_usd or 0.0)} {verb} {much}."
    asked = f"{watts((wanted.power_watts or 0.0) / MEGA)} {_POWER_WORDS[wanted.power_of or POWERS[0]]}"
    if found.binds == "site":
        has = watts(found.supplies_watts / MEGA)
        return f"{asked} was asked for, but the supplies of {estate.site.id} carry {has} at the peak: {much}."
    return f"{asked} carries {much}."
