"""``planner compare A B [C ...]``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.pictures import Picture, no_picture
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    ClusterOption,
    FailuresOption,
    FinanceOption,
    GpuOption,
    GpusOption,
    PriceOption,
    SiteOption,
)

__all__ = ["run"]

_INFEASIBLE: Final = 4


@command
def run(
    session: Session,
    picture: Picture,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="SIDE...",
            help="Scenarios; or clusters, accelerators, models, 'tp8 pp16', gpus=1024 under one question.",
            autocompletion=names_of("scenario", "cluster", "accelerator", "model"),
            show_default=False,
        ),
    ],
    of: Annotated[
        str | None, option("--of", metavar="SCENARIO", text="Vary the question of this.", kind="scenario")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="As services; default: as training runs.", show_default=False)
    ] = False,
    model: Annotated[
        str | None, option("--model", "-m", metavar="MODEL", text="Of this model.", kind="model")
    ] = None,
    cluster: ClusterOption = None,
    gpu: GpuOption = None,
    gpus: GpusOption = None,
    tokens: Annotated[str | None, option("--tokens", text="Tokens to train on, as in 15.6T.")] = None,
    days: Annotated[str | None, option("--days", text="To train in, instead of tokens or GPUs.")] = None,
    users: Annotated[str | None, option("--users", text="To serve, as in 1M.")] = None,
    traffic: Annotated[
        str | None, option("--traffic", metavar="NAME", text="What users ask.", kind="traffic")
    ] = None,
    precision: Annotated[
        str | None, option("--precision", metavar="NAME", text="Of training: bf16, fp8, mxfp8 ...")
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            "-w",
            metavar="NAME=VALUE",
            help="Any other input of the question, as in --with isl=8k; repeatable.",
            show_default=False,
        ),
    ] = None,
) -> Answer:
    """Set answers side by side, and explain the difference.

    Ratios are to the first; errors that two sides share cancel in them. Exit code 4 where a side is not
    feasible: the others are still shown.
    """
    from planner.plan.compare.compare import compare

    result = compare(
        *names,
        of=of,
        serve=serve,
        model=model,
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        tokens=tokens,
        days=days,
        users=users,
        traffic=traffic,
        precision=precision,
        site=site,
        price=price,
        finance=finance,
        failures=failures,
        inputs=inputs or (),
        catalog=session.catalog(),
    )
    drawn = bool(result.result.waterfalls)
    if picture.file and result.feasible and not drawn:
        raise no_picture(picture.file, f"a comparison of answers of planner {result.inputs.question}")
    records = result.records()
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in records[0]] if records else [], records),
        notes=result.result.notes,
        exit_code=0 if result.feasible else _INFEASIBLE,
        picture=picture.of("waterfall", result) if drawn else None,
    )
