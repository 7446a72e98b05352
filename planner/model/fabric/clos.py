"""Folded Clos networks (fat trees): tiers, switches and links for any number of endpoints.

Everything here counts whole switches of one radix; what they cost and draw is in
`planner.model.fabric.built`.

References
----------
.. [1] M. Al-Fares, A. Loukissas, A. Vahdat, "A scalable, commodity data center network architecture", SIGCOMM
   2008, doi:10.1145/1402958.1402967: ``k^3/4`` hosts of ``5 k^2/4`` switches in three tiers.
.. [2] W. Wang et al., "Rail-only: A low-cost high-performance network for training LLMs with trillion
   parameters", arXiv:2307.12169: rails that never meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.errors import InfeasibleError, InputError
from planner.tables.fabric import MOST_TIERS, largest_tree, ports_down
from planner.types import FloatArray, IntArray

__all__ = ["Clos", "clos", "require_one_island"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Clos:
    """A fabric counted, arrays ``[R]`` unless another shape is named; counts are whole numbers.

    Attributes
    ----------
    endpoints
        Ports of network interfaces.
    tiers
        Tiers of switches, 0 where nothing is connected.
    islands
        Separate fabrics, because one cannot hold them all; nothing joins them.
    switches_by_tier : FloatArray
        ``[T, R]``, the lowest first.
    links_by_tier : FloatArray
        ``[T, R]``: below each tier, so that the first are the links of the endpoints.
    ports
        Switch ports in use.
    largest : float
        Endpoints of the largest single fabric.
    radix : int
    """

    endpoints: FloatArray
    tiers: FloatArray
    islands: FloatArray
    switches_by_tier: FloatArray
    links_by_tier: FloatArray
    ports: FloatArray
    largest: float
    radix: int

    @property
    def switches(self) -> FloatArray:
        """Of all tiers."""
        total: FloatArray = np.sum(self.switches_by_tier, axis=0)
        return total

    @property
    def links(self) -> FloatArray:
        """Those of the endpoints and those between switches."""
        total: FloatArray = np.sum(self.links_by_tier, axis=0)
        return total


def clos(
    *,
    endpoints: FloatArray,
    radix: int,
    rails: int = 1,
    planes: int = 1,
    oversubscription: tuple[float, ...] = (),
    most_tiers: int = MOST_TIERS,
    most_endpoints: float = np.inf,
) -> Clos:
    """Count the switches and links that join endpoints, with as few tiers as they need.

    A tree without oversubscription of ``L`` tiers joins ``2 (k/2)^L`` endpoints with ``(2L - 1) N / k``
    switches: a tier below the top has one switch for every ``k/2`` links that come from below, the top one
    for every ``k`` [1]_. An oversubscription ``o`` leaves a switch ``k / (1 + o)`` ports upward, so that it
    divides the links above it, and everything that these need, by ``o``. Partial trees are counted tier by
    tier in whole switches.

    Parameters
    ----------
    endpoints : FloatArray
        Ports of network interfaces, shape ``[R]``, 0 or more; each is connected once to every plane.
    radix : int
        Ports of a switch at the rate of a plane.
    rails : int
        Trees of ``N / rails`` endpoints each that never meet [2]_: 8 where each of 8 GPUs of a node has a
        network of its own. 1 where rails meet at the second tier, which needs as many switches as any tree.
    planes : int
        Trees of all endpoints at a part of their rate.
    oversubscription : tuple of float
        Bandwidth below over bandwidth above of each tier, from the lowest; it counts where there is a tier
        above.
    most_tiers : int
        1 to 4.
    most_endpoints : float
        Largest fabric, where it is less than the radix allows.

    Returns
    -------
    Clos
        Where `endpoints` exceed the largest fabric, as many equal islands as are needed.

    Raises
    ------
    InputError
        A negative number of endpoints, no rails or planes, or what `largest_tree` refuses.
    """
    n = np.atleast_1d(np.asarray(endpoints, dtype=float))
    if np.any(n < 0) or not np.all(np.isfinite(n)):
        raise InputError("a fabric joins 0 or more endpoints, and not infinitely many")
    if rails < 1 or planes < 1:
        raise InputError(f"a fabric has 1 or more rails and planes, not {rails} and {planes}")
    sizes = largest_tree(radix, oversubscription, most_tiers)
    largest = min(sizes[-1] * rails, most_endpoints)
    islands = np.maximum(np.ceil(n / largest), 1.0)
    tree = np.ceil(np.ceil(n / islands) / rails)
    top = np.searchsorted(sizes, tree, side="left")
    switches, links = _tree(
        tree=tree, top=top, radix=radix, oversubscription=oversubscription, tiers=most_tiers
    )
    trees = rails * planes * islands
    # Rails of few endpoints share a switch.
    shared = np.ceil(rails / np.maximum(np.floor(radix / np.maximum(tree, 1.0)), 1.0))
    whole = switches * trees
    whole[0] = np.where(top == 0, switches[0] * shared * planes * islands, whole[0])
    counted = links * trees
    # What rails and islands were rounded up by is not there.
    counted[0] = n * planes
    return Clos(
        endpoints=n,
        tiers=np.where(n > 0, top + 1.0, 0.0),
        islands=islands,
        switches_by_tier=whole,
        links_by_tier=counted,
        ports=counted[0] + 2.0 * np.sum(counted[1:], axis=0),
        largest=largest,
        radix=radix,
    )


def _tree(
    tree: FloatArray, top: IntArray, *, radix: int, oversubscription: tuple[float, ...], tiers: int
) -> tuple[FloatArray, FloatArray]:
    """Switches and links of one tree by tier, both ``[tiers, R]``; `top` is the index of its last tier."""
    down = ports_down(radix, oversubscription, tiers)
    shortage = np.array([1.0, *oversubscription, *[1.0] * tiers][:tiers])
    tier = np.arange(tiers)[:, None]
    below = np.where(tier <= top, np.ceil(tree / np.cumprod(shortage)[:, None] - 1e-9), 0.0)
    return np.ceil(below / np.where(tier == top, radix, down[:, None])), below


def require_one_island(counted: Clos, *, what: str = "endpoints", each: int = 1) -> None:
    """Refuse what one fabric cannot hold.

    Parameters
    ----------
    counted
        The fabrics.
    what, each
        What the message counts, and how many of them an endpoint stands for.

    Raises
    ------
    InfeasibleError
        Some of them need islands; the message says how many would do and what else helps.
    """
    worst = int(np.argmax(counted.islands))
    if counted.islands[worst] <= 1:
        return
    tiers = counted.switches_by_tier.shape[0]
    raise InfeasibleError(
        f"{counted.endpoints[worst] * each:,.0f} {what} do not fit into one fabric: {tiers} tiers of "
        f"{counted.radix}-port switches join at most {counted.largest * each:,.0f}. Build "
        f"{counted.islands[worst]:.0f} islands, take switches of more ports or one tier more (at most "
        f"{MOST_TIERS}), or keep the rails apart (rail_only)"
    )
