"""Hours at every cited price, what the money buys instead, power and energy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.catalog.kinds import RENTAL
from planner.errors import InputError
from planner.model.power import carbon_kg, energy_kwh
from planner.plan.budget.amounts import sizing
from planner.plan.budget.deals import HOURS_PER_DAY
from planner.plan.budget.parts import AtPrice, Bought, Energy
from planner.plan.cluster.equivalents import reference_part
from planner.plan.cluster.power import average_watts, nameplate_watts
from planner.plan.document import Interval
from planner.plan.independent import exact, over, times
from planner.plan.operating.money import interval_of
from planner.plan.price_words import COLOCATION, OWN, PriceChoice, rent_of
from planner.tables.price import TERMS
from planner.tables.price_estimates import entries
from planner.tables.samples import Samples
from planner.units import KILO, MEGA, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.budget.amounts import Amounts
    from planner.plan.budget.asked import Wanted
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate
    from planner.types import FloatArray

__all__ = ["bought", "energy", "prices"]

_WORDS: Final = (OWN, COLOCATION, *TERMS)


def prices(catalog: Catalog, wanted: Wanted, asked: Asked, found: Amounts) -> tuple[AtPrice, ...]:
    """Return the amount at every price: the hardware's in all terms, and those of an H100 at their dates."""
    hardware = found.hardware
    each = hardware.equivalents(wanted.rule)
    rows = []
    words = dict.fromkeys([asked.price.text, *_WORDS])
    for word in words:
        try:
            usd, basis = hardware.usd_per_hour(PriceChoice.parse(word, catalog))
        except InputError as error:
            rows.append(_without(word, hardware.label, str(error)))
            continue
        rows.append(_at(wanted, found, price=word, part=hardware.label, usd=usd, each=each, basis=basis))
    unit = reference_part(catalog)
    for text, usd, basis in _dated(catalog):
        rows.append(_at(wanted, found, price=text, part=unit.id, usd=usd, each=exact(1.0), basis=basis))
    return tuple(rows)


def _dated(catalog: Catalog) -> Iterator[tuple[str, Interval, str]]:
    """Yield every market price of the part that equivalents count in: words, price, basis."""
    unit = reference_part(catalog)
    for terms in TERMS:
        for entry in entries(catalog, RENTAL):
            if entry.terms != terms or entry.provider is not None or unit.id not in entry.accelerators:
                continue
            record = catalog.get(RENTAL, entry.id)
            for quantity in (*record.history, record.gpu_hour):
                if quantity.as_of is None:
                    continue
                text = f"{terms}@{quantity.as_of}"
                rent = rent_of(PriceChoice.parse(text, catalog), catalog, unit)
                yield text, interval_of(rent.usd(Samples())), rent.basis


def _at(
    wanted: Wanted, found: Amounts, *, price: str, part: str, usd: Interval, each: Interval, basis: str
) -> AtPrice:
    """Put the amount at a price: of hours it is what they cost, of money the hours that it pays."""
    other = part != found.hardware.label
    given = wanted.amount
    if given.given == "usd":
        hours = over(exact(given.value), usd) if usd.low > 0 else found.hours
        money, counted = exact(given.value), times(hours, each)
    else:
        own = found.hardware.equivalents(wanted.rule)
        counted = times(found.hours, own)
        hours = counted if other else found.hours
        money = times(hours, usd)
    return AtPrice(
        price=price,
        accelerator=part,
        usd_per_gpu_hour=usd,
        usd=money,
        gpu_hours=hours,
        h100_equivalent_hours=counted,
        share_of_cluster=_share(wanted, found, counted),
        basis=basis,
    )


def _share(wanted: Wanted, found: Amounts, counted: Interval) -> Interval | None:
    """Equivalent hours over those of the cluster in the days."""
    size = found.hardware.size
    if size is None:
        return None
    whole = found.hardware.equivalents(wanted.rule).value * size * found.days * HOURS_PER_DAY
    return counted.scaled(1.0 / whole)


def _without(price: str, part: str, why: str) -> AtPrice:
    return AtPrice(
        price=price,
        accelerator=part,
        usd_per_gpu_hour=None,
        usd=None,
        gpu_hours=None,
        h100_equivalent_hours=None,
        share_of_cluster=None,
        basis=why,
    )


def bought(catalog: Catalog, asked: Asked, found: Amounts) -> Bought | None:
    """Return what the money buys outright, and how long it rents before it would have paid for the same."""
    own, largest = found.hardware.own, found.hardware.own.largest
    box = largest.place.system
    try:
        most = sizing(catalog, asked, found.hardware, usd=found.usd.value)
    except InputError:
        return None
    if most.accelerators.value < 1:
        return None
    number = np.array([most.accelerators.value])
    capital = interval_of(own.summed(_capital_usd) / own.total)
    saved = found.price.value - found.hardware.running_usd_per_hour()
    days = capital.value / saved / HOURS_PER_DAY if asked.price.mode == "rent" and saved > 0 else None
    return Bought(
        system=None if box is None else box.id,
        accelerators=Interval(**most.accelerators._asdict()),
        systems=round(most.accelerators.value / most.whole),
        usd=most.spent_usd,
        nameplate_megawatts=_first(largest.watts(number, "training").nameplate) * number[0] / MEGA,
        allotted_capital_usd=capital.scaled(float(found.gpus)),
        days_to_pay_for_itself=days,
    )


def _capital_usd(estate: Estate, n: FloatArray) -> FloatArray:
    return estate.capital(n).total_usd


def energy(found: Amounts) -> Energy | None:
    """Return power and energy of the accelerators that are paid for, at work all days."""
    if found.gpus < 1:
        return None
    own = found.hardware.own
    share = found.gpus / own.total
    average = average_watts(own) * share
    kwh = energy_kwh(watts=average, seconds=found.days * HOURS_PER_DAY * SECONDS_PER_HOUR)
    # Of a cluster all of it runs, so that the share pays the mean price of its supplies.
    carried = own.estates[0].supplied(average_watts(own))
    return Energy(
        nameplate_megawatts=interval_of(nameplate_watts(own) * share / MEGA),
        average_megawatts=interval_of(average / MEGA),
        megawatt_hours=interval_of(kwh / KILO),
        electricity_usd=interval_of(kwh * carried.usd_per_kwh),
        co2_tonnes=interval_of(carbon_kg(kwh=kwh, kg_per_kwh=carried.kg_per_kwh) / KILO),
    )


def _first(samples: FloatArray) -> float:
    return float(np.asarray(samples).flat[0])
