"""What users ask of a model: ``workloads/serving/ID.yaml``.

A profile says how long requests and answers are and how they spread, how much of a request a prefix cache has
seen before, how sessions run, how many requests a user makes and when, and which latencies were promised.
What it does not say is left out of the record, and `TrafficProfile.unstated` names it. The estimator takes
plain numbers from the properties: tokens, seconds, shares, requests per second.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

from pydantic import model_validator

from planner.catalog.quantity import IsoDate, Percent
from planner.catalog.records import Record
from planner.errors import InputError
from planner.units import SECONDS_PER_HOUR
from planner.workload.lengths import Spread
from planner.workload.traffic_parts import Demand, Latency, Lengths, Peak, PrefixCache, Sessions, Variation

__all__ = ["GRAINS", "Grain", "Limit", "Slo", "TrafficProfile"]

Grain = Literal["mean", "hour", "minute"]
"""Which rate is meant: that of the mean hour, of the busiest hour, or of the busiest minute in it."""
GRAINS: Final[tuple[Grain, ...]] = get_args(Grain)


class Limit(NamedTuple):
    """A latency target in plain numbers."""

    seconds: float
    percentile: float
    """Share of the requests, 0.99 for p99."""


class Slo(NamedTuple):
    """Latency targets; None where there is none."""

    ttft: Limit | None = None
    tpot: Limit | None = None
    end_to_end: Limit | None = None


class TrafficProfile(Record):
    """What one kind of use asks of a model."""

    date: IsoDate | None = None
    """When it was measured."""
    arrival: Literal["open", "offline"]
    """Requests come when users make them, or all wait in a queue that is worked off."""
    input: Lengths
    """Tokens of a request, those found in a cache included."""
    output: Lengths
    """Tokens of an answer, reasoning included."""
    prefix: PrefixCache | None = None
    """Without it nothing is assumed to be found."""
    sessions: Sessions | None = None
    demand: Demand | None = None
    """Needed to speak of users rather than requests."""
    peak: Peak | None = None
    growth: Percent | None = None
    """Of the requests, in a year: 100 % doubles them."""
    burstiness: Variation | None = None
    """Standard deviation over mean of the gaps between requests; 1 for a Poisson stream."""
    latency: Latency | None = None

    @model_validator(mode="after")
    def _a_queue_has_no_deadline(self) -> TrafficProfile:
        if self.arrival == "offline" and self.latency is not None:
            raise ValueError("offline requests wait in a queue; leave latency out, or write arrival: open")
        return self

    @property
    def isl(self) -> float:
        """Mean input tokens of a request."""
        return self.input.mean.value

    @property
    def osl(self) -> float:
        """Mean output tokens of a request."""
        return self.output.mean.value

    @property
    def input_spread(self) -> Spread:
        """Input tokens as a lognormal; its `cv`, `quantile` and `sample` are plain numbers."""
        return self.input.spread

    @property
    def output_spread(self) -> Spread:
        """Output tokens as a lognormal."""
        return self.output.spread

    @property
    def hit(self) -> float:
        """Share of the input tokens that a prefix cache has; 0 where the record says nothing."""
        return 0.0 if self.prefix is None else self.prefix.hit.value

    @property
    def arrival_cv(self) -> float:
        """Standard deviation over mean of the gaps between requests; 1, a Poisson stream, by default."""
        return 1.0 if self.burstiness is None else self.burstiness.value

    @property
    def think_spread(self) -> Spread | None:
        """Seconds from an answer to the session's next request, as a lognormal; None where unknown."""
        if self.sessions is None or self.sessions.think is None:
            return None
        return self.sessions.think.spread

    @property
    def steps_per_session(self) -> float:
        """Requests of a session; 1 where there are no sessions."""
        return 1.0 if self.sessions is None else self.sessions.steps.value

    @property
    def slo(self) -> Slo:
        """The latency targets in seconds and shares."""
        if self.latency is None:
            return Slo()
        targets = (self.latency.ttft, self.latency.tpot, self.latency.end_to_end)
        return Slo(*(None if t is None else Limit(t.limit.value, t.percentile.value) for t in targets))

    def peak_over_mean(self, grain: Grain = "hour") -> float:
        """Return the rate of the busiest hour or minute over the mean; what is not stated counts as 1."""
        hour, minute = (None, None) if self.peak is None else (self.peak.hour, self.peak.minute)
        factors = {"mean": (), "hour": (hour,), "minute": (hour, minute)}[grain]
        product = 1.0
        for factor in factors:
            product *= 1.0 if factor is None else factor.value
        return product

    def requests_per_user_s(self, *, peak: Grain = "hour", years: float = 0.0) -> float:
        """Return requests per second of one user, active or not.

        Parameters
        ----------
        peak
            Of the mean hour, the busiest hour, or the busiest minute of the busiest hour.
        years
            How long the stated growth has gone on.

        Raises
        ------
        InputError
            The profile says nothing of its users.
        """
        if self.demand is None:
            raise InputError(
                f"traffic {self.id!r} says nothing of its users; give a request rate, "
                "or add demand: {requests, active} to the record"
            )
        mean = self.demand.requests.value * self.demand.active.value / SECONDS_PER_HOUR
        grown = 1.0 if self.growth is None else (1.0 + self.growth.value) ** years
        return mean * self.peak_over_mean(peak) * grown

    def users(self, requests_per_s: float, *, peak: Grain = "hour", years: float = 0.0) -> float:
        """Return how many users make so many requests per second; see `requests_per_user_s`."""
        each = self.requests_per_user_s(peak=peak, years=years)
        if each == 0.0:
            raise InputError(f"traffic {self.id!r}: its users are never active; raise demand.active")
        return requests_per_s / each

    @property
    def unstated(self) -> tuple[str, ...]:
        """What the profile leaves open that sizing needs, by the path of its field."""
        peak = self.peak or Peak()
        fields = {
            "prefix.hit": self.prefix,
            "demand": self.demand,
            "peak.hour": peak.hour,
            "peak.minute": peak.minute,
            "burstiness": self.burstiness,
            "latency.ttft": self.latency and self.latency.ttft,
            "latency.tpot": self.latency and self.latency.tpot,
        }
        offline = ("prefix.hit",)
        asked = fields if self.arrival == "open" else offline
        return tuple(path for path in asked if fields[path] is None)
