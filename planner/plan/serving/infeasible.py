"""Why nothing can be served as asked, and the nearest change with which it can."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from planner.plan.document import Nearest
from planner.plan.serving import results
from planner.plan.serving.answer import search_of
from planner.plan.serving.words import rate_text
from planner.units import MILLI, format_quantity
from planner.workload.engine_names import usual_engine

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.serving.solve import Found
    from planner.search.serving import Missed

__all__ = ["infeasible"]

_LATENCIES: Final = ("ttft", "tpot", "e2e")
_SIZES: Final = ("weights", "cache", "size", "accelerators")
"""Reasons that more accelerators may mend."""
SLACK: Final = 1.02
"""Latencies are proposed this much above the best: the best itself is met at next to no load."""


def infeasible(catalog: Catalog, found: Found, filled: Filled) -> results.ServeAnswer:
    """Return the answer without a plan."""
    reasons = [_reason(found, one) for one in found.result.missed] or ["no replica can serve this"]
    if found.cached is not None and not found.cached.resident:
        reasons.append(found.cached.sentence)
    return results.ServeAnswer(
        plan=None,
        search=search_of(found),
        reasons=tuple(reasons),
        nearest=tuple(_nearest(catalog, found)),
        notes=tuple(filled.notes),
    )


def _reason(found: Found, missed: Missed) -> str:
    """Return the sentence of a miss, with how far it is off."""
    if missed.name in _LATENCIES and math.isfinite(missed.factor):
        return f"{missed.text} ({missed.factor:.3g} times what is asked)"
    if missed.name == "accelerators" and math.isfinite(missed.best):
        most, asked = sum(found.available), rate_text(missed.wanted)
        return f"{most:,.0f} accelerators serve {rate_text(missed.best)} requests/s; {asked} are asked"
    return missed.text


def _nearest(catalog: Catalog, found: Found) -> Iterator[Nearest]:
    job, missed = found.case.job, found.result.missed
    names = {one.name for one in missed}
    for name in _LATENCIES:
        reached = [one.best for one in missed if one.name == name and math.isfinite(one.best)]
        if reached:
            seconds = SLACK * min(reached)
            words = format_quantity(seconds, "s", digits=3)
            yield Nearest(field=name, value=seconds / MILLI, sentence=f"allow a {name.upper()} of {words}")
    for one in missed:
        if one.name == "accelerators":
            yield from _less(found, one)
    if names & set(_SIZES):
        yield from _more(found)
    if "engine" in names:
        yield from _stack(catalog, found)
    if job.pins:
        pinned = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in job.pins.items())
        yield Nearest(field="pins", value=None, sentence=f"leave it to the search, without {pinned}")


def _stack(catalog: Catalog, found: Found) -> Iterator[Nearest]:
    """Yield another engine, and serving without speculation."""
    wanted = found.case.job.wanted
    if wanted.engine is not None:
        usual = usual_engine(catalog, found.case.places[0].accelerator.vendor)
        sentence = f"serve with {usual.name}: --engine {usual.id}"
        yield Nearest(field="engine", value=usual.id, sentence=sentence)
    if wanted.speculation is not None:
        yield Nearest(field="speculation", value=None, sentence="serve without speculation")


def _less(found: Found, missed: Missed) -> Iterator[Nearest]:
    """Yield what the accelerators there are can serve."""
    job = found.case.job
    if math.isfinite(missed.best):
        users = job.users(missed.best)
        if users is not None and job.demand is not None and job.demand.measure == "users":
            words = format_quantity(users, "count", digits=3)
            yield Nearest(field="users", value=users, sentence=f"serve {words} users on what there is")
        yield Nearest(
            field="request_rate",
            value=missed.best,
            sentence=f"serve {rate_text(missed.best)} requests/s on what there is",
        )


def _more(found: Found) -> Iterator[Nearest]:
    """Accelerators that would do, if as many as wanted were there."""
    case = found.case
    request = case.request(
        hit=found.hit, rate=found.rate, goal="gpus", gpus=[math.inf for _ in case.parts]
    )  # fmt: skip
    best = found.effort.search(request).best
    if best is not None and best.gpus > sum(found.available):
        count = round(best.gpus)
        yield Nearest(field="gpus", value=count, sentence=f"use {count:,} accelerators, spares not counted")
