"""``planner calibrate kernels``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table, document
from planner.cli.people import fixed, plain, whole
from planner.cli.records import Date, Save, check_date, save_records
from planner.cli.session import Session

__all__ = ["run"]

_PERCENT: Final = fixed(1, "%")
_RATES: Final = [
    Column("record", "record"),
    Column("rate", "rate"),
    Column("value", "fitted", fixed(3), right=True),
    Column("low", "low", fixed(3), right=True),
    Column("high", "high", fixed(3), right=True),
    Column("rows", "rows", whole, right=True),
    Column("catalog", "catalog", plain, right=True),
    Column("change_pct", "change", _PERCENT, right=True),
]
_ERRORS: Final = [
    Column("accelerator", "accelerator"),
    Column("kernel", "kernel"),
    Column("rows", "rows", whole, right=True),
    Column("median_abs_pct", "median error", _PERCENT, right=True),
    Column("p90_abs_pct", "90 % below", _PERCENT, right=True),
    Column("bias_pct", "bias", _PERCENT, right=True),
    Column("small_rows", "small", whole, right=True),
    Column("small_bias_pct", "bias", _PERCENT, right=True),
]


@command
def run(
    session: Session,
    gemm: Annotated[
        str | None,
        typer.Option(
            "--gemm",
            metavar="CSV",
            help="Your own products, in the columns of workloads/evidence/kernels/gemm.csv.",
            show_default=False,
        ),
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            "--attention",
            metavar="CSV",
            help="Your own attention cores, in the columns of attention.csv there.",
            show_default=False,
        ),
    ] = None,
    save: Save = None,
    date: Date = None,
) -> Answer:
    """Fit the rates of kernels to measured kernels.

    Prints the fitted rates beside the catalog's, and the errors of the laws on shapes left out of the fit.
    Needs the extra 'solve'.
    """
    from planner.catalog.kinds import KERNELS
    from planner.evidence.kernels import calibrate_kernels

    check_date(date)
    found = calibrate_kernels(
        session.catalog(),
        date,
        gemm=None if gemm is None else Path(gemm),
        attention=None if attention is None else Path(attention),
    )
    save_records(save, KERNELS.folder, found.texts)
    result = found.to_dict()
    return Answer(
        document=document(
            "planner.calibrate-kernels/1",
            inputs={"gemm": gemm, "attention": attention, "date": date, **session.inputs()},
            assumptions=list(found.notes),
            result=result,
        ),
        tables=[
            Table(_RATES, result["rates"], "Rates, as shares of the dense peak (head_half: a head size)"),
            Table(_ERRORS, [_errors(fit) for fit in result["fits"]], "Errors on shapes left out of the fit"),
        ],
        notes=found.notes,
    )


def _errors(fit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the errors of a fit as a row; shapes below the regime of training were never fitted."""
    small = fit["small"]
    named = {"accelerator": fit["accelerator"], "kernel": fit["kernel"], "small_rows": small["rows"]}
    return {**fit["errors"], **named, "small_bias_pct": small["bias_pct"] if small["rows"] else None}
