"""A cluster with what surrounds its groups, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.plan.operating.estate import Estate, estate_of
from planner.tables.peaks import Peaks, peaks_table
from planner.tables.samples import Samples
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.named import Named
    from planner.plan.defaults import Filled
    from planner.plan.operating.asked import Asked

__all__ = ["Held", "held"]


@dataclass(frozen=True, kw_only=True)
class Held:
    """Groups of a cluster at their site.

    Attributes
    ----------
    estates : tuple of Estate
        One for each group; all stand at the site of the first.
    counts : ndarray
        Accelerators of each group, ``[G]``.
    joined : ndarray
        Accelerators on the fabric of each group, its own and those of others, ``[G]``.
    samples : Samples
        That all of them share, so that an error that groups have in common is drawn once.
    peaks : Peaks
        Of the accelerators, ``[1, G]``.
    notes : tuple of str
        What a reader must know.
    """

    estates: tuple[Estate, ...]
    counts: FloatArray
    joined: FloatArray
    samples: Samples
    peaks: Peaks
    notes: tuple[str, ...]

    @property
    def total(self) -> float:
        """Accelerators of all groups."""
        return float(self.counts.sum())

    @property
    def largest(self) -> Estate:
        """The group with the most accelerators."""
        return self.estates[int(np.argmax(self.counts))]

    def summed(self, each: Callable[[Estate, FloatArray], FloatArray]) -> FloatArray:
        """Sum over the groups of an amount per accelerator, ``[S, 1]``.

        Parameters
        ----------
        each
            Of a group and the accelerators on its fabric, shape ``[1]``: the amount of one accelerator.
        """
        total: FloatArray = np.zeros((1, 1))
        for estate, n, joined in zip(self.estates, self.counts, self.joined, strict=True):
            total = total + np.atleast_2d(each(estate, np.array([joined]))) * n
        return total


def held(catalog: Catalog, named: Named, asked: Asked, filled: Filled) -> Held:
    """Look up what surrounds the groups of a cluster; raises as `estate_of`."""
    samples = Samples()
    estates = tuple(estate_of(catalog, place, asked, filled, samples, strict=True) for place in named.places)
    for estate in estates:
        filled.assume(
            f"price of {estate.place.accelerator.id}", round(estate.purchase.value), estate.purchase.basis
        )
    fabrics = [None if place.fabric is None else place.fabric.id for place in named.places]
    counts = np.array([float(place.available) for place in named.places])
    return Held(
        estates=estates,
        counts=counts,
        joined=np.array([counts[[other == one for other in fabrics]].sum() for one in fabrics]),
        samples=samples,
        peaks=peaks_table([place.accelerator for place in named.places], Samples(0)),
        notes=tuple(_notes(estates)),
    )


def _notes(estates: tuple[Estate, ...]) -> list[str]:
    first = estates[0].site
    notes = list(dict.fromkeys(one.purchase.warning for one in estates if one.purchase.warning is not None))
    if any(supply.capacity is not None for supply in first.supplies):
        notes.append(f"All supplies of {first.id} are taken to serve this cluster alone.")
    return notes
