"""A serving question resolved against the catalog: what is to be served, before any hardware is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from planner.errors import InputError
from planner.plan import numbers
from planner.plan.model_input import read_model_record
from planner.plan.places import MOST_GPUS
from planner.plan.serving.words import (
    Demand,
    Measure,
    check_word,
    read_demand,
    read_targets,
    read_traffic,
    read_years,
)
from planner.search.serving.request import GOALS, MODES, Target
from planner.tables import Model, model_table
from planner.workload.counts import ParameterCounts, parameters

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.workload.record import ModelRecord
    from planner.workload.traffic import Grain, TrafficProfile

__all__ = ["Question", "ServeJob", "Wanted", "resolve"]

Question = Literal["capacity", "gpus"]

GRAINS: Final = ("mean", "hour", "minute")
MOST_DRAFTS: Final = 64
WORTH_SAYING: Final = 0.005
"""Share of the requests that are longer than the model's context, from which on it is said."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was said of engine and precisions; None leaves it to the defaults."""

    engine: str | None = None
    weights: str | None = None
    kv: str | None = None
    speculation: str | None = None
    drafts: int | None = None


@dataclass(frozen=True, kw_only=True)
class ServeJob:
    """What to serve and how well, without the hardware.

    Attributes
    ----------
    record, counts, model
        The model, its parameters, and its table of one row.
    traffic
        The profile, with the numbers that the question gave.
    targets
        By name of `planner.plan.serving.words.LATENCIES`.
    question, demand
        What is asked for; the demand is None where the capacity is.
    gpus
        Accelerators at most; None where the question does not say.
    peak, years
        The busy time that is sized for, and how long demand has grown by then.
    hit_given
        Whether the question itself says what a prefix cache finds.
    modes, pins, goal, top
        As asked.
    spares
        Spare hosts; None for the policy of `planner.plan.serving.fleet`.
    """

    record: ModelRecord
    counts: ParameterCounts
    model: Model
    traffic: TrafficProfile
    targets: Mapping[str, Target]
    question: Question
    demand: Demand | None
    gpus: int | None
    peak: Grain
    years: float
    hit_given: bool
    wanted: Wanted
    modes: tuple[str, ...]
    pins: Mapping[str, int]
    goal: str
    top: int
    spares: int | None

    @property
    def moe(self) -> bool:
        """Whether the model has experts."""
        return self.record.architecture.moe is not None

    @property
    def timed(self) -> bool:
        """Whether any latency is promised."""
        return any(target.is_set for target in self.targets.values())

    @property
    def offline(self) -> bool:
        """Whether requests wait in a queue that is worked off."""
        return self.traffic.arrival == "offline" and not self.timed

    @property
    def rate(self) -> float | None:
        """Requests per second at the peak; None where they were not given, nor users."""
        if self.demand is None or self.demand.measure == "concurrency":
            return None
        if self.demand.measure == "request_rate":
            return self.demand.value
        return self.demand.value * self.traffic.requests_per_user_s(peak=self.peak, years=self.years)

    def users(self, requests_per_s: float) -> float | None:
        """Users whose peak is so many requests per second; None where the profile says nothing of them."""
        if self.traffic.demand is None or self.offline:
            return None
        return self.traffic.users(requests_per_s, peak=self.peak, years=self.years)


def resolve(
    catalog: Catalog,
    filled: Filled,
    *,
    model: object,
    gpus: Number | None,
    load: Mapping[Measure, Number | None],
    traffic: object,
    isl: Number | None,
    osl: Number | None,
    prefix_hit: Number | None,
    targets: Mapping[str, Number | None],
    percentile: Number | None,
    peak: str,
    years: Number,
    engine: str | None,
    weights: str | None,
    kv: str | None,
    speculation: str | None,
    drafts: Number | None,
    mode: str | None,
    pins: Mapping[str, Number | None],
    goal: str | None,
    top: Number,
    spares: Number | None,
) -> ServeJob:
    """Read the question, fill in what it leaves open, and look up the model and the traffic.

    Raises
    ------
    UsageError
        Conflicting options; unknown words.
    InputError
        A value that is none; an unknown name; a request longer than the model's context.
    """
    demand = read_demand(load)
    limit = None if gpus is None else numbers.count("gpus", gpus, most=MOST_GPUS)
    usual = "throughput" if demand is None else "gpus"
    wanted_goal = usual if goal is None else check_word("goal", goal, GOALS)
    check_word("peak", peak, GRAINS)
    modes = MODES if mode is None else (check_word("mode", mode, MODES),)
    record, notes = read_model_record(catalog, model)
    filled.notes.extend(notes)
    profile = read_traffic(catalog, filled, traffic, isl=isl, osl=osl, hit=prefix_hit)
    job = ServeJob(
        record=record,
        counts=parameters(record.architecture),
        model=model_table(record.architecture),
        traffic=profile,
        targets=read_targets(profile, targets, percentile, filled),
        question="capacity" if demand is None else "gpus",
        demand=demand,
        gpus=limit,
        peak=peak,  # type: ignore[arg-type]
        years=read_years(years),
        hit_given=prefix_hit is not None,
        wanted=Wanted(
            engine=engine,
            weights=weights,
            kv=kv,
            speculation=speculation,
            drafts=None if drafts is None else numbers.count("drafts", drafts, most=MOST_DRAFTS),
        ),
        modes=modes,
        pins={name: numbers.count(name, n, most=MOST_GPUS) for name, n in pins.items() if n is not None},
        goal=wanted_goal,
        top=numbers.count("top", top, most=100, least=0),
        spares=None if spares is None else numbers.count("spares", spares, most=MOST_GPUS, least=0),
    )
    _check_context(job, filled)
    for field, value, why in _demand_facts(job):
        filled.assume(field, value, why)
    return job


def _check_context(job: ServeJob, filled: Filled) -> None:
    """Refuse requests longer than the model takes, and say how many of their spread are."""
    context = job.record.context
    if context is None:
        return
    isl, osl, most, name = job.traffic.isl, job.traffic.osl, context.value, job.record.id
    if isl + osl > most:
        raise InputError(
            f"requests of {isl:,.0f} input and {osl:,.0f} output tokens are longer than the {most:,.0f} "
            f"tokens that {name} is made for; shorten them with --isl and --osl, or choose a model with a "
            "longer context"
        )
    beyond = 1.0 - job.traffic.input_spread.share_below(most - osl)
    if beyond > WORTH_SAYING:
        filled.notes.append(
            f"{beyond:.0%} of the requests are longer than the {most:,.0f} tokens that {name} is made for: "
            "they are planned as if it took them, where a service would cut or summarise them."
        )


def _demand_facts(job: ServeJob) -> Iterator[tuple[str, float, str]]:
    """Yield what the profile says of its users, where that decides the answer."""
    profile = job.traffic
    if profile.demand is None or job.offline or (job.demand is not None and job.demand.measure != "users"):
        return
    requests, active = profile.demand.requests, profile.demand.active
    of = f"traffic {profile.id}"
    yield "requests_per_user_hour", requests.value, f"of an active user: {of} ({requests.source})"
    yield "active_users", active.value, f"share of all users in the mean hour: {of} ({active.source})"
    busy = {"mean": "the mean hour", "hour": "the busiest hour", "minute": "the busiest minute"}[job.peak]
    yield "peak_over_mean", profile.peak_over_mean(job.peak), f"{busy} is sized for: {of}"
    if job.years and profile.growth is not None:
        yield "growth_per_year", profile.growth.value, f"over {job.years:g} years: {of}"
