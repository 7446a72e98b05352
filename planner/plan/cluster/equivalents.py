"""H100 equivalents of the groups of a cluster, by every rule that peaks answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR
from planner.model.equivalents import PEAK_RULES, ratio
from planner.plan.cluster.parts import Equivalents
from planner.plan.document import Interval
from planner.tables.peaks import peaks_table
from planner.tables.samples import interval, keep
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator
    from planner.tables.samples import Samples

__all__ = ["UNIT", "as_equivalents", "group_total", "per_accelerator", "reference_part"]

UNIT: Final = "h100-equivalent"
"""Alias of the accelerator that equivalents count in."""


def reference_part(catalog: Catalog) -> Accelerator:
    """Return the accelerator that equivalents count in."""
    return catalog.get(ACCELERATOR, UNIT)


def per_accelerator(
    catalog: Catalog, parts: Sequence[Accelerator], samples: Samples
) -> dict[str, FloatArray]:
    """Return equivalents per accelerator by rule, each ``[S, R]`` over the parts."""
    peaks, reference = peaks_table(parts, samples), peaks_table([reference_part(catalog)], samples)
    return {rule: ratio(rule=rule, peaks=peaks, reference=reference) for rule in PEAK_RULES}


def group_total(ratios: Mapping[str, FloatArray], accelerators: Sequence[int]) -> dict[str, FloatArray]:
    """Return equivalents of all groups together by rule, ``[S, 1]``; NaN where one group has none."""
    counts = np.asarray(accelerators, dtype=float)
    return {rule: (ratios[rule] * counts).sum(axis=1, keepdims=True) for rule in ratios}


def as_equivalents(
    by_rule: Mapping[str, FloatArray], column: int, *, times: float = 1.0, workload: Interval | None = None
) -> Equivalents:
    """Return one column as a result; a rule that the part does not answer is null."""

    def of(rule: str) -> Interval | None:
        value, low, high = (float(end[column]) * times for end in interval(by_rule[rule]))
        if np.isnan(value):
            return None
        return keep(Interval(value=value, low=low, high=high), by_rule[rule][:, column] * times)

    return Equivalents(
        by_bf16=of("bf16"),
        by_8bit=of("8bit"),
        by_hbm_bandwidth=of("hbm-bandwidth"),
        by_memory=of("memory"),
        by_workload=workload,
    )
