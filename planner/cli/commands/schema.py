"""``planner schema [NAME]``."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.names import all_kinds
from planner.cli.output import Answer, Column, Table, document
from planner.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["RESULTS", "run"]

_HERE: Final = "planner.cli.documents"
RESULTS: Final = {
    "train": ("planner train", "planner.cli.documents_train:Train"),
    "serve": ("planner serve", "planner.cli.documents_serve:Serve"),
    "frontier": ("planner frontier", "planner.cli.documents_frontier:Frontier"),
    "staged": ("planner staged", "planner.cli.documents_staged:Staged"),
    "capacity": ("planner capacity", "planner.cli.documents_capacity:Capacity"),
    "export": ("planner export", "planner.cli.documents_export:Export"),
    "report": ("planner report", "planner.cli.documents_report:Report"),
    "curve": ("planner curve", "planner.cli.documents_curve:Curve"),
    "sweep": ("planner sweep", "planner.cli.documents_sweep:Sweep"),
    "cluster-show": ("planner cluster show", "planner.cli.documents_cluster:ClusterShow"),
    "cluster-list": ("planner cluster list", "planner.cli.documents_cluster:ClusterList"),
    "cluster-compare": ("planner cluster compare", "planner.cli.documents_cluster:ClusterCompare"),
    "cluster-size": ("planner cluster size", "planner.cli.documents_cluster:ClusterSize"),
    "mix": ("planner mix", "planner.cli.documents_mix:Mix"),
    "budget": ("planner budget", "planner.cli.documents_budget:Budget"),
    "post-train": ("planner post-train", "planner.cli.documents_post_train:PostTrain"),
    "distill": ("planner distill", "planner.cli.documents_distill:Distill"),
    "compare": ("planner compare", "planner.cli.documents_compare:Compare"),
    "sensitivity": ("planner sensitivity", "planner.cli.documents_sensitivity:Sensitivity"),
    "validate-training": ("planner validate training", f"{_HERE}:ValidateTraining"),
    "validate-serving": ("planner validate serving", "planner.cli.documents_serving:ValidateServing"),
    "calibrate-training": ("planner calibrate training", f"{_HERE}:CalibrateTraining"),
    "calibrate-serving": ("planner calibrate serving", "planner.cli.documents_serving:CalibrateServing"),
    "calibrate-kernels": ("planner calibrate kernels", "planner.cli.documents_kernels:CalibrateKernels"),
    "catalog-list": ("planner catalog list", f"{_HERE}:CatalogList"),
    "catalog-show": ("planner catalog show", f"{_HERE}:CatalogShow"),
    "catalog-lint": ("planner catalog lint", f"{_HERE}:CatalogLint"),
    "catalog-sources": ("planner catalog sources", f"{_HERE}:CatalogSources"),
    "model-list": ("planner model list", f"{_HERE}:ModelList"),
    "model-show": ("planner model show", f"{_HERE}:ModelShow"),
    "model-import": ("planner model import", f"{_HERE}:ModelImport"),
    "traffic-list": ("planner traffic list", "planner.cli.documents_traffic:TrafficList"),
    "traffic-show": ("planner traffic show", "planner.cli.documents_traffic:TrafficShow"),
    "traffic-import": ("planner traffic import", "planner.cli.documents_traffic:TrafficImport"),
    "schema-list": ("planner schema", f"{_HERE}:SchemaList"),
}
"""Name of an answer's schema: the command, and ``module:Class`` of its type."""
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def _complete(incomplete: str) -> list[str]:
    return sorted(name for name in _names() if name.startswith(incomplete))


@command
def run(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A kind of record, or an answer.", autocompletion=_complete),
    ] = None,
) -> Answer:
    """Print the JSON Schema of a record or an answer.

    Without NAME, list the schemas.
    """
    if name is None:
        return _list()
    schema = {"$schema": _DRAFT, **_schema(_named(name))}
    return Answer(document=schema, text=json.dumps(schema, indent=2, ensure_ascii=False))


def _names() -> dict[str, str]:
    """Return what each schema describes, by its name."""
    records = {kind.name: f"a record in {kind.folder}/" for kind in all_kinds()}
    return records | {name: f"the answer of {asked}" for name, (asked, _) in RESULTS.items()}


def _list() -> Answer:
    rows = [{"name": name, "describes": what} for name, what in _names().items()]
    return Answer(
        document=document("planner.schema-list/1", result={"schemas": rows}),
        tables=[Table([Column("name", "schema"), Column("describes", "describes")], rows)],
    )


def _named(name: str) -> str:
    """Return the plain name of ``train``, ``planner.train/1`` or ``accelerators``."""
    from planner.cli.names import kind_of

    plain = name.removeprefix("planner.").rpartition("/")[0] or name
    if plain in RESULTS:
        return plain
    kind = kind_of(name)
    if kind is None:
        known = list(_names())
        raise InputError(
            f"no schema is called {name[:80]!r}.{did_you_mean(name, known)} There are {', '.join(known)}"
        )
    return kind.name


def _schema(name: str) -> dict[str, Any]:
    if name not in RESULTS:
        record: type[BaseModel] = next(kind for kind in all_kinds() if kind.name == name).schema
        return record.model_json_schema()
    module, _, cls = RESULTS[name][1].partition(":")
    model: type[BaseModel] = getattr(importlib.import_module(module), cls)
    return model.model_json_schema(by_alias=True, mode="serialization")
