"""The sections of a dossier as tasks that know nothing of each other, so that several run at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from planner.plan.bibliography import sources_of
from planner.plan.capacity import results
from planner.plan.capacity.asked import REFUSALS, Asked
from planner.plan.capacity.examples import best, reinforced, taught
from planner.plan.defaults import Filled
from planner.plan.serve import serve
from planner.plan.staged.run import staged

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.named import Named
    from planner.plan.document import Assumption, SourceUsed
    from planner.plan.serving.results import ServeResult

__all__ = ["WORK", "Done", "Task", "done", "where_of"]


@dataclass(frozen=True)
class Task:
    """One piece of work: a section, and the names that it is about."""

    section: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """What a task found, and what it took from the catalog."""

    task: Task
    value: Any
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()
    used: tuple[tuple[str, str], ...] = ()
    sources: dict[str, SourceUsed] = field(default_factory=dict)


def where_of(named: Named) -> dict[str, Any]:
    """Return cluster, gpu and gpus of what a name stands for."""
    if named.record is not None:
        return {"cluster": named.record.id, "gpu": None, "gpus": None}
    (place,) = named.places
    box = place.accelerator.id if place.system is None else place.system.id
    return {"cluster": None, "gpu": box, "gpus": place.available}


def done(book: Catalog, asked: Asked, task: Task) -> Done:
    """Do a task, and say which records it read."""
    filled = Filled()
    with book.tracking() as used:
        value = WORK[task.section](book, asked, task.names, filled)
    return Done(
        task=task,
        value=value,
        assumptions=tuple(dict.fromkeys(filled.assumptions)),
        notes=tuple(dict.fromkeys(filled.notes)),
        used=tuple(used),
        sources=sources_of(book, used),
    )


def _site(book: Catalog, asked: Asked, names: tuple[str, ...], filled: Filled) -> Any:
    """Return the fact sheet."""
    from planner.plan.cluster.named import cluster_named
    from planner.plan.cluster.sheet import Question, sheet_of

    question = Question.read(
        book, model=None, workload=None, site=asked.site, finance=asked.finance, failures=asked.failures
    )
    return sheet_of(book, cluster_named(book, asked.label, filled), question, filled)


def _run(book: Catalog, asked: Asked, names: tuple[str, ...], filled: Filled) -> results.Run:
    """Train by a recipe on all of it."""
    (recipe,) = names
    try:
        found = staged(
            recipe,
            gpu=asked.gpu,
            failures=asked.failures,
            overhead=asked.overhead,
            layouts="regular",
            catalog=book,
            **asked.here(),
        )
    except REFUSALS as error:
        return results.Run(recipe=recipe, reasons=(str(error),))
    filled.assumptions += [one for one in found.assumptions if one.field in ("experiments", "failed")]
    said = found.inputs
    return results.Run(
        recipe=said.recipe,
        model=said.model,
        parameters=said.parameters,
        active_parameters=said.active_parameters,
        tokens=said.tokens,
        gpu=said.gpu,
        plan=found.plan,
        reasons=found.result.reasons,
        nearest=found.result.nearest,
    )


def _served(book: Catalog, asked: Asked, names: tuple[str, ...], filled: Filled) -> results.Served:
    """Serve one traffic with one model on all of it."""
    model, traffic = names
    try:
        found = _service(book, asked, model, traffic, asked.mode)
        if found.plan is None and asked.mode is not None:
            found = _service(book, asked, model, traffic, None)
    except REFUSALS as error:
        return results.Served(model=model, traffic=traffic, reasons=(str(error),))
    plan = found.plan
    if plan is None:
        return results.Served(
            model=found.inputs.model,
            traffic=traffic,
            reasons=found.result.reasons,
            nearest=found.result.nearest,
        )
    return results.Served(
        model=found.inputs.model,
        traffic=traffic,
        users=plan.users,
        requests_per_s=plan.requests_per_s,
        output_tokens_per_s=plan.output_tokens_per_s,
        usd_per_million_output_tokens=plan.usd_per_million_tokens,
        usd_per_user_month=plan.cost.usd_per_user_month,
        power_megawatts=plan.power_megawatts,
        gpus_serving=plan.fleet.gpus_serving,
        mode=plan.deployment.mode,
        tpot_ms=plan.tpot_ms.mean,
        ttft_ms=None if plan.ttft_ms is None else plan.ttft_ms.mean,
        binds=plan.bottleneck.sentence,
    )


def _service(book: Catalog, asked: Asked, model: str, traffic: str, mode: str | None) -> ServeResult:
    return serve(
        model,
        accelerator=asked.gpu,
        traffic=traffic,
        mode=mode,
        pareto=False,
        top=0,
        catalog=book,
        **asked.here(),
    )


Work = Callable[["Catalog", Asked, tuple[str, ...], Filled], Any]
WORK: Final[dict[str, Work]] = {
    "site": _site,
    "training": _run,
    "frontier": best,
    "serving": _served,
    "distillation": taught,
    "post-training": reinforced,
}
"""Section to what it does; what it returns is one entry of the section, or several in a tuple."""
