"""A model of the catalog: ``workloads/models/ID.yaml``, and how a record is written back as YAML."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from planner.catalog.quantity import Count, Quantity
from planner.catalog.records import Record, Ref, Section, Text
from planner.workload.architecture import Architecture
from planner.workload.emit import to_text
from planner.workload.mixers import Width

__all__ = ["ModelRecord", "Published", "Recipe", "to_yaml"]


class Published(Section):
    """Sizes as its makers state them, to check the counts against."""

    total: Count
    """Parameters."""
    active: Count | None = None
    """Parameters one token touches; makers differ on whether the embedding counts."""


class Recipe(Section):
    """How it was pre-trained, as published."""

    tokens: Count
    """Training tokens."""
    seq_len: Width | None = None
    """Tokens of a sequence, in the main phase."""
    global_batch_tokens: Count | None = None
    """Tokens of a step, at its largest."""
    precision: Annotated[Text, Field(max_length=40)] | None = None
    """Of the matrix multiplications."""


class ModelRecord(Record):
    """A language model: its architecture and what its makers published about it."""

    published: Published | None = None
    recipe: Recipe | None = None
    context: Count | None = None
    """Tokens of the longest sequence it is made for."""
    checkpoint: Annotated[str, Ref("format")] | None = None
    """Format of the published weights; 16 bit where none is given."""
    formats: dict[str, Annotated[str, Ref("format")]] = Field(default_factory=dict)
    """Format that a requested one stands for, where this model's differs: fp8 with a scale per block, say."""
    architecture: Architecture


def to_yaml(record: ModelRecord) -> str:
    """Write the record as YAML text that reads back to an equal record.

    Fields at their default are left out; numbers keep the text in which they were written.
    """
    return to_text(_section(record))


def _section(section: BaseModel) -> dict[str, Any]:
    """Fields in the order of the schema, with id and name first and the citation before what it covers."""
    first = [name for name in ("id", "name", "aliases", "cite", "note") if name in type(section).model_fields]
    names = first + [name for name in type(section).model_fields if name not in first]
    fields = type(section).model_fields
    values = {name: getattr(section, name) for name in names}
    return {
        name: _plain(value)
        for name, value in values.items()
        if fields[name].is_required() or value != fields[name].get_default(call_default_factory=True)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _section(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Quantity):
        return _quantity(value)
    return value


def _quantity(quantity: Quantity) -> dict[str, Any]:
    """Write the full mapping, so that no enclosing citation is needed."""
    given: dict[str, Any] = {"value": quantity.text}
    if quantity.low is not None and quantity.high is not None:
        given["range"] = [quantity.low, quantity.high]
    given |= {"source": quantity.source, "at": quantity.at, "kind": quantity.kind}
    given |= {key: value for key in ("as_of", "note") if (value := getattr(quantity, key)) is not None}
    return given
