"""``planner validate serving [CSV]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.measurements import ServingMeasurements, measurements, skipped
from planner.cli.output import Answer, Column, Table
from planner.cli.people import fixed, percent, whole
from planner.cli.session import Session
from planner.cli.streams import talk
from planner.errors import InputError, suggest

__all__ = ["run"]

_PERCENT: Final = fixed(1, "%")
_METRICS: Final = {
    "tpot_ms": "time per output token", "ttft_ms": "time to first token", "throughput": "throughput"
}  # fmt: skip
_SCORES: Final = [
    Column("rows", "rows", whole, right=True),
    Column("median_abs_pct", "median error", _PERCENT, right=True),
    Column("mean_abs_pct", "mean", _PERCENT, right=True),
    Column("p90_abs_pct", "90 % below", _PERCENT, right=True),
    Column("bias_pct", "bias", _PERCENT, right=True),
    Column("within_20_pct", "within 20 %", _PERCENT, right=True),
    Column("coverage_80", "in interval", percent, right=True),
    Column("width", "high / low", fixed(2), right=True),
]
_ROWS: Final = (
    "id", "metric", "measured", "predicted", "low", "high", "error_pct", "interval", "apart", "skipped",
    "reason", "filled",
)  # fmt: skip
_SHOWN: Final = (
    "engine", "accelerator", "weights", "architecture", "load", "kind", "concurrency", "disaggregated",
    "family",
)  # fmt: skip
"""Groups that are shown where none is asked for."""


@command
def run(
    session: Session,
    csv: ServingMeasurements = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Refit the constants for each family without its rows (minutes; needs the extra 'solve').",
            show_default=False,
        ),
    ] = False,
    calibration: Annotated[
        str,
        typer.Option(
            "--calibration",
            metavar="NAME",
            help="The record of fitted constants.",
            autocompletion=names_of("serving-calibration"),
        ),
    ] = "serving",
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", metavar="GROUP", help="Show errors by this alone; repeatable.", show_default=False
        ),
    ] = None,
) -> Answer:
    """Predict measurements of serving and report the errors.

    Every row is predicted at its own deployment and load, with the code that plans and the clients of
    benchmarks emulated. Errors of times per token, times to first token and throughput come by engine,
    accelerator, precision, kind of model and load, and concurrency; figures that say little about the server
    are counted apart, and a row that is skipped says why.
    """
    from planner.evidence.serving_targets import LABELS
    from planner.evidence.serving_validate import validate_serving

    for name in by or ():
        if name not in LABELS:
            mend = suggest(name, LABELS, otherwise=f"there are {', '.join(LABELS)}")
            raise InputError(f"--by {name!r}: no such group; {mend}")
    with measurements(csv) as path:
        result = validate_serving(
            path,
            catalog=session.catalog(),
            calibration=calibration,
            cross_validate=cross_validate,
            progress=talk,
        )
    document = result.to_dict()
    document["inputs"] |= session.inputs()
    found = document["result"]
    return Answer(
        document=document,
        tables=_tables(found, document["inputs"], by),
        records=Table([Column(key, key) for key in _ROWS], found["rows"]),
        text="\n".join(map(str, result.assumptions)),
    )


def _tables(found: Mapping[str, Any], inputs: Mapping[str, Any], by: list[str] | None) -> list[Table]:
    how = "each family predicted without its rows" if inputs["cross_validated"] else "constants as calibrated"
    summary = [{"key": _METRICS[metric], **scores} for metric, scores in found["summary"].items()]
    return [
        Table([Column("key", "figure"), *_SCORES], summary, f"{inputs['evidence']}, {how}"),
        *_by_group(found["groups"], by or _SHOWN, least=1 if by else 2),
        *_apart(found["apart"]),
        *skipped(found["rows"]),
    ]


def _by_group(groups: Mapping[str, Any], by: Sequence[str], *, least: int) -> list[Table]:
    """Return a table per group and metric that has so many keys; one alone says what the summary does."""
    tables = []
    for label in by:
        for metric, labels in groups.items():
            rows = [{"key": key, **scores} for key, scores in labels.get(label, {}).items()]
            if len(rows) >= least:
                title = f"{_METRICS[metric].capitalize()}, by {label}"
                tables.append(Table([Column("key", label), *_SCORES], rows, title))
    return tables


def _apart(found: Mapping[str, Any]) -> list[Table]:
    from planner.evidence.serving_targets import APART

    columns = [Column("because", "because"), Column("metric", "figure"), *_SCORES]
    rows = [
        {"because": APART[why], "metric": _METRICS[metric], **scores}
        for metric, reasons in found.items()
        for why, scores in reasons.items()
    ]
    return [Table(columns, rows, "Predicted, but counted apart")] if rows else []
