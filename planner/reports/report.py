"""``planner report``: an answer as one page that can be handed on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from planner.__about__ import __version__
from planner.errors import OutputError
from planner.reports.asked import SAVED, Asked, asked
from planner.reports.binding import binding, feasible, mends, reasons
from planner.reports.figures.choose import figures_of, named
from planner.reports.page import Page, check_installed, rendered
from planner.reports.results import FigureShown, ReportAnswer, ReportInputs, ReportResult
from planner.units import KILO

__all__ = ["made_of", "report"]


def report(
    what: object,
    *,
    output: str | Path | None = None,
    figures: str | Iterable[str] | None = None,
    title: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
    **inputs: Any,
) -> ReportResult:
    """Ask a question and write its answer as one page of HTML.

    The page holds the answer with what binds, figures, the tables of the command, the inputs as resolved, all
    assumptions and sources, and how to ask again. It needs no other file, no script and no network, and the
    same question gives the same bytes.

    Parameters
    ----------
    what
        A scenario (the name of a shipped one, the path of a file, a mapping), or a cluster, whose dossier
        (`planner.capacity`) is then reported.
    output
        File to write; without one the page is in the result only.
    figures
        Names of figures, in their order; ``'none'`` for none. By default all that suit the answer.
    title
        Of the page; by default that of the scenario.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides: on top of those of the
        scenario.
    inputs
        Inputs of the question instead of, or beside, those of the scenario: ``days=90``; None leaves one
        open.

    Returns
    -------
    ReportResult
        With ``html``, the page, and ``answer``, what the question's own function returns.

    Raises
    ------
    MissingExtraError
        The extra ``report`` is not installed.
    UsageError
        A figure that the report does not have.
    InputError
        Neither a scenario nor a cluster; all mistakes of a scenario at once.
    OutputError
        A file cannot be read or written.
    """
    check_installed()
    if output is not None:
        _check(Path(output))
    found = asked(what, catalog=catalog, set=set, changed=inputs, figures=named(figures))
    made = made_of(found, title=title)
    if output is not None:
        _write(Path(output), made.html)
    return made


def made_of(found: Asked, *, title: str | None = None) -> ReportResult:
    """Ask a question that was checked, and make its page; raises as `report` does."""
    check_installed()
    result = found.answer()
    page = _page(found, result, title)
    html = rendered(page)
    made = ReportResult(
        inputs=ReportInputs(
            what=found.named,
            command=found.ready.question.command,
            title=page.title,
            figures=found.figures,
            overrides=found.all_overrides,
        ),
        assumptions=result.assumptions,
        result=ReportAnswer(
            sentence=page.sentence,
            feasible=page.feasible,
            figures=tuple(
                FigureShown(name=one.name, title=one.title, caption=one.caption) for one in page.figures
            ),
            tables=len(page.sections),
            command=page.command,
            catalog_digest=page.digest,
            kilobytes=len(html.encode()) / KILO,
            notes=tuple(page.notes),
        ),
        sources=result.sources,
    )
    made._answer, made._html = result, html
    return made


def _page(found: Asked, result: Any, title: str | None) -> Page:
    from planner.plan.sweep.stamp import catalog_hash

    record, sections = found.ready.record, list(result.sections())
    there = feasible(result)
    return Page(
        title=title or found.title,
        question=found.ready.question.command,
        note=record.note or "",
        sentence=sections[0].title,
        feasible=there,
        binds=binding(result),
        reasons=reasons(result),
        mends=mends(result),
        figures=figures_of(found, result),
        sections=[sections[0]._replace(title=""), *sections[1:]],
        inputs=result.inputs.model_dump(),
        assumptions=result.assumptions,
        notes=getattr(result.result, "notes", ()),
        sources=result.sources,
        changes=found.all_overrides,
        command=found.command("run"),
        report=found.command("report"),
        scenario=found.scenario(),
        file=SAVED if found.named == SAVED else None,
        version=__version__,
        digest=catalog_hash((*found.ready.overlays, *found.overlays)),
    )


def _check(path: Path) -> None:
    """Refuse what cannot be a file before anything is computed for it."""
    if path.is_dir():
        raise OutputError(f"{path}: cannot be written: it is a directory; name a file")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: cannot be written: there is no directory {path.parent}; check the path")


def _write(path: Path, html: str) -> None:
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
