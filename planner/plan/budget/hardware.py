"""The hardware of a budget with what surrounds it, and the prices of its hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from planner.errors import InputError
from planner.plan.cluster.equivalents import as_equivalents, group_total, per_accelerator
from planner.plan.cluster.held import Held, held
from planner.plan.cluster.named import Named
from planner.plan.defaults import Filled
from planner.plan.operating.money import interval_of
from planner.plan.places import places
from planner.plan.price_words import PriceChoice, rent_of

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.document import Interval
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate
    from planner.types import FloatArray

__all__ = ["Hardware"]

_FIELDS = {"bf16": "by_bf16", "8bit": "by_8bit", "hbm-bandwidth": "by_hbm_bandwidth", "memory": "by_memory"}
"""Rule to the field of `Equivalents`."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """A cluster, or so many accelerators of one kind.

    Attributes
    ----------
    catalog, asked
        Where records are, and what the question says of the surroundings.
    cluster, gpu
        Id of one of the two.
    own
        Its groups at their site, at the number for which fabric and prices are taken.
    """

    catalog: Catalog
    asked: Asked
    cluster: str | None
    gpu: str | None
    own: Held

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        asked: Asked,
        filled: Filled,
        *,
        cluster: str | None,
        gpu: str | None,
        gpus: int,
        at_most: int | None = None,
    ) -> Self:
        """Look it up; of an accelerator, for so many of it; a cluster must have those `at_most`.

        Raises
        ------
        UnknownNameError
            No such cluster or accelerator.
        InputError
            No price of the part, or more accelerators than a cluster has.
        """
        if cluster is not None and at_most is not None:
            places(catalog, cluster=cluster, gpu=None, gpus=at_most)
        found = places(catalog, cluster=cluster, gpu=gpu, gpus=None)
        if gpu is not None:
            (place,) = found
            if place.why:
                filled.assume("system", place.system.id if place.system else None, place.why)
            found = (place.limited(max(gpus, 1)),)
            gpu = place.accelerator.id
        # One group of a cluster goes by both names: the record's id would be all of it.
        label = cluster if cluster is not None and "/" in cluster else found[0].cluster
        named = Named(label=label or found[0].accelerator.id, record=None, places=found)
        return cls(
            catalog=catalog,
            asked=asked,
            cluster=label,
            gpu=gpu,
            own=held(catalog, named, asked, filled),
        )

    @property
    def label(self) -> str:
        """Name of the cluster or the accelerator."""
        return self.cluster or self.gpu or ""

    @property
    def size(self) -> int | None:
        """Accelerators of a cluster; None where there is no end of them."""
        return None if self.cluster is None else round(self.own.total)

    def equivalents(self, rule: str) -> Interval:
        """H100 equivalents of an accelerator by a rule, the mean over the groups.

        Raises
        ------
        InputError
            A part lacks the rate that the rule compares.
        """
        parts = [estate.place.accelerator for estate in self.own.estates]
        ratios = per_accelerator(self.catalog, parts, self.own.samples)
        counts = [round(n) for n in self.own.counts]
        total: Interval | None = getattr(as_equivalents(group_total(ratios, counts), 0), _FIELDS[rule])
        if total is None:
            raise InputError(f"{self.label} has no rate that the rule {rule} compares; choose another --rule")
        return total.scaled(1.0 / self.own.total)

    def equivalents_of(self, part: str, rule: str) -> float:
        """H100 equivalents of one accelerator of a group over those of the mean of all groups."""
        for estate in self.own.estates:
            if estate.place.accelerator.id == part:
                ratios = per_accelerator(self.catalog, [estate.place.accelerator], self.own.samples)
                return float(ratios[rule][0, 0]) / self.equivalents(rule).value
        return 1.0

    def usd_per_hour(self, choice: PriceChoice) -> tuple[Interval, str]:
        """Price of an hour of one accelerator, the mean over the groups, and where it comes from.

        Raises
        ------
        InputError
            A price that does not hold for a part, or none at its date.
        """

        def each(estate: Estate, n: FloatArray) -> FloatArray:
            return estate.gpu_hour(n, choice, "training", catalog=self.catalog).total

        usd = interval_of(self.own.summed(each) / self.own.total)
        if choice.mode != "rent":
            return usd, f"finance {self.own.estates[0].finance.id}"
        rents = [rent_of(choice, self.catalog, estate.place.accelerator).basis for estate in self.own.estates]
        return usd, "; ".join(dict.fromkeys(rents))

    def running_usd_per_hour(self) -> float:
        """Price of electricity and operations of an owned hour of one accelerator."""
        choice = PriceChoice.parse("own")

        def each(estate: Estate, n: FloatArray) -> FloatArray:
            price = estate.gpu_hour(n, choice, "training", catalog=self.catalog)
            return price.electricity + price.operations

        return float(np.asarray(self.own.summed(each)).flat[0]) / self.own.total
