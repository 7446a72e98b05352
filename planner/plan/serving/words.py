"""Words and numbers of a serving question: loads, traffic, lengths, targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from planner.errors import InputError, UsageError, suggest
from planner.plan import numbers
from planner.search.serving.request import Target
from planner.units import format_quantity, short_number
from planner.workload.kinds import TRAFFIC
from planner.workload.traffic_given import with_given

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.workload.traffic import Limit, TrafficProfile

__all__ = [
    "LATENCIES",
    "Demand",
    "Measure",
    "check_word",
    "percentile_text",
    "rate_text",
    "read_demand",
    "read_targets",
]

Measure = Literal["users", "request_rate", "concurrency"]

USUAL_TRAFFIC: Final = "chat"
LATENCIES: Final = ("ttft", "tpot", "e2e")
MOST_TOKENS: Final = 1e8
MOST_USERS: Final = 1e12
MOST_RATE: Final = 1e12
MOST_YEARS: Final = 50.0
NONE: Final = "none"
STRICT: Final = 0.99
"""Percentile of a target that was given without one."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A load to be served."""

    measure: Measure
    value: float


def check_word(what: str, word: str, known: tuple[str, ...]) -> str:
    """Return the word; raises `UsageError` where it is none of those known."""
    if word not in known:
        hint = suggest(word, known, otherwise=f"there are {', '.join(known)}")
        raise UsageError(f"unknown {what} {word!r}; {hint}")
    return word


def read_demand(load: Mapping[Measure, Number | None]) -> Demand | None:
    """Read the one load that was given; None where the capacity is asked for.

    Raises
    ------
    UsageError
        Two loads.
    InputError
        Zero, negative, no number.
    """
    said = [(name, value) for name, value in load.items() if value is not None]
    if len(said) > 1:
        both = " and ".join(numbers.given(name) for name, _ in said)
        raise UsageError(f"{both} each say how much is to be served; give one of them")
    if not said:
        return None
    name, value = said[0]
    if name == "request_rate":
        return Demand(measure=name, value=numbers.rate_per_s(name, value, most=MOST_RATE))
    example = "5M" if name == "users" else "512"
    return Demand(measure=name, value=numbers.positive(name, value, most=MOST_USERS, example=example))


def read_years(value: Number) -> float:
    """Read years of growth; raises `InputError`."""
    try:
        years = float(value)
    except (TypeError, ValueError):
        raise InputError(f"--years {value!r} is not a number of years; for example 1.5") from None
    if not 0.0 <= years <= MOST_YEARS:
        raise InputError(f"--years {value!r} is outside 0 to {MOST_YEARS:g}; choose one in between")
    return years


def read_traffic(
    catalog: Catalog,
    filled: Filled,
    traffic: object,
    *,
    isl: Number | None,
    osl: Number | None,
    hit: Number | None,
) -> TrafficProfile:
    """Find the profile by name or take it as it is, with the lengths and hits that were given.

    Without a name it is a chat; lengths of one's own then come without prefix hits.
    """
    from planner.workload.traffic import TrafficProfile

    tokens_in = None if isl is None else numbers.positive("isl", isl, most=MOST_TOKENS, example="4k")
    tokens_out = None if osl is None else numbers.positive("osl", osl, most=MOST_TOKENS, example="500")
    share = None if hit is None else numbers.fraction("prefix_hit", hit)
    if isinstance(traffic, TrafficProfile):
        profile = traffic
    elif traffic is not None:
        profile = catalog.get(TRAFFIC, str(traffic))
    else:
        profile = catalog.get(TRAFFIC, USUAL_TRAFFIC)
        filled.assume("traffic", profile.id, "nothing was said of the traffic; --traffic names another")
        if share is None and tokens_in is not None:
            share = 0.0
            why = "lengths were given without traffic; --prefix-hit says how much of them is cached"
            filled.assume("prefix_hit", 0.0, why)
    return with_given(profile, isl=tokens_in, osl=tokens_out, hit=share)


def read_targets(
    profile: TrafficProfile,
    given: Mapping[str, Number | None],
    percentile: Number | None,
    filled: Filled,
) -> dict[str, Target]:
    """Latency targets by name of `LATENCIES`: those given, else the profile's; ``none`` takes one away.

    Raises
    ------
    InputError
        A value that is no time; a percentile without a target.
    """
    asked = None if percentile is None else numbers.percentile("percentile", percentile)
    found: dict[str, Target] = {}
    for name, limit in zip(LATENCIES, profile.slo, strict=True):
        target = _target(name, given.get(name), limit)
        if target.is_set and percentile is not None:
            target = Target(target.seconds, asked)
        found[name] = target
        if target.is_set and given.get(name) is None:
            words = f"{format_quantity(target.seconds, 's')} at {percentile_text(target.percentile)}"
            filled.assume(name, words, f"traffic {profile.id}; --{name} says otherwise")
    if percentile is not None and not any(target.is_set for target in found.values()):
        raise InputError("--percentile needs a latency target; give --ttft or --tpot with it")
    return found


def _target(name: str, given: Number | None, limit: Limit | None) -> Target:
    if isinstance(given, str) and given.strip().lower() == NONE:
        return Target()
    share = limit.percentile if limit is not None else STRICT
    if given is not None:
        return Target(numbers.latency_s(name, given), share)
    return Target() if limit is None else Target(limit.seconds, share)


def percentile_text(share: float | None) -> str:
    """Write a percentile for people: ``p99``, ``the mean``."""
    return "the mean" if share is None else f"p{100 * share:g}"


def rate_text(rate: float) -> str:
    """Write a rate for people: three digits, and all before the point."""
    return short_number(rate)
