"""Layouts as people choose them, found in a fraction of the time that the best of all takes.

Tensor-parallel degrees are powers of two, micro-batches small, optimizer states sharded over all replicas,
and full recomputation is of all layers. The best of these is mostly the best of all, and else within a few
percent of it; where they do not fit, all layouts are looked at. Failures count: where they take most of the
time of a job on everything, fewer accelerators are faster.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.defaults import Filled
from planner.plan.frontier.setting import layout_of
from planner.plan.job import case_on, resolve
from planner.plan.operating.asked import Asked
from planner.plan.operating.caps import PowerCapError
from planner.plan.operating.case import operating
from planner.plan.site import sites
from planner.plan.solve import Found, request_of
from planner.search import search
from planner.tables import PRECISION_CLASS

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.job import Case

__all__ = ["ENOUGH", "group_of", "regular_layout"]

_PINS: Final[dict[str, Any]] = {
    "tp": tuple(2**n for n in range(8)),
    "micro_batch": (1, 2, 4),
    "recompute": ("none", "selective", "full"),
    "recompute_layers": (1.0,),
    "sharding": ("zero1",),
}
ENOUGH: Final = 0.6
"""Goodput with which nobody looks for a job on fewer accelerators."""
_USUAL_PRECISION: Final = "bf16"
_JOB: Final = ("gpus", "seq_len", "global_batch", "precision", "software")
_AROUND: Final = ("site", "price", "finance", "power_cap", "failures", "availability", "checkpoint")
_ASIDE: Final = ("tokens", "top", "catalog")
"""Options that say what layout is best, where it runs, and those that say neither."""


def group_of(book: Catalog, *, cluster: str | None, precision: str | None) -> str | None:
    """Return a cluster, or the group with the most dense FLOP/s in all of one with unlike hardware."""
    if cluster is None:
        return None
    found = sites(book, cluster=cluster, gpu=None, gpus=None)
    if len(found) == 1:
        return cluster
    kind = PRECISION_CLASS.get(precision or _USUAL_PRECISION, 0)
    best = max(found, key=lambda site: site.available * float(site.table.peak_flop_per_s[0, kind]))
    return cluster if best.system is None else f"{best.cluster}/{best.system.id}"


def regular_layout(
    book: Catalog, model: object, *, cluster: str | None, gpu: str | None, **options: Any
) -> dict[str, Any]:
    """Return the fastest regular layout as options of `planner.train`.

    Parameters
    ----------
    options
        Other options of `planner.train` that the question has.

    Returns
    -------
    dict
        Empty where none fits, on unlike groups of hardware, and where the options pin a layout themselves.
    """
    given = {name: value for name, value in options.items() if value is not None and name not in _ASIDE}
    asked = {name: given.pop(name, None) for name in _JOB}
    around = {name: given.pop(name, None) for name in _AROUND}
    if given:
        return {}
    job = resolve(
        book,
        Filled(),
        model=model,
        cluster=cluster,
        gpu=gpu,
        tokens=None,
        days=None,
        goal="fastest",
        top=0,
        in_flight=None,
        zero_bubble=None,
        layout={},
        **asked,
    )
    places = sites(book, cluster=cluster, gpu=gpu, gpus=job.gpus)
    if len(places) > 1:
        return {}
    site = places[0]
    case = case_on(job, site, Filled())
    try:
        case = operating(book, case, Asked.read(book, **around), Filled())
    except PowerCapError:
        return {}
    if case.impossible is not None:
        return {}
    found = _fastest(replace(case, job=replace(job, pins=_PINS)))
    return {} if found is None else layout_of(found)


def _fastest(case: Case) -> Found | None:
    """Find the layout that makes most progress with failures, on fewer accelerators where those take most.

    Steps of a batch that is too small for the cluster hardly get shorter with more accelerators, which fail
    more often: where failures leave less than `ENOUGH` of the time, half as many are tried, and so on. A step
    takes at most twice as long on half as many: where they keep more than twice the time, more are not tried.
    """
    best, most, gpus = None, 0.0, case.site.available
    halves = gpus // 2 ** np.arange(int(gpus).bit_length())
    shares = case.goodput(halves.astype(float))
    worth = np.flatnonzero(shares[1:] < 2.0 * shares[:-1])
    gpus = int(halves[worth[0]]) if len(worth) else gpus
    while gpus >= 1:
        result = search(
            hardware=case.site.table,
            model=case.job.model,
            software=case.software,
            request=request_of(case, gpus),
            alternatives=False,
            reasons=False,
        )
        if result.plans is None:
            break
        used = result.plans.accelerators[:1]
        share = float(case.goodput(used)[0])
        speed = share / float(result.plans.step.step_s[0])
        if speed <= most:
            break
        best, most, gpus = Found(case=case, result=result), speed, int(used[0]) // 2
        if share >= ENOUGH:
            break
    return best
