"""What running a service takes: what failures leave of it, power, energy, carbon, cost of tokens and users.

All accelerators that serve or stand by are paid for around the clock; those that serve are busy as the mean
hour has it, and idle otherwise. Energy, carbon and cost are those of a year at that mean. Where a load was
asked for, a service that is faster or slower than predicted needs fewer or more accelerators; where hardware
was given, it makes more or fewer tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.model.cost.hour import MONTHS_PER_YEAR, HourCost, break_even_utilisation
from planner.model.power import carbon_kg, energy_kwh
from planner.model.reliability.costs import checkpoint_costs
from planner.plan.document import Interval
from planner.plan.operating import results
from planner.plan.operating.draw import PartPower, mean_watts, power_section
from planner.plan.operating.money import first, interval_of, market_rent
from planner.plan.price_words import rent_of
from planner.types import FloatArray
from planner.units import (
    HOURS_PER_YEAR,
    KILO,
    MEGA,
    MILLION,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_YEAR,
)

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.operations import Reliability
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate

__all__ = ["Part", "Replicas", "Service", "served", "shortage"]

RELOADS: Final = "asynchronous"
"""Policy by which a replica comes back where none is named: its weights are read from storage."""
MANY: Final = 400.0
"""Hosts away above which their number is close to a normal one."""

_NONE = np.zeros((1, 1))


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """Like replicas, each of which stops while one of its hosts is replaced.

    Attributes
    ----------
    serving, each : int
        Accelerators of all of them and of one.
    weight_bytes : float
        That one accelerator loads.
    """

    serving: int
    each: int
    weight_bytes: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One kind of hardware of a service.

    Attributes
    ----------
    serving, spare, host : int
        Accelerators at work, standing by, and of one host.
    prefill, decode : float
        Shares of the time of those at work, in the mean hour.
    replicas
        Of which it consists.
    """

    estate: Estate
    serving: int
    spare: int
    host: int
    prefill: float
    decode: float
    replicas: Sequence[Replicas] = ()


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as its throughput has it.

    Attributes
    ----------
    output_tokens_per_s, input_tokens_per_s
        Of the mean hour.
    users : float or None
    low, high
        80 % interval of measured over predicted throughput.
    fixed : bool
        Whether the load is given, and not the hardware.
    """

    parts: Sequence[Part]
    output_tokens_per_s: float
    input_tokens_per_s: float
    users: float | None
    low: float
    high: float
    fixed: bool


def served(service: Service, asked: Asked, reliability: Reliability, *, catalog: Catalog) -> dict[str, Any]:
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
    availability, up = _availability(service, asked, reliability)
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
    part = largest.estate.place.accelerator
    rent = market_rent(largest.estate, catalog) if owned else rent_of(asked.price, catalog, part)
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
    even = first(
        break_even_utilisation(
            owned_usd_per_hour=own.total, rented_usd_per_hour=rented, running_usd_per_hour=own.electricity
        )
    )
    return results.Cost(
        price=asked.price.text,
        basis=f"{largest.estate.purchase.basis}; finance {largest.estate.finance.id}"
        if owned
        else rent.basis,
        gpu_hour_parts_usd=parts,
        electricity_usd=interval_of(electricity),
        capital_usd=interval_of(bought) if owned else None,
        usd_per_million_input_tokens=_per_million(hourly * prompts, service.input_tokens_per_s * made),
        usd_per_million_output_tokens=_per_million(
            hourly * (1.0 - prompts), service.output_tokens_per_s * made
        ),
        usd_per_user_month=users,
        rented_usd_per_gpu_hour=interval_of(rented) if owned else None,
        break_even_utilisation=even if owned and math.isfinite(even) else None,
    )


def _per_million(usd_per_hour: FloatArray, tokens_per_s: FloatArray) -> Interval | None:
    if np.any(tokens_per_s <= 0):
        return None
    return interval_of(usd_per_hour / (tokens_per_s * SECONDS_PER_HOUR) * MILLION)


def _availability(
    service: Service, asked: Asked, reliability: Reliability
) -> tuple[results.ServingAvailability, Interval]:
    """Hosts that are away, and the share of the planned capacity that is there on average."""
    samples = service.parts[0].estate.samples
    mtbf = samples.of(reliability.node_mtbf, "operations.node_mtbf")
    repair = samples.of(reliability.node_repair, "operations.node_repair")
    hosts = sum(math.ceil(part.serving / part.host) for part in service.parts)
    lost, away, stopped = _NONE, _NONE, _NONE
    for part in service.parts:
        mean = math.ceil(part.serving / part.host) * repair / mtbf
        away = away + mean
        lost = lost + shortage(mean, part.spare // part.host)
        stopped = stopped + _stopped(part, asked) / (mtbf * SECONDS_PER_HOUR)
    serving = sum(part.serving for part in service.parts)
    up = interval_of(np.maximum(1.0 - lost / hosts - stopped / serving, 0.0))
    spare = sum(part.spare // part.host for part in service.parts)
    daily = hosts * (SECONDS_PER_DAY / SECONDS_PER_HOUR) / mtbf
    sentence = (
        f"{first(daily):,.3g} of {hosts:,} hosts fail a day and {first(away):,.3g} are away on average; with "
        f"{spare:,} spare hosts, and replicas that wait until one takes over, {up.value:.2%} of the capacity "
        "is there"
    )
    return (
        results.ServingAvailability(
            policy=asked.checkpoint or RELOADS,
            host_failures_per_day=interval_of(daily),
            hosts=hosts,
            spare_hosts=spare,
            hosts_away=first(away),
            stopped=first(stopped) / serving,
            sentence=sentence,
        ),
        up,
    )


def _stopped(part: Part, asked: Asked) -> FloatArray:
    """Accelerator-seconds that stand still for every failure of one host per host, ``[S, 1]``.

    A replica stops as a whole until a spare host has taken over and has its weights.
    """
    policy = next(one for one in part.estate.policies if one.id == (asked.checkpoint or RELOADS))
    total = _NONE
    for replicas in part.replicas:
        each = np.array([float(replicas.each)])
        costs = checkpoint_costs(
            policy=policy,
            state_bytes=replicas.weight_bytes * each,
            accelerators=each,
            storage=part.estate.storage_rates,
        )
        hosts = math.ceil(replicas.each / part.host)
        total = total + replicas.serving * hosts * costs.restart_s
    return total


def shortage(away: FloatArray, spare: int) -> FloatArray:
    """Hosts that are missing on average: ``E[max(X - spare, 0)]``, X Poisson with mean `away` ``[S, 1]``.

    By its normal limit above `MANY`.
    """
    mean = np.asarray(away, dtype=float)
    root = np.sqrt(np.maximum(mean, 1e-300))
    z = (spare - mean) / root
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    beyond = 0.5 * np.vectorize(math.erfc)(z / math.sqrt(2.0))
    normal = root * density - (spare - mean) * beyond
    if spare > 2.0 * MANY:
        return np.asarray(np.maximum(normal, 0.0))
    # E[(X - s)+] = m - s + sum over k < s of (s - k) P(k)
    k = np.arange(spare)
    steps = np.log(np.maximum(mean, 1e-300)) - np.log(np.maximum(k, 1))
    log = -mean + np.cumsum(np.where(k == 0, 0.0, steps), axis=1) if spare else np.zeros((len(mean), 0))
    exact = mean - spare + np.sum((spare - k) * np.exp(log), axis=1, keepdims=True)
    return np.asarray(np.maximum(np.where(mean > MANY, normal, exact), 0.0))
