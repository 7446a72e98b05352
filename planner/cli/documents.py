"""The JSON documents of the data commands, as types: what ``planner schema`` prints of them.

The documents of the questions (train, validate ...) are types of the library. Nothing is read through these;
tests check that what the commands print obeys them.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from planner.workload.summary import ModelSummary

__all__ = [
    "CalibrateTraining",
    "CatalogLint",
    "CatalogList",
    "CatalogShow",
    "CatalogSources",
    "ModelImport",
    "ModelList",
    "ModelShow",
    "SchemaList",
    "ValidateTraining",
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


class Errors(_Closed):
    """Errors of predictions, in percent of the measurement."""

    rows: int
    median_abs_pct: float
    mean_abs_pct: float
    p90_abs_pct: float
    bias_pct: float
    """Median of the signed errors; positive is predicted too much."""


class Summary(Errors):
    """Errors of all rows."""

    coverage_80: float
    """Share of the rows within their 80 % interval."""
    cells: int
    """Pairs of model and accelerator with five rows or more."""
    cells_within_12: int


class Row(_Closed):
    """One measured run; the interval is in the unit of the metric."""

    id: str
    metric: Literal["step_time_s"]
    measured: float | None
    predicted: float | None
    low: float | None
    high: float | None
    error_pct: float | None
    skipped: bool
    reason: str | None
    """Why it was skipped."""
    filled: list[str]
    """Settings that the row leaves blank, and how they were filled."""


class MemoryRow(_Closed):
    """Peak memory of one run."""

    id: str
    source: str
    view: str
    """What its log counts: the framework's allocation, or the device's use."""
    measured_gb: float
    predicted_gb: float
    error_pct: float
    fit_probability: float


class MemoryErrors(_Closed):
    """Peak memory, and whether runs that ran would have been called feasible."""

    by_view: dict[str, Errors]
    by_source: dict[str, Errors]
    sigma: float
    spread: float
    ran: int
    ran_below_tenth: list[str]
    out_of_memory: int
    failed_above_nine_tenths: list[str]
    brier: float | None
    rows: list[MemoryRow]


class Validation(_Closed):
    """Errors of the estimator on measured runs."""

    summary: Summary
    groups: dict[str, dict[str, Errors]]
    memory: MemoryErrors
    rows: list[Row]


class Calibration(_Closed):
    """Constants fitted to measurements, as a record of the catalog."""

    rows: int
    families: list[str]
    summary: dict[str, float]
    yaml: str


class ValidateTraining(_Closed):
    """``planner validate training``."""

    name: Literal["planner.validate-training/1"] = Field(alias="schema")
    inputs: dict[str, Any]
    assumptions: list[str]
    result: Validation
    sources: list[str]
    """Where the rows were measured."""


class CalibrateTraining(Document[Literal["planner.calibrate-training/1"], Calibration]):
    """``planner calibrate training``."""


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
