"""``planner cluster show``: the fact sheet of a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.bibliography import sources_of
from planner.plan.cluster.claims import claims_of
from planner.plan.cluster.equivalents import as_equivalents, group_total, per_accelerator
from planner.plan.cluster.held import Held, held
from planner.plan.cluster.money import capital_of, cost_of
from planner.plan.cluster.named import Named, cluster_named
from planner.plan.cluster.network import network_notes, networks_of
from planner.plan.cluster.power import power_of, storage_of, year_of
from planner.plan.cluster.reliability import failures_of
from planner.plan.cluster.results import Group, Sheet, ShowInputs, ShowResult
from planner.plan.cluster.workload import by_workload
from planner.plan.defaults import Filled
from planner.plan.document import Assumption, Interval
from planner.plan.job import as_catalog
from planner.plan.operating.asked import Asked
from planner.units import EXA, PETA

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.results import Workload
    from planner.plan.numbers import Number
    from planner.types import FloatArray

__all__ = ["Question", "distinct", "sheet_of", "show"]

_ENDS: Final = ("value", "low", "high")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a fact sheet is asked for beside the cluster.

    Attributes
    ----------
    asked
        Site, finance, failures.
    model : str or None
        Whose job the failures interrupt; None for the usual one that fits.
    workload : str or None
        Job by which equivalents are counted, too.
    """

    asked: Asked
    model: str | None
    workload: str | None

    @classmethod
    def read(cls, catalog: Catalog, *, model: str | None, workload: str | None, **asked: Any) -> Question:
        """Read the options."""
        from planner.workload.kinds import MODEL

        named = None if model is None else catalog.get(MODEL, model).id
        return cls(asked=Asked.read(catalog, **asked), model=named, workload=workload)


def show(
    name: str,
    *,
    site: str | None = None,
    finance: str | None = None,
    failures: str | None = None,
    availability: Number | None = None,
    model: str | None = None,
    workload: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> ShowResult:
    """Show what a cluster counts as, draws, costs and how often it fails.

    Parameters
    ----------
    name
        A cluster of the catalog, or so many accelerators or systems, as in ``gb200:100000`` and
        ``gb200-nvl72:1389``.
    site, finance, failures
        Records of the catalog; by default the site of the cluster, and the usual ones.
    availability
        Share of the time in which a failed host is replaced at once, as in ``'99.9%'``; 99 % by default.
    model
        Whose job on all of it the failures interrupt; by default the largest usual one that fits.
    workload
        Also count H100 equivalents by this job: ``MODEL`` to train it, ``MODEL:TRAFFIC`` to serve it.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    ShowResult

    Raises
    ------
    InputError
        A value or a name that is wrong.
    """
    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        asked = Question.read(
            book,
            model=model,
            workload=workload,
            site=site,
            finance=finance,
            failures=failures,
            availability=availability,
        )
        sheet = sheet_of(book, cluster_named(book, name, filled), asked, filled)
    return ShowResult(
        inputs=ShowInputs(
            cluster=sheet.cluster,
            site=sheet.power.site,
            finance=asked.asked.finance or "usual",
            model=sheet.failures.model,
            workload=workload,
            overrides=(set,) if isinstance(set, str) else tuple(set),
        ),
        assumptions=distinct(filled),
        result=sheet,
        sources=sources_of(book, used),
    )


def distinct(filled: Filled) -> tuple[Assumption, ...]:
    """Return the assumptions, those that several groups share once."""
    return tuple(dict.fromkeys(filled.assumptions))


def sheet_of(catalog: Catalog, named: Named, question: Question, filled: Filled) -> Sheet:
    """Put the fact sheet of one cluster together; raises as `show`."""
    own = held(catalog, named, question.asked, filled)
    parts = [place.accelerator for place in named.places]
    ratios = per_accelerator(catalog, parts, own.samples)
    job = (
        None if question.workload is None else by_workload(catalog, question.workload, [p.id for p in parts])
    )
    counts = [place.available for place in named.places]
    total = as_equivalents(group_total(ratios, counts), 0, workload=_by_job(job, own))
    power = power_of(own)
    capital = capital_of(own, power)
    record = named.record
    networks = networks_of(own)
    sheet = Sheet(
        cluster=named.label,
        name=named.label if record is None else record.name,
        owner=None if record is None else record.owner,
        location=None if record is None else record.location,
        date=None if record is None else record.date,
        status=None if record is None else record.status,
        accelerators=named.accelerators,
        groups=tuple(_group(own, at, ratios, job) for at in range(len(parts))),
        h100_equivalents=total,
        dense_bf16_exaflop_per_s=_sum(own, own.peaks.dense_16_bit_flop_per_s, EXA),
        dense_8bit_exaflop_per_s=_sum(own, own.peaks.dense_8_bit_flop_per_s, EXA),
        memory_petabytes=_sum(own, own.peaks.memory_bytes, PETA) or 0.0,
        memory_petabytes_per_s=_sum(own, own.peaks.memory_bytes_per_s, PETA) or 0.0,
        workload=job,
        networks=networks,
        power=power,
        year=year_of(own),
        capital=capital,
        cost=cost_of(catalog, own),
        failures=failures_of(catalog, own, question.model, filled),
        storage=storage_of(own),
        claims=(),
        notes=(*own.notes, *network_notes(networks)),
    )
    return sheet.model_copy(update={"claims": claims_of(record, sheet)})


def _sum(own: Held, each: FloatArray, unit: float) -> float | None:
    total = float(np.sum(each[0] * own.counts))
    return None if np.isnan(total) else total / unit


def _by_job(job: Workload | None, own: Held) -> Interval | None:
    """Equivalents of all groups by the job; None where one group has no plan for it."""
    if job is None:
        return None
    by_job = {one.accelerator: one.ratio for one in job.ratios}
    each = [
        _times(by_job[estate.place.accelerator.id], n)
        for estate, n in zip(own.estates, own.counts, strict=True)
    ]
    known = [one for one in each if one is not None]
    if len(known) < len(each):
        return None
    return Interval(**{end: sum(getattr(one, end) for one in known) for end in _ENDS})


def _times(ratio: Interval | None, n: float) -> Interval | None:
    return None if ratio is None else Interval(**{end: n * getattr(ratio, end) for end in _ENDS})


def _group(own: Held, at: int, ratios: dict[str, FloatArray], job: Workload | None) -> Group:
    estate, n = own.estates[at], int(own.counts[at])
    place = estate.place
    by_job = {} if job is None else {one.accelerator: one.ratio for one in job.ratios}
    ratio = by_job.get(place.accelerator.id)
    return Group(
        accelerator=place.accelerator.id,
        name=place.accelerator.name,
        system=None if place.system is None else place.system.id,
        fabric=None if place.fabric is None else place.fabric.id,
        accelerators=n,
        systems=None if place.system is None else n / place.system.accelerators.value,
        h100_equivalents_per_accelerator=as_equivalents(ratios, at, workload=ratio),
        h100_equivalents=as_equivalents(ratios, at, times=float(n), workload=_times(ratio, n)),
    )
