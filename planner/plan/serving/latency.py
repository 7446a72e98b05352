"""Latencies of a fleet from those of its pools.

A request passes through one aggregated replica, or through one of each pool. Means are weighed by the
requests that a pool serves; of percentiles beyond the median the slowest pool's stand for all, so that a
promise that holds here holds everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.search.serving import AGGREGATED, DECODE, PREFILL

if TYPE_CHECKING:
    from planner.search.serving import FleetPlan, PoolPlan

__all__ = ["FleetLatency", "Times", "latencies", "later"]

_QUANTILES: Final = ("mean", "p50", "p90", "p99", "target")
_AVERAGED: Final = ("mean", "p50")


@dataclass(frozen=True, kw_only=True)
class Times:
    """One latency, seconds; `target` is at the percentile of its target, the mean without one."""

    mean: float
    p50: float
    p90: float
    p99: float
    target: float


@dataclass(frozen=True, kw_only=True)
class FleetLatency:
    """Latencies of the requests that a fleet serves."""

    ttft: Times
    tpot: Times
    e2e: Times


def later(times: Times, seconds: Mapping[str, float]) -> Times:
    """Return a latency that is longer by so many seconds, by the name of its measure."""
    return Times(**{q: getattr(times, q) + seconds[q] for q in _QUANTILES})


def latencies(fleet: FleetPlan, *, osl: float) -> FleetLatency:
    """Latencies in steady state at the rate that the fleet serves.

    Parameters
    ----------
    fleet
        From the search.
    osl
        Mean output tokens of a request.
    """
    alone = [pool for pool in fleet.pools if pool.role == AGGREGATED]
    prefill = [pool for pool in fleet.pools if pool.role == PREFILL]
    decode = [pool for pool in fleet.pools if pool.role == DECODE]
    whole = [(pool.rate, _times(pool, "e2e")) for pool in alone]
    passed = min(sum(pool.rate for pool in prefill), sum(pool.rate for pool in decode))
    if passed > 0:
        first = _mixed([(pool.rate, _times(pool, "ttft")) for pool in prefill])
        rest = _mixed([(pool.rate, _rest(pool, osl)) for pool in decode])
        whole.append((passed, _after(first, rest)))
    return FleetLatency(
        ttft=_mixed([(pool.rate, _times(pool, "ttft")) for pool in (*alone, *prefill)]),
        tpot=_mixed([(pool.rate, _times(pool, "tpot")) for pool in (*alone, *decode)]),
        e2e=_mixed(whole),
    )


def _times(pool: PoolPlan, name: str) -> Times:
    latency = getattr(pool.point, name)
    return Times(**{q: float(getattr(latency, q)[0]) for q in _QUANTILES})


def _rest(pool: PoolPlan, osl: float) -> Times:
    """From the first token to the last in a decode pool: its end-to-end time without its own fixed time."""
    whole = _times(pool, "e2e")
    mean = max(osl - 1.0, 0.0) * float(pool.point.tpot.mean[0])
    fixed = whole.mean - mean
    return Times(**{q: max(getattr(whole, q) - fixed, 0.0) for q in _QUANTILES})


def _after(first: Times, rest: Times) -> Times:
    """Add the two: decoding varies much more than prefill, of which the mean is taken."""
    return Times(**{q: first.mean + getattr(rest, q) for q in _QUANTILES})


def _mixed(parts: Sequence[tuple[float, Times]]) -> Times:
    total = sum(rate for rate, _ in parts)
    values = {}
    for q in _QUANTILES:
        if q in _AVERAGED and total > 0:
            values[q] = sum(rate * getattr(times, q) for rate, times in parts) / total
        else:
            values[q] = max(getattr(times, q) for _, times in parts)
    return Times(**values)
