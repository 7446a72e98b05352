"""``planner catalog show [KIND] NAME``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.complete import kind_or_name as complete
from planner.cli.output import Answer, Column, Table, document
from planner.cli.session import Session
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity

__all__ = ["bibliography", "run"]

_FIELDS: Final = [Column("path", "field"), Column("text", "value"), Column("kind", "kind")]
_CITED: Final = [*_FIELDS, Column("source", "source"), Column("at", "place"), Column("note", "note")]
_RECORDS: Final = [
    Column(key, key)
    for key in ("path", "value", "dimension", "low", "high", "text", "source", "at", "kind", "as_of", "note")
]


@command
def run(
    session: Session,
    kind_or_name: Annotated[
        str,
        typer.Argument(
            metavar="KIND|NAME", help="A kind of record, or a name of any kind.", autocompletion=complete
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Id or alias of a record of that kind.", autocompletion=complete),
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Show where each number comes from.", show_default=False)
    ] = False,
) -> Answer:
    """Show one record, number by number.

    With --sources, every number comes with its source and its place in it.
    """
    from planner.cli.names import find_kind, find_record, kind_of

    catalog = session.catalog()
    notes = []
    if name is not None:
        kind = find_kind(kind_or_name)
        record = catalog.get(kind, name)
    elif kind_of(kind_or_name) is not None:
        raise UsageError(
            f"which {kind_or_name}? planner catalog show {kind_or_name} NAME; "
            f"list them: planner catalog list {kind_or_name}"
        )
    else:
        (kind, record_id), *others = find_record(catalog, kind_or_name)
        record = catalog.get(kind, record_id)
        notes = [
            f"it is also the name of another record: planner catalog show {k.name} {i}" for k, i in others
        ]
    rows = list(_rows(record))
    cited = bibliography(catalog.bibliography([(kind.name, record.id)]))
    file = catalog.path_of(kind, record.id)
    tables = [Table(_CITED if sources else _FIELDS, rows, title=f"{record.name} ({kind.name} {record.id})")]
    if sources:
        columns = [Column(key, key) for key in ("source", "title", "publisher", "date", "url")]
        tables.append(Table(columns, [{"source": key, **entry} for key, entry in cited.items()]))
    return Answer(
        document=document(
            "planner.catalog-show/1",
            inputs={"kind": kind.name, "name": name or kind_or_name, **session.inputs()},
            result={
                "kind": kind.name,
                "id": record.id,
                "file": str(file),
                "record": record.model_dump(mode="json", exclude_none=True),
            },
            sources=cited,
        ),
        tables=tables,
        records=Table(_RECORDS, rows),
        text="" if sources else f"{len(cited)} sources; see them with --sources",
        notes=notes,
    )


def bibliography(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return entries of the bibliography as plain data; a key that nothing describes has no fields."""
    return {
        key: {} if source is None else source.model_dump(mode="json", exclude_none=True)
        for key, source in found.items()
    }


def _rows(value: object, path: str = "") -> Iterator[dict[str, Any]]:
    """Yield the leaves of a record: quantities with what they say of themselves, and plain values."""
    from planner.catalog.fields import parts
    from planner.catalog.quantity import Quantity
    from planner.catalog.records import Cite

    if isinstance(value, Quantity):
        yield {"path": path, **_quantity(value)}
    elif isinstance(value, (str, int, float)) and path not in ("id", "name"):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield {"path": path, "value": value, "text": text}
    elif isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        if value:
            yield {"path": path, "value": list(value), "text": ", ".join(value)}
        return
    for step, part in parts(value):
        if not isinstance(part, Cite):
            yield from _rows(part, f"{path}.{step}" if path else step)


def _quantity(quantity: Quantity) -> dict[str, Any]:
    from planner.units import format_quantity

    low, high = quantity.bounds
    ranged = quantity.low is not None
    spread = " to ".join(format_quantity(end, quantity.dimension) for end in (low, high))
    text = f"{quantity} ({spread})" if ranged else str(quantity)
    if quantity.as_of is not None and quantity.dimension.startswith("usd"):
        text += f", {quantity.as_of}"
    return {
        "value": quantity.value,
        "dimension": quantity.dimension,
        "low": quantity.low,
        "high": quantity.high,
        "text": text,
        "source": quantity.source,
        "at": quantity.at,
        "kind": quantity.kind,
        "as_of": quantity.as_of,
        "note": quantity.note,
    }
