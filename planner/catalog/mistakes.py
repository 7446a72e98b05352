"""Turns pydantic's errors into sentences: ``file:line: path: what is wrong; the mend``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from planner.catalog.fields import Node
from planner.errors import suggest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from planner.catalog.strict_yaml import Document, Location

__all__ = ["explain"]

_MAPPING: Final = "expected fields (name: value, indented below), found {found}"
_LIST: Final = "expected a list ([a, b] or lines with '- '), found {found}"
_SENTENCES: Final = {
    "string_type": "expected text, found {found}; write it in quotes",
    "int_type": "expected a whole number, found {found}; write digits only, as in 8",
    "int_from_float": "expected a whole number, found {found}; write digits only, as in 8",
    "float_type": "expected a number, found {found}; write it without quotes or unit",
    "bool_type": "expected true or false, found {found}",
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "dataclass_type": _MAPPING,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "too_short": "expected at least {min_length}, found {actual_length}; add one",
    "string_too_short": "the text is empty; write something or leave the field out",
}


def explain(error: ValidationError, document: Document, schema: type[BaseModel]) -> list[str]:
    """Write each mistake of a document as a sentence with its place and mend.

    Parameters
    ----------
    error : ValidationError
        What validating ``document.data`` against ``schema`` raised.
    document : Document
        Where the data came from.
    schema : BaseModel class
        Used to list the fields that would have been accepted.
    """
    placed = []
    found = error.errors(include_url=False, include_context=True)
    for details in found:
        location = details["loc"]
        if details["type"] == "too_short" and any(_below(location, other["loc"]) for other in found):
            continue  # pydantic counts the items that it could read: those that it could not are said already
        missing = details["type"] == "missing"
        line = document.lines.get(document.known(location), 1)
        placed.append((line, document.mistake(location, _sentence(details, schema), missing=missing)))
    return [sentence for _, sentence in sorted(placed, key=lambda pair: pair[0])]


def _below(location: Location, other: Location) -> bool:
    return len(other) > len(location) and other[: len(location)] == location


def _sentence(details: ErrorDetails, schema: type[BaseModel]) -> str:
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_field(details["loc"], schema)
    if kind == "missing":
        return "required field missing; add it" + _expected(details["loc"], schema)
    if kind in {"literal_error", "enum"}:
        options = [option.strip("'") for option in str(context["expected"]).replace(" or ", ", ").split(", ")]
        mend = suggest(str(given), options, otherwise="use one of them")
        return f"{found(given)} is not one of {', '.join(options)}; {mend}"
    if kind == "string_pattern_mismatch" and details["loc"][-1:] == ("id",):
        return f"{found(given)} is no id; use lower case letters, digits, '-', '.' and '_'"
    if kind == "union_tag_invalid":
        options = [option.strip("'") for option in context["expected_tags"].split(", ")]
        mend = suggest(context["tag"], options, otherwise="use one of them")
        field = context["discriminator"].strip("'")
        return f"{field} {context['tag'][:40]!r} is not one of {', '.join(options)}; {mend}"
    if kind == "union_tag_not_found":
        return f"required field missing; say which {context['discriminator'].strip(chr(39))} it is"
    sentence = _SENTENCES.get(kind)
    if sentence is not None:
        return sentence.format(found=found(given), **{k: v for k, v in context.items() if k != "found"})
    message = details["msg"].removeprefix("Value error, ")
    if kind in {"quantity", "date", "value_error"}:
        return message
    return f"{message[:1].lower()}{message[1:]}, found {found(given)}"


def found(value: object) -> str:
    """Name a value briefly, as messages show it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "fields"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _node(location: tuple[Any, ...], schema: type[BaseModel]) -> Node:
    """Walk down as far as the schema goes; steps it does not know (union tags) are skipped."""
    node = Node.of(schema)
    for step in location:
        node = node.child(step) or node
    return node


def _unknown_field(location: tuple[Any, ...], schema: type[BaseModel]) -> str:
    fields = _node(location[:-1], schema).fields
    mend = suggest(str(location[-1]), fields, otherwise="the fields here are " + ", ".join(fields))
    return f"unknown field; {mend}"


def _expected(location: tuple[Any, ...], schema: type[BaseModel]) -> str:
    node = _node(location[:-1], schema).child(location[-1])
    if node is None:
        return ""
    if node.dimension is not None:
        return f", for example {location[-1]}: {node.dimension.example}"
    required = [name for name, field in node.fields.items() if field.is_required()]
    return f" with {', '.join(required)}" if required else ""
