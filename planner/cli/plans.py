"""What the commands that plan have in common: options left open, and a plan as tables and as a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.session import Session

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = ["answer", "assumed", "document_of", "explained", "option", "tables_of", "text_table"]

_INFEASIBLE: Final = 4

Rows = Sequence[tuple[str, ...]]


def option(*names: str, text: str, metavar: str = "N", kind: str | None = None) -> Any:
    """Return an option that may be left open; the library reads the numbers, with their units."""
    return typer.Option(
        *names,
        metavar=metavar,
        help=text,
        show_default=False,
        autocompletion=None if kind is None else names_of(kind),
    )


def answer(
    session: Session,
    result: Any,
    *,
    records: Sequence[dict[str, Any]],
    tables: Sequence[Table],
    searched: str,
    explanation: Any,
    notes: tuple[str, ...],
) -> Answer:
    """Return the answer of a command from the library's result.

    Parameters
    ----------
    result
        With ``to_dict()``, ``plan`` and ``result.notes``; exit code 4 where it has no plan.
    records
        The plan and its alternatives, one row each.
    searched
        A sentence on the search.
    explanation
        Of the plan, or None.
    """
    document = document_of(session, result)
    if explanation is not None:
        document["explanation"] = explanation.to_dict()
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document,
        tables=list(tables),
        records=Table([Column(key, key) for key in keys], list(records)),
        text=searched,
        notes=(*notes, *result.result.notes),
        exit_code=0 if result.plan is not None else _INFEASIBLE,
    )


def document_of(session: Session, result: Any) -> dict[str, Any]:
    """Return a result as JSON has it, with what the command line adds to its inputs."""
    document: dict[str, Any] = result.to_dict()
    said = session.inputs()
    document["inputs"] |= {"catalog": said.get("catalog", []), "overrides": said.get("set", [])}
    return document


def tables_of(sections: Iterable[Section]) -> list[Table]:
    """Return the tables of an answer."""
    return [
        text_table(
            section.head or ("",) * len(next(iter(section.rows), ("",))),
            section.rows,
            title=section.title,
            headed=bool(section.head),
        )
        for section in sections
    ]


def assumed(result: Any) -> list[Table]:
    """Return what was filled in, or nothing."""
    rows = [(a.field.replace("_", " "), _shown(a.value), a.why) for a in result.assumptions]
    return [text_table(("assumed", "value", "why"), rows)] if rows else []


def explained(explanation: Any, rows: Callable[[Any], tuple[Rows, Rows]]) -> list[Table]:
    """Return the terms of a plan and the numbers that enter, or nothing where there is no explanation."""
    if explanation is None:
        return []
    terms, numbers = rows(explanation)
    return [
        text_table(("term", "time", "share", "how"), terms, title="Where the time goes"),
        text_table(
            ("number", "value", "kind", "source", "place"), numbers, title="Where the numbers come from"
        ),
    ]


def text_table(titles: tuple[str, ...], rows: Rows, *, title: str = "", headed: bool = True) -> Table:
    """Return rows of text that the library wrote for people as a table."""
    columns = [Column(str(place), name, str) for place, name in enumerate(titles)]
    return Table(columns, [{str(i): cell for i, cell in enumerate(row)} for row in rows], title, headed)


def _shown(value: object) -> str:
    from planner.cli.people import plain
    from planner.units import format_quantity

    if isinstance(value, float) and value >= 100_000:
        return format_quantity(value, "count")
    return plain(value)
