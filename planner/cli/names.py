"""From what the user typed to a kind of record, or a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.errors import InputError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from planner.catalog.kinds import Kind
    from planner.catalog.load import Catalog

__all__ = ["all_kinds", "find_kind", "find_record", "kind_of"]


def all_kinds() -> tuple[Kind[Any], ...]:
    """Return every kind of record, those of the workload room included."""
    import planner.workload.kinds  # noqa: F401  (registers its kinds)
    from planner.catalog.kinds import kinds

    return kinds()


def kind_of(text: str) -> Kind[Any] | None:
    """Return the kind called so, in the singular, the plural or by its folder; None where there is none."""
    folded = text.strip().casefold().rstrip("/")
    for kind in all_kinds():
        if folded in {kind.name, f"{kind.name}s", kind.folder, kind.folder.rpartition("/")[2]}:
            return kind
    return None


def find_kind(text: str) -> Kind[Any]:
    """Return the kind called so; raises `InputError` that lists the kinds."""
    from planner.catalog.kinds import kind_named

    return kind_of(text) or kind_named(text[:80])


def find_record(catalog: Catalog, name: str) -> list[tuple[Kind[Any], str]]:
    """Return every (kind, id) that a name stands for: ids before aliases, then in the order of kinds.

    Raises
    ------
    InputError
        No record of any kind has the name; the message suggests the closest.
    """
    by_id = [(kind, name) for kind in all_kinds() if catalog.find(kind, name) is not None]
    by_alias: list[tuple[Kind[Any], str]] = []
    known: dict[str, None] = {}
    for kind in all_kinds():
        try:
            by_alias.append((kind, catalog.resolve(kind, name)))
        except UnknownNameError as error:
            known |= dict.fromkeys(error.candidates)
    found = by_id + [pair for pair in by_alias if pair not in by_id]
    if not found:
        hint = did_you_mean(name, known)
        raise InputError(f"no record is called {name[:80]!r}.{hint} List them: planner catalog list KIND")
    return found
