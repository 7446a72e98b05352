"""``--set KIND[.ID].PATH=VALUE``: one value of a record, changed for one run.

>>> from planner.catalog.overrides import Override
>>> override = Override.parse("accelerator.memory.bandwidth=4 TB/s")
>>> override.kind.name, override.id, override.path, override.value
('accelerator', None, ('memory', 'bandwidth'), '4 TB/s')

A value is read in the unit of its field; ``*0.8`` scales what the record holds. Without an ID the
override holds for every record of the kind that is read.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import ValidationError

from planner.catalog.fields import Node
from planner.catalog.kinds import Kind, kind_named
from planner.catalog.mistakes import explain
from planner.catalog.quantity import Quantity
from planner.catalog.strict_yaml import Document, parse_scalar
from planner.errors import InputError, UsageError, did_you_mean

if TYPE_CHECKING:
    from planner.catalog.records import Record

__all__ = ["SOURCE", "Override", "apply"]

SOURCE: Final = "--set"
"""The source key of a value that was set on the command line."""
_FIXED: Final = frozenset({"id", "cite", "aliases"})

R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Override:
    """One parsed ``--set``.

    Attributes
    ----------
    text : str
        As the user wrote it.
    kind : Kind
        Which records it touches.
    id : str or None
        Which one of them; None for all.
    path : tuple of str
        The field, from the top of the record.
    value : str
        The new value, or ``*FACTOR``.
    """

    text: str
    kind: Kind[Record]
    id: str | None
    path: tuple[str, ...]
    value: str

    @classmethod
    def parse(cls, text: str, exists: Callable[[Kind[Record], str], bool] | None = None) -> Override:
        """Read an override and check its path against the schema.

        Parameters
        ----------
        text : str
            ``KIND[.ID].PATH=VALUE``.
        exists : callable, optional
            Says whether a kind has a record of that id; ids may contain dots.

        Raises
        ------
        UsageError
            No ``=``, or nothing to set.
        InputError
            Unknown kind, record or field; the message suggests what was meant.
        """
        target, equals, value = text.partition("=")
        parts = [part.strip() for part in target.split(".")]
        if not equals or not value.strip() or len(parts) < 2 or not all(parts):
            raise UsageError(
                f"--set {text}: expected KIND[.ID].FIELD=VALUE, for example "
                "accelerator.memory.bandwidth='4 TB/s'"
            )
        try:
            kind = kind_named(parts[0])
            record_id, path = _split_id(kind, parts[1:], exists)
            _check_path(kind, path)
        except InputError as error:
            raise InputError(f"--set {text}: {error}") from error
        return cls(text, kind, record_id, path, value.strip())

    def concerns(self, kind: Kind[Any], record_id: str) -> bool:
        """Whether this override touches that record."""
        return self.kind == kind and self.id in (None, record_id)


def _split_id(
    kind: Kind[Record], parts: list[str], exists: Callable[[Kind[Record], str], bool] | None
) -> tuple[str | None, tuple[str, ...]]:
    """Separate the id, which may contain dots, from the path; a field of the schema is never an id."""
    if exists is not None and Node.of(kind.schema).child(parts[0]) is None:
        for end in range(len(parts) - 1, 0, -1):
            candidate = ".".join(parts[:end])
            if exists(kind, candidate):
                return candidate, tuple(parts[end:])
    return None, tuple(parts)


def _check_path(kind: Kind[Record], path: tuple[str, ...]) -> None:
    node = Node.of(kind.schema)
    for depth, step in enumerate(path):
        below = node.child(step)
        if below is None:
            where = ".".join((kind.name, *path[:depth]))
            raise InputError(_no_such_field(where, step, node, top=depth == 0))
        node = below
    if path[0] in _FIXED or "cite" in path:
        raise InputError(
            f"{'.'.join(path)} cannot be set; write a record of your own and pass it by --catalog DIR"
        )
    if node.models or node.items is not None:
        inside = f"; set one of {', '.join(f for f in node.fields if f not in _FIXED)}" if node.models else ""
        raise InputError(
            f"{'.'.join(path)} is a group, not a value{inside or '; set one of its items, counted from 0'}"
        )


def _no_such_field(where: str, step: str, node: Node, *, top: bool) -> str:
    if node.dimension is not None:
        return f"{where} is a quantity and has nothing below it; set {where} itself"
    fields = [name for name in node.fields if name not in _FIXED]
    if not fields:
        return f"{where} has no field {step!r}"
    hint = did_you_mean(step, fields) or f" It has {', '.join(fields)}."
    other = " (or no such record)" if top else ""
    return f"{where} has no field {step!r}{other}.{hint}"


def apply(overrides: list[Override], record: R, document: Document, schema: type[R]) -> R:
    """Return a validated copy of a record with the overrides applied in order.

    Raises
    ------
    InputError
        A value that its field refuses, or nothing there to scale.
    """
    for override in overrides:
        data = copy.deepcopy(document.data)
        try:
            value = _value(override, record)
            _put(data, override.path, value)
            record = schema.model_validate(data)
        except InputError as error:
            raise InputError(f"--set {override.text}: {error}") from error
        except ValidationError as error:
            label = Document(f"--set {override.text}", data)
            sentences = [s.replace(":1: ", ": ", 1) for s in explain(error, label, schema)]
            raise InputError.collect(sentences) from error
        document = replace(document, data=data)
    return record


def _value(override: Override, record: Record) -> object:
    node = Node.of(type(record))
    for step in override.path:
        node = node.child(step) or node
    text = override.value
    if text.startswith("*"):
        return _scaled(override, _held(record, override.path))
    if node.dimension is not None:
        return {"value": text, "source": SOURCE, "at": "command line", "kind": "given"}
    return text if node.plain == (str,) else parse_scalar(text)


def _held(record: Record, path: tuple[str, ...]) -> Any:
    value: Any = record
    for step in path:
        if isinstance(value, (tuple, list)):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else getattr(value, step, None)
    return value


def _scaled(override: Override, held: Any) -> object:
    try:
        by = float(override.value[1:])
    except ValueError:
        by = math.nan
    if not math.isfinite(by) or by < 0:
        raise InputError(f"{override.value!r} is not a factor; write for example '*0.8'")
    if isinstance(held, Quantity):
        return replace(
            held,
            value=held.value * by,
            low=None if held.low is None else held.low * by,
            high=None if held.high is None else held.high * by,
            text=f"{held.text} {override.value}",
            source=SOURCE,
            at=f"{held.text} of {held.source}, {held.at}, {override.value}",
            kind="given",
        )
    if isinstance(held, bool) or not isinstance(held, (int, float)):
        raise InputError("there is no number to scale; set a value instead")
    scaled = held * by
    if isinstance(held, int) and scaled == round(scaled):
        return round(scaled)
    return scaled


def _put(data: Any, path: tuple[str, ...], value: object) -> None:
    """Set a value in plain data, making the groups on the way where the record lacks them."""
    for step in path[:-1]:
        if isinstance(data, list):
            data = data[_position(data, step)]
        else:
            if not isinstance(data.get(step), (dict, list)):
                data[step] = {}
            data = data[step]
    if isinstance(data, list):
        data[_position(data, path[-1])] = value
    else:
        data[path[-1]] = value


def _position(items: list[Any], step: str) -> int:
    if not step.isdecimal() or int(step) >= len(items):
        raise InputError(f"there is no item {step}; there are {len(items)}, counted from 0")
    return int(step)
