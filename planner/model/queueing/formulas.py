"""Queues that have a closed form, on arrays; real numbers of servers, from one to millions.

References
----------
.. [1] A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
   telephone exchanges" (1917).
.. [2] F. Pollaczek (1930) and A. Khinchine (1932), the wait in front of one server.
.. [3] G. P. Cosmetatos, "Some approximate equilibrium results for the multi-server queue (M/G/r)",
   Operational Research Quarterly 27 (1976): the wait of M/D/c.
.. [4] T. Kimura, "A two-moment approximation for the mean waiting time in the GI/G/s queue", Management
   Science 32 (1986).
.. [5] S. Halfin, W. Whitt, "Heavy-traffic limits for queues with many exponential servers", Operations
   Research 29 (1981).
.. [6] A. O. Allen, "Probability, Statistics, and Queueing Theory" (1990): arrivals that are not Poisson.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.model.queueing.normal import normal_cdf
from planner.types import FloatArray

__all__ = ["erlang_b", "erlang_c", "halfin_whitt", "mg1_wait_s", "mgc_wait_s", "mmc_wait_s", "regular_share"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_REACH: Final = 10.0
"""Standard deviations around its peak over which an integrand is taken."""


def erlang_b(*, servers: FloatArray, offered: FloatArray) -> FloatArray:
    """Chance that all servers of a system without a queue are busy [1]_.

    From ``1/B = integral of exp(-t) (1 + t/a)^c`` over t > 0, around the peak of the integrand: no loop over
    servers, and servers need not be whole.

    Parameters
    ----------
    servers
        Number of servers c, positive.
    offered
        Erlangs a: rate x mean service time; 0 gives 0.
    """
    c, a = np.broadcast_arrays(np.asarray(servers, float), np.asarray(offered, float))
    a = np.maximum(a, 1e-300)
    peak = np.maximum(c - a, 0.0)
    spread = np.maximum(np.sqrt(c), 1.0)
    low = np.maximum(peak - _REACH * spread, 0.0)
    # left of the peak at 0 the integrand falls no slower than with the slope 1 - c/a or the curvature c/a^2
    fall = np.minimum(40.0 / np.maximum(1.0 - c / a, 1e-9), _REACH * a / np.sqrt(c))
    high = np.where(c >= a, peak + _REACH * spread + 40.0, np.minimum(40.0 + _REACH * spread, fall + 40.0))
    t = low[..., None] + (high - low)[..., None] * 0.5 * (_NODES + 1.0)
    top = np.where(c > a, a - c + c * np.log(np.maximum(c, a) / a), 0.0)
    scaled = np.exp(-t + c[..., None] * np.log1p(t / a[..., None]) - top[..., None])
    integral = (scaled * _WEIGHTS).sum(axis=-1) * 0.5 * (high - low)
    busy: FloatArray = np.exp(-top) / integral
    return busy


def erlang_c(*, servers: FloatArray, offered: FloatArray) -> FloatArray:
    """Chance of having to wait in M/M/c [1]_; 1 where the offered load is not below the servers."""
    lost = erlang_b(servers=servers, offered=offered)
    load = np.minimum(np.asarray(offered, float) / servers, 1.0)
    waits: FloatArray = lost / (1.0 - load * (1.0 - lost))
    return np.minimum(waits, 1.0)


def halfin_whitt(*, beta: FloatArray) -> FloatArray:
    """Chance of having to wait where ``servers = offered + beta sqrt(offered)`` are many [5]_."""
    beta = np.maximum(np.asarray(beta, float), 1e-12)
    density = np.exp(-0.5 * beta**2) / np.sqrt(2.0 * np.pi)
    waits: FloatArray = 1.0 / (1.0 + beta * normal_cdf(beta) / np.maximum(density, 1e-300))
    return waits


def mg1_wait_s(*, rate: FloatArray, service_s: FloatArray, square_s2: FloatArray) -> FloatArray:
    """Mean wait in front of one server with Poisson arrivals [2]_; infinite from a load of 1 on.

    Parameters
    ----------
    square_s2
        Mean of the squared service time.
    """
    with np.errstate(divide="ignore"):
        wait: FloatArray = np.where(
            rate * service_s < 1.0, 0.5 * rate * square_s2 / np.maximum(1.0 - rate * service_s, 0.0), np.inf
        )
    return wait


def mmc_wait_s(*, rate: FloatArray, service_s: FloatArray, servers: FloatArray) -> FloatArray:
    """Mean wait of M/M/c [1]_; infinite from a load of 1 on."""
    offered = np.asarray(rate * service_s, float)
    waits = erlang_c(servers=servers, offered=offered)
    with np.errstate(divide="ignore"):
        wait: FloatArray = np.where(
            offered < servers, waits * service_s / np.maximum(servers - offered, 0.0), np.inf
        )
    return wait


def regular_share(*, servers: FloatArray, load: FloatArray) -> FloatArray:
    """Wait of M/D/c over that of M/M/c: 1/2 at one server or a full load, more at many servers [3]_."""
    load = np.clip(load, 1e-9, 1.0)
    rest = (1.0 - load) * (servers - 1.0) * (np.sqrt(4.0 + 5.0 * servers) - 2.0) / (16.0 * load * servers)
    share: FloatArray = np.minimum(0.5 * (1.0 + rest), 1.0)
    return share


def mgc_wait_s(
    *,
    rate: FloatArray,
    service_s: FloatArray,
    servers: FloatArray,
    service_cv: FloatArray,
    arrival_cv: FloatArray | float = 1.0,
) -> FloatArray:
    """Mean wait of GI/G/c: between M/D/c and M/M/c by Kimura [4]_, scaled for other arrivals [6]_."""
    square = np.asarray(service_cv, float) ** 2
    load = rate * service_s / servers
    mean = mmc_wait_s(rate=rate, service_s=service_s, servers=servers)
    blend = kimura_factor(square=square, servers=servers, load=load)
    wait: FloatArray = mean * blend * (np.asarray(arrival_cv, float) ** 2 + square) / (1.0 + square)
    return wait


def kimura_factor(*, square: FloatArray, servers: FloatArray, load: FloatArray) -> FloatArray:
    """Wait of M/G/c over that of M/M/c for a squared coefficient of variation of the service time [4]_."""
    regular = regular_share(servers=servers, load=load)
    factor: FloatArray = (1.0 + square) / ((1.0 - square) / regular + 2.0 * square)
    return factor
