"""From replicas to a fleet: spares for what fails, and what is left to serve.

Replicas fail with the hosts they run on. With ``m`` hosts per replica, a mean time between failures ``T`` of
a host and ``t`` hours until it serves again, ``u = R m t / T`` of ``R`` replicas are away on average. The
number away is close to Poisson, so that ``u + 3 sqrt(u)`` covers all but about one hour in a thousand.
Rolling upgrades take a share ``g`` more. Several replicas of one host fail with it, and those of one
scale-up domain with its switches::

    spares(R) = max(ceil(u + 3 sqrt(u k) + g R), replicas of one failure domain)

with ``k`` replicas per host (or 1): failures come in groups of that size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from planner.catalog.schema.operations import Reliability

__all__ = ["Spares", "failed", "serving_within", "spare_replicas"]

DEVIATIONS: Final = 3.0
"""Standard deviations of the replicas away that spares cover: all but 0.1 % of the time."""


@dataclass(frozen=True, kw_only=True)
class Spares:
    """How replicas of one size fail, and what is kept for it.

    Attributes
    ----------
    node_mtbf_hours, node_repair_hours
        Of a host.
    upgrading
        Share of the replicas out of service for upgrades.
    gpus
        Accelerators of a replica.
    node, domain
        Accelerators of a host, and of the largest group that fails together.
    available
        Accelerators there are; within a single domain no spare helps against its failure, and none is kept.
    fixed
        Spare replicas that the question asks for; None for the policy.
    """

    node_mtbf_hours: float
    node_repair_hours: float
    upgrading: float
    gpus: int
    node: int
    domain: int
    available: float = math.inf
    fixed: int | None = None

    @classmethod
    def of(
        cls,
        reliability: Reliability,
        *,
        gpus: int,
        node: int,
        domain: int,
        available: float,
        fixed: int | None,
    ) -> Spares:
        """Take the rates from a record."""
        return cls(
            node_mtbf_hours=reliability.node_mtbf.value,
            node_repair_hours=reliability.node_repair.value,
            upgrading=reliability.upgrading.value,
            gpus=gpus,
            node=node,
            domain=domain,
            available=available,
            fixed=fixed,
        )


def failed(spares: Spares, replicas: int) -> float:
    """Replicas away on average."""
    hosts = max(math.ceil(spares.gpus / spares.node), 1)
    return replicas * hosts * spares.node_repair_hours / spares.node_mtbf_hours


def spare_replicas(spares: Spares, replicas: int) -> int:
    """Spares for so many serving replicas; never fewer for more of them."""
    if spares.fixed is not None:
        return spares.fixed
    if replicas == 0 or spares.available <= spares.domain:
        return 0
    away = failed(spares, replicas)
    together = max(spares.node // spares.gpus, 1)
    out = away + DEVIATIONS * math.sqrt(away * together) + spares.upgrading * replicas
    domain = min(max(spares.domain // spares.gpus, 1), replicas)
    return max(math.ceil(out), domain)


def serving_within(spares: Spares, total: int) -> int:
    """Replicas that may serve out of `total`, so that their spares are among the others."""
    low, high = 0, total
    while low < high:
        middle = (low + high + 1) // 2
        if middle + spare_replicas(spares, middle) <= total:
            low = middle
        else:
            high = middle - 1
    return low


def replicas_for(rate: float, each: float) -> int:
    """Replicas that serve a rate when each serves `each` at most."""
    return max(math.ceil(rate / each * (1.0 - 1e-12)), 1)


def gpus_for(pools: Sequence[tuple[Spares, float, float]], ratio: float) -> int:
    """Accelerators, spares included, of pools whose replicas serve `ratio` times what is predicted.

    Parameters
    ----------
    pools
        Of each pool: how it fails, the rate it must serve, and the rate that a replica is predicted to serve.
    """
    total = 0
    for spares, rate, each in pools:
        replicas = replicas_for(rate, each * ratio)
        total += (replicas + spare_replicas(spares, replicas)) * spares.gpus
    return total
