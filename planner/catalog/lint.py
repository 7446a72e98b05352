"""Checks a whole catalog, or an overlay of it, and reports everything that is wrong.

What a schema can see is checked on reading; here is what needs more than one file: ids and aliases that
clash, references to records that do not exist, sources that nothing describes, files in places where
nothing reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.catalog.fields import Node, parts, quantities, references
from planner.catalog.kinds import Kind, kind_named, kinds
from planner.catalog.load import normal_name, read_sources, validated
from planner.catalog.paths import ROOMS, shown
from planner.catalog.records import Cite, Record
from planner.catalog.strict_yaml import Document, Location, read_yaml
from planner.errors import InputError, OutputError, suggest

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["lint"]


def lint(catalog: Catalog, *, folder: Path | None = None) -> list[str]:
    """Check every file of a catalog.

    Parameters
    ----------
    catalog : Catalog
        References and sources are looked up here, overlays included.
    folder : Path, optional
        Check the files of this root or overlay only, for example a user's own ``--catalog DIR``.

    Returns
    -------
    list of str
        One ``file:line: path: message; mend`` for each mistake; empty where all is well.
    """
    roots = catalog.roots if folder is None else (folder,)
    mistakes: list[str] = []
    for root in roots:
        mistakes += _stray_files(root)
        mistakes += _source_files(root)
    sources = _known_sources(catalog)
    for kind in kinds():
        files = _record_files(roots, kind)
        checked = [_checked(path, kind, mistakes) for path in files]
        records = [(record, document) for record, document in filter(None, checked)]
        for record, document in records:
            mistakes += _citations(record, document, sources)
            mistakes += _references(record, document, catalog)
        mistakes += _clashes(kind, records)
    return mistakes


def _record_files(roots: Iterable[Path], kind: Kind[Any]) -> list[Path]:
    """Return the files of a kind; of two with the same id, the later root's alone counts."""
    by_stem = {path.stem: path for root in roots for path in sorted((root / kind.folder).glob("*.yaml"))}
    return sorted(by_stem.values())


def _checked(path: Path, kind: Kind[Any], mistakes: list[str]) -> tuple[Record, Document] | None:
    try:
        document = read_yaml(path)
        record: Record = validated(document, kind.schema)
    except InputError as error:
        mistakes += error.mistakes
        return None
    except OutputError as error:
        mistakes.append(str(error))
        return None
    if record.id != path.stem:
        mistakes.append(
            document.mistake(("id",), f"{record.id!r} differs from the file's name; rename one of them")
        )
    return record, document


def _known_sources(catalog: Catalog) -> set[str]:
    """Return the source keys; a broken file is reported by `_source_files` and skipped here."""
    known: set[str] = set()
    for path in (root / room / "sources.yaml" for root in catalog.roots for room in ROOMS):
        try:
            known |= set(read_sources(path)) if path.is_file() else set()
        except (InputError, OutputError):
            continue
    return known


def _source_files(root: Path) -> Iterator[str]:
    """Check the bibliographies of one root; a key in both rooms must say the same."""
    seen: dict[str, tuple[Path, Any]] = {}
    for path in (root / room / "sources.yaml" for room in ROOMS):
        if not path.is_file():
            continue
        try:
            found = read_sources(path)
        except InputError as error:
            yield from error.mistakes
            continue
        for key, source in found.items():
            other = seen.setdefault(key, (path, source))
            if other[1] != source:
                yield f"{shown(path)}:1: {key}: differs from the one in {shown(other[0])}; keep one of them"


def _stray_files(root: Path) -> Iterator[str]:
    """Report YAML files that nothing reads, such as those in a misspelt folder."""
    folders = [kind.folder for kind in kinds()]
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.y*ml")):
            folder = path.parent.relative_to(root).as_posix()
            if path.name == "sources.yaml" and folder == room:
                continue
            if folder not in folders:
                mend = suggest(folder, folders, otherwise=f"records live in {', '.join(folders)}")
                yield f"{shown(path)}:1: nothing reads {folder}/; {mend}"
            elif path.suffix != ".yaml":
                yield f"{shown(path)}:1: nothing reads {path.suffix}; rename it to {path.stem}.yaml"


def _citations(record: Record, document: Document, sources: set[str]) -> Iterator[str]:
    """Report quantities and cites whose source no ``sources.yaml`` describes."""
    cited = {path: quantity.source for path, quantity in quantities(record)}
    cited |= dict(_cites(record))
    unknown: dict[str, list[str]] = {}
    for path, key in cited.items():
        if key not in sources:
            unknown.setdefault(key, []).append(path)
    for key, paths in unknown.items():
        where = min(paths, key=lambda path: (not path.endswith("cite"), path.count("."), path))
        mend = suggest(key, sources, otherwise="add it there")
        yield document.mistake(_location(where), f"source {key!r} is in no sources.yaml; {mend}")


def _cites(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    for step, part in parts(value):
        below = f"{path}.{step}" if path else step
        if isinstance(part, Cite):
            yield below, part.source
        else:
            yield from _cites(part, below)


def _references(record: Record, document: Document, catalog: Catalog) -> Iterator[str]:
    """Report ids of other records that do not exist."""
    for path, ref, target in references(record, Node.of(type(record))):
        kind = kind_named(ref.kind)
        if catalog.find(kind, target) is None:
            mend = suggest(target, catalog.ids(kind), otherwise=f"see planner catalog list {kind.name}")
            yield document.mistake(_location(path), f"no {kind.name} has the id {target!r}; {mend}")


def _clashes(kind: Kind[Any], records: Iterable[tuple[Record, Document]]) -> Iterator[str]:
    """Report names that stand for two records."""
    owner: dict[str, str] = {}
    for record, document in records:
        own: list[tuple[Location, str]] = [(("id",), record.id), (("name",), record.name)]
        own += [(("aliases", index), alias) for index, alias in enumerate(record.aliases)]
        for location, name in own:
            other = owner.setdefault(normal_name(name), record.id)
            if other != record.id:
                yield document.mistake(
                    location, f"{name!r} also stands for the {kind.name} {other!r}; names must differ"
                )


def _location(path: str) -> Location:
    return tuple(int(step) if step.isdecimal() else step for step in path.split("."))
