"""What a cap on the power of a facility leaves of the hardware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InfeasibleError
from planner.model.power import check_cap
from planner.plan.defaults import Filled
from planner.plan.document import Nearest
from planner.plan.operating.estate import Estate, estate_of
from planner.tables.samples import Samples
from planner.types import FloatArray
from planner.units import MEGA, format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.operating.asked import Asked
    from planner.plan.places import Place

__all__ = ["PowerCapError", "within_cap", "within_caps"]


class PowerCapError(InfeasibleError):
    """A cap under which not even one host runs.

    Attributes
    ----------
    watts : float
        That one host draws at work.
    """

    def __init__(self, message: str, watts: float) -> None:
        super().__init__(message)
        self.watts = watts

    @property
    def nearest(self) -> Nearest:
        """The change that makes it feasible."""
        least = format_quantity(self.watts, "watts", digits=3)
        return Nearest(
            field="power_cap_megawatts", value=self.watts / MEGA, sentence=f"allow {least} for one host"
        )


def within_caps(catalog: Catalog, places: Sequence[Place], asked: Asked, filled: Filled) -> tuple[Place, ...]:
    """Return the parts of a service under the cap of the question; each keeps the same share of its own.

    Raises
    ------
    PowerCapError
        As `within_cap`.
    """
    if asked.power_cap_watts is None:
        return tuple(places)
    estates = [estate_of(catalog, place, asked, Filled(), Samples(0)) for place in places]
    watts = [_drawn_watts(estate, estate.place.available) for estate in estates]
    cap, whole = asked.power_cap_watts, sum(watts)
    return tuple(
        place.limited(within_cap(estate, cap * own / whole, filled))
        for place, estate, own in zip(places, estates, watts, strict=True)
    )


def within_cap(
    estate: Estate,
    cap_watts: float,
    filled: Filled,
    *,
    spare: Callable[[FloatArray], FloatArray] = np.zeros_like,
) -> int:
    """Accelerators that run under a cap on the power of the facility at its peak: all, or whole hosts.

    Those that do not run are switched off; `spare` says how many stand by beside so many at work, and draw as
    much.

    Raises
    ------
    PowerCapError
        The cap is below what one host draws at work, or even when idle.
    """
    place = estate.place
    if _drawn_watts(estate, place.available, spare) <= cap_watts:
        return place.available
    unit = min(place.node or 1, place.available)
    # The share of the network depends on the number: it is drawn within the cap below, and not above.
    below, above = 0, -(-place.available // unit)
    while above - below > 1:
        middle = (below + above) // 2
        if _drawn_watts(estate, middle * unit, spare) <= cap_watts:
            below = middle
        else:
            above = middle
    most = below * unit
    if most < 1:
        idle = float(estate.watts(np.array([float(unit)]), "idle").mean.flat[0])
        needed = _drawn_watts(estate, unit, spare)
        message = (
            f"--power-cap {format_quantity(cap_watts, 'watts')} is less than one host of {unit} "
            f"{place.accelerator.name} draws at work, {format_quantity(needed, 'watts', digits=3)}; "
            "raise the cap"
        )
        try:
            check_cap(cap_watts=cap_watts, idle_watts=idle * unit, accelerators=unit)
        except InfeasibleError as error:
            message = str(error)
        raise PowerCapError(message, needed)
    each = _drawn_watts(estate, most)
    filled.assume(
        "gpus",
        most,
        f"what a power cap of {format_quantity(cap_watts, 'watts')} allows at "
        f"{format_quantity(each / most, 'watts', digits=3)} each in the warmest season; the others are off",
    )
    return most


def _drawn_watts(
    estate: Estate, accelerators: int, spare: Callable[[FloatArray], FloatArray] = np.zeros_like
) -> float:
    """Peak of the facility with so many accelerators at work and their spares."""
    n = np.array([float(accelerators)])
    return float((estate.watts(n, "training").peak * (n + spare(n))).flat[0])
