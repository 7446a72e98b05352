"""Bases of every record of the catalog: strict, frozen, and aware of the citation above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from planner.catalog.quantity import ORIGINS, UNKNOWN_CITE, IsoDate, Origin, enclosing_cite

__all__ = ["Cite", "Items", "Record", "Ref", "Section", "Source", "Strict", "Text"]

T = TypeVar("T")

Items = Annotated[tuple[T, ...], Field(strict=False)]
"""A YAML list, held as a tuple."""

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""Text that is not blank."""


@dataclass(frozen=True)
class Ref:
    """Marks a text field as the id of another record, which ``catalog lint`` checks.

    ``accelerator: Annotated[str, Ref("accelerator")]``
    """

    kind: str


class Strict(BaseModel):
    """Base of all models: no unknown fields, no silent conversion, no change after reading."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Cite(Strict):
    """Where the numbers below it come from, unless they say otherwise."""

    source: Text
    """Key in ``sources.yaml``."""
    at: Text
    """Page, table, section."""
    kind: Origin
    as_of: IsoDate | None = None
    note: str | None = None


class Section(Strict):
    """A mapping of a record; its ``cite``, where it has one, holds for every quantity inside."""

    cite: Cite | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _lend_the_cite(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        cite = data.get("cite") if isinstance(data, Mapping) else None
        if cite is None:
            return handler(data)
        with enclosing_cite(_lendable(cite)):
            return handler(data)


def _lendable(cite: object) -> Mapping[str, object]:
    if isinstance(cite, Cite):
        return cite.model_dump()
    if not isinstance(cite, Mapping) or cite.get("kind") not in ORIGINS:
        return UNKNOWN_CITE
    return cite if all(isinstance(cite.get(key), str) for key in ("source", "at")) else UNKNOWN_CITE


class Record(Section):
    """A file of the catalog; its ``id`` is the stem of the file's name."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Lower case letters, digits, ``-``, ``.`` and ``_``."""
    name: Text
    """The name for people."""
    aliases: Items[Text] = ()
    """Other names by which it is found, ignoring case."""
    note: str | None = None


class Source(Strict):
    """An entry of ``sources.yaml``."""

    title: Text
    publisher: Text
    accessed: IsoDate
    """When it was last read; for a recalled source, when it was recalled."""
    url: Text | None = None
    date: IsoDate | None = None
    """When it was published."""
    licence: str | None = None
    note: str | None = None
