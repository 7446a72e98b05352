"""What surrounds one kind of hardware, and what it costs to run so many accelerators of it.

Amounts are per accelerator or of all of them, as each function says; arrays broadcast samples ``[S, 1]``
against numbers of accelerators ``[R]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.catalog.kinds import CLUSTER, FINANCE, OPTICS, SITE, STORAGE, SWITCH
from planner.errors import InputError
from planner.model.cost.capital import Capital, capital
from planner.model.cost.hour import (
    HourCost,
    colocated_usd_per_hour,
    owned_usd_per_hour,
    rented_usd_per_hour,
)
from planner.model.fabric.built import Built, built
from planner.model.power import ItPower, Supplied, facility_watts, it_watts, supplied
from planner.plan.price_words import PriceChoice, rent_of
from planner.tables.fabric import FabricPlan, StorageTable, fabric_table, ports_per_accelerator, storage_table
from planner.tables.price import FinanceTable, Price, finance_table, purchase_of
from planner.tables.reliability import (
    FailureRates,
    Policy,
    StorageRates,
    failures_for,
    failures_table,
    policies,
    storage_rates,
)
from planner.tables.samples import Samples
from planner.tables.site import (
    EmbodiedTable,
    Machine,
    PowerTable,
    SiteTable,
    embodied_of,
    embodied_table,
    machine_table,
    power_table,
    power_use_of,
    site_table,
)
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.failures import Failures
    from planner.catalog.schema.price import Finance
    from planner.catalog.schema.site import Site
    from planner.plan.defaults import Filled
    from planner.plan.operating.asked import Asked
    from planner.plan.places import Place

__all__ = ["Estate", "EstatePower", "estate_of"]

USUAL: Final = "usual"
"""Id of the records that hold where nothing is named."""

Activity = str | Mapping[str, FloatArray]


class EstatePower(NamedTuple):
    """Watts per accelerator with its share of everything else, ``[S, R]``."""

    it: ItPower
    mean: FloatArray
    """At the meter of the facility, over a year."""
    peak: FloatArray
    """At the meter in the warmest season, everything at work."""
    nameplate: FloatArray
    """At the meter in the warmest season, everything at its rating: what sites are built and named for."""


@dataclass(frozen=True, kw_only=True)
class Estate:
    """Tables of what surrounds one kind of hardware; see the modules of `planner.tables`.

    Attributes
    ----------
    availability : float
        Share of the time in which spares are enough.
    network_plan : FabricPlan or None
        None where the parts of the fabric are not on record: its cost is then a share of that of the
        servers, and its power follows the bandwidth of the ports.
    port_bytes_per_s : float
        Of an accelerator's share of the network interfaces.
    """

    place: Place
    samples: Samples
    site: Site
    site_table: SiteTable
    machine: Machine
    power: PowerTable
    finance: Finance
    finance_table: FinanceTable
    purchase: Price
    failures: Failures
    rates: FailureRates
    policies: tuple[Policy, ...]
    storage: StorageTable
    storage_rates: StorageRates
    embodied: EmbodiedTable
    network_plan: FabricPlan | None
    ports: float
    port_bytes_per_s: float
    availability: float
    _built: dict[bytes, Built] = field(default_factory=dict, compare=False, repr=False)

    def network(self, accelerators: FloatArray) -> Built | None:
        """Return the fabric for each number of accelerators; None where its parts are not on record."""
        if self.network_plan is None:
            return None
        key = np.asarray(accelerators, dtype=float).tobytes()
        if key not in self._built:
            self._built[key] = built(
                fabric=self.network_plan,
                accelerators=accelerators,
                ports_per_accelerator=self.ports,
                domain=self.place.domain or 1,
            )
        return self._built[key]

    def network_watts(self, accelerators: FloatArray) -> FloatArray:
        """Rated power of the fabric per accelerator: counted, or the usual one of its bandwidth."""
        network = self.network(accelerators)
        if network is not None:
            return np.asarray(network.watts / np.maximum(accelerators, 1.0))
        joined = np.asarray(accelerators) > (np.inf if self.place.fabric is None else self.place.domain or 1)
        return np.asarray(self.power.network_energy * self.port_bytes_per_s * joined)

    def watts(
        self, accelerators: FloatArray, activity: Activity, utilisation: FloatArray | float = 1.0
    ) -> EstatePower:
        """Power per accelerator while it does something."""
        it = it_watts(
            machine=self.machine,
            power=self.power,
            activity=activity,
            utilisation=utilisation,
            network_watts=self.network_watts(accelerators),
        )
        return EstatePower(
            it=it,
            mean=facility_watts(it_watts=it.average, site=self.site_table),
            peak=facility_watts(it_watts=it.peak, site=self.site_table, season="summer"),
            nameplate=facility_watts(it_watts=it.nameplate, site=self.site_table, season="summer"),
        )

    def supplied(self, watts: FloatArray) -> Supplied:
        """How the site carries a load of all accelerators together."""
        return supplied(site=self.site_table, watts=watts)

    def capital(self, accelerators: FloatArray) -> Capital:
        """Price of buying and housing one accelerator's share, ``[S, R]`` USD."""
        network = self.network(accelerators)
        each = None if network is None else network.usd / np.maximum(accelerators, 1.0)
        return capital(
            servers_usd=self.purchase.usd(self.samples),
            finance=self.finance_table,
            facility_watts=self.watts(accelerators, "training").nameplate,
            network_usd=each,
            building_usd_per_watt=self.site_table.building_usd_per_watt,
        )

    def gpu_hour(
        self,
        accelerators: FloatArray,
        choice: PriceChoice,
        activity: Activity,
        *,
        catalog: Catalog,
        usd_per_kwh: FloatArray | None = None,
    ) -> HourCost:
        """Price of an hour of one accelerator by part, ``[S, R]`` USD.

        Electricity costs what the site pays for a load of just these, where `usd_per_kwh` does not say.

        Raises
        ------
        InputError
            A price that does not hold for the part, or none at its date.
        """
        if choice.mode == "rent":
            rent = rent_of(choice, catalog, self.place.accelerator).usd(self.samples)
            return rented_usd_per_hour(usd_per_hour=rent)
        power = self.watts(accelerators, activity)
        if usd_per_kwh is None:
            usd_per_kwh = self.supplied(power.mean * accelerators).usd_per_kwh
        bought = self.capital(accelerators)
        if choice.mode == "colocation":
            return colocated_usd_per_hour(
                capital=bought,
                finance=self.finance_table,
                rented_watts=power.it.peak,
                facility_watts=power.mean,
                usd_per_kwh=usd_per_kwh,
            )
        return owned_usd_per_hour(
            capital=bought,
            finance=self.finance_table,
            facility_watts=power.mean,
            usd_per_kwh=usd_per_kwh,
        )


def estate_of(
    catalog: Catalog,
    place: Place,
    asked: Asked,
    filled: Filled,
    samples: Samples | None = None,
    *,
    strict: bool = False,
) -> Estate:
    """Look up what surrounds some hardware.

    Parameters
    ----------
    catalog
        Holds the records.
    place
        The hardware; the site is that of its cluster where the question names none.
    asked
        What the question says of the surroundings.
    filled
        Receives what was left open.
    samples
        How ranges are drawn; 255 samples by default.
    strict
        Refuse a fabric that its parts do not build; else its price is a share of the servers', and a note.

    Raises
    ------
    UnknownNameError
        A record that does not exist.
    InputError
        No price for the accelerator; with `strict`, parts that do not build the fabric.
    """
    drawn = samples or Samples()
    part, system, fabric = place.accelerator, place.system, place.fabric
    site = _site(catalog, place, asked, filled)
    finance = catalog.get(FINANCE, asked.finance or USUAL)
    failures = failures_for(catalog, part.id, asked.failures)
    storage = catalog.get(STORAGE, USUAL)
    purchase = purchase_of(catalog, part)
    if purchase.warning is not None and asked.price.mode != "rent" and purchase.warning not in filled.notes:
        filled.notes.append(purchase.warning)
    plan, ports = None, 1.0
    port_bytes_per_s = place.nic_bytes_per_s or part.scale_out.bandwidth.value
    if fabric is not None and system is not None:
        switch = catalog.get(SWITCH, fabric.switch) if fabric.switch is not None else None
        optics = catalog.get(OPTICS, fabric.optics) if fabric.optics is not None else None
        ports = ports_per_accelerator(system, fabric)
        try:
            plan = fabric_table(fabric, switch, optics, drawn)
        except InputError as error:
            if strict:
                raise
            filled.notes.append(f"The network is priced as a share of the servers: {error}.")
    return Estate(
        place=place,
        samples=drawn,
        site=site,
        site_table=site_table(site, drawn),
        machine=machine_table(part, system, drawn),
        power=power_table(power_use_of(catalog, part.id), drawn),
        finance=finance,
        finance_table=finance_table(finance, drawn),
        purchase=purchase,
        failures=failures,
        rates=failures_table(failures, drawn),
        policies=policies(catalog, drawn),
        storage=storage_table(storage, drawn),
        storage_rates=storage_rates(
            storage,
            drawn,
            host_bytes_per_s=part.host.bandwidth.value,
            nic_bytes_per_s=port_bytes_per_s,
        ),
        embodied=embodied_table(embodied_of(catalog), part.id, drawn),
        network_plan=plan,
        ports=ports,
        availability=asked.availability,
        port_bytes_per_s=port_bytes_per_s,
    )


def _site(catalog: Catalog, place: Place, asked: Asked, filled: Filled) -> Site:
    if asked.site is not None:
        return catalog.get(SITE, asked.site)
    if place.cluster is not None:
        named = catalog.get(CLUSTER, place.cluster).site
        if named is not None:
            site = catalog.get(SITE, named)
            filled.assume("site", site.id, f"where {place.cluster} stands")
            return site
    site = catalog.get(SITE, USUAL)
    filled.assume("site", site.id, "no site is named; see --site and planner catalog list site")
    return site
