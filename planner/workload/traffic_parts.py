"""The sections of a traffic profile: lengths, caches, sessions, demand, peaks and promised latencies."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from planner.catalog.quantity import Count, Dimension, Fraction, Quantity, Ratio
from planner.catalog.records import Section
from planner.workload.lengths import Spread, fit

__all__ = [
    "LEVELS",
    "Demand",
    "Latency",
    "Lengths",
    "Level",
    "Peak",
    "PrefixCache",
    "Sessions",
    "Target",
    "Variation",
    "Waits",
]

Level = Literal["p10", "p25", "p50", "p75", "p90", "p95", "p99"]
LEVELS: Final[Mapping[str, float]] = {
    "p10": 0.10, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p90": 0.90, "p95": 0.95, "p99": 0.99,
}  # fmt: skip
"""Quantiles that a record may state, as shares."""

Some = Annotated[Quantity, Dimension("count")]
"""A number of things, more than zero."""
Wait = Annotated[Quantity, Dimension("s")]
Variation = Annotated[Quantity, Dimension("ratio", zero=True)]
"""Standard deviation over mean."""


class Lengths(Section):
    """Tokens of a request or of an answer."""

    mean: Some
    """Of all requests, in tokens."""
    cv: Variation | None = None
    """Standard deviation over the mean; 0 where all are alike."""
    quantiles: dict[Level, Some] = Field(default_factory=dict)
    """Tokens that a share of the requests stays below; they decide the spread where there is no cv."""

    @model_validator(mode="after")
    def _can_be_fitted(self) -> Lengths:
        _check_spread(self.cv, self.quantiles)
        return self

    @property
    def spread(self) -> Spread:
        """The lognormal with this mean, and the cv or else the quantiles."""
        return _fitted(self.mean, self.cv, self.quantiles)


class Waits(Section):
    """Time between the end of an answer and the next request of the session."""

    mean: Wait
    """Of all waits."""
    cv: Variation | None = None
    """Standard deviation over the mean; 0 where all are alike."""
    quantiles: dict[Level, Wait] = Field(default_factory=dict)
    """Waits that a share of all stays below; they decide the spread where there is no cv."""

    @model_validator(mode="after")
    def _can_be_fitted(self) -> Waits:
        _check_spread(self.cv, self.quantiles)
        return self

    @property
    def spread(self) -> Spread:
        """The lognormal with this mean, and the cv or else the quantiles."""
        return _fitted(self.mean, self.cv, self.quantiles)


def _check_spread(cv: Quantity | None, quantiles: Mapping[Level, Quantity]) -> None:
    """Refuse a mean that stands alone, and quantiles that fall; raises ``ValueError``."""
    if cv is None and not quantiles:
        raise ValueError("needs a cv, or quantiles; add for example cv: 1, or quantiles: {p50: ...}")
    values = [quantiles[level].value for level in sorted(quantiles)]
    if any(low > high for low, high in pairwise(values)):
        raise ValueError("quantiles must rise from p10 to p99; check their order")


def _fitted(mean: Quantity, cv: Quantity | None, quantiles: Mapping[Level, Quantity]) -> Spread:
    stated = {LEVELS[level]: quantity.value for level, quantity in quantiles.items()}
    return fit(mean.value, cv=None if cv is None else cv.value, quantiles=stated)


class PrefixCache(Section):
    """What a prefix cache finds."""

    hit: Fraction
    """Share of all input tokens that were computed for an earlier request."""
    cache: Literal["ideal", "served"]
    """Whether that is what a cache without limits would find, or what a real one found."""


class Sessions(Section):
    """Requests that continue each other's context."""

    steps: Some
    """Requests of a session."""
    think: Waits | None = None
    """From an answer to the session's next request: people reading, tools running."""
    growth: Count | None = None
    """Tokens by which the context grows from one request to the next."""


class Demand(Section):
    """How much users ask."""

    requests: Some
    """Per hour in which a user is active."""
    active: Fraction
    """Share of all users that are active in the mean hour."""


class Peak(Section):
    """How much busier than the mean it gets; the two factors multiply."""

    hour: Ratio | None = None
    """Busiest hour of the day over the mean hour."""
    minute: Ratio | None = None
    """Busiest minute of an hour over that hour's mean."""

    @model_validator(mode="after")
    def _above_the_mean(self) -> Peak:
        for name in ("hour", "minute"):
            quantity: Quantity | None = getattr(self, name)
            if quantity is not None and quantity.value < 1.0:
                raise ValueError(f"{name}: a peak is at least the mean; write 1 or more")
        return self


class Target(Section):
    """A latency that a share of the requests must stay below."""

    limit: Wait
    percentile: Fraction
    """Share of the requests, for example 99 %."""

    @model_validator(mode="after")
    def _is_a_percentile(self) -> Target:
        if not 0.0 < self.percentile.value < 1.0:
            raise ValueError("percentile: must lie between 0 and 100 %; write for example 99 %")
        return self


class Latency(Section):
    """What was promised."""

    ttft: Target | None = None
    """Time to the first token."""
    tpot: Target | None = None
    """Mean time per output token after the first, of a request."""
    end_to_end: Target | None = None
    """From the request to the last token."""
