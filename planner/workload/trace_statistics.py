"""What a trace tells: lengths, peaks, burstiness, sessions and users, and nothing that it is too short for.

Rates are compared within windows that the trace fills: the busiest minute with the mean of its hour, the
busiest hour with the mean over whole days. A Poisson stream has busy minutes too; how busy the busiest would
be by chance is said beside each peak.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from planner.workload.traffic_parts import LEVELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from planner.workload.trace_csv import Trace

__all__ = ["Amount", "Busiest", "TraceStatistics", "Users", "statistics_of"]

SECONDS_PER_MINUTE: Final = 60.0
_SHORTEST: Final = 600.0
"""Seconds below which a trace says nothing of minutes."""
_BEYOND: Final = 5
"""Values that must lie beyond a quantile for it to be stated."""
_TICKS: Final = 0.5
"""Share of simultaneous requests from which times are taken for ticks of a clock."""
_FEW: Final = 10
"""Requests of an hour below which its gaps are left out."""


class Amount(NamedTuple):
    """How something spreads over the requests, in its own unit."""

    mean: float
    cv: float
    quantiles: dict[str, float]
    """By their names in `planner.workload.traffic_parts.LEVELS`, where enough values lie beyond them."""


class Busiest(NamedTuple):
    """A peak over the mean of its window."""

    over_mean: float
    by_chance: float
    """What a Poisson stream of the same mean would reach."""
    mean_requests: float
    """In a minute or an hour of the window."""


class Users(NamedTuple):
    """How much users ask."""

    users: int
    requests_per_active_hour: float
    active: float
    """Share of the users that ask something in the mean hour."""


class TraceStatistics(NamedTuple):
    """What `statistics_of` finds; None where the trace does not tell."""

    requests: int
    span_s: float
    input: Amount
    output: Amount
    burstiness: float | None
    minute: Busiest | None
    hour: Busiest | None
    hit: float | None
    sessions: int | None
    steps: float | None
    think: Amount | None
    growth: float | None
    users: Users | None
    ticks: bool
    """Whether times are so coarse that most requests come at once."""


def statistics_of(trace: Trace) -> TraceStatistics:
    """Measure a trace."""
    import numpy as np

    at, steps, think, growth, sessions = trace.arrival_s, None, None, None, None
    gaps = np.diff(at)
    ticks = trace.span_s > 0 and float((gaps == 0.0).mean()) >= _TICKS
    total = float(trace.input_tokens.sum())
    if trace.session is not None:
        sessions, think, growth = _sessions(trace)
        steps = len(trace) / sessions
    return TraceStatistics(
        requests=len(trace),
        span_s=trace.span_s,
        input=_amount(trace.input_tokens),
        output=_amount(trace.output_tokens),
        burstiness=None if ticks or trace.span_s == 0 else _burstiness(at),
        minute=_busiest_minute(at),
        hour=_busiest_hour(at),
        hit=float(trace.cached_tokens.sum()) / total if trace.cached_tokens is not None and total else None,
        sessions=sessions,
        steps=steps,
        think=think,
        growth=growth,
        users=None if trace.user is None else _users(at, trace.user),
        ticks=ticks,
    )


def _amount(values: NDArray[np.float64]) -> Amount:
    import numpy as np

    mean = float(values.mean())
    room = len(values) / (_BEYOND - 1e-9)
    quantiles = {
        name: float(np.quantile(values, share))
        for name, share in LEVELS.items()
        if min(share, 1 - share) * room >= 1.0
    }
    return Amount(mean, float(values.std()) / mean if mean else 0.0, quantiles)


def _burstiness(at: NDArray[np.float64]) -> float:
    """Return the coefficient of variation of the gaps, each over the mean gap of its hour.

    Days and nights would pass for bursts otherwise.
    """
    import numpy as np

    gaps, hours = np.diff(at), (at[1:] // SECONDS_PER_HOUR).astype(np.int64)
    count = np.bincount(hours)
    mean = np.bincount(hours, weights=gaps) / np.maximum(count, 1)
    kept = (count[hours] >= _FEW) & (mean[hours] > 0)
    if not kept.any():
        return float(gaps.std() / gaps.mean())
    return float((gaps[kept] / mean[hours[kept]]).std())


def _busiest_minute(at: NDArray[np.float64]) -> Busiest | None:
    """Compare the minutes of the busiest whole hour, or of a trace that is shorter than one."""
    import numpy as np

    span = float(at[-1])
    if span < _SHORTEST:
        return None
    hours = int(span // SECONDS_PER_HOUR)
    if hours:
        counts = np.bincount((at // SECONDS_PER_HOUR).astype(np.int64))[:hours]
        start = float(np.argmax(counts)) * SECONDS_PER_HOUR
        at = at[(at >= start) & (at < start + SECONDS_PER_HOUR)] - start
        span = SECONDS_PER_HOUR
    per_minute = np.bincount((at // SECONDS_PER_MINUTE).astype(np.int64))
    return _busiest(int(per_minute.max()), len(at) / span * SECONDS_PER_MINUTE, span / SECONDS_PER_MINUTE)


def _busiest_hour(at: NDArray[np.float64]) -> Busiest | None:
    """Compare the hours of whole days."""
    import numpy as np

    days = int(float(at[-1]) // SECONDS_PER_DAY)
    if not days:
        return None
    hours = days * round(SECONDS_PER_DAY / SECONDS_PER_HOUR)
    counts = np.bincount((at // SECONDS_PER_HOUR).astype(np.int64))[:hours]
    return _busiest(int(counts.max()), float(counts.sum()) / hours, hours)


def _busiest(most: int, mean: float, windows: float) -> Busiest:
    """Set the largest count beside the one that is expected of so many Poisson counts of that mean."""
    reach = math.sqrt(2 * math.log(max(windows, 2.0)))
    expected = reach - (math.log(math.log(max(windows, 3.0))) + math.log(4 * math.pi)) / (2 * reach)
    return Busiest(most / mean, 1 + max(0.0, expected) / math.sqrt(mean), mean)


def _sessions(trace: Trace) -> tuple[int, Amount | None, float | None]:
    """Return the number of sessions, the gaps between their requests, and how their context grows."""
    import numpy as np

    session = trace.session if trace.session is not None else np.arange(len(trace))
    blank = session < 0
    # A request without an id is a session of its own.
    names = np.where(blank, session.max() + 1 + np.cumsum(blank), session)
    order = np.argsort(names, kind="stable")
    same = np.diff(names[order]) == 0
    count = len(trace) - int(same.sum())
    if not same.any():
        return count, None, None
    gaps = np.diff(trace.arrival_s[order])[same]
    growth = float(np.diff(trace.input_tokens[order])[same].mean())
    return count, _amount(gaps) if gaps.mean() > 0 else None, max(0.0, growth)


def _users(at: NDArray[np.float64], user: NDArray[np.int64]) -> Users | None:
    """Count users and the hours in which each asks something."""
    import numpy as np

    named = user >= 0
    hours = max(1, math.ceil(float(at[-1]) / SECONDS_PER_HOUR))
    if not named.any() or float(at[-1]) < SECONDS_PER_HOUR:
        return None
    hour = np.minimum(at[named] // SECONDS_PER_HOUR, hours - 1).astype(np.int64)
    active = len(np.unique(user[named] * hours + hour))
    count = len(np.unique(user[named]))
    return Users(count, int(named.sum()) / active, active / (count * hours))
