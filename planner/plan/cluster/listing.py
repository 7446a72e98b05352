"""``planner cluster list``: the clusters of the catalog, in H100 equivalents by each rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR, CLUSTER, SYSTEM
from planner.errors import UsageError, suggest
from planner.plan.bibliography import sources_of
from planner.plan.cluster.equivalents import as_equivalents, per_accelerator
from planner.plan.cluster.results import ListAnswer, Listed, ListInputs, ListResult
from planner.plan.job import as_catalog
from planner.tables.samples import Samples
from planner.types import FloatArray
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.cluster import Cluster

__all__ = ["STATUSES", "clusters"]

STATUSES: Final = ("built", "planned", "announced", "hypothetical")


def clusters(*, status: str | None = None, catalog: Any = None, set: Iterable[str] = ()) -> ListResult:
    """List the clusters of the catalog with what they count as.

    Parameters
    ----------
    status
        Only those ``built``, ``planned``, ``announced`` or ``hypothetical``.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Raises
    ------
    UsageError
        Unknown status.
    """
    if status is not None and status not in STATUSES:
        mend = suggest(status, STATUSES, otherwise=f"there are {', '.join(STATUSES)}")
        raise UsageError(f"--status {status[:40]!r}: no cluster has it; {mend}")
    book = as_catalog(catalog, set)
    with book.tracking() as used:
        records = [record for record in book.all(CLUSTER) if status in (None, record.status)]
        rows = _rows(book, records)
    by_size = sorted(rows, key=lambda row: (-_size(row), row.id))
    return ListResult(
        inputs=ListInputs(status=status, overrides=(set,) if isinstance(set, str) else tuple(set)),
        assumptions=(),
        result=ListAnswer(clusters=tuple(by_size)),
        sources=sources_of(book, used),
    )


def _size(row: Listed) -> float:
    counted = row.h100_equivalents.by_bf16
    return counted.value if counted is not None else 0.0


def _rows(catalog: Catalog, records: Sequence[Cluster]) -> list[Listed]:
    """Count every cluster at once: a matrix of clusters by kinds of accelerators."""
    part_of = {
        system: catalog.get(SYSTEM, system).accelerator
        for system in dict.fromkeys(group.system for record in records for group in record.groups)
    }
    parts = list(dict.fromkeys(part_of.values()))
    counts = np.zeros((len(records), len(parts)))
    for row, record in enumerate(records):
        for group in record.groups:
            counts[row, parts.index(part_of[group.system])] += round(group.accelerators.value)
    if not parts:
        return []
    ratios = per_accelerator(catalog, [catalog.get(ACCELERATOR, part) for part in parts], Samples())
    totals = {rule: _times(ratio, counts) for rule, ratio in ratios.items()}
    return [
        Listed(
            id=record.id,
            name=record.name,
            owner=record.owner,
            status=record.status,
            date=record.date,
            accelerators=round(counts[row].sum()),
            kinds={part: round(counts[row, i]) for i, part in enumerate(parts) if counts[row, i]},
            h100_equivalents=as_equivalents(totals, row),
            claimed_power_megawatts=None if record.power is None else record.power.value / MEGA,
            claimed_capital_usd=None if record.capital is None else record.capital.value,
        )
        for row, record in enumerate(records)
    ]


def _times(ratio: FloatArray, counts: FloatArray) -> FloatArray:
    """Equivalents of clusters, ``[S, clusters]``; a kind that a cluster lacks does not count, NaN or not."""
    known = np.nan_to_num(ratio, nan=0.0) @ counts.T
    lacking = np.isnan(ratio[0]) @ (counts.T > 0)
    total: FloatArray = np.where(lacking > 0, np.nan, known)
    return total
