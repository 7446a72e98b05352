"""``planner report SCENARIO|CLUSTER -o report.html``."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import document_of, option, text_table
from planner.cli.scenarios import WithOption
from planner.cli.session import Session
from planner.cli.streams import check_writable, talk, to_file
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.reports.results import ReportResult

__all__ = ["run"]

_INFEASIBLE = 4
_HTML = ("", ".html", ".htm")


@command
def run(
    session: Session,
    output: str | None,
    what: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO|CLUSTER",
            help="A scenario (a name, a file, - for stdin), or a cluster, for its dossier.",
            autocompletion=names_of("scenario"),
            show_default=False,
        ),
    ],
    with_: WithOption = None,
    figures: Annotated[
        str | None, option("--figures", metavar="NAMES", text="Some of the figures, by comma; or none.")
    ] = None,
    title: Annotated[str | None, option("--title", metavar="TEXT", text="Of the page.")] = None,
) -> Answer:
    """Write an answer as one page of HTML: -o FILE.html.

    Answer, what binds, figures, tables, inputs, assumptions, sources, and the command that asks again. The
    page needs no other file and no network. Without -o it is NAME.html in the current folder; -o - prints it.
    """
    from planner.plan.scenario.read import changes
    from planner.reports.asked import asked
    from planner.reports.figures.choose import named
    from planner.reports.page import check_installed
    from planner.reports.report import made_of

    check_installed()
    file = output or _file(what)
    if Path(file).suffix.lower() not in _HTML:
        raise UsageError(f"-o {file}: a report is a page of HTML; name it {Path(file).stem}.html")
    if file != "-":
        check_writable(file)
    start = time.perf_counter()
    found = asked(
        _read(what),
        catalog=session.overlays,
        set=session.overrides,
        changed=changes(with_ or ()),
        figures=named(figures),
    )
    session.beneath(found.ready.overlays, found.ready.overrides)
    session.adopt(found.book)
    result = made_of(found, title=title)
    seconds = time.perf_counter() - start
    if file == "-":
        return Answer(document={}, text=result.html, exit_code=_code(result))
    if Path(file).is_file():
        talk(f"Note: {file} held something else, which is replaced")
    to_file(file, result.html)
    return _answer(session, result, seconds)


def _code(result: ReportResult) -> int:
    return 0 if result.result.feasible else _INFEASIBLE


def _answer(session: Session, result: ReportResult, seconds: float) -> Answer:
    answer = result.result
    rows = [(one.name, one.title) for one in answer.figures]
    return Answer(
        document=document_of(session, result),
        tables=[text_table(("figure", "shows"), rows, title=answer.sentence, headed=bool(rows))],
        records=Table([Column("figure", "figure"), Column("title", "title")], result.records()),
        text=f"{len(rows)} figures and {answer.tables} tables, made in {seconds:.2f} s",
        exit_code=_code(result),
    )


def _file(what: str) -> str:
    """Name the page after what it is about."""
    stem = Path(what).name.removesuffix(".yaml").removesuffix(".yml")
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', stem).strip('-.') or 'report'}.html"


def _read(what: str) -> Any:
    """Return the scenario on stdin; a name or path as it is."""
    if what != "-":
        return what
    from planner.catalog.strict_yaml import parse_yaml
    from planner.cli.streams import read_input

    return parse_yaml(read_input("-"), "standard input")
