"""Latencies of operating points in closed form: cheap enough for every point of a sweep.

Arrivals do not depend on the state. With ``tau`` seconds per prompt token where steps are full (the share of
the decoding sequences in them included), prompts occupy the replica for a share ``r = rate I' tau`` of the
time and wait ``W = r I' tau (ca^2 + cv^2) / (2 (1 - r))`` for those before them [1]_; the tail of that wait
is exponential. Where memory may run short a request also waits for a slot, with the chance of Halfin and
Whitt [2]_. The time per output token of a request varies with the prompts that happen to share its steps
and with the sequences that decode beside it.

References
----------
.. [1] J. Kingman, "The single server queue in heavy traffic" (1961); for Poisson arrivals it is the formula
   of Pollaczek and Khinchine.
.. [2] S. Halfin, W. Whitt, "Heavy-traffic limits for queues with many exponential servers" (1981).
.. [3] H. Sakasegawa, "An approximation formula Lq ~ a rho^b / (1 - rho)" (1977), for several servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.queueing.formulas import halfin_whitt
from planner.model.queueing.normal import normal_quantile
from planner.search.serving.curves import Curves
from planner.search.serving.points import Columns
from planner.search.serving.replicas import Replicas
from planner.search.serving.request import Variation
from planner.types import FloatArray

__all__ = ["Waiting", "column", "lognormal", "waiting"]

FULL: Final = 1.0 - 1e-6
"""Largest utilisation that is put into a formula."""

TAIL: Final = 1.15
"""Factor on tails of the time to the first token, from `TAIL_FROM` on: the closed form is that much below
simulations of a replica."""
TAIL_FROM: Final = 0.9


@dataclass(frozen=True, eq=False)
class Waiting(Columns):
    """What latencies of points are made of; seconds unless said otherwise, arrays of one shape."""

    load: FloatArray  # rate over the largest one
    busy: FloatArray  # chance of having to wait
    wait_s: FloatArray  # mean wait, for prompts and for a slot
    first_s: FloatArray  # from the start of a prompt to its first token, residual step included
    fixed_s: FloatArray  # before and after the engine
    prompt_s: FloatArray  # of this, what grows with the length of the prompt
    token_s: FloatArray  # mean time per output token
    least_token_s: FloatArray  # of a request that meets no prompts
    token_spread_s: FloatArray  # standard deviation over requests
    tokens: FloatArray  # output tokens after the first
    input: FloatArray  # coefficients of variation of prompts and outputs
    output: FloatArray

    def ttft(self, percentile: float | None = None) -> FloatArray:
        """Time to the first token, mean or at a percentile."""
        start = self.first_s + self.wait_s
        if percentile is None:
            return self.fixed_s + start
        past = np.maximum(np.log(np.maximum(self.busy, 1e-12) / (1.0 - percentile)), 0.0)
        waited = self.first_s + self.wait_s / np.maximum(self.busy, 1e-12) * past
        longer = self.prompt_s * (lognormal(self.input, percentile) - 1.0)
        tail = np.maximum(waited, start + longer if percentile >= TAIL_FROM else self.first_s + longer)
        return self.fixed_s + tail * (TAIL if percentile >= TAIL_FROM else 1.0)

    def tpot(self, percentile: float | None = None) -> FloatArray:
        """Time per output token after the first, mean or at a percentile over requests."""
        if percentile is None:
            return self.token_s
        shifted = self.token_s + _z(percentile) * self.token_spread_s
        return np.maximum(shifted, self.least_token_s)

    def e2e(self, percentile: float | None = None) -> FloatArray:
        """Time to the last token, mean or at a percentile; lognormal with the variance of its parts."""
        decode = self.tokens * self.token_s
        mean = self.ttft() + decode
        if percentile is None:
            return mean
        spread = np.hypot(self.wait_s, self.prompt_s * self.input)
        spread = np.hypot(spread, decode * self.output)
        return mean * lognormal(spread / mean, percentile)


def waiting(found: Replicas, points: Curves, variation: Variation, *, workers: float = 1.0) -> Waiting:
    """Latencies of replicas that decode, at the points of their curves ``[R, B]``.

    Parameters
    ----------
    workers
        Replicas that share a queue [3]_.
    """
    load, share = found.load, points.rate / np.max(points.rate, axis=1, keepdims=True)
    new = np.maximum(load.new, 1.0)
    occupied = new * points.full_s / (found.chunk * found.layout.streams)[:, None]
    busy = np.minimum(points.rate * occupied, FULL)
    squares = 0.5 * (variation.arrival**2 + variation.input**2)
    waits = busy ** (np.sqrt(2.0 * (workers + 1.0)) - 1.0)
    queue = waits * occupied * squares / (workers * (1.0 - busy))
    short, slot = _slots(found, points, variation, share)
    mixed = points.mixed_share
    step_squares = (1.0 - mixed) * points.decode_s**2 + mixed * points.mixed_s**2
    spread = _token_spread(found, points)
    like = share.shape
    return Waiting(
        load=share,
        busy=np.maximum(waits, short),
        wait_s=queue + short * slot,
        first_s=0.5 * step_squares / points.step_s + points.prefill_s,
        fixed_s=column(found.replica.engine.request_s, like),
        prompt_s=occupied,
        token_s=points.step_s / column(found.layout.accepted, like),
        least_token_s=points.decode_s / column(found.layout.accepted, like),
        token_spread_s=spread,
        tokens=column(np.maximum(load.osl - 1.0, 0.0), like),
        input=np.full(like, variation.input),
        output=np.full(like, variation.output),
    )


def _slots(
    found: Replicas, points: Curves, variation: Variation, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Chance that all slots are taken, and the mean wait for one where they are.

    The sequences in a replica vary about as those of a queue with many servers do.
    """
    slots = found.fit.capacity[:, None]
    free = np.maximum(slots - points.concurrency, 0.0)
    beta = np.minimum(free / np.sqrt(np.maximum(points.concurrency, 1e-9)), 30.0)
    short = halfin_whitt(beta=beta)
    gap = 1.0 / np.max(points.rate, axis=1, keepdims=True)
    squares = 0.5 * (variation.arrival**2 + max(variation.output, variation.input) ** 2)
    return short, gap * squares / (1.0 - np.minimum(share, FULL))


def _token_spread(found: Replicas, points: Curves) -> FloatArray:
    """Spread over requests of the time per token: prompts met, and sequences beside them."""
    accepted = column(found.layout.accepted, points.batch.shape)
    steps = np.maximum(found.load.osl - 1.0, 1.0) / accepted
    met = np.minimum(points.mixed_share, 1.0)
    stalls = (points.mixed_s - points.decode_s) * np.sqrt(met * (1.0 - met) / steps)
    grown = np.maximum(points.step_s - points.step_s[:, :1], 0.0)
    rise = grown / np.maximum(points.batch - points.batch[:, :1], 1e-9)
    beside = rise * np.sqrt(points.batch)
    spread: FloatArray = np.hypot(stalls, beside) / accepted
    return spread


def column(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Values ``[R]`` or ``[1]`` for every point of a shape ``[R, ...]``."""
    return np.broadcast_to(np.reshape(values, (-1, *[1] * (len(shape) - 1))), shape)


def lognormal(variation: FloatArray, percentile: float) -> FloatArray:
    """Quantile of a lognormal with mean 1."""
    variance = np.log1p(np.square(variation))
    quantile: FloatArray = np.exp(_z(percentile) * np.sqrt(variance) - 0.5 * variance)
    return quantile


def _z(percentile: float) -> float:
    return float(normal_quantile(np.array(percentile)))
