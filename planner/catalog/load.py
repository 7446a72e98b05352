"""Reading records: by id, by alias, through overlays and overrides."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from planner.catalog.paths import ROOMS, data_root, environment_overlays, overlay, shown
from planner.catalog.records import Record, Source
from planner.catalog.strict_yaml import Document, parse_yaml, read_bytes, read_yaml
from planner.errors import InputError, PlannerError, UnknownNameError

if TYPE_CHECKING:
    from planner.catalog.kinds import Kind
    from planner.catalog.overrides import Override

__all__ = ["Catalog", "normal_name", "read_model", "read_sources"]

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", bound=Record)

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_LONGEST_NAME: Final = 200


def validated(document: Document, schema: type[M]) -> M:
    """Check what a file holds against a schema.

    Raises
    ------
    InputError
        All mistakes of the file at once, each ``file:line: path: message; mend``.
    """
    try:
        return schema.model_validate(document.data)
    except ValidationError as error:
        from planner.catalog.mistakes import explain

        raise InputError.collect(explain(error, document, schema)) from error


def read_model(path: Path, schema: type[M]) -> M:
    """Read one YAML file into a model; for files that are not records of the catalog.

    Raises
    ------
    InputError
        All mistakes of the file at once.
    OutputError
        The file cannot be read.
    """
    return validated(read_yaml(path), schema)


def read_sources(path: Path) -> dict[str, Source]:
    """Read a ``sources.yaml``: source key to `Source`. Raises as `read_model` does."""
    return _sources(read_yaml(path))


def _sources(document: Document) -> dict[str, Source]:
    try:
        return TypeAdapter(dict[str, Source]).validate_python(document.data)
    except ValidationError as error:
        from planner.catalog.mistakes import explain

        raise InputError.collect(explain(error, document, Source)) from error


def _entries(path: Path, keys: set[str]) -> dict[str, Source]:
    """Read some entries of a ``sources.yaml``; the lines of the others are blanked, which keeps the count."""
    lines = read_bytes(path).split(b"\n")
    wanted, keep = {key.encode() for key in keys}, False
    for number, line in enumerate(lines):
        if line[:1].strip() not in (b"", b"#"):
            keep = line.partition(b":")[0].strip(b"\"' ") in wanted
        if not keep:
            lines[number] = b""
    content = b"\n".join(lines)
    return _sources(parse_yaml(content, shown(path))) if content.strip() else {}


def normal_name(name: str) -> str:
    """Fold a name for comparison: case, blanks, underscores and slashes do not matter."""
    return re.sub(r"[\s_/-]+", "-", name.strip().casefold())


class Catalog:
    """The records of planner, with the user's overlays and overrides on top.

    Reading one record reads one file. Records are read once and kept.

    Parameters
    ----------
    overlays : tuple of Path
        Directories laid out like the catalog; a record there replaces the one of the same id or is new,
        and later directories win. Those named by ``PLANNER_CATALOG`` come before them.
    overrides : tuple of str
        ``KIND[.ID].PATH=VALUE``, applied in order; see `planner.catalog.overrides`.
    root : Path, optional
        The directory that holds ``hardware/`` and ``workloads/``; by default the one planner ships.

    Raises
    ------
    InputError
        An overlay that is none, or an override of something unknown.
    UsageError
        An override that cannot be read.
    """

    def __init__(
        self, overlays: tuple[Path, ...] = (), overrides: tuple[str, ...] = (), *, root: Path | None = None
    ) -> None:
        added = (*environment_overlays(), *map(Path, overlays))
        self._roots = (data_root() if root is None else root, *map(overlay, added))
        self._records: dict[tuple[str, str], Record] = {}
        self._names: dict[str, dict[str, str]] = {}
        self._sources: dict[str, Source] | None = None
        self._described: dict[str, Source] = {}
        self._cited: dict[tuple[str, str], frozenset[str]] = {}
        self.kept: dict[Any, Any] = {}
        """What look-ups over many records have read; see `planner.catalog.tops`."""
        self._tracking: list[dict[tuple[str, str], None]] = [{}]
        self._overrides = self._parsed(overrides)

    def changed(self, overrides: Iterable[str]) -> Catalog:
        """Return this catalog with more overrides; what none of them concerns is not read again.

        Raises
        ------
        InputError
            An override of something unknown.
        UsageError
            An override that cannot be read.
        """
        added = self._parsed(tuple(overrides))
        other = copy.copy(self)
        other._overrides = (*self._overrides, *added)
        other._tracking = [{}]
        touched = {(one.kind.name, one.id) for one in added}
        concerned = {key for key in self._records if touched & {key, (key[0], None)}}
        other._records = {key: record for key, record in self._records.items() if key not in concerned}
        other._cited = {key: cited for key, cited in self._cited.items() if key not in concerned}
        return other

    def _parsed(self, overrides: tuple[str, ...]) -> tuple[Override, ...]:
        if not overrides:
            return ()
        from planner.catalog.overrides import Override

        return tuple(
            Override.parse(text, lambda kind, name: self.find(kind, name) is not None) for text in overrides
        )

    @property
    def roots(self) -> tuple[Path, ...]:
        """The shipped data, then the overlays; later ones win."""
        return self._roots

    @property
    def overrides(self) -> tuple[str, ...]:
        """Values that are changed, as they were written."""
        return tuple(one.text for one in self._overrides)

    def get(self, kind: Kind[R], name: str) -> R:
        """Return the record of that id or alias.

        Raises
        ------
        UnknownNameError
            No record of that kind has the name; the message suggests the closest.
        InputError
            Its file is wrong; all mistakes at once.
        OutputError
            Its file cannot be read.
        """
        record_id = self.resolve(kind, name)
        key = (kind.name, record_id)
        if key not in self._records:
            self._records[key] = self._read(kind, record_id)
        for names in self._tracking:
            names[key] = None
        return cast("R", self._records[key])

    def resolve(self, kind: Kind[Any], name: str) -> str:
        """Return the id that an id, alias or display name stands for; raises `UnknownNameError`."""
        if (kind.name, name) in self._records or self.find(kind, name) is not None:
            return name
        if len(name) <= _LONGEST_NAME and kind.name not in self._names:
            found = self._searched(kind, normal_name(name))
            if found is not None:
                return found
        known = self._known_names(kind)
        found = known.get(normal_name(name)) if len(name) <= _LONGEST_NAME else None
        if found is None:
            raise UnknownNameError(kind.name, name[:_LONGEST_NAME], known)
        return found

    def find(self, kind: Kind[Any], record_id: str) -> Path | None:
        """Return the file of an id (not an alias), or None; no folder is scanned."""
        if len(record_id) > _LONGEST_NAME or not _ID.fullmatch(record_id):
            return None
        for root in reversed(self._roots):
            path = root / kind.folder / f"{record_id}.yaml"
            if path.is_file():
                return path
        return None

    def path_of(self, kind: Kind[Any], name: str) -> Path:
        """Return the file of a record by id or alias; raises `UnknownNameError`."""
        path = self.find(kind, self.resolve(kind, name))
        if path is None:
            raise UnknownNameError(kind.name, name, self._known_names(kind))
        return path

    def ids(self, kind: Kind[Any]) -> tuple[str, ...]:
        """Return the ids of all records of a kind, sorted."""
        found = {
            path.stem
            for root in self._roots
            for path in (root / kind.folder).glob("*.yaml")
            if _ID.fullmatch(path.stem) and path.is_file()
        }
        return tuple(sorted(found))

    def all(self, kind: Kind[R]) -> tuple[R, ...]:
        """Return all records of a kind by id. Raises as `get` does."""
        return tuple(self.get(kind, record_id) for record_id in self.ids(kind))

    def sources(self) -> dict[str, Source]:
        """Return the bibliography: source key to `Source`, of all layers; later ones win."""
        if self._sources is None:
            files = [root / room / "sources.yaml" for root in self._roots for room in ROOMS]
            self._sources = {
                key: item for path in files if path.is_file() for key, item in read_sources(path).items()
            }
        return dict(self._sources)

    @property
    def used(self) -> tuple[tuple[str, str], ...]:
        """Kind and id of every record read so far, in order of first use."""
        return tuple(self._tracking[0])

    @contextmanager
    def tracking(self) -> Iterator[dict[tuple[str, str], None]]:
        """Collect the (kind, id) pairs read inside the block, for the sources of one answer."""
        names: dict[tuple[str, str], None] = {}
        self._tracking.append(names)
        try:
            yield names
        finally:
            self._tracking = [other for other in self._tracking if other is not names]

    def mark(self, names: Iterable[tuple[str, str]]) -> None:
        """Count records as read that a copy of this catalog has read in another process."""
        for key in names:
            for read in self._tracking:
                read[key] = None

    def bibliography(self, names: Iterable[tuple[str, str]]) -> dict[str, Source | None]:
        """Return the sources that the quantities of some records cite, or that a record without any does.

        Parameters
        ----------
        names : iterable of (kind, id)
            As `used` or `tracking` give them.

        Returns
        -------
        dict
            Source key to `Source`, sorted; None where no ``sources.yaml`` describes the key.
        """
        known = [name for name in names if name in self._records]
        keys = {key for name in known for key in self._cited_by(name)}
        if self._overrides:
            from planner.catalog.overrides import SOURCE

            keys.discard(SOURCE)
        described = self.described(keys)
        return {key: described.get(key) for key in sorted(keys)}

    def _cited_by(self, name: tuple[str, str]) -> frozenset[str]:
        """Source keys of a record that was read: walked once, and asked for by every answer."""
        if name not in self._cited:
            from planner.catalog.fields import quantities

            record = self._records[name]
            keys = frozenset(quantity.source for _, quantity in quantities(record))
            if not keys and record.cite is not None:
                keys = frozenset({record.cite.source})
            self._cited[name] = keys
        return self._cited[name]

    def described(self, keys: Collection[str]) -> dict[str, Source]:
        """Return `sources` of these keys at least, reading no other entry where that is enough."""
        keys = set(keys)
        if self._sources is None:
            files = [root / room / "sources.yaml" for root in self._roots for room in ROOMS]
            missing = keys - self._described.keys()
            try:
                for path in files if missing else ():
                    if path.is_file():
                        self._described |= _entries(path, missing)
            except InputError:
                return self.sources()
            if keys <= self._described.keys():
                return {key: self._described[key] for key in keys}
        return self.sources()

    def _read(self, kind: Kind[Any], record_id: str) -> Record:
        path = self.path_of(kind, record_id)
        document = read_yaml(path)
        schema: type[Record] = kind.schema
        record = validated(document, schema)
        if record.id != record_id:
            raise InputError(
                document.mistake(("id",), f"{record.id!r} differs from the file's name; rename one of them")
            )
        concerned = [override for override in self._overrides if override.concerns(kind, record_id)]
        if not concerned:
            return record
        from planner.catalog.overrides import apply

        return apply(concerned, record, document, schema)

    def _searched(self, kind: Kind[Any], folded: str) -> str | None:
        """Look a folded name up by reading, as YAML, only the files in which its text occurs.

        None where it is not found so; an alias may be written with escapes.
        """
        ids = self.ids(kind)
        by_id = {normal_name(record_id): record_id for record_id in ids}
        if folded in by_id:
            return by_id[folded]
        for record_id in ids:
            path = self.path_of(kind, record_id)
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            if folded in normal_name(text) and folded in map(normal_name, _names_in(path)):
                return record_id
        return None

    def _known_names(self, kind: Kind[Any]) -> dict[str, str]:
        """Return folded ids, aliases and display names of a kind, each with its id.

        Only the top of each file is read. A file that is broken is known by its id alone: `get` and the
        linter report what is wrong with it.
        """
        known = self._names.get(kind.name)
        if known is not None:
            return known
        by_alias: dict[str, str] = {}
        ids = self.ids(kind)
        for record_id in ids:
            for name in _names_in(self.path_of(kind, record_id)):
                by_alias.setdefault(normal_name(name), record_id)
        known = by_alias | {normal_name(record_id): record_id for record_id in ids}
        self._names[kind.name] = known
        return known


def _names_in(path: Path) -> list[str]:
    try:
        data = read_yaml(path, only=("name", "aliases")).data
    except PlannerError:
        return []
    aliases = data.get("aliases")
    names = [data.get("name"), *(aliases if isinstance(aliases, list) else [])]
    return [name for name in names if isinstance(name, str)]
