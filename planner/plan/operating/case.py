"""A training case in its surroundings: what failures leave, what an hour costs, what a power cap allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from planner.plan.assemble import state_bytes
from planner.plan.operating.caps import within_cap
from planner.plan.operating.estate import estate_of
from planner.plan.operating.training import LEAST, central_goodput, spare_accelerators
from planner.tables.samples import Samples

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.job import Case
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate
    from planner.types import FloatArray

__all__ = ["operating"]


def operating(
    catalog: Catalog, case: Case, asked: Asked, filled: Filled, estate: Estate | None = None
) -> Case:
    """Return the case with its goodput and its price, and with what a power cap leaves of the hardware.

    The price is per accelerator at work, with its share of the spares. An `estate` without samples that was
    read before need not be read again.

    Raises
    ------
    PowerCapError
        The cap is below what one host draws at work, or even when idle.
    """
    if estate is None:
        estate = estate_of(catalog, case.site, asked, filled, Samples(0))
    state = state_bytes(case)
    degrees = [int(case.job.pins.get(name, 1)) for name in ("tp", "cp", "pp")]

    @_remembered
    def goodput(accelerators: FloatArray) -> FloatArray:
        share = central_goodput(estate, asked, accelerators, state, float(np.prod(degrees)))
        return np.maximum(share, LEAST)

    @_remembered
    def hourly(accelerators: FloatArray) -> FloatArray:
        cost = estate.gpu_hour(accelerators, asked.price, "training", catalog=catalog)
        total = np.asarray(np.broadcast_to(cost.total, (1, np.size(accelerators)))[0])
        return total * (1.0 + spare_accelerators(estate, accelerators) / np.maximum(accelerators, 1.0))

    def peak_watts(accelerators: FloatArray) -> FloatArray:
        spare = spare_accelerators(estate, accelerators)
        each = np.asarray(estate.watts(accelerators, "training").peak[0])
        return each * (accelerators + spare)

    site = case.site
    if asked.power_cap_watts is not None:
        spare = partial(spare_accelerators, estate)
        site = site.limited(within_cap(estate, asked.power_cap_watts, filled, spare=spare))
    return replace(case, site=site, goodput=goodput, hourly=hourly, peak_watts=peak_watts)


def _remembered(of: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
    """Keep what a function of numbers of accelerators gave: plans of one search share most of them."""
    known: dict[float, float] = {}

    def looked_up(accelerators: FloatArray) -> FloatArray:
        given = np.asarray(accelerators, dtype=float)
        fresh = np.array(sorted({float(n) for n in given.flat} - known.keys()))
        if fresh.size:
            known.update(zip(fresh.tolist(), of(fresh).tolist(), strict=True))
        return np.array([known[float(n)] for n in given.flat]).reshape(given.shape)

    return looked_up
