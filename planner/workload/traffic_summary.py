"""A traffic profile in plain numbers, as ``planner traffic show`` prints it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from planner.workload.traffic_parts import LEVELS

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.workload.lengths import Spread
    from planner.workload.traffic import Limit, TrafficProfile
    from planner.workload.traffic_parts import Level

__all__ = ["Fitted", "LatencyTarget", "TrafficSummary", "summarize_traffic"]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Lengths in tokens, or waits in seconds, as the lognormal that the estimator uses."""

    mean: float
    cv: float
    quantiles: dict[str, float]
    """p50, p90 and p99."""
    stated: dict[str, float]
    """Quantiles that the record states."""


@dataclass(frozen=True, kw_only=True)
class LatencyTarget:
    """A latency that a share of the requests must stay below."""

    limit_s: float
    percentile: float


@dataclass(frozen=True, kw_only=True)
class TrafficSummary:
    """What one kind of use asks of a model.

    Attributes
    ----------
    arrival : str
        ``open`` or ``offline``.
    input_tokens, output_tokens : Fitted
        Of request and answer.
    prefix_hit : float
        Share of the input tokens found in a cache.
    prefix_cache : str or None
        Whether an ``ideal`` cache would find them or one that ``served`` did.
    computed_input_tokens : float
        Mean input tokens that are in no cache.
    steps_per_session : float
        Requests of a session.
    think_s : Fitted or None
        From an answer to the next request.
    context_growth_tokens : float or None
        From one request of a session to the next.
    requests_per_s_per_million_users : dict or None
        In the mean hour, the busiest hour and its busiest minute; None where nothing is said of users.
    peak_over_mean : dict
        Of the same hour and minute; 1 where nothing is said.
    growth_per_year : float or None
        1 doubles the requests.
    arrival_cv : float
        Standard deviation over mean of the gaps between requests.
    targets : dict
        ``ttft``, ``tpot`` and ``end_to_end``, those that there are.
    assumed : list of str
        Fields whose numbers are estimates; each has a range in the record.
    unstated : list of str
        What sizing needs and the profile leaves open.
    """

    id: str
    name: str
    note: str | None
    date: str | None
    arrival: str
    input_tokens: Fitted
    output_tokens: Fitted
    prefix_hit: float
    prefix_cache: str | None
    computed_input_tokens: float
    steps_per_session: float
    think_s: Fitted | None
    context_growth_tokens: float | None
    requests_per_s_per_million_users: dict[str, float] | None
    peak_over_mean: dict[str, float]
    growth_per_year: float | None
    arrival_cv: float
    targets: dict[str, LatencyTarget]
    assumed: list[str]
    unstated: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def summarize_traffic(profile: TrafficProfile) -> TrafficSummary:
    """Put a traffic profile in plain numbers."""
    from planner.catalog.fields import quantities
    from planner.units import MILLION
    from planner.workload.traffic import GRAINS

    sessions, think = profile.sessions, profile.think_spread
    rates: dict[str, float] | None = None
    if profile.demand is not None:
        rates = {grain: MILLION * profile.requests_per_user_s(peak=grain) for grain in GRAINS}
    return TrafficSummary(
        id=profile.id,
        name=profile.name,
        note=profile.note,
        date=profile.date,
        arrival=profile.arrival,
        input_tokens=_fitted(profile.input_spread, profile.input.quantiles),
        output_tokens=_fitted(profile.output_spread, profile.output.quantiles),
        prefix_hit=profile.hit,
        prefix_cache=None if profile.prefix is None else profile.prefix.cache,
        computed_input_tokens=profile.isl * (1.0 - profile.hit),
        steps_per_session=profile.steps_per_session,
        think_s=_fitted(think, sessions.think.quantiles) if think and sessions and sessions.think else None,
        context_growth_tokens=sessions.growth.value if sessions and sessions.growth else None,
        requests_per_s_per_million_users=rates,
        peak_over_mean={grain: profile.peak_over_mean(grain) for grain in GRAINS if grain != "mean"},
        growth_per_year=None if profile.growth is None else profile.growth.value,
        arrival_cv=profile.arrival_cv,
        targets={name: _target(limit) for name, limit in profile.slo._asdict().items() if limit is not None},
        assumed=[path for path, quantity in quantities(profile) if quantity.kind == "estimate"],
        unstated=list(profile.unstated),
    )


def _fitted(spread: Spread, stated: dict[Level, Quantity]) -> Fitted:
    return Fitted(
        mean=spread.mean,
        cv=spread.cv,
        quantiles={level: spread.quantile(LEVELS[level]) for level in ("p50", "p90", "p99")},
        stated={level: quantity.value for level, quantity in stated.items()},
    )


def _target(limit: Limit) -> LatencyTarget:
    return LatencyTarget(limit_s=limit.seconds, percentile=limit.percentile)
