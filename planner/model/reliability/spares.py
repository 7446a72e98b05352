"""Spare hosts: how many of a fleet are away at a time, hardly ever more.

References
----------
.. [1] ByteDance, "Robust LLM Training Infrastructure" (2025), arXiv:2509.16293: standby hosts for the 99 %
   quantile of a binomial number of hosts that fail together.
.. [2] C. Loader, "Fast and accurate computation of binomial probabilities" (2000): the density by deviances,
   to full precision for any number of trials.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.types import FloatArray

__all__ = ["spares", "unavailable"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_DEPTH: Final = 45.0
"""Powers of e below its peak at which an integrand ends."""
_NEWTON_STEPS: Final = 12
_LEAST: Final = 1e-300
_STIRLING: Final = (1 / 12, 1 / 360, 1 / 1260, 1 / 1680, 1 / 1188)
_SMALL: Final = np.array([0.0] + [
    math.lgamma(n + 1) - ((n + 0.5) * math.log(n) - n + 0.5 * math.log(2 * math.pi)) for n in range(1, 16)
])  # fmt: skip


def unavailable(*, rate_per_s: FloatArray, repair_s: FloatArray) -> FloatArray:
    """Share of hosts that are away: ``r t / (1 + r t)``, since a host under repair does not fail again."""
    away = np.asarray(rate_per_s * repair_s, float)
    share: FloatArray = away / (1.0 + away)
    return share


def spares(*, hosts: FloatArray, unavailable: FloatArray, confidence: float = 0.99) -> FloatArray:
    """Return the fewest spare hosts that are enough with a given confidence [1]_.

    The smallest s with ``P[Binomial(hosts, unavailable) <= s] >= confidence``, exact for up to ten million
    hosts; for all rows at once.

    Parameters
    ----------
    hosts
        Of the fleet; fractions count as a whole host.
    unavailable
        Chance that a host is away.
    confidence
        At least a half, and below 1.

    Raises
    ------
    InputError
        A share or the confidence is out of range.
    """
    p = np.asarray(unavailable, float)
    if not np.all((p >= 0.0) & (p <= 1.0)):
        raise InputError("the share of hosts that are away must lie between 0 and 1; give rate x repair time")
    if not 0.5 <= confidence < 1.0:
        raise InputError(
            f"a confidence of {confidence:g} is out of range; give one from 0.5 to below 1, as 0.99"
        )
    n, p = np.broadcast_arrays(np.ceil(np.asarray(hosts, float)), p)
    certain = (p < _LEAST) | (p >= 1.0) | (n < 1.0)
    q = np.where(certain, 0.5, p)
    trials = np.where(certain, 1.0, n)
    found = _quantile(trials, q, 1.0 - confidence)
    return np.where(certain, np.where(p >= 1.0, n, 0.0), found)


def _quantile(n: FloatArray, p: FloatArray, beyond: float) -> FloatArray:
    """Smallest s exceeded with a chance of at most `beyond`: a close guess, then steps by densities."""
    z = NormalDist().inv_cdf(1.0 - beyond)
    mean, spread = n * p, np.sqrt(n * p * (1.0 - p))
    least = np.floor(mean)  # no median of a binomial law lies lower
    guess = mean + z * spread + (z * z - 1.0) / 6.0 * (1.0 - 2.0 * p) - 0.5
    s = np.clip(np.ceil(guess), least, n - 1.0)
    exceeded = _exceeded(s, n, p)
    while np.any(up := (exceeded > beyond) & (s < n)):
        s = np.where(up, s + 1.0, s)
        exceeded = np.where(up, exceeded - _density(s, n, p), exceeded)
        exceeded = np.where(s >= n, 0.0, exceeded)
    while True:
        before = exceeded + _density(s, n, p)
        down = (before <= beyond) & (s > least)
        if not np.any(down):
            return s
        s, exceeded = np.where(down, s - 1.0, s), np.where(down, before, exceeded)


def _exceeded(s: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """Chance of more than s, for floor(n p) <= s < n, by its incomplete beta integral.

    With t = p e^-u it is ``density(s) (n - s) p/q`` times the integral of
    ``exp(-(s + 1) u + (n - s - 1) log1p((1 - e^-u) p/q))`` over u > 0, a concave exponent that only falls.
    """
    odds = p / (1.0 - p)

    def exponent(u: FloatArray) -> FloatArray:
        value: FloatArray = -(s + 1.0) * u + (n - s - 1.0) * np.log1p(-odds * np.expm1(-u))
        return value

    def slope(u: FloatArray) -> FloatArray:
        passed = p * np.exp(-u)
        value: FloatArray = -(s + 1.0) + (n - s - 1.0) * passed / (1.0 - passed)
        return value

    bend = (n - s - 1.0) * p / (1.0 - p) ** 2
    # from the right Newton's steps on a concave function never pass its root
    end = 4.0 * np.sqrt(_DEPTH / np.maximum(bend, s + 1.0)) + 2.0 * _DEPTH / (s + 1.0)
    for _ in range(_NEWTON_STEPS):
        end = end - (exponent(end) + _DEPTH) / slope(end)
    total = np.zeros_like(end)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total += weight * np.exp(exponent(end * 0.5 * (node + 1.0)))
    tail: FloatArray = _density(s, n, p) * (n - s) * odds * total * 0.5 * end
    return tail


def _density(s: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """Chance of exactly s of n [2]_."""
    rest = n - s
    inside = (s > 0.0) & (rest > 0.0)
    k, m = np.where(inside, s, 1.0), np.where(inside, rest, 1.0)
    total = k + m
    log = _stirling_error(total) - _stirling_error(k) - _stirling_error(m)
    log -= _deviance(k, total * p) + _deviance(m, total * (1.0 - p))
    middle = np.exp(log) * np.sqrt(total / (2.0 * np.pi * k * m))
    edge = np.where(s > 0.0, np.exp(n * np.log(p)), np.exp(n * np.log1p(-p)))
    density: FloatArray = np.where(inside, middle, edge)
    return density


def _stirling_error(n: FloatArray) -> FloatArray:
    """Log of n! less Stirling's formula."""
    a, b, c, d, e = _STIRLING
    square = n * n
    series = (a - (b - (c - (d - e / square) / square) / square) / square) / n
    error: FloatArray = np.where(n < 16.0, _SMALL[np.minimum(n, 15.0).astype(int)], series)
    return error


def _deviance(x: FloatArray, mean: FloatArray) -> FloatArray:
    """``x log(x / mean) + mean - x`` without cancellation near x = mean."""
    v = (x - mean) / (x + mean)
    term = 2.0 * x * v
    series = (x - mean) * v
    for j in range(1, 12):
        term = term * v * v
        series = series + term / (2 * j + 1)
    far = x * (np.log(x) - np.log(mean)) + mean - x
    deviance: FloatArray = np.where(np.abs(v) < 0.1, series, far)
    return deviance
