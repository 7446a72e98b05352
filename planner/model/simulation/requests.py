"""Requests of a simulation: when they arrive and how long they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.errors import InputError
from planner.types import FloatArray, IntArray

__all__ = ["Requests", "burst", "closed_loop", "open_arrivals", "shuffled"]


@dataclass(frozen=True, eq=False)
class Requests:
    """N requests in the order of their arrival.

    Attributes
    ----------
    new
        Prompt tokens to compute, ``[N]``, 0 or more; 0 joins the decode batch without a prefill.
    cached
        Prompt tokens whose keys and values are there already, ``[N]``.
    output
        Output tokens, at least 1, ``[N]``; a prefill makes the first.
    arrival_s
        Seconds at which each request arrives, ascending, ``[N]``; with `clients`, the think time before it.
    clients
        0 for open arrivals; else a closed loop: a client sends the next request `arrival_s` after it has
        received the answer to its last.
    """

    new: IntArray
    cached: IntArray
    output: IntArray
    arrival_s: FloatArray
    clients: int = 0

    def __post_init__(self) -> None:
        n = self.arrival_s.size
        if n == 0:
            raise InputError("simulation: no requests; give at least one")
        if any(x.shape != (n,) for x in (self.new, self.cached, self.output)):
            raise InputError(f"simulation: lengths must be one value for each of the {n} arrivals")
        if np.any(self.new < 0) or np.any(self.cached < 0) or np.any(self.output < 1):
            raise InputError("simulation: prompts must not be negative and outputs at least one token")
        if not np.all(np.isfinite(self.arrival_s)) or np.any(self.arrival_s < 0.0):
            raise InputError("simulation: arrival and think times must be finite and not negative")
        if not self.clients and np.any(np.diff(self.arrival_s) < 0.0):
            raise InputError("simulation: open arrivals must ascend; sort the trace by time")
        if self.clients < 0:
            raise InputError("simulation: the number of clients must not be negative")


def open_arrivals(rng: np.random.Generator, *, count: int, rate: float, cv: float = 1.0) -> FloatArray:
    """Arrival times of a renewal process with gamma gaps: Poisson at a cv of 1, evenly spaced at 0.

    Raises
    ------
    InputError
        If the rate is not positive or the cv negative.
    """
    if not rate > 0.0 or cv < 0.0:
        raise InputError(f"simulation: rate {rate} must be positive and cv {cv} not negative")
    if cv == 0.0:
        return np.arange(1, count + 1) / rate
    shape = 1.0 / cv**2
    return np.cumsum(rng.gamma(shape, 1.0 / (rate * shape), count))


def burst(count: int) -> FloatArray:
    """All requests at once."""
    return np.zeros(count)


def closed_loop(rng: np.random.Generator, *, count: int, think_s: float = 0.0) -> FloatArray:
    """Think times before each request of a closed loop, exponential around `think_s`."""
    return rng.exponential(think_s, count) if think_s > 0.0 else np.zeros(count)


def shuffled(rng: np.random.Generator, quantiles: FloatArray, count: int) -> IntArray:
    """Draw `count` lengths that follow equally likely `quantiles` exactly, in random order.

    Every quantile comes equally often, so that a sample has the mean and the spread of the law itself; only
    the order is random. That takes most of the noise out of means of heavy-tailed lengths.
    """
    whole, rest = divmod(count, quantiles.size)
    drawn = np.concatenate([np.tile(quantiles, whole), rng.choice(quantiles, rest, replace=False)])
    rng.shuffle(drawn)
    whole_tokens: IntArray = np.maximum(np.rint(drawn), 0.0).astype(np.int64)
    return whole_tokens
