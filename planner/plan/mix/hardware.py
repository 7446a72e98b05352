"""The groups of a cluster as a question of sharing sees them: how many, and what they draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InputError, suggest
from planner.model.power import facility_watts
from planner.plan.defaults import Filled
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.rates import Where
from planner.tables.samples import Samples

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.named import Named
    from planner.plan.operating.asked import Asked

__all__ = ["Group", "groups_named", "groups_of", "usd_per_kwh"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Like accelerators.

    Attributes
    ----------
    name : str
        Id of the system, or of the accelerator where no system is on record.
    number : int
        Accelerators, in whole systems.
    system : int
        Accelerators of one system.
    where : Where
        The group alone, for the estimator.
    off_watts, idle_watts, busy_watts : float
        Of an accelerator with its share of everything else, at the meter, on average: switched off (its
        network is not), waiting, and in training.
    peak_watts : float
        Switched on, at the peak in the warmest season, whatever it does: what a cap must carry.
    summer : float
        Power in the warmest season over that on average, at the same load.
    rented : bool
        Whether an accelerator that nobody uses costs nothing.
    """

    name: str
    accelerator: str
    number: int
    system: int
    where: Where
    estate: Estate
    off_watts: float
    idle_watts: float
    busy_watts: float
    peak_watts: float
    summer: float
    rented: bool

    def part(self, share: float) -> int:
        """Accelerators of a share of the group, in whole systems."""
        return max(int(self.number * share) // self.system, 1) * self.system


def groups_of(
    catalog: Catalog, named: Named, asked: Asked, filled: Filled, where: Where
) -> tuple[Group, ...]:
    """Return the groups of a cluster; `where` has the options that the estimator takes."""
    estates = [
        estate_of(catalog, place, asked, filled if first else Filled(), Samples(0))
        for first, place in zip([True] + [False] * len(named.places), named.places, strict=False)
    ]
    return tuple(_group(named, estate, asked, where) for estate in estates)


def _group(named: Named, estate: Estate, asked: Asked, where: Where) -> Group:
    place = estate.place
    name = place.accelerator.id if place.system is None else place.system.id
    system = 1 if place.system is None else round(place.system.accelerators.value)
    number = max(place.available // system, 1) * system
    n = np.array([float(number)])
    off = facility_watts(it_watts=estate.network_watts(n), site=estate.site_table)
    own = (
        {"gpu": name, "cluster": None}
        if named.record is None
        else {"gpu": None, "cluster": f"{named.record.id}/{name}"}
    )
    return Group(
        name=name,
        accelerator=place.accelerator.id,
        number=number,
        system=system,
        where=_where(where, own, number),
        estate=estate,
        off_watts=float(off.flat[0]),
        idle_watts=float(estate.watts(n, "idle").mean.flat[0]),
        busy_watts=float(estate.watts(n, "training").mean.flat[0]),
        peak_watts=float(estate.watts(n, "training").peak.flat[0]),
        summer=float((estate.site_table.pue_summer / estate.site_table.pue_mean).flat[0]),
        rented=asked.price.mode == "rent",
    )


def _where(where: Where, own: dict[str, str | None], number: int) -> Where:
    return Where(
        book=where.book,
        cluster=own["cluster"],
        gpu=own["gpu"],
        gpus=number,
        site=where.site,
        price=where.price,
        finance=where.finance,
        failures=where.failures,
    )


def groups_named(groups: Sequence[Group], names: Sequence[str], job: str) -> list[int]:
    """Return the places of the groups that a job names; all of them where it names none.

    Raises
    ------
    InputError
        A name that no group has.
    """
    if not names:
        return list(range(len(groups)))
    found = []
    for name in names:
        own = [place for place, group in enumerate(groups) if name in (group.name, group.accelerator)]
        if not own:
            known = [group.name for group in groups]
            mend = suggest(name, known, otherwise=f"the cluster has {', '.join(known)}")
            raise InputError(f"job {job!r}: no group of the cluster is called {name!r}; {mend}")
        found += own
    return sorted(set(found))


def usd_per_kwh(groups: Sequence[Group]) -> float:
    """Price of electricity that the site pays with all accelerators at work."""
    watts = sum(group.busy_watts * group.number for group in groups)
    return float(groups[0].estate.supplied(np.array([[watts]])).usd_per_kwh.flat[0])
