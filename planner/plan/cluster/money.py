"""What a cluster costs: to buy, and by the hour of an accelerator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InputError
from planner.model.cost.hour import break_even_utilisation
from planner.plan.cluster.parts import Capital, HourlyCost, Power, Price
from planner.plan.operating.money import interval_of
from planner.plan.price_words import COLOCATION, OWN, PriceChoice, rent_of
from planner.tables.price import TERMS
from planner.types import FloatArray
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.held import Held
    from planner.plan.operating.estate import Estate

__all__ = ["capital_of", "capital_usd", "cost_of"]

PARTS: Final = ("servers", "network", "storage", "building")


def capital_usd(own: Held) -> dict[str, FloatArray]:
    """Capital of all groups by part, ``[S, 1]`` each."""
    return {part: own.summed(partial(_part_usd, part)) for part in PARTS}


def _part_usd(part: str, estate: Estate, n: FloatArray) -> FloatArray:
    """Price of a part of one accelerator's share."""
    usd: FloatArray = getattr(estate.capital(n), f"{part}_usd")
    return usd


def capital_of(own: Held, power: Power) -> Capital:
    """Return the section on capital."""
    parts = capital_usd(own)
    total: FloatArray = sum(parts.values(), np.zeros((1, 1)))
    value = float(total[0, 0])
    return Capital(
        usd=interval_of(total),
        by_part_usd={part: float(np.asarray(usd).flat[0]) for part, usd in parts.items()},
        usd_per_accelerator=value / own.total,
        usd_per_facility_watt=value / (power.nameplate_facility_megawatts.value * MEGA),
    )


def cost_of(catalog: Catalog, own: Held) -> HourlyCost:
    """Return the section on the price of an hour: owned, in colocation, rented in every term."""
    owned, price = _owned(catalog, own, OWN)
    running = price.parts_usd["electricity"]
    prices = [price, _owned(catalog, own, COLOCATION)[1]]
    for terms in TERMS:
        prices.append(_rented(catalog, own, terms, owned, running))
    return HourlyCost(prices=tuple(prices), sentence=_said(prices))


def _owned(catalog: Catalog, own: Held, word: str) -> tuple[FloatArray, Price]:
    choice = PriceChoice.parse(word)

    def parts_of(estate: Estate, n: FloatArray) -> dict[str, FloatArray]:
        return estate.gpu_hour(n, choice, "training", catalog=catalog)._asdict()

    def hour(name: str, estate: Estate, n: FloatArray) -> FloatArray:
        return parts_of(estate, n)[name]

    names = [name for name, usd in parts_of(own.estates[0], own.counts[:1]).items() if np.any(usd != 0.0)]
    parts = {name: own.summed(partial(hour, name)) / own.total for name in names}
    total: FloatArray = sum(parts.values(), np.zeros((1, 1)))
    return total, Price(
        price=word,
        usd_per_gpu_hour=interval_of(total),
        parts_usd={name: float(np.asarray(usd).flat[0]) for name, usd in parts.items()},
        basis=f"finance {own.estates[0].finance.id}",
    )


def _rented(catalog: Catalog, own: Held, terms: str, owned: FloatArray, running: float) -> Price:
    choice = PriceChoice.parse(terms)
    try:
        rents = [rent_of(choice, catalog, estate.place.accelerator) for estate in own.estates]
    except InputError as error:
        return Price(price=terms, usd_per_gpu_hour=None, basis=str(error))
    usd: FloatArray = (
        sum((rent.usd(own.samples) * n for rent, n in zip(rents, own.counts, strict=True)), np.zeros((1, 1)))
        / own.total
    )
    even = break_even_utilisation(
        owned_usd_per_hour=owned[:1], rented_usd_per_hour=usd[:1], running_usd_per_hour=running
    )
    share = float(np.asarray(even).flat[0])
    return Price(
        price=terms,
        usd_per_gpu_hour=interval_of(usd),
        parts_usd={"rent": float(usd[0, 0])},
        basis="; ".join(dict.fromkeys(rent.basis for rent in rents)),
        break_even_utilisation=share if np.isfinite(share) else None,
    )


def _said(prices: list[Price]) -> str:
    """Set owning beside renting in a sentence."""
    owned = prices[0].usd_per_gpu_hour
    rented = next((one for one in prices if one.price == TERMS[0]), None)
    if owned is None or rented is None or rented.usd_per_gpu_hour is None:
        return "No rent is known to set beside owning."
    even = rented.break_even_utilisation
    if even is None or even > 1:
        return f"Renting {rented.price} is cheaper than owning at any use."
    return f"Owning is cheaper than renting {rented.price} where more than {even:.0%} of the hours are used."
