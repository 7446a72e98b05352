"""The JSON documents of the data commands, as types: what ``planner schema`` prints of them.

The documents of the questions (train, validate ...) are types of the library. Nothing is read through these;
tests check that what the commands print obeys them.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from planner.workload.summary import ModelSummary

__all__ = [
    "CatalogLint",
    "CatalogList",
    "CatalogShow",
    "CatalogSources",
    "ModelImport",
    "ModelList",
    "ModelShow",
    "SchemaList",
]

N = TypeVar("N", bound=str)
R = TypeVar("R")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Reference(_Closed):
    """An entry of the bibliography."""

    title: str | None = None
    publisher: str | None = None
    accessed: str | None = None
    url: str | None = None
    date: str | None = None
    licence: str | None = None
    note: str | None = None


class Document(_Closed, Generic[N, R]):
    """What every answer is: the request as it was understood, the answer, and where its numbers come from."""

    name: N = Field(alias="schema")
    """Name and version of this schema."""
    inputs: dict[str, Any]
    assumptions: list[str]
    """What was filled in, and why."""
    result: R
    sources: dict[str, Reference]
    """Source key to its entry in the bibliography."""


class ListedRecord(BaseModel):
    """A record in brief, with the figures that tell records of its kind apart; units are in the names."""

    model_config = ConfigDict(extra="allow")
    id: str
    name: str
    aliases: list[str]


class ListedKind(_Closed):
    """A kind of record."""

    kind: str
    records: int
    folder: str


class Listing(_Closed):
    """Records of a kind, or the kinds."""

    kind: str | None
    records: list[ListedRecord] | list[ListedKind]


class Shown(_Closed):
    """One record; ``planner schema KIND`` describes `record`, its quantities being objects here."""

    kind: str
    id: str
    file: str
    record: dict[str, Any]


class Mistakes(_Closed):
    """One sentence for each mistake: ``file:line: path: what is wrong; the mend``."""

    mistakes: list[str]


class Source(Reference):
    """A source with its key."""

    source: str


class RecordName(_Closed):
    """Kind and id of a record."""

    kind: str
    id: str


class Sources(_Closed):
    """Sources, and for a single one the records that cite it."""

    sources: list[Source]
    cited_by: list[RecordName] | None = None


class ListedModel(_Closed):
    """A model in brief."""

    id: str
    name: str
    parameters: int
    active_parameters: int
    layers: int
    hidden: int
    experts: int | None
    recipe_tokens: float | None
    aliases: list[str]


class Models(_Closed):
    """The models of the catalog."""

    models: list[ListedModel]


class Imported(_Closed):
    """A record made of a configuration; ``planner schema model`` describes it."""

    record: dict[str, Any]


class ListedSchema(_Closed):
    """A schema, and what it describes."""

    name: str
    describes: str


class Schemas(_Closed):
    """The schemas there are."""

    schemas: list[ListedSchema]


class CatalogList(Document[Literal["planner.catalog-list/1"], Listing]):
    """``planner catalog list``."""


class CatalogShow(Document[Literal["planner.catalog-show/1"], Shown]):
    """``planner catalog show``."""


class CatalogLint(Document[Literal["planner.catalog-lint/1"], Mistakes]):
    """``planner catalog lint``."""


class CatalogSources(Document[Literal["planner.catalog-sources/1"], Sources]):
    """``planner catalog sources``."""


class ModelList(Document[Literal["planner.model-list/1"], Models]):
    """``planner model list``."""


class ModelShow(Document[Literal["planner.model-show/1"], ModelSummary]):
    """``planner model show``."""


class ModelImport(Document[Literal["planner.model-import/1"], Imported]):
    """``planner model import``."""


class SchemaList(Document[Literal["planner.schema-list/1"], Schemas]):
    """``planner schema``."""
