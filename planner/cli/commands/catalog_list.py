"""``planner catalog list [KIND]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.complete import kinds_named
from planner.cli.output import Answer, Column, Table, document
from planner.cli.people import plain, quantity, whole
from planner.cli.session import Session

if TYPE_CHECKING:
    from planner.catalog.kinds import Kind

__all__ = ["run"]

HEADLINES: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "accelerator": (
        ("released", "year", ""),
        ("flops.bf16", "bf16", "flop_per_s"),
        ("flops.fp8", "fp8", "flop_per_s"),
        ("memory.capacity", "memory", "bytes"),
        ("memory.bandwidth", "bandwidth", "bytes_per_s"),
        ("power.tdp", "TDP", "watts"),
    ),
    "system": (
        ("accelerator", "accelerator", ""),
        ("accelerators", "in it", "count"),
        ("scale_up_domain", "scale-up domain", "count"),
        ("fabric", "fabric", ""),
    ),
    "fabric": (
        ("technology", "technology", ""),
        ("link", "link", "bytes_per_s"),
        ("rails", "rails", "count"),
    ),
    "cluster": (("owner", "owner", ""), ("status", "status", ""), ("date", "date", "")),
    "software": (("date", "date", ""), ("family", "class", "")),
    "traffic": (
        ("arrival", "arrival", ""),
        ("input.mean", "input", "count"),
        ("output.mean", "output", "count"),
        ("prefix.hit", "hits", "fraction"),
    ),
    "engine": (("date", "date", ""), ("family", "class", ""), ("scheduling", "scheduling", "")),
    "format": (
        ("attention.weight", "attention", "bytes"),
        ("mlp.weight", "dense", "bytes"),
        ("experts.weight", "experts", "bytes"),
        ("experts.operator", "kernels of experts", ""),
    ),
    "site": (
        ("location", "location", ""),
        ("pue.mean", "PUE", "ratio"),
        ("supplies.0.name", "first supply", ""),
        ("supplies.0.price", "price", "usd_per_kwh"),
        ("supplies.0.carbon", "carbon", "kg_per_kwh"),
    ),
    "price": (("terms", "terms", ""), ("gpu_hour", "per GPU-hour", "usd_per_hour")),
    "purchase": (("per_accelerator", "per accelerator", "usd"),),
    "finance": (
        ("cost_of_capital", "cost of capital", "fraction"),
        ("it_life", "life of servers", "years"),
        ("operations", "upkeep a year", "fraction"),
    ),
    "failures": (("rate", "per host", "count_per_day"), ("host", "accelerators of it", "count")),
    "checkpoint": (("policy", "policy", ""), ("detect", "detect", "s"), ("restart", "restart", "s")),
    "switch": (("ports", "ports", "count"), ("port", "port", "bytes_per_s"), ("power", "power", "watts")),
    "optics": (("rate", "rate", "bytes_per_s"), ("power", "power", "watts"), ("price", "price", "usd")),
    "link": (
        ("sites", "sites", "count"),
        ("bandwidth", "bandwidth", "bytes_per_s"),
        ("length", "length", "meters"),
    ),
    "shape": (
        ("aspect", "width over layers", "count"),
        ("experts.routed", "experts", "count"),
        ("experts.top_k", "at work", "count"),
    ),
    "api-price": (
        ("owner", "owner", ""),
        ("input", "input", "usd_per_token"),
        ("output", "output", "usd_per_token"),
    ),
    "distillation": (
        ("mode", "way", ""),
        ("student", "student", ""),
        ("teacher", "teacher", ""),
        ("api", "bought from", ""),
        ("tokens", "tokens", "count"),
    ),
    "training-recipe": (
        ("model", "model", ""),
        ("shape", "shape", ""),
        ("parameters", "parameters", "count"),
        ("precision", "precision", ""),
    ),
    "overhead": (("experiments", "experiments", "fraction"), ("failed", "thrown away", "fraction")),
    "scenario": (("command", "command", ""),),
    "speculation": (("method", "method", ""), ("drafts", "drafts", "count"), ("draft.cost", "cost", "")),
}
"""What a list shows of each kind beside id and name: path, title and dimension."""


@command
def run(
    session: Session,
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="accelerator, cluster, model ...", autocompletion=kinds_named),
    ] = None,
) -> Answer:
    """List the records of a kind, or the kinds."""
    from planner.cli.names import find_kind

    return _kinds(session) if kind is None else _records(session, find_kind(kind))


def _kinds(session: Session) -> Answer:
    from planner.cli.names import all_kinds

    catalog = session.catalog()
    rows = [
        {"kind": kind.name, "records": len(catalog.ids(kind)), "folder": kind.folder} for kind in all_kinds()
    ]
    columns = [
        Column("kind", "kind"),
        Column("records", "records", whole, right=True),
        Column("folder", "folder"),
    ]
    return Answer(
        document=document(
            "planner.catalog-list/1",
            inputs={"kind": None, **session.inputs()},
            result={"kind": None, "records": rows},
        ),
        tables=[Table(columns, rows)],
        text="List the records of a kind: planner catalog list KIND",
    )


def _records(session: Session, kind: Kind[Any]) -> Answer:
    catalog = session.catalog()
    records = catalog.all(kind)
    headlines = HEADLINES.get(kind.name, ())
    rows = [
        {
            "id": record.id,
            "name": record.name,
            **{_key(path, dimension): _at(record, path) for path, _, dimension in headlines},
            "aliases": list(record.aliases),
        }
        for record in records
    ]
    columns = [
        Column("id", kind.name),
        Column("name", "name"),
        *(
            Column(
                _key(path, dimension),
                title,
                quantity(dimension) if dimension else _text,
                right=bool(dimension),
            )
            for path, title, dimension in headlines
        ),
    ]
    return Answer(
        document=document(
            "planner.catalog-list/1",
            inputs={"kind": kind.name, **session.inputs()},
            result={"kind": kind.name, "records": rows},
        ),
        tables=[Table(columns, rows)],
        records=Table([*columns, Column("aliases", "aliases")], rows),
    )


def _key(path: str, dimension: str) -> str:
    name = path.replace(".", "_")
    return name if dimension in ("", "count") else f"{name}_{dimension}"


def _at(record: Any, path: str) -> Any:
    from planner.catalog.quantity import Quantity

    value = record
    for step in path.split("."):
        value = value[int(step)] if step.isdecimal() else getattr(value, step, None)
    return value.value if isinstance(value, Quantity) else value


def _text(value: Any) -> str:
    return str(value) if isinstance(value, int) else plain(value)
