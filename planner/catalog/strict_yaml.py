"""YAML as configuration needs it: strict, bounded, and with a line for every value.

Scalars follow YAML 1.2 (``on`` and ``NO`` are text, ``1e12`` is a number, dates stay text). Anchors,
aliases, merge keys, tags, duplicate keys, keys that are not text, several documents, NaN and infinity
are mistakes; so is a file that is too large or too deep. The tree is built from the parser's events
without recursion, so hostile input ends in an `InputError` and never in an exhausted stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from planner.catalog.paths import shown
from planner.errors import InputError, OutputError

__all__ = [
    "MOST_DEPTH",
    "Document",
    "Location",
    "Part",
    "parse_scalar",
    "parse_yaml",
    "read_bytes",
    "read_yaml",
]

Location = tuple[str | int, ...]

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_DEPTH: Final = 32
MOST_NODES: Final = 200_000
_TOO_DEEP: Final = f"nested more than {MOST_DEPTH} deep; flatten it"

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS: Final = {name: name.lower() == "true" for name in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_LARGEST_INT: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, and the line of each value.

    Attributes
    ----------
    file : str
        The file as messages name it.
    data : dict
        Plain Python data.
    lines : dict
        Location (keys and list positions from the top) to line, counted from 1.
    """

    file: str
    data: dict[str, Any]
    lines: dict[Location, int] = field(default_factory=dict)

    def known(self, location: Location) -> Location:
        """Return the steps of a location that the file holds; others (a missing field) are left out."""
        path: Location = ()
        for step in location:
            if (*path, step) in self.lines:
                path = (*path, step)
        return path

    def part(self, location: Location) -> Document:
        """Return the mapping at a location as a document of its own, whose lines are those of the file."""
        data: Any = self.data
        for step in location:
            data = data[step]
        depth = len(location)
        lines = {place[depth:]: line for place, line in self.lines.items() if place[:depth] == location}
        return Document(self.file, dict(data), {place: line for place, line in lines.items() if place})

    def mistake(self, location: Location, message: str, *, missing: bool = False) -> str:
        """Write ``file:line: path: message``; ``missing`` keeps a last step that the file lacks."""
        path = self.known(location)
        line = self.lines.get(path, 1)
        spelled = (*path, location[-1]) if missing and location else path
        where = f"{'.'.join(map(str, spelled))}: " if spelled else ""
        return f"{self.file}:{line}: {where}{message}"


class Part(dict[str, Any]):
    """A mapping that knows where it stands in a file, for those who check what is in it.

    Attributes
    ----------
    document : Document
        The mapping as a document of its own.
    """

    def __init__(self, document: Document) -> None:
        super().__init__(document.data)
        self.document = document


def read_yaml(path: Path, *, only: Collection[str] = ()) -> Document:
    """Read a YAML file whose top level is a mapping.

    Parameters
    ----------
    path : Path
        The file.
    only : collection of str
        Stop once these top-level keys have been read, which saves time on a look-up.

    Raises
    ------
    InputError
        The file is not what this module accepts; all mistakes at once, each with its line.
    OutputError
        The file cannot be read.
    """
    return parse_yaml(read_bytes(path), shown(path), only=only)


def read_bytes(path: Path) -> bytes:
    """Read a file up to one byte more than `parse_yaml` accepts.

    Raises
    ------
    OutputError
        The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error


def parse_yaml(content: bytes, file: str, *, only: Collection[str] = ()) -> Document:
    """Read YAML from bytes; ``file`` is the name that messages give it. See `read_yaml`."""
    text = _decode(content, file)
    builder = _Builder(file, frozenset(only))
    try:
        builder.build(_events(text))
    except yaml.MarkedYAMLError as error:
        builder.mistakes.append(_syntax_mistake(error, text, file))
    except yaml.YAMLError as error:
        raise InputError(f"{file}:1: not YAML: {error}") from error
    if builder.mistakes:
        raise InputError.collect(builder.mistakes)
    return Document(file, builder.top, builder.lines)


def parse_scalar(text: str) -> str | int | float | bool | None:
    """Read one plain scalar as YAML 1.2 does.

    Raises
    ------
    InputError
        NaN, infinity, or a number that no float or 64-bit integer holds.
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise InputError(f"{_brief(text)} is too large a number")
        return value
    if _NOT_FINITE.fullmatch(text):
        raise InputError(f"{text} is not a finite number; leave the field out where nothing is known")
    return text


def _integer(text: str) -> int:
    value = _LARGEST_INT + 1 if len(text) > 22 else int(text, 10 if text.lstrip("+-").isdigit() else 0)
    if abs(value) > _LARGEST_INT:
        raise InputError(f"{_brief(text)} is too large an integer; write it with an exponent, as in 3.8e25")
    return value


def _brief(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:30]}... ({len(text)} characters)"


def _decode(content: bytes, file: str) -> str:
    if len(content) > MOST_BYTES:
        raise InputError(
            f"{file}:1: larger than {MOST_BYTES // 2**20} MiB; a catalog file is a few kilobytes"
        )
    if content.startswith(_BOMS):
        raise InputError(f"{file}:1: starts with a byte-order mark; save it as UTF-8 without one")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file}:{line}: byte 0x{content[error.start]:02x} is not UTF-8; save it as UTF-8"
        ) from None
    control = _CONTROL.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        raise InputError(f"{file}:{line}: control character U+{ord(control[0]):04X}; remove it")
    return text


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _syntax_mistake(error: yaml.MarkedYAMLError, text: str, file: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    problem = error.problem or error.context or "cannot be parsed"
    if "nesting depth" in problem:  # libyaml 0.2.6 and later look ahead and stop before our own count does
        return f"{file}:{line + 1}: {_TOO_DEEP}"
    lines = text.splitlines()
    written = lines[line] if line < len(lines) else ""
    mend = "check the indentation and quotes here and just above"
    if "\t" in written[: len(written) - len(written.lstrip())]:
        mend = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in problem:
        mend = "put text that contains ': ' in quotes, and check the indentation"
    elif "start any token" in problem:
        mend = "put text that starts with a special character in quotes"
    return f"{file}:{line + 1}: not valid YAML: {problem}; {mend}"


class _HopelessError(Exception):
    """Nothing after this mistake can be read."""


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended; ``key`` is what the next value of a mapping belongs to."""

    into: dict[str, Any] | list[Any]
    path: Location
    key: str | None = None
    awaits_key: bool = True


class _Builder:
    """Builds the tree from events; mistakes are collected, hopeless ones stop it."""

    def __init__(self, file: str, only: frozenset[str]) -> None:
        self.file = file
        self.wanted = only
        self.top: dict[str, Any] = {}
        self.lines: dict[Location, int] = {}
        self.mistakes: list[str] = []
        self.open: list[_Open] = []
        self.nodes = 0
        self.documents = 0

    def build(self, events: Iterator[Any]) -> None:
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        try:
            for event in events:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
                if self.wanted and len(self.open) == 1 and self.wanted <= self.top.keys():
                    return
        except _HopelessError:
            return
        if not self.documents:
            self.mistakes.append(
                f"{self.file}:1: the file is empty; it should hold fields such as id: and name:"
            )

    def _mistake(self, event: Any, message: str, location: Location | None = None) -> None:
        path = self._here() if location is None else location
        where = f"{'.'.join(map(str, path))}: " if path else ""
        self.mistakes.append(f"{self.file}:{event.start_mark.line + 1}: {where}{message}")

    def _here(self) -> Location:
        """Return the location of the value that comes next."""
        if not self.open:
            return ()
        top = self.open[-1]
        if isinstance(top.into, list):
            return (*top.path, len(top.into))
        return top.path if top.key is None else (*top.path, top.key)

    def _awaits_key(self) -> bool:
        return isinstance(self.open[-1].into, dict) and self.open[-1].awaits_key

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self._mistake(event, "a second document starts here; keep one record in a file", ())
            raise _HopelessError

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._mistake(event, f"more than {MOST_NODES} values; split the file")
            raise _HopelessError
        if event.anchor is not None:
            self._mistake(event, f"anchor '&{event.anchor}' is not allowed; write the value out")
        if event.tag is not None:
            self._mistake(event, f"tag {_brief(event.tag)!r} is not allowed; remove it")

    def _alias(self, event: Any) -> None:
        self._mistake(event, f"alias '*{event.anchor}' is not allowed; write the value out")
        if not self.open or self._awaits_key():
            raise _HopelessError
        self._place(event, None)

    def _start(self, event: Any) -> None:
        self._count(event)
        into: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if not self.open:
            if isinstance(into, list):
                self._mistake(event, "the file holds a list; it should hold fields such as id: and name:", ())
                raise _HopelessError
            self.top = into
            self.open.append(_Open(into, ()))
            return
        if len(self.open) >= MOST_DEPTH:
            self._mistake(event, _TOO_DEEP)
            raise _HopelessError
        if self._awaits_key():
            self._mistake(event, "a key must be text, not a list or mapping; put text with braces in quotes")
            raise _HopelessError
        path = self._here()
        self._place(event, into)
        self.open.append(_Open(into, path))

    def _end(self, event: Any) -> None:
        self.open.pop()

    def _scalar(self, event: Any) -> None:
        self._count(event)
        if not self.open:
            if event.value == "" and event.implicit[0]:
                self.mistakes.append(
                    f"{self.file}:1: the file is empty; it should hold fields such as id: and name:"
                )
            else:
                self._mistake(
                    event, "the file holds one value; it should hold fields such as id: and name:", ()
                )
            raise _HopelessError
        value: Any = event.value
        plain = event.implicit[0]
        if self._awaits_key():
            self._key(event, value, plain=plain)
            return
        if plain:
            try:
                value = parse_scalar(value)
            except InputError as error:
                self._mistake(event, str(error))
                value = None
        self._place(event, value)

    def _key(self, event: Any, text: str, *, plain: bool) -> None:
        """Take a key; a value without a usable key is read and dropped."""
        top = self.open[-1]
        top.awaits_key = False
        top.key = None
        try:
            is_text = not plain or isinstance(parse_scalar(text), str)
        except InputError:
            is_text = False
        if plain and text == "<<":
            self._mistake(event, "merge key '<<' is not allowed; write the fields out")
        elif not is_text:
            self._mistake(event, f"key {_brief(text) or 'without a name'} is not text; write it in quotes")
        elif text in top.into:
            first = self.lines[(*top.path, text)]
            self._mistake(event, f"{text!r} appears twice, first on line {first}; keep one")
        else:
            top.key = text
            self.lines[(*top.path, text)] = event.start_mark.line + 1

    def _place(self, event: Any, value: Any) -> None:
        top = self.open[-1]
        if isinstance(top.into, list):
            self.lines[self._here()] = event.start_mark.line + 1
            top.into.append(value)
            return
        if top.key is not None:
            top.into[top.key] = value
        top.awaits_key = True
