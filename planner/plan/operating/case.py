"""A training case in its surroundings: what failures leave, what an hour costs, what a power cap allows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InfeasibleError
from planner.model.power import accelerators_within, check_cap
from planner.plan.assemble import state_bytes
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.operating.training import LEAST, central_goodput
from planner.tables.samples import Samples
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.job import Case
    from planner.plan.operating.asked import Asked
    from planner.types import FloatArray

__all__ = ["operating", "within_cap"]


def operating(catalog: Catalog, case: Case, asked: Asked, filled: Filled) -> Case:
    """Return the case with its goodput and its price, and with what a power cap leaves of the hardware.

    Raises
    ------
    InfeasibleError
        The cap is below what the hardware draws when idle, or below one system at work.
    """
    estate = estate_of(catalog, case.site, asked, filled, Samples(0))
    state = state_bytes(case)
    degrees = [int(case.job.pins.get(name, 1)) for name in ("tp", "cp", "pp")]

    def goodput(accelerators: FloatArray) -> FloatArray:
        share = central_goodput(estate, asked, accelerators, state, float(np.prod(degrees)))
        return np.asarray(np.maximum(share, LEAST)).reshape(np.shape(accelerators))

    def hourly(accelerators: FloatArray) -> FloatArray:
        cost = estate.gpu_hour(accelerators, asked.price, "training", catalog=catalog)
        return np.asarray(np.broadcast_to(cost.total, (1, np.size(accelerators)))[0])

    site = case.site
    if asked.power_cap_watts is not None:
        site = site.limited(within_cap(estate, asked.power_cap_watts, filled))
    return replace(case, site=site, goodput=goodput, hourly=hourly)


def within_cap(estate: Estate, cap_watts: float, filled: Filled) -> int:
    """Accelerators that run under a cap on the power of the facility at its peak, in whole hosts.

    Those of a cluster that do not run stay on and idle; without a cluster there are no others.

    Raises
    ------
    InfeasibleError
        The cap is below what the cluster draws when idle, or below one host at work.
    """
    place = estate.place
    available = np.array([float(place.available)])
    working = float(estate.watts(available, "training").peak.flat[0])
    installed, idle = np.inf, 0.0
    if place.cluster is not None:
        installed = float(place.available)
        idle = float(estate.watts(available, "idle").mean.flat[0])
        check_cap(cap_watts=cap_watts, idle_watts=idle * installed, accelerators=installed)
    unit = place.node or 1
    fits = accelerators_within(
        cap_watts=cap_watts, working_watts=working, idle_watts=idle, installed=installed, unit=unit
    )
    most = int(min(float(fits), available[0]))
    if most < 1:
        raise InfeasibleError(
            f"--power-cap {format_quantity(cap_watts, 'watts')} is less than one host of {unit} "
            f"{place.accelerator.name} draws at work, {format_quantity(working * unit, 'watts', digits=3)}; "
            "raise the cap"
        )
    if most < place.available:
        filled.assume(
            "gpus",
            most,
            f"what a power cap of {format_quantity(cap_watts, 'watts')} allows at "
            f"{format_quantity(working, 'watts', digits=3)} each in the warmest season",
        )
    return most
