"""Prefix caches in tiers: how long a prefix survives, which share of calls finds it, what that saves.

A least-recently-used cache keeps an entry for a time T after its last use, nearly the same T for all of them
where they are many [1]_: the one that fills the capacity. For independent requests of items k,

    sum of size_k (1 - exp(-rate_k T)) = capacity,    hit_k = 1 - exp(-rate_k T).

A session of several calls is an item whose uses follow each other after gaps X (thinking, tools, typing) and
end. Each call leaves its context resident until the next one or until T, so that by Little's law

    call rate x bytes x ((1 - e) E[min(X, T)] + e T) = capacity,    hit = (1 - e) P(X < T),

with e the share of calls that are the last of their session, as large as that of first ones. Tiers that pass
on what they evict (device, host, SSD or remote memory) act as one list: tier k ends where the capacities up
to k do.

Requests that go to any of R replicas find their context where the session was k calls ago with the chance
``(1/R) (1 - 1/R)^(k-1)``, if it has made so many; what came since must be computed again.

References
----------
.. [1] H. Che, Y. Tung, Z. Wang, "Hierarchical web caching systems: modeling, design and experimental
   results", IEEE JSAC 20 (2002).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.model.queueing.normal import normal_cdf
from planner.types import FloatArray

__all__ = ["Gaps", "Hits", "Prompts", "Sessions", "Tiers", "cache_hits", "characteristic_time_s", "prompts"]

_LONGEST_S: Final = 1e12
"""Life of entries in a cache that holds everything."""
_FAR: Final = 48
"""Calls ago that are told apart."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """Time from an answer to the next call of its session: a mixture of lognormals, ``[R, K]``.

    Attributes
    ----------
    weights
        Chance of each kind of gap (a tool's, a person's), sums to 1.
    mean_s, cv
        Mean and coefficient of variation of each.
    """

    weights: FloatArray
    mean_s: FloatArray
    cv: FloatArray

    def __post_init__(self) -> None:
        if not np.allclose(self.weights.sum(axis=-1), 1.0) or np.any(self.weights < 0.0):
            raise InputError("gaps: weights must be chances that sum to 1")
        if np.any(self.mean_s <= 0.0) or np.any(self.cv < 0.0):
            raise InputError("gaps: means must be positive and coefficients of variation not negative")

    def below(self, seconds: FloatArray) -> FloatArray:
        """Chance of a gap of less than `seconds`, ``[R]``."""
        chance: FloatArray = (self.weights * self._kinds.each_below(seconds)).sum(axis=1)
        return chance

    def within(self, seconds: FloatArray) -> FloatArray:
        """Mean of the lesser of a gap and `seconds`, ``[R]``."""
        mean: FloatArray = (self.weights * self._kinds.each_within(seconds)).sum(axis=1)
        return mean

    @property
    def _kinds(self) -> _Lognormals:
        return _Lognormals(self.mean_s, np.maximum(np.sqrt(np.log1p(self.cv**2)), 1e-6))


@dataclass(frozen=True, eq=False)
class Sessions:
    """Calls that share a cache's replicas, ``[R]``.

    Attributes
    ----------
    rate
        Calls per second of all replicas together.
    calls
        Calls of a session, at least 1.
    gaps
        Time between them.
    kept_bytes
        Keys and values that a call leaves behind.
    """

    rate: FloatArray
    calls: FloatArray
    gaps: Gaps
    kept_bytes: FloatArray


@dataclass(frozen=True, eq=False)
class Tiers:
    """Memory of one replica for keys and values not in use, from the fastest on, ``[R, T]``.

    Attributes
    ----------
    capacity_bytes
        0 for a tier that is not there.
    bytes_per_s, latency_s
        Of reading a prefix back to the device; infinite and 0 for device memory.
    """

    capacity_bytes: FloatArray
    bytes_per_s: FloatArray
    latency_s: FloatArray


@dataclass(frozen=True, eq=False)
class Hits:
    """What calls find.

    Attributes
    ----------
    life_s
        Time that an entry survives up to the end of each tier, ``[R, T]``.
    share
        Share of all calls that find the context of an earlier one, by the tier it lies in, ``[R, T]``.
    calls_since
        Calls since that one, the present one included, where it is found, ``[R]``: 1 if sessions stay on
        their replica.
    """

    life_s: FloatArray
    share: FloatArray
    calls_since: FloatArray


@dataclass(frozen=True, eq=False)
class Prompts:
    """What is left of a prompt, on average over calls, ``[R]``."""

    computed: FloatArray  # tokens
    cached: FloatArray  # tokens
    reload_s: FloatArray  # reading cached tokens back, if nothing else hides it
    reload_hit_s: FloatArray  # the same by tier for a call that finds its context there, [R, T]


def characteristic_time_s(
    *, rate: FloatArray, size: FloatArray, capacity: FloatArray, count: FloatArray | float = 1.0
) -> FloatArray:
    """Time that items survive in a cache under independent requests [1]_, ``[R]``; infinite if all fit.

    Parameters
    ----------
    rate, size, count
        Requests per second of each item of a class, its size and how many there are, ``[R, K]``.
    capacity
        In the unit of `size`, ``[R]``.
    """
    total = (count * size * np.ones_like(rate)).sum(axis=1)

    def filled(seconds: FloatArray) -> FloatArray:
        held: FloatArray = (count * size * -np.expm1(-rate * seconds[:, None])).sum(axis=1)
        return held

    return np.where(total <= capacity, np.inf, _root(filled, np.minimum(capacity, total)))


def cache_hits(
    *, sessions: Sessions, tiers: Tiers, replicas: FloatArray, affinity: FloatArray | bool = True
) -> Hits:
    """Life of entries and hits by tier.

    Parameters
    ----------
    replicas
        Replicas over which the calls spread, each with its own tiers, ``[R]``.
    affinity
        Calls go where their session was before; else to any replica.
    """
    apart = np.where(affinity, 1.0, np.maximum(replicas, 1.0))
    chance, calls = _returns(sessions.calls, apart)
    per_replica = np.maximum(sessions.rate * sessions.kept_bytes / np.maximum(replicas, 1.0), 1e-300)
    once, several = sessions.gaps, _summed(sessions.gaps, calls[:, 1:])
    lost = 1.0 - chance.sum(axis=1)

    def filled(seconds: FloatArray) -> FloatArray:
        again = chance[:, 0] * once.within(seconds)
        if several is not None:
            again = again + (chance[:, 1:] * several.each_within(seconds)).sum(axis=1)
        return np.asarray(again + lost * seconds)

    def hit(seconds: FloatArray) -> FloatArray:
        """Chance of finding what each number of calls ago left behind, ``[R, K]``."""
        first = (chance[:, 0] * once.below(seconds))[:, None]
        if several is None:
            return first
        return np.concatenate([first, chance[:, 1:] * several.each_below(seconds)], axis=1)

    ends = np.cumsum(tiers.capacity_bytes, axis=1) / per_replica[:, None]
    life = np.stack([_root(filled, ends[:, t]) for t in range(ends.shape[1])], axis=1)
    found = [hit(life[:, t]) for t in range(ends.shape[1])]
    total = found[-1].sum(axis=1)
    return Hits(
        life_s=life,
        share=np.diff(np.stack([f.sum(axis=1) for f in found], axis=1), axis=1, prepend=0.0),
        calls_since=np.where(total > 1e-12, (found[-1] * calls).sum(axis=1) / np.maximum(total, 1e-12), 1.0),
    )


def prompts(
    *, hits: Hits, tiers: Tiers, tokens: FloatArray, fresh: FloatArray, token_bytes: FloatArray,
    shared: FloatArray | float = 0.0,
) -> Prompts:  # fmt: skip
    """Tokens to compute and time to read cached ones back.

    Parameters
    ----------
    tokens, fresh
        Tokens of a prompt, and those of it that are new since the last call of the session.
    token_bytes
        Keys and values of a token, on the replica.
    shared
        Tokens that all prompts begin with (a system prompt), which are always found.
    """
    common = np.minimum(shared, tokens)
    reused = np.maximum(tokens - fresh * hits.calls_since, common)
    hit = hits.share.sum(axis=1)
    cached = hit * reused + (1.0 - hit) * common
    moved = (reused * token_bytes)[:, None]
    by_tier = np.where(tiers.capacity_bytes > 0.0, tiers.latency_s + moved / tiers.bytes_per_s, 0.0)
    return Prompts(
        computed=tokens - cached,
        cached=cached,
        reload_s=(hits.share * by_tier).sum(axis=1),
        reload_hit_s=by_tier,
    )


def _returns(calls: FloatArray, replicas: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance that the session was last on its replica 1, 2, ... calls ago, and those numbers, ``[R, K]``.

    Of a session of n calls, the j-th finds the one k calls before it on its replica with chance
    ``p (1 - p)^(k - 1)``, ``p = 1 / replicas``, for k below j. Numbers beyond `_FAR` are put together.
    """
    n, p = np.maximum(calls, 1.0)[:, None], (1.0 / replicas)[:, None]
    q = 1.0 - p
    far = 1 if np.all(replicas == 1.0) else _FAR
    k = np.broadcast_to(np.arange(1.0, far + 1.0), (n.shape[0], far)).copy()
    chance = p * q ** (k - 1.0) * np.maximum(n - k, 0.0) / n
    rest = np.maximum(1.0 - (1.0 - q**n) / (n * p) - chance.sum(axis=1, keepdims=True), 0.0)[:, 0]
    chance[:, -1] += rest
    k[:, -1] += np.where(rest > 0.0, np.minimum(replicas, n[:, 0] / 3.0), 0.0) * (far > 1)
    return chance, k


@dataclass(frozen=True, eq=False)
class _Lognormals:
    """Lognormal times, ``[R, K]``."""

    mean_s: FloatArray
    sigma: FloatArray

    def each_below(self, seconds: FloatArray) -> FloatArray:
        """Chance of less than `seconds` of each."""
        return normal_cdf(self._score(seconds))

    def each_within(self, seconds: FloatArray) -> FloatArray:
        """Mean of the lesser of each and `seconds`."""
        z = self._score(seconds)
        within: FloatArray = self.mean_s * normal_cdf(z - self.sigma) + seconds[:, None] * normal_cdf(-z)
        return within

    def _score(self, seconds: FloatArray) -> FloatArray:
        ratio = np.log(np.maximum(seconds, 1e-300)[:, None] / self.mean_s)
        score: FloatArray = ratio / self.sigma + 0.5 * self.sigma
        return score


def _summed(gaps: Gaps, count: FloatArray) -> _Lognormals | None:
    """Sum `count` gaps each, ``[R, K]``; None if none are asked for."""
    if not count.shape[1]:
        return None
    mean = (gaps.weights * gaps.mean_s).sum(axis=1)[:, None]
    square = (gaps.weights * gaps.mean_s**2 * (1.0 + gaps.cv**2)).sum(axis=1)[:, None]
    sigma = np.sqrt(np.log1p(np.maximum(square / mean**2 - 1.0, 0.0) / count))
    return _Lognormals(mean * count, np.maximum(sigma, 1e-6))


def _root(filled: Callable[[FloatArray], FloatArray], goal: FloatArray) -> FloatArray:
    """Time at which an increasing `filled` reaches `goal`, by bisection of its logarithm."""
    low, high = np.full_like(goal, -30.0), np.full_like(goal, np.log(_LONGEST_S))
    for _ in range(60):
        middle = 0.5 * (low + high)
        less = filled(np.exp(middle)) < goal
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    found: FloatArray = np.where(goal > 0.0, np.exp(0.5 * (low + high)), 0.0)
    return found
