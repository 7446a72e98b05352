"""Spares of a fleet: accelerators that take over from hosts that fail, are repaired, or are upgraded.

With a mean time between failures ``T`` of a host and ``t`` hours until it serves again, ``u = H t / T`` of
``H`` hosts are away on average. The number away is close to Poisson, so that ``u + 3 sqrt(u)`` covers all but
about one hour in a thousand. Rolling upgrades take a share ``g`` more, and one failure domain (a scale-up
domain behind common switches) can be lost whole::

    spares(H) = max(ceil(u + 3 sqrt(u) + g H) hosts, one failure domain), at most as much as serves

A spare host stands in for any host of its kind: a wide replica that loses one is rebuilt with a spare, not
replaced whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from planner.catalog.schema.operations import Reliability

__all__ = ["Spares", "failed_hosts", "serving_within", "spare_gpus"]

DEVIATIONS: Final = 3.0
"""Standard deviations of the hosts away that spares cover: all but 0.1 % of the time."""


@dataclass(frozen=True, kw_only=True)
class Spares:
    """How hosts of one kind fail, and what is kept for it.

    Attributes
    ----------
    mtbf_hours, repair_hours
        Of a host.
    upgrading
        Share of the hosts out of service for upgrades.
    node, domain
        Accelerators of a host, and of the largest group that fails together.
    fixed
        Spare hosts that the question asks for; None for the policy.
    """

    mtbf_hours: float
    repair_hours: float
    upgrading: float
    node: int
    domain: int
    fixed: int | None = None

    @classmethod
    def of(cls, reliability: Reliability, *, node: int, domain: int, fixed: int | None) -> Spares:
        """Take the rates from a record."""
        return cls(
            mtbf_hours=reliability.node_mtbf.value,
            repair_hours=reliability.node_repair.value,
            upgrading=reliability.upgrading.value,
            node=node,
            domain=domain,
            fixed=fixed,
        )


def failed_hosts(spares: Spares, serving: int) -> float:
    """Hosts away on average, of those of `serving` accelerators."""
    return _hosts(spares, serving) * spares.repair_hours / spares.mtbf_hours


def spare_gpus(spares: Spares, serving: int) -> int:
    """Spare accelerators for so many serving ones; never fewer for more of them."""
    if spares.fixed is not None:
        return spares.fixed * spares.node
    away = failed_hosts(spares, serving)
    out = away + DEVIATIONS * math.sqrt(away) + spares.upgrading * _hosts(spares, serving)
    return min(max(math.ceil(out) * spares.node, spares.domain), serving)


def serving_within(spares: Spares, available: int) -> int:
    """Accelerators that may serve out of those available, so that their spares are among the others.

    Within a single failure domain no spare helps against its failure: all of it serves.
    """
    if spares.fixed is None and available <= spares.domain:
        return available
    low, high = 0, available
    while low < high:
        middle = (low + high + 1) // 2
        if middle + spare_gpus(spares, middle) <= available:
            low = middle
        else:
            high = middle - 1
    return low


def _hosts(spares: Spares, gpus: int) -> int:
    return math.ceil(gpus / spares.node)
