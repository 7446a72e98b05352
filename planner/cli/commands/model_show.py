"""``planner model show MODEL``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.commands.catalog_show import bibliography
from planner.cli.model_argument import Model, check_overrides, read_model
from planner.cli.output import Answer, Column, Table, document
from planner.cli.people import quantity
from planner.cli.session import Session

if TYPE_CHECKING:
    from planner.workload.summary import ModelSummary

__all__ = ["run"]

_COLUMNS: Final = [Column("name", "count"), Column("text", "value", right=True), Column("note", "")]
_RECORDS: Final = [Column(key, key) for key in ("key", "value", "unit", "note")]


@command
def run(
    session: Session,
    model: Model,
    seq_len: Annotated[
        int, typer.Option("--seq-len", metavar="TOKENS", help="Length of the sequence that is counted.")
    ] = 4096,
    kv_precision: Annotated[
        str, typer.Option("--kv-precision", metavar="NAME", help="Of the cached keys and values.")
    ] = "bf16",
) -> Answer:
    """Count the parameters, FLOPs and cache of a model.

    Parameters come by part and beside the published sizes; FLOPs per token under both attention conventions.
    """
    from planner.workload.summary import summarize

    record, notes = read_model(session, model)
    check_overrides(session)
    summary = summarize(record, seq_len=seq_len, kv_precision=kv_precision)
    rows = list(_rows(summary))
    catalog = session.catalog()
    return Answer(
        document=document(
            "planner.model-show/1",
            inputs={"model": model, "seq_len": seq_len, "kv_precision": kv_precision, **session.inputs()},
            result=summary.to_dict(),
            sources=bibliography(catalog.bibliography(catalog.used)),
        ),
        tables=[
            Table(_COLUMNS, rows, title=f"{summary.name} ({summary.id}): {summary.layers} layers, "
                  f"hidden {summary.hidden:,}, vocabulary {summary.vocab:,}")
        ],
        records=Table(_RECORDS, rows),
        notes=notes,
    )  # fmt: skip


def _rows(summary: ModelSummary) -> Iterator[dict[str, Any]]:
    """Yield name, value, unit and note of every count."""
    for part, value in summary.parameters.items():
        if value:
            yield _row(f"parameters, {part.replace('_', ' ')}", value, "count")
    yield _row("parameters, total", summary.total, "count", _against(summary, "total"))
    yield _row("parameters, active per token", summary.active, "count", _against(summary, "active"))
    yield _row("parameters, without embeddings", summary.non_embedding, "count")
    if summary.mtp:
        yield _row("parameters, multi-token prediction", summary.mtp, "count", "not in the total")
    conventions = {"causal": "causal: half of all pairs", "full": "full: all pairs"}
    for convention, found in summary.flops_per_token.items():
        for what, flop in (("forward", found.forward), ("training", found.training)):
            note = f"attention {conventions[convention]}, {summary.seq_len:,} tokens"
            yield _row(f"FLOP per token, {what}, {convention}", flop, "flop", note)
    kept = f"{summary.kv_precision} cache"
    yield _row("cache, one more token", summary.kv_bytes_per_token, "bytes", kept)
    yield _row(
        "cache, one sequence", summary.kv_bytes_per_sequence, "bytes", f"{kept}, {summary.seq_len:,} tokens"
    )
    if summary.state_bytes_per_sequence:
        yield _row("recurrent state, one sequence", summary.state_bytes_per_sequence, "bytes", "fp32 state")
    if summary.context is not None:
        yield _row("context, at most", summary.context, "count", "tokens")
    meant = ", ".join(f"{asked} means {found}" for asked, found in summary.formats.items())
    yield _named("weights, as published", summary.checkpoint, meant)


def _row(name: str, value: float, unit: str, note: str = "") -> dict[str, Any]:
    exact = f"{value:,}" if unit == "count" else quantity(unit)(value)
    return _named(name, exact, note) | {"value": value, "unit": unit}


def _named(name: str, text: str, note: str = "") -> dict[str, Any]:
    key = name.casefold().replace(",", "").replace(" ", "_").replace("-", "_")
    return {"key": key, "name": name, "value": text, "unit": "", "text": text, "note": note}


def _against(summary: ModelSummary, size: str) -> str:
    stated = summary.published.get(size)
    if stated is None:
        return ""
    return f"published {quantity('count')(stated.published)} ({stated.deviation_pct:+.2f} %)"
