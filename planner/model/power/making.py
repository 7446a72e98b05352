"""Carbon of making machines and buildings, and the share of it that a use carries.

References
----------
.. [1] A. S. Luccioni, S. Viguier, A.-L. Ligozat, "Estimating the carbon footprint of BLOOM, a 176B parameter
   language model", arXiv:2211.02001: equipment by its hours of use over the hours of its life at work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.tables.site import EmbodiedTable
from planner.types import FloatArray

__all__ = ["EmbodiedCarbon", "embodied_kg"]


class EmbodiedCarbon(NamedTuple):
    """Kilograms of CO2 equivalent per accelerator."""

    machines: FloatArray
    network: FloatArray
    building: FloatArray
    total: FloatArray


def embodied_kg(
    *,
    embodied: EmbodiedTable,
    it_watts: FloatArray | float,
    used_s: FloatArray | float,
    life_s: FloatArray | float,
    utilisation: FloatArray | float = 1.0,
) -> EmbodiedCarbon:
    """Embodied carbon of one accelerator with its share of system, network and building.

    A use of `used_s` carries ``used / (life x utilisation)`` of the machines [1]_ and ``used / life`` of the
    building; a use as long as the life carries all of it, a longer one that of the machines that follow.

    Parameters
    ----------
    embodied
        Carbon by part.
    it_watts
        Nameplate power of the equipment per accelerator, for which the building is built.
    used_s
        Time that the accelerator is used.
    life_s
        Of the machines, as they are written off.
    utilisation
        Share of the life in which they work; what is idle is carried by what is used.
    """
    used = np.asarray(used_s, dtype=float)
    share = used / (np.asarray(life_s, dtype=float) * utilisation)
    machines = share * (embodied.accelerator_kg + embodied.server_kg)
    network = machines * embodied.network
    building = (
        used / embodied.building_life_s * embodied.building_kg_per_watt * np.asarray(it_watts, dtype=float)
    )
    return EmbodiedCarbon(machines, network, building, machines + network + building)
