"""A fabric with its parts: switches, transceivers and cables, their power and price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.fabric.clos import Clos, clos
from planner.tables.fabric import FabricPlan
from planner.types import FloatArray

__all__ = ["Built", "built"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Built:
    """A fabric for each number of accelerators: counts ``[R]``, power and price ``[S, R]``.

    Attributes
    ----------
    accelerators
        As asked.
    clos : Clos
        Tiers, islands, switches and links.
    switches, optics, cables
        Switches, transceiver modules and copper cables.
    watts, usd
        Of all parts.
    watts_by_part, usd_by_part : dict
        ``switches``, ``optics`` (with the fibres), ``cables``; they add up to the totals.
    largest : int
        Accelerators of the largest single fabric.
    """

    accelerators: FloatArray
    clos: Clos
    switches: FloatArray
    optics: FloatArray
    cables: FloatArray
    watts: FloatArray
    usd: FloatArray
    watts_by_part: dict[str, FloatArray]
    usd_by_part: dict[str, FloatArray]
    largest: int

    @property
    def tiers(self) -> FloatArray:
        """Tiers of switches, 0 where none are needed."""
        return self.clos.tiers

    @property
    def islands(self) -> FloatArray:
        """Fabrics that nothing joins, 1 where one holds all."""
        return self.clos.islands


def built(
    *,
    fabric: FabricPlan,
    accelerators: FloatArray,
    ports_per_accelerator: float | None = None,
    domain: int = 1,
) -> Built:
    """Count, power and price a fabric.

    Each link has two ends. Copper has its price with both; a fibre needs a transceiver at either, which
    carries several links where it is split (twin-port modules at switches, planes at network interfaces), so
    that a link bears its share of two modules. Interfaces themselves belong to the servers, and what joins a
    scale-up domain (NVLink switches) to its rack.

    Parameters
    ----------
    fabric : FabricPlan
        How it is built.
    accelerators : FloatArray
        Shape ``[R]``.
    ports_per_accelerator : float, optional
        Default as the tiers of the record count them.
    domain : int
        Accelerators that need no fabric, because one scale-up domain holds them.

    Raises
    ------
    InputError
        Negative numbers of accelerators.
    """
    count = np.atleast_1d(np.asarray(accelerators, dtype=float))
    each = fabric.accelerators_per_port
    ports = ports_per_accelerator or 1.0 / each
    counted = clos(
        endpoints=np.where((count > domain) | (count < 0), np.ceil(count * ports - 1e-9), 0.0),
        radix=fabric.radix,
        rails=fabric.rails,
        planes=fabric.planes,
        oversubscription=fabric.oversubscription[:-1],
        most_tiers=len(fabric.oversubscription),
        most_endpoints=fabric.largest * min(ports, 1.0 / each),
    )
    hosts = counted.links_by_tier[0]
    cables = hosts if fabric.copper_hosts else np.zeros_like(hosts)
    fibres = counted.links - cables
    # At an interface one module serves all planes; everywhere else it is full.
    at_hosts = hosts - cables
    optics = np.ceil(at_hosts / fabric.planes) + np.ceil((2.0 * fibres - at_hosts) / fabric.lanes)
    modules = 2.0 * fibres / fabric.lanes
    watts = {
        "switches": counted.switches * fabric.switch_watts,
        "optics": modules * fabric.module_watts,
        "cables": cables * fabric.cable_watts,
    }
    usd = {
        "switches": counted.switches * fabric.switch_usd,
        "optics": modules * fabric.module_usd,
        "cables": cables * fabric.cable_usd,
    }
    return Built(
        accelerators=count,
        clos=counted,
        switches=counted.switches,
        optics=optics,
        cables=cables,
        watts=watts["switches"] + watts["optics"] + watts["cables"],
        usd=usd["switches"] + usd["optics"] + usd["cables"],
        watts_by_part=watts,
        usd_by_part=usd,
        largest=int(counted.largest / ports),
    )
