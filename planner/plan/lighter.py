"""Kinds of fine-tuning that fit where the one asked for does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.plan.defaults import Filled
from planner.plan.document import Nearest
from planner.plan.solve import find
from planner.plan.tuning import read_tuning
from planner.workload.kinds import FINE_TUNING

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.solve import Effort, Found
    from planner.workload.fine_tuning import FineTuning

__all__ = ["lighter"]

Weight = tuple[bool, bool, float]
"""Whether all weights learn, whether a copy is held, bytes of a held weight: what memory is made of."""


def lighter(catalog: Catalog, found: Found, effort: Effort) -> tuple[Nearest, ...]:
    """Return the nearest kind with which a job fits that does not as asked; nothing where none does.

    Examples may be learned with adapters instead of all weights, and pairs as well; each with the rank and
    the targets of its record, on the accelerators that there are.
    """
    case, tuning = found.case, found.case.job.tuning
    reason = found.result.reason if found.result is not None else None
    if tuning is None or reason is None or reason.name != "memory":
        return ()
    job = case.job
    for record in lighter_records(catalog, tuning.record):
        other = read_tuning(
            catalog, record.id, job.record, job.counts, rank=None, targets=None, filled=Filled()
        )
        if other is None:
            continue
        tried = replace(case, job=replace(job, tuning=other, model=other.table))
        if find(tried, case.site.available, effort, alternatives=False).plans is not None:
            sentence = f"fine-tune as {record.id}: {record.name[0].lower()}{record.name[1:]}"
            return (Nearest(field="kind", value=record.id, sentence=sentence),)
    return ()


def lighter_records(catalog: Catalog, asked: FineTuning) -> Iterator[FineTuning]:
    """Yield kinds that learn from the same data and hold less, the nearest first; one of each weight."""
    method = "lora" if asked.method == "sft" else asked.method
    first: dict[Weight, FineTuning] = {}
    for one in sorted(catalog.all(FINE_TUNING), key=lambda one: one.id):
        if one.method == method and weight_of(one) < weight_of(asked):
            first.setdefault(weight_of(one), one)
    for weight in sorted(first, reverse=True):
        yield first[weight]


def weight_of(record: FineTuning) -> Weight:
    """Return what makes a kind heavy."""
    held = record.reference is not None and record.reference.held
    return record.weights.learn, held, record.weights.held.value
