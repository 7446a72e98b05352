"""What running a service takes: what failures leave of it, power, energy, carbon, cost of tokens and users.

All accelerators that serve or stand by are paid for around the clock; those that serve are busy as the mean
hour has it, and idle otherwise. Energy, carbon and cost are those of a year at that mean. Where a load was
asked for, a service that is faster or slower than predicted needs fewer or more accelerators; where hardware
was given, it makes more or fewer tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.model.cost.hour import MONTHS_PER_YEAR, HourCost
from planner.model.power import carbon_kg, energy_kwh
from planner.plan.document import Interval
from planner.plan.operating import results
from planner.plan.operating.availability import availability_of
from planner.plan.operating.draw import PartPower, mean_watts, power_section
from planner.plan.operating.money import basis_of, break_even, compared_rent, first, interval_of
from planner.plan.operating.service import Part, Service
from planner.types import FloatArray
from planner.units import (
    HOURS_PER_YEAR,
    KILO,
    MEGA,
    MILLION,
    SECONDS_PER_HOUR,
    SECONDS_PER_YEAR,
)

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.operations import Reliability
    from planner.plan.operating.asked import Asked

__all__ = ["operated"]

_NONE = np.zeros((1, 1))


def operated(service: Service, asked: Asked, reliability: Reliability, *, catalog: Catalog) -> dict[str, Any]:
    """Return the fields of a plan that say what running it takes.

    Parameters
    ----------
    service
        The fleet, with what it serves.
    asked
        What the question says of the surroundings.
    reliability
        How hosts of services fail.
    catalog
        For rents.
    """
    samples = service.parts[0].estate.samples
    faster = samples.ranged(1.0, min(service.low, 1.0), max(service.high, 1.0), "throughput")
    alike = np.ones_like(faster)
    more, made = (1.0 / faster, alike) if service.fixed else (alike, faster)
    drawn = [part for each in service.parts for part in _drawn(each)]
    watts = mean_watts(drawn) * more
    carried = service.parts[0].estate.supplied(watts)
    prices = [_hour(part, asked, catalog, carried.usd_per_kwh) for part in service.parts]
    paid = [np.array([float(part.serving + part.spare)]) for part in service.parts]
    total = sum(first(n) for n in paid)
    hourly = sum((price.total * n for price, n in zip(prices, paid, strict=True)), _NONE) * more
    kwh = energy_kwh(watts=watts, seconds=SECONDS_PER_YEAR)
    year = np.full((1, 1), SECONDS_PER_YEAR)
    availability, up = availability_of(service, asked, reliability)
    return {
        "goodput": up,
        "power_megawatts": interval_of(watts / MEGA),
        "energy_megawatt_hours": interval_of(kwh / KILO),
        "co2_tonnes": interval_of(carbon_kg(kwh=kwh, kg_per_kwh=carried.kg_per_kwh) / KILO),
        "cost_usd": interval_of(hourly * HOURS_PER_YEAR),
        "usd_per_gpu_hour": interval_of(hourly / (total * more)),
        "usd_per_million_tokens": _per_million(hourly, service.output_tokens_per_s * made),
        "availability": availability,
        "power": power_section(drawn, year),
        "cost": _cost(service, asked, prices, paid, hourly, made, kwh * carried.usd_per_kwh, catalog),
    }


def _drawn(part: Part) -> list[PartPower]:
    """Power of the accelerators that serve and of those that stand by."""
    serving, spare = np.array([float(part.serving)]), np.array([float(part.spare)])
    activity = {"prefill": np.array([part.prefill]), "decode": np.array([part.decode])}
    found = [PartPower(part.estate, part.estate.watts(serving + spare, activity), serving)]
    if part.spare:  # on the same network
        found.append(PartPower(part.estate, part.estate.watts(serving + spare, "idle"), spare))
    return found


def _hour(part: Part, asked: Asked, catalog: Catalog, usd_per_kwh: FloatArray) -> HourCost:
    """Price of an hour of an accelerator, on average over those that serve and those that stand by idle."""
    paid = np.array([float(part.serving + part.spare)])
    activity = {
        "prefill": part.prefill * part.serving / paid,
        "decode": part.decode * part.serving / paid,
    }
    return part.estate.gpu_hour(paid, asked.price, activity, catalog=catalog, usd_per_kwh=usd_per_kwh)


def _cost(
    service: Service,
    asked: Asked,
    prices: Sequence[HourCost],
    paid: Sequence[FloatArray],
    hourly: FloatArray,
    made: FloatArray,
    electricity: FloatArray,
    catalog: Catalog,
) -> results.Cost:
    """Divide what a service costs between input, output and users."""
    total = sum(first(n) for n in paid)
    named = dict.fromkeys(name for price in prices for name in price.parts())
    parts = {
        name: sum(first(getattr(price, name) * n) for price, n in zip(prices, paid, strict=True)) / total
        for name in named
    }
    owned = asked.price.mode != "rent"
    largest = max(service.parts, key=lambda part: part.serving)
    rent = compared_rent(largest.estate, asked, catalog)
    rented = rent.usd(largest.estate.samples)
    bought = sum(
        (sum(each.estate.capital(n), _NONE) * n for each, n in zip(service.parts, paid, strict=True)), _NONE
    )
    busy = sum((p.prefill + p.decode) * p.serving for p in service.parts)
    prompts = sum(p.prefill * p.serving for p in service.parts) / busy if busy else 0.0
    users = None
    if service.users is not None:
        users = interval_of(hourly * HOURS_PER_YEAR / MONTHS_PER_YEAR / (service.users * made))
    own = prices[service.parts.index(largest)]
    return results.Cost(
        price=asked.price.text,
        basis=basis_of(largest.estate) if owned else rent.basis,
        gpu_hour_parts_usd=parts,
        electricity_usd=interval_of(electricity),
        capital_usd=interval_of(bought) if owned else None,
        usd_per_million_input_tokens=_per_million(hourly * prompts, service.input_tokens_per_s * made),
        usd_per_million_output_tokens=_per_million(
            hourly * (1.0 - prompts), service.output_tokens_per_s * made
        ),
        usd_per_user_month=users,
        rented_usd_per_gpu_hour=interval_of(rented) if owned else None,
        break_even_utilisation=break_even(own, rented) if owned else None,
    )


def _per_million(usd_per_hour: FloatArray, tokens_per_s: FloatArray) -> Interval | None:
    if np.any(tokens_per_s <= 0):
        return None
    return interval_of(usd_per_hour / (tokens_per_s * SECONDS_PER_HOUR) * MILLION)
