"""``planner staged RECIPE``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    AvailabilityOption,
    CheckpointOption,
    ClusterOption,
    FailuresOption,
    FinanceOption,
    GpuOption,
    GpusOption,
    PowerCapOption,
    PriceOption,
    SiteOption,
    SoftwareOption,
)

if TYPE_CHECKING:
    from planner.plan.staged.results import StagedResult

__all__ = ["run"]

_INFEASIBLE = 4
Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A training recipe of the catalog, as llama-3.1-405b or dense-1e27.",
        autocompletion=names_of("training-recipe"),
        show_default=False,
    ),
]


@command
def run(
    session: Session,
    recipe: Recipe,
    cluster: ClusterOption = None,
    gpu: GpuOption = None,
    gpus: GpusOption = None,
    precision: Annotated[
        str | None, option("--precision", metavar="NAME", text="Of all stages: bf16, fp8, mxfp8, nvfp4 ...")
    ] = None,
    software: SoftwareOption = None,
    overhead: Annotated[
        str, typer.Option("--overhead", metavar="NAME", help="Shares of experiments and failed runs.")
    ] = "usual",
    experiments: Annotated[
        str | None,
        option("--experiments", metavar="SHARE", text="Compute before the run, of the run's: 150%."),
    ] = None,
    failed: Annotated[
        str | None, option("--failed", metavar="SHARE", text="Steps thrown away, of the run's: 5%.")
    ] = None,
    layouts: Annotated[
        str, typer.Option("--layouts", metavar="WHICH", help="all, or regular ones: faster to find.")
    ] = "all",
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    power_cap: PowerCapOption = None,
    failures: FailuresOption = None,
    availability: AvailabilityOption = None,
    checkpoint: CheckpointOption = None,
) -> Answer:
    """Train by a recipe of stages, with what a run takes beside it.

    Batches that grow and sequences that get longer, each in its own layout; experiments and failed runs as a
    stated share. Exit code 4 where a stage is not feasible.
    """
    from planner.plan.staged.run import staged

    result = staged(
        recipe,
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        precision=precision,
        software=software,
        overhead=overhead,
        experiments=experiments,
        failed=failed,
        layouts=layouts,
        site=site,
        price=price,
        finance=finance,
        power_cap=power_cap,
        failures=failures,
        availability=availability,
        checkpoint=checkpoint,
        catalog=session.catalog(),
    )
    return _answer(session, result)


def _answer(session: Session, result: StagedResult) -> Answer:
    records = result.records()
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], records),
        notes=result.result.notes,
        exit_code=0 if result.plan is not None else _INFEASIBLE,
    )
