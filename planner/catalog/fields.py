"""Walking a record schema by path: what a field holds, and which fields stand beside it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from planner.catalog.quantity import Dimension, Quantity
from planner.catalog.records import Ref

__all__ = ["Node", "parts", "quantities", "references"]


@dataclass(frozen=True)
class Node:
    """A place in a schema.

    Attributes
    ----------
    models : tuple of BaseModel classes
        The groups of fields that may stand here; empty for a value.
    items : Node or None
        What a list or a mapping with free keys holds.
    plain : tuple of types
        The plain types (text, int, ...) that may stand here.
    marks : tuple
        Annotations such as `Dimension` and `Ref`.
    keyed : bool
        Whether `items` are reached by free text keys rather than by position.
    """

    models: tuple[type[BaseModel], ...] = ()
    items: Node | None = None
    plain: tuple[Any, ...] = ()
    marks: tuple[Any, ...] = ()
    keyed: bool = False

    @classmethod
    def of(cls, annotation: Any, marks: tuple[Any, ...] = ()) -> Node:
        """Read an annotation, looking through ``Annotated``, unions and containers."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return cls.of(arguments[0], (*marks, *arguments[1:]))
        if origin in (Union, types.UnionType):
            return cls._either([cls.of(part, marks) for part in arguments if part is not type(None)])
        if origin in (tuple, list, frozenset, set) and arguments:
            return cls(items=cls.of(arguments[0]), marks=marks)
        if origin is dict:
            return cls(items=cls.of(arguments[1]), marks=marks, keyed=True)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return cls(models=(annotation,), marks=marks)
        return cls(plain=(annotation,), marks=marks)

    @classmethod
    def of_field(cls, field: FieldInfo) -> Node:
        """Read a field of a model."""
        return cls.of(field.annotation, tuple(field.metadata))

    @classmethod
    def _either(cls, options: list[Node]) -> Node:
        return cls(
            models=tuple(model for option in options for model in option.models),
            items=next((option.items for option in options if option.items), None),
            plain=tuple(plain for option in options for plain in option.plain),
            marks=tuple(mark for option in options for mark in option.marks),
            keyed=any(option.keyed for option in options),
        )

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The fields below, by the name that YAML uses."""
        return {
            field.alias or name: field for model in self.models for name, field in model.model_fields.items()
        }

    @property
    def dimension(self) -> Dimension | None:
        """The dimension, where a quantity stands here."""
        return next((mark for mark in self.marks if isinstance(mark, Dimension)), None)

    @property
    def ref(self) -> Ref | None:
        """The kind of record referred to, where a reference stands here."""
        return next((mark for mark in self.marks if isinstance(mark, Ref)), None)

    def child(self, step: str | int) -> Node | None:
        """Return what stands one step below, or None where the schema has nothing there."""
        field = self.fields.get(step) if isinstance(step, str) else None
        if field is not None:
            return Node.of_field(field)
        if self.items is not None and (self.keyed or isinstance(step, int) or step.isdecimal()):
            return self.items
        return None


def quantities(value: object, path: str = "") -> Iterator[tuple[str, Quantity]]:
    """Yield every quantity of a record with its dotted path."""
    if isinstance(value, Quantity):
        yield path, value
    for step, part in parts(value):
        yield from quantities(part, f"{path}.{step}" if path else step)


def references(value: object, node: Node, path: str = "") -> Iterator[tuple[str, Ref, str]]:
    """Yield dotted path, kind and id of every reference of a record to another."""
    if isinstance(value, str) and node.ref is not None:
        yield path, node.ref, value
    here = Node(models=(type(value),)) if isinstance(value, BaseModel) else node
    for step, part in parts(value):
        below = here.child(step)
        if below is not None:
            yield from references(part, below, f"{path}.{step}" if path else step)


def parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield what lies one step below a record, group or list, with its step."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        yield from ((field.alias or name, getattr(value, name)) for name, field in fields.items())
    elif isinstance(value, dict):
        yield from ((str(key), part) for key, part in value.items())
    elif isinstance(value, (tuple, list)):
        yield from ((str(index), part) for index, part in enumerate(value))
