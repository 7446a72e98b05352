"""``planner catalog sources [KEY]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.commands.catalog_show import bibliography
from planner.cli.output import Answer, Column, Table, document
from planner.cli.session import Session
from planner.errors import UnknownNameError

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["run"]

_KEYS: Final = ("source", "title", "publisher", "date", "url", "accessed", "licence", "note")


@command
def run(
    session: Session,
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="The key of one source.")] = None,
) -> Answer:
    """List what the catalog cites.

    With KEY, show one source and the records that cite it.
    """
    catalog = session.catalog()
    known = bibliography(dict(catalog.sources()))
    if key is not None and key not in known:
        raise UnknownNameError("source", key[:80], known)
    chosen = known if key is None else {key: known[key]}
    rows: list[dict[str, Any]] = [{"source": name, **entry} for name, entry in chosen.items()]
    result: dict[str, Any] = {"sources": rows}
    if key is None:
        tables = [Table([Column(name, name) for name in _KEYS[:4]], rows)]
    else:
        result["cited_by"] = _cited_by(catalog, key)
        entry = [{"field": name, "value": rows[0].get(name)} for name in _KEYS if rows[0].get(name)]
        tables = [
            Table([Column("field", "field"), Column("value", "value")], entry, headed=False),
            Table([Column("kind", "cited by"), Column("id", "id")], result["cited_by"]),
        ]
    return Answer(
        document=document(
            "planner.catalog-sources/1", inputs={"key": key, **session.inputs()}, result=result
        ),
        tables=tables,
        records=Table([Column(name, name) for name in _KEYS], rows),
    )


def _cited_by(catalog: Catalog, key: str) -> list[dict[str, str]]:
    """Return kind and id of every record with a number from the source."""
    from planner.catalog.fields import quantities
    from planner.cli.names import all_kinds

    return [
        {"kind": kind.name, "id": record.id}
        for kind in all_kinds()
        for record in catalog.all(kind)
        if any(quantity.source == key for _, quantity in quantities(record))
    ]
