"""Single fields of all records of a kind, without validating them: for look-ups by what a record is for.

Reading a few fields of a file takes a fraction of a millisecond where a whole record takes ten of them.
Files that cannot be read are passed over here; using their record reports the mistake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.catalog.paths import shown
from planner.catalog.strict_yaml import parse_yaml, read_bytes
from planner.errors import PlannerError

if TYPE_CHECKING:
    from planner.catalog.kinds import Kind
    from planner.catalog.load import Catalog
    from planner.catalog.records import Record

__all__ = ["Top", "naming", "tops"]


class Top(NamedTuple):
    """Some fields of a record, as YAML has them."""

    id: str
    layer: int
    """Of the directory it comes from: 0 for the shipped data, more for later overlays."""
    fields: dict[str, Any]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, or a single one; empty where there is none."""
        value = self.fields.get(name, ())
        return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def tops(catalog: Catalog, kind: Kind[Any], fields: tuple[str, ...]) -> tuple[Top, ...]:
    """Read some top-level fields of every record of a kind, in the order of their ids.

    Overrides of these fields are not seen. The catalog keeps what was read.
    """
    key = (kind.name, fields)
    if key not in catalog.kept:
        catalog.kept[key] = tuple(_read(catalog, kind, fields))
    kept: tuple[Top, ...] = catalog.kept[key]
    return kept


def _read(catalog: Catalog, kind: Kind[Any], fields: tuple[str, ...]) -> list[Top]:
    found = []
    for record_id in catalog.ids(kind):
        path = catalog.path_of(kind, record_id)
        try:
            content = read_bytes(path)
            # A field that is not there would have the whole file read.
            there = [name for name in fields if re.search(rb"(?m)^%s\b" % name.encode(), content)]
            data = parse_yaml(content, shown(path), only=there).data if there else {}
        except PlannerError:
            continue
        layer = max(at for at, root in enumerate(catalog.roots) if path.is_relative_to(root))
        found.append(Top(record_id, layer, {name: data[name] for name in there if name in data}))
    return found


def naming(catalog: Catalog, kind: Kind[Any], accelerator: str) -> Record | None:
    """Return the record of a kind whose ``accelerators`` name one, of the latest overlay; else None."""
    named = [
        top for top in tops(catalog, kind, ("accelerators",)) if accelerator in top.texts("accelerators")
    ]
    if not named:
        return None
    record: Record = catalog.get(kind, max(named, key=lambda top: top.layer).id)
    return record
