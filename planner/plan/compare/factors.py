"""What explains the difference of two plans: factors whose logarithms add up exactly.

Time of a training run, with ``W`` the floating-point work, ``N`` accelerators of peak ``P``, utilisation
``u`` and goodput ``g``::

    days = W / (N P u g)              1 / u = sum over the parts of a step of  seconds / ideal seconds

Cost of a run, with the price ``c`` of an hour of an accelerator and spares that are paid for as well::

    cost = c (paid / N) N hours       c = sum over servers, network, building, electricity ...

Throughput of a service, with the output tokens ``t`` that a step yields per accelerator, and cost of a
token::

    tokens/s = N t / step             step = sum over its parts
    USD per token = c (paid / N) / (tokens/s per accelerator) x peak / mean

A factor of a product explains the logarithm of its ratio, a part of a sum what the logarithmic mean Divisia
index gives it (`planner.model.divisia`): nothing is left over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.model.divisia import shares_of_parts
from planner.plan.compare.results import Step, Waterfall
from planner.units import MILLION, SECONDS_PER_DAY, SECONDS_PER_HOUR, format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["waterfalls_of"]

UTILISATION: Final = "utilisation"
PRICE: Final = "price of an hour"
LONG: Final = 1e5
"""From here on numbers have a prefix."""
MOST_SAID: Final = 3
SMALL: Final = 0.005
"""Factors that a sentence names: so many, and none nearer to 1 than this."""
LEAST: Final = 1e-12
"""Log shares below this are left out: parts that neither side has."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A factor of a figure, of one side.

    Attributes
    ----------
    name : str
    value : float
        In `unit`; positive.
    power : int
        1, or -1 where the figure falls with it.
    parts : mapping
        It is their sum; empty where it is not divided.
    """

    name: str
    value: float
    unit: str = ""
    power: int = 1
    parts: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Product:
    """A figure as the product of its factors."""

    figure: str
    unit: str
    value: float
    factors: tuple[Factor, ...]


def waterfalls_of(command: str, sides: Sequence[Answered], names: tuple[str, ...]) -> tuple[Waterfall, ...]:
    """Return what explains the difference of each side to the first, where both have a plan."""
    products = _PRODUCTS.get(command)
    if products is None or sides[0].plan is None:
        return ()
    first = {one.figure: one for one in products(sides[0])}
    found = []
    for at, side in enumerate(sides[1:], start=1):
        if side.plan is None:
            continue
        for product in products(side):
            if product.figure in first:
                found.append(_waterfall(first[product.figure], product, at, names))
    return tuple(found)


def _waterfall(first: Product, other: Product, at: int, names: tuple[str, ...]) -> Waterfall:
    steps = tuple(
        step
        for one, two in zip(first.factors, other.factors, strict=True)
        for step in _steps(one, two)
        if abs(step.log_share) > LEAST
    )
    return Waterfall(
        figure=first.figure,
        unit=first.unit,
        side=at,
        first=first.value,
        value=other.value,
        ratio=other.value / first.value,
        steps=steps,
        sentence=_sentence(first, other, steps, names[0], names[at]),
    )


def _steps(one: Factor, other: Factor) -> Iterator[Step]:
    if one.parts is None or other.parts is None:
        share = one.power * float(np.log(other.value / one.value))
        yield _step(one.name, one.name, share, one.value, other.value, one.unit)
        return
    parts = list(dict.fromkeys((*one.parts, *other.parts)))
    before = np.array([one.parts.get(part, 0.0) for part in parts])
    after = np.array([other.parts.get(part, 0.0) for part in parts])
    shares = one.power * shares_of_parts(before=before, after=after)
    for part, share, v, w in zip(parts, shares.tolist(), before.tolist(), after.tolist(), strict=True):
        yield _step(part.replace("_", " "), one.name, share, v, w, one.unit)


def _step(name: str, group: str, share: float, before: float, after: float, unit: str) -> Step:
    behind = f" {unit}" if unit else ""
    return Step(
        name=name,
        group=group,
        factor=float(np.exp(share)),
        log_share=share,
        detail=f"{_short(before)} to {_short(after)}{behind}",
    )


def _short(value: float) -> str:
    return format_quantity(value, "count", digits=3) if value >= LONG else short_number(value)


def _sentence(first: Product, other: Product, steps: tuple[Step, ...], name: str, this: str) -> str:
    """Say the ratio and the factors that matter most, those of a group together."""
    groups: dict[str, float] = {}
    for step in steps:
        groups[step.group] = groups.get(step.group, 0.0) + step.log_share
    largest = sorted(groups.items(), key=lambda item: -abs(item[1]))[:MOST_SAID]
    said = ", ".join(f"{group} x {np.exp(share):.3g}" for group, share in largest if abs(share) > SMALL)
    because = f": {said}" if said else ""
    return (
        f"{first.figure} of {this}: {short_number(other.value / first.value)} times that of {name}{because}"
    )


def _training(side: Answered) -> Iterator[Product]:
    plan, answer = side.plan, side.result.result
    done = plan.mfu.model_tflop_per_token
    days, used = plan.days_with_failures.value, float(plan.gpus_used)
    tokens = plan.days.value * SECONDS_PER_DAY * plan.tokens_per_s.value
    work = (
        Factor(name="tokens", value=tokens, unit="tokens"),
        Factor(name="FLOP per token", value=done, unit="TFLOP"),
    )
    spent = (
        Factor(name="peak FLOP/s", value=plan.mfu.peak_tflop_per_s, unit="TFLOP/s", power=-1),
        _utilisation(plan),
        Factor(name="goodput", value=plan.days.value / days, power=-1),
    )
    gpus = Factor(name="accelerators", value=used, power=-1)
    if answer.tokens is not None:
        inverse = (_inverted(one) for one in (work[1], gpus, *spent))
        within = Factor(name="days", value=days, unit="days")
        yield Product(figure="tokens", unit="tokens", value=tokens, factors=(within, *inverse))
    elif answer.gpus is not None:
        within = Factor(name="days", value=days, unit="days", power=-1)
        yield Product(figure="accelerators", unit="", value=used, factors=(*work, within, *spent))
    else:
        yield Product(figure="days", unit="days", value=days, factors=(*work, gpus, *spent))
    cost, price = plan.cost_usd.value, plan.cost.gpu_hour_parts_usd
    hours = days * used * SECONDS_PER_DAY / SECONDS_PER_HOUR
    yield Product(
        figure="cost",
        unit="USD",
        value=cost,
        factors=(
            _price(price),
            Factor(name="spares that are paid for", value=cost / (sum(price.values()) * hours), unit="x"),
            *work,
            *spent,
        ),
    )


def _utilisation(plan: Any) -> Factor:
    """Time of a step over that of its work at the peak, by what it is spent on."""
    ideal_s = plan.step_time_s.value * plan.tokens_per_s.value * plan.mfu.model_tflop_per_token
    ideal_s /= plan.gpus_used * plan.mfu.peak_tflop_per_s
    parts = {name: seconds / ideal_s for name, seconds in plan.time_breakdown_s.items()}
    return Factor(name=UTILISATION, value=sum(parts.values()), unit="times the ideal step", parts=parts)


def _price(parts: Mapping[str, float]) -> Factor:
    return Factor(name=PRICE, value=sum(parts.values()), unit="USD/h", parts=parts)


def _inverted(one: Factor) -> Factor:
    return Factor(name=one.name, value=one.value, unit=one.unit, power=-one.power, parts=one.parts)


def _serving(side: Answered) -> Iterator[Product]:
    plan, inputs = side.plan, side.result.inputs
    serving = float(plan.fleet.gpus_serving)
    total = serving + plan.fleet.gpus_spare
    each = plan.output_tokens_per_s_per_gpu.value
    parts = {name: seconds for name, seconds in plan.time_breakdown_s.items() if seconds > 0.0}
    step = sum(parts.values())
    made = (
        Factor(name="output tokens of a step, per accelerator", value=each * step, unit="tokens"),
        Factor(name="time of a step", value=step, unit="s", power=-1, parts=parts),
    )
    throughput = plan.output_tokens_per_s.value
    used = Factor(name="accelerators that serve", value=throughput / each)
    if inputs.question == "gpus":
        need = float(plan.gpus.value)
        yield Product(
            figure="accelerators",
            unit="",
            value=need,
            factors=(
                Factor(name="load", value=throughput, unit="tokens/s"),
                *(_inverted(one) for one in made),
                Factor(name="spares", value=need / (throughput / each), unit="x"),
            ),
        )
    else:
        yield Product(figure="output throughput", unit="tokens/s", value=throughput, factors=(used, *made))
        if plan.users is not None:
            per = Factor(name="tokens/s of a user", value=throughput / plan.users.value, power=-1)
            yield Product(figure="users", unit="", value=plan.users.value, factors=(used, *made, per))
    price = plan.cost.gpu_hour_parts_usd
    ideal = sum(price.values()) * total / serving / (each * SECONDS_PER_HOUR) * MILLION
    value = plan.usd_per_million_tokens.value
    yield Product(
        figure="cost of a million output tokens",
        unit="USD",
        value=value,
        factors=(
            _price(price),
            Factor(name="spares that are paid for", value=total / serving, unit="x"),
            *(_inverted(one) for one in made),
            Factor(name="peak over mean load", value=value / ideal, unit="x"),
        ),
    )


_PRODUCTS: Final[Mapping[str, Any]] = {"train": _training, "serve": _serving}
