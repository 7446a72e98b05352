"""``planner validate training [CSV]``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.measurements import Measurements, Models, measurements, skipped
from planner.cli.output import Answer, Column, Table
from planner.cli.people import fixed, percent, plain, whole
from planner.cli.session import Session
from planner.errors import InputError, suggest

if TYPE_CHECKING:
    from planner.evidence.validate import ValidationResult

__all__ = ["run"]

_PERCENT: Final = fixed(1, "%")
_ERRORS: Final = [
    Column("rows", "rows", whole, right=True),
    Column("median_abs_pct", "median error", _PERCENT, right=True),
    Column("mean_abs_pct", "mean", _PERCENT, right=True),
    Column("p90_abs_pct", "90 % below", _PERCENT, right=True),
    Column("bias_pct", "bias", fixed(1, "%"), right=True),
]
_ROWS: Final = ("id", "metric", "measured", "predicted", "low", "high", "error_pct", "skipped", "reason")


@command
def run(
    session: Session,
    csv: Measurements = None,
    models: Models = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Refit the constants for each family without its rows (needs the extra 'solve').",
            show_default=False,
        ),
    ] = False,
    calibration: Annotated[
        str, typer.Option("--calibration", metavar="NAME", help="The record of fitted constants.")
    ] = "training",
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", metavar="GROUP", help="Show errors by this alone; repeatable.", show_default=False
        ),
    ] = None,
) -> Answer:
    """Predict measured training runs and report the errors.

    Every row is predicted at its own layout, with the code that plans. Errors come by family, accelerator,
    model, precision, scale and class; a row that is skipped says why.
    """
    from planner.evidence.validate import validate_training

    with measurements(csv) as path:
        result = validate_training(
            path,
            models=None if models is None else Path(models),
            catalog=session.catalog(),
            calibration=calibration,
            cross_validate_families=cross_validate,
        )
    document = result.to_dict()
    document["inputs"] |= session.inputs()
    return Answer(
        document=document,
        tables=_tables(document["result"], result, by or []),
        records=Table([Column(key, key) for key in _ROWS], document["result"]["rows"]),
        text="\n".join(map(str, result.assumptions)),
    )


def _tables(found: Mapping[str, Any], result: ValidationResult, by: list[str]) -> list[Table]:
    groups: Mapping[str, Mapping[str, Any]] = found["groups"]
    for name in by:
        if name not in groups:
            mend = suggest(name, groups, otherwise=f"there are {', '.join(groups)}")
            raise InputError(f"--by {name!r}: no such group; {mend}")
    where = "each family predicted without its rows" if result.cross_validated else "constants as calibrated"
    return [
        _pairs(f"{result.evidence}, {where}", found["summary"]),
        *(_by(name, groups[name]) for name in by or groups),
        *_memory(found["memory"]),
        *skipped(found["rows"]),
    ]


def _pairs(title: str, values: Mapping[str, Any]) -> Table:
    rows = [
        {"name": name.replace("_pct", "").replace("_", " "), "value": _shown(name, value)}
        for name, value in values.items()
    ]
    return Table([Column("name", ""), Column("value", "", right=True)], rows, title, headed=False)


def _shown(name: str, value: Any) -> str:
    if name.startswith("coverage"):
        return percent(value)
    return _PERCENT(value) if name.endswith("_pct") else plain(value)


def _by(name: str, errors: Mapping[str, Any]) -> Table:
    return Table([Column("key", name), *_ERRORS], [{"key": key, **error} for key, error in errors.items()])


def _memory(memory: Mapping[str, Any]) -> list[Table]:
    if not memory["by_view"] and not memory["ran"] and not memory["out_of_memory"]:
        return []
    lists = {name: value for name, value in memory.items() if isinstance(value, list) and name != "rows"}
    plain_values = {name: value for name, value in memory.items() if not isinstance(value, (list, dict))}
    views = memory["by_view"]
    return [
        *([_by("memory, by what is counted", views)] if views else []),
        _pairs("Memory", plain_values | {name: len(value) for name, value in lists.items()}),
    ]
