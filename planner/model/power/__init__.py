"""Power, energy and carbon: from the draw of an accelerator to the meter of a site and what it emits.

=============================  ======================================================================
`planner.model.power.it`       watts of the equipment per accelerator: nameplate, peak, average, by part
`planner.model.power.place`    watts of the facility, which supplies carry them, energy, carbon, water
`planner.model.power.cap`      how much of a cluster runs under a power cap
`planner.model.power.making`   carbon of making machines and buildings
=============================  ======================================================================

Everything broadcasts: columns of samples ``[S, 1]`` (`planner.tables.site`) against plans or clusters
``[R]``.
"""

from planner.model.power.cap import accelerators_within, check_cap
from planner.model.power.it import ItPower, it_watts
from planner.model.power.making import EmbodiedCarbon, embodied_kg
from planner.model.power.place import (
    Supplied,
    carbon_basis,
    carbon_kg,
    energy_kwh,
    facility_watts,
    supplied,
    water_liters,
)

__all__ = [
    "EmbodiedCarbon",
    "ItPower",
    "Supplied",
    "accelerators_within",
    "carbon_basis",
    "carbon_kg",
    "check_cap",
    "embodied_kg",
    "energy_kwh",
    "facility_watts",
    "it_watts",
    "supplied",
    "water_liters",
]
