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
from planner.errors import InputError, OutputError, UsageError, suggest

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
        Report the files of this root of the catalog only, for example a user's own ``--catalog DIR``.

    Returns
    -------
    list of str
        One ``file:line: path: message; mend`` for each mistake; empty where all is well.
    """
    if folder is not None and folder not in catalog.roots:
        raise UsageError(f"{folder} is not part of this catalog; add it as an overlay")
    mistakes: list[str] = []
    for root in catalog.roots if folder is None else (folder,):
        mistakes += _stray_files(root)
        mistakes += _source_files(root)
    sources = _known_sources(catalog)
    for kind in kinds():
        mistakes += _kind(kind, catalog, sources, folder)
    return mistakes


def _kind(kind: Kind[Any], catalog: Catalog, sources: set[str] | None, folder: Path | None) -> Iterator[str]:
    """Check the records of one kind; those outside ``folder`` only lend their names."""
    owner: dict[str, str] = {}
    files = _record_files(catalog.roots, kind)
    reported = [path for path in files if folder is None or path.is_relative_to(folder)]
    for path in (*(path for path in files if path not in reported), *reported):
        mistakes: list[str] = []
        checked = _checked(path, kind, mistakes)
        if checked is not None:
            mistakes += _citations(*checked, sources) if sources is not None else ()
            mistakes += _references(*checked, catalog)
            mistakes += _clashes(kind, *checked, owner)
        if path in reported:
            yield from mistakes


def _record_files(roots: Iterable[Path], kind: Kind[Any]) -> list[Path]:
    """Return the files of a kind; of two with the same id, the later root's alone counts."""
    paths = [path for root in roots for path in (root / kind.folder).glob("*.yaml") if path.is_file()]
    return sorted({path.stem: path for path in paths}.values())


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


def _known_sources(catalog: Catalog) -> set[str] | None:
    """Return the source keys, or None where a bibliography cannot be read (`_source_files` says why)."""
    paths = [root / room / "sources.yaml" for root in catalog.roots for room in ROOMS]
    try:
        return {key for path in paths if path.is_file() for key in read_yaml(path).data}
    except (InputError, OutputError):
        return None


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
        for path in sorted(path for path in (root / room).rglob("*.y*ml") if path.is_file()):
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


def _clashes(kind: Kind[Any], record: Record, document: Document, owner: dict[str, str]) -> Iterator[str]:
    """Report names that already stand for another record; ``owner`` remembers folded name to id."""
    own: list[tuple[Location, str]] = [(("id",), record.id), (("name",), record.name)]
    own += [(("aliases", index), alias) for index, alias in enumerate(record.aliases)]
    for location, name in own:
        other = owner.setdefault(normal_name(name), record.id)
        if other != record.id:
            mend = f"{name!r} also stands for the {kind.name} {other!r}; names must differ"
            yield document.mistake(location, mend)


def _location(path: str) -> Location:
    return tuple(int(step) if step.isdecimal() else step for step in path.split("."))
