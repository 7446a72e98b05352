"""``planner capacity``: what a cluster can train and serve, in one screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.plan import numbers
from planner.plan.capacity import results
from planner.plan.capacity.asked import Asked
from planner.plan.capacity.pool import run_all
from planner.plan.capacity.words import binds_of, sentence_of
from planner.plan.capacity.work import Done, Task, done, where_of
from planner.plan.cluster.named import cluster_named
from planner.plan.defaults import Filled
from planner.plan.job import as_catalog
from planner.plan.operating.asked import Asked as Surroundings
from planner.workload.kinds import DOSSIER

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.document import SourceUsed
    from planner.plan.numbers import Number
    from planner.workload.dossier import Dossier

__all__ = ["SECTIONS", "capacity"]

SECTIONS: Final = ("site", "training", "frontier", "serving", "distillation", "post-training")
"""In the order in which they are shown; the site also says how often the cluster fails."""
MOST_WORKERS: Final = 1024


def capacity(
    cluster: str = "colossus-1m",
    *,
    dossier: str = "usual",
    sections: Iterable[str] | str | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    failures: str | None = None,
    workers: Number | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.CapacityResult:
    """Say what a cluster is, trains and serves.

    Parameters
    ----------
    cluster
        A cluster of the catalog, or so many accelerators or systems, as in ``gb200:100000``.
    dossier
        Record with the runs, models and traffics that are looked at.
    sections
        Some of `SECTIONS`, as names or as text with commas between them; all by default.
    site, price, finance, failures
        As `planner.train` takes them.
    workers
        Processes that share the work; by default one for each core. The answer does not depend on it.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    CapacityResult
        What cannot be trained or served says why; the rest still answers.

    Raises
    ------
    InputError
        A value or a name that is wrong.
    """
    book, filled = as_catalog(catalog, set), Filled()
    wanted = _sections(sections)
    processes = None if workers is None else numbers.count("workers", workers, most=MOST_WORKERS)
    with book.tracking() as used:
        record = book.get(DOSSIER, dossier)
        named = cluster_named(book, cluster, filled)
        around = Surroundings.read(book, site=site, price=price, finance=finance, failures=failures)
        asked = Asked(
            label=named.label,
            accelerators=named.accelerators,
            **where_of(named),
            site=site,
            price=price,
            finance=finance,
            failures=failures,
            overhead=record.overhead,
            mode=record.serving.mode,
        )
        found = _all_done(book, asked, _tasks(record, wanted), processes)
        book.mark(name for one in found for name in one.used)
        sources = _sources(book, used, found)
    answer = _answer(record, found, filled)
    return results.CapacityResult(
        inputs=results.CapacityInputs(
            cluster=named.label,
            accelerators=named.accelerators,
            dossier=record.id,
            sections=wanted,
            site=site,
            price=around.price.text,
            finance=finance,
            failures=failures,
            overrides=(set,) if isinstance(set, str) else tuple(set),
        ),
        assumptions=tuple(dict.fromkeys(filled.assumptions)),
        result=answer,
        sources=sources,
    )


def _sections(given: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return the sections that were asked for, in the order of `SECTIONS`; raises `InputError`."""
    if given is None:
        return SECTIONS
    texts = given.split(",") if isinstance(given, str) else list(given)
    chosen = {numbers.choice("sections", text, SECTIONS) for text in texts}
    return tuple(name for name in SECTIONS if name in chosen)


def _tasks(record: Dossier, wanted: Sequence[str]) -> list[Task]:
    """Return the pieces of work in the order in which they are shown."""
    served = [(model, traffic) for model in record.serving.models for traffic in record.serving.traffics]
    names: dict[str, list[tuple[str, ...]]] = {
        "site": [()],
        "training": [(recipe,) for recipe in record.recipes],
        "frontier": [(shape, record.id) for shape in record.frontier.shapes],
        "serving": list(served),
        "distillation": [(recipe,) for recipe in record.distillation],
        "post-training": [(recipe,) for recipe in record.post_training],
    }
    return [Task(section, about) for section in wanted for about in names[section]]


_BOOK: list[tuple[Catalog, Asked]] = []
"""What workers inherit: the catalog with what was read of it, and the question."""


def _work(task: Task) -> Done:
    book, asked = _BOOK[-1]
    return done(book, asked, task)


def _all_done(book: Catalog, asked: Asked, tasks: Sequence[Task], workers: int | None) -> list[Done]:
    """Do all tasks, on several processes where that is possible; returns them in their order."""
    order = sorted(range(len(tasks)), key=lambda at: (-_LENGTH.get(tasks[at].section, 1), at))
    _BOOK.append((book, asked))
    try:
        found = run_all(_work, [tasks[at] for at in order], workers=workers)
    finally:
        _BOOK.pop()
    placed = dict(zip(order, found, strict=True))
    return [placed[at] for at in range(len(tasks))]


_LENGTH: Final = {
    "post-training": 9,
    "frontier": 8,
    "distillation": 7,
    "training": 6,
    "serving": 5,
    "site": 4,
}
"""Which sections take longest: they start first."""


def _sources(book: Catalog, used: Any, found: Sequence[Done]) -> dict[str, SourceUsed]:
    from planner.plan.bibliography import sources_of

    every = dict(sources_of(book, used))
    for one in found:
        every |= one.sources
    return dict(sorted(every.items()))


def _answer(record: Dossier, found: Sequence[Done], filled: Filled) -> results.CapacityAnswer:
    by_section: dict[str, list[Any]] = {name: [] for name in SECTIONS}
    for one in found:
        by_section[one.task.section] += one.value if isinstance(one.value, tuple) else [one.value]
        filled.assumptions += one.assumptions
        filled.notes += one.notes
    site = by_section["site"][0] if by_section["site"] else None
    notes = dict.fromkeys([*filled.notes, *(() if site is None else site.notes)])
    answer = results.CapacityAnswer(
        sentence="",
        site=site,
        training=tuple(by_section["training"]),
        frontier=tuple(by_section["frontier"]),
        serving=tuple(by_section["serving"]),
        distillation=tuple(by_section["distillation"]),
        post_training=tuple(by_section["post-training"]),
        binds=(),
        notes=tuple(notes),
    )
    return answer.model_copy(update={"sentence": sentence_of(answer), "binds": tuple(binds_of(answer))})
