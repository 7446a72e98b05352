"""From the amount that is given to accelerators, hours and money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InputError
from planner.plan.budget.deals import HOURS_PER_DAY
from planner.plan.budget.hardware import Hardware
from planner.plan.cluster.power import nameplate_watts
from planner.plan.cluster.sheet import Question
from planner.plan.cluster.wanted import Sized, sized
from planner.plan.cluster.wanted import Wanted as Sizing
from planner.plan.defaults import Filled
from planner.plan.document import Interval
from planner.plan.independent import exact, over, times
from planner.plan.operating.money import interval_of
from planner.plan.places import MOST_GPUS
from planner.plan.price_words import OWN, PriceChoice

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.budget.asked import Wanted
    from planner.plan.operating.asked import Asked

__all__ = ["Amounts", "allotted", "sizing"]

FIRST_GUESS: Final = 8192
"""Accelerators for which prices are taken before their number is known."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """The amount in its other units.

    Attributes
    ----------
    hardware
        At the number of accelerators that is paid for.
    price, basis
        Of an accelerator-hour, and where it comes from.
    usd, hours, accelerators
        The last are those that work all days, before whole ones are taken and a cluster ends.
    gpus
        Whole accelerators at work: no more than a cluster has.
    """

    hardware: Hardware
    price: Interval
    basis: str
    usd: Interval
    hours: Interval
    accelerators: Interval
    gpus: int
    days: float
    short_of_site: bool = False
    """Whether the supplies of the site carry less than the power that was given."""

    @property
    def share(self) -> Interval | None:
        """Hours over those of the cluster in the days."""
        size = self.hardware.size
        return None if size is None else self.accelerators.scaled(1.0 / size)

    @property
    def outlasts(self) -> bool:
        """Whether it pays for more than there is."""
        return self.accelerators.value > (self.hardware.size or MOST_GPUS)


def allotted(catalog: Catalog, wanted: Wanted, asked: Asked, filled: Filled) -> Amounts:
    """Find how much hardware the amount pays for all the days; raises as `Hardware.of`.

    What is bought or carried depends on the number of accelerators through their fabric, and the number on
    it: two rounds settle it, since the dependence is weak.
    """
    asked_for = round(wanted.amount.value) if wanted.amount.given == "gpus" else None
    gpus = FIRST_GUESS if asked_for is None else asked_for
    rounds = 1 if wanted.cluster is not None or asked_for is not None else 2
    for last in range(rounds):
        talk = filled if last == rounds - 1 else Filled()
        hardware = Hardware.of(
            catalog, asked, talk, cluster=wanted.cluster, gpu=wanted.gpu, gpus=gpus, at_most=asked_for
        )
        found = _amounts(catalog, wanted, asked, hardware)
        gpus = max(found.gpus, 1)
    _note(found, wanted, filled)
    return found


def _amounts(catalog: Catalog, wanted: Wanted, asked: Asked, hardware: Hardware) -> Amounts:
    price, basis = hardware.usd_per_hour(asked.price)
    hours_each = wanted.days * HOURS_PER_DAY
    given, value, short = wanted.amount.given, wanted.amount.value, False
    if given == "usd":
        if not price.low > 0:
            raise InputError(
                f"--price {asked.price.text!r}: for nothing an hour any amount pays hours without end; give "
                "a price above 0, or --gpus N"
            )
        hours = over(exact(value), price)
        accelerators, usd = hours.scaled(1.0 / hours_each), exact(value)
    else:
        if given == "gpu-hours":
            accelerators = exact(value / hours_each)
        elif given == "gpus":
            accelerators = exact(value)
        else:
            accelerators, short = _carried(catalog, asked, hardware, value)
        hours = accelerators.scaled(hours_each)
        usd = times(hours, price)
    most = hardware.size or MOST_GPUS
    return Amounts(
        hardware=hardware,
        price=price,
        basis=basis,
        usd=usd,
        hours=hours,
        accelerators=accelerators,
        gpus=min(floor(accelerators.value * (1.0 + 1e-12)), most),
        days=wanted.days,
        short_of_site=short,
    )


def _carried(catalog: Catalog, asked: Asked, hardware: Hardware, watts: float) -> tuple[Interval, bool]:
    """Accelerators whose nameplate at the meter is the power, and whether the site carries less.

    Whole systems of a part, or a share of a cluster or, below one system, of that.
    """
    if hardware.size is not None:
        share = over(exact(watts), interval_of(nameplate_watts(hardware.own)))
        return share.scaled(hardware.size), False
    found = sizing(catalog, asked, hardware, power=watts)
    if found.accelerators.value >= 1 and found.accelerators.low >= 1:
        ends = found.accelerators
        return Interval(value=ends.value, low=ends.low, high=ends.high), found.binds == "site"
    largest = hardware.own.largest
    each = largest.watts(np.array([float(found.whole)]), "training").nameplate
    return over(exact(watts), interval_of(each)), False


def sizing(
    catalog: Catalog,
    asked: Asked,
    hardware: Hardware,
    *,
    power: float | None = None,
    usd: float | None = None,
) -> Sized:
    """Size a cluster of the part (of the largest group) for a power or for capital, in whole systems."""
    bought = replace(asked, price=PriceChoice.parse(OWN))
    question = Question(asked=bought, model=None, workload=None)
    wanted = Sizing(
        h100e=None, rule=None, workload=None, gpus=None, budget_usd=usd, years=None, power_watts=power,
        power_of=None if power is None else "nameplate",
    )  # fmt: skip
    return sized(catalog, hardware.own.largest, wanted, question, Filled())


def _note(found: Amounts, wanted: Wanted, filled: Filled) -> None:
    if wanted.amount.given == "mw":
        filled.assume(
            "power", "nameplate", "at the meter in the warmest season: the power that announcements give"
        )
    if found.hardware.cluster is not None and len(found.hardware.own.estates) > 1:
        filled.assume(
            "accelerator",
            "mean of the groups",
            f"a share of {found.hardware.cluster} is the same share of each kind of hardware in it; what is "
            "bought instead is more of the largest group",
        )
