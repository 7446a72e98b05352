"""What a simulation measured, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from planner.types import FloatArray

__all__ = ["Simulated", "Summary", "summary", "weighted_quantile"]


class Summary(NamedTuple):
    """Mean and percentiles of one measure, in its unit."""

    mean: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, eq=False)
class Simulated:
    """Measures of the requests between warm-up and drain, in the order of their arrival.

    Attributes
    ----------
    arrival_s, ttft_s, e2e_s
        Arrival, time from it to the first and to the last token, ``[N]``.
    tpot_s
        Seconds per output token after the first, nan for requests of one token, ``[N]``.
    gap_s, gap_tokens
        Gaps between tokens and how many tokens came after each, over the whole run, ``[G]``; gaps of a long
        run of like steps stand as one.
    batch
        Mean number of decoding sequences over time.
    busy
        Share of the time in which a step ran.
    output_tokens_per_s, requests_per_s
        Over the whole run, warm-up and drain included.
    """

    arrival_s: FloatArray
    ttft_s: FloatArray
    tpot_s: FloatArray
    e2e_s: FloatArray
    gap_s: FloatArray
    gap_tokens: FloatArray
    batch: float
    busy: float
    output_tokens_per_s: float
    requests_per_s: float

    def ttft(self) -> Summary:
        """Time to the first token."""
        return summary(self.ttft_s)

    def tpot(self) -> Summary:
        """Mean time per further token of a request, over requests of two tokens or more."""
        return summary(self.tpot_s[np.isfinite(self.tpot_s)])

    def e2e(self) -> Summary:
        """Time to the last token."""
        return summary(self.e2e_s)

    def itl(self) -> Summary:
        """Gap between two tokens, over tokens."""
        if not self.gap_s.size:
            return Summary(np.nan, np.nan, np.nan, np.nan)
        p50, p90, p99 = weighted_quantile(self.gap_s, self.gap_tokens, np.array([0.5, 0.9, 0.99])).tolist()
        return Summary(float(np.average(self.gap_s, weights=self.gap_tokens)), p50, p90, p99)


def summary(values: FloatArray) -> Summary:
    """Mean, median, 90th and 99th percentile; nan of nothing."""
    if not values.size:
        return Summary(np.nan, np.nan, np.nan, np.nan)
    p50, p90, p99 = np.quantile(values, [0.5, 0.9, 0.99])
    return Summary(float(values.mean()), float(p50), float(p90), float(p99))


def weighted_quantile(values: FloatArray, weights: FloatArray, q: FloatArray) -> FloatArray:
    """Smallest value below or at which a share `q` of the weight lies."""
    order = np.argsort(values)
    mass = np.cumsum(weights[order])
    at = np.minimum(np.searchsorted(mass, q * mass[-1]), values.size - 1)
    found: FloatArray = values[order][at]
    return found
