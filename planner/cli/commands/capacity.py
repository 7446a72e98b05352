"""``planner capacity [CLUSTER]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import FailuresOption, FinanceOption, PriceOption, SiteOption

if TYPE_CHECKING:
    from planner.plan.capacity.results import CapacityResult

__all__ = ["run"]

_INFEASIBLE = 4
Cluster = Annotated[
    str,
    typer.Argument(
        metavar="[CLUSTER]",
        help="A cluster, so many accelerators (gb200:100000) or systems (gb200-nvl72:18).",
        autocompletion=names_of("cluster"),
    ),
]


@command
def run(
    session: Session,
    cluster: Cluster = "colossus-1m",
    dossier: Annotated[
        str, typer.Option("--dossier", metavar="NAME", help="Runs, models and traffics looked at.")
    ] = "usual",
    sections: Annotated[
        str | None,
        option(
            "--sections",
            metavar="NAMES",
            text="Some of site, training, frontier, serving, distillation, post-training.",
        ),
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
    workers: Annotated[
        str | None, option("--workers", text="Processes; default: one for each core. Answers are the same.")
    ] = None,
) -> Answer:
    """Say what a cluster is, trains and serves, in one screen.

    The site and its failures, training runs up to 1e28 FLOP, users and costs of services, and what binds.
    What is not feasible says why; exit code 4 where nothing is.
    """
    from planner.plan.capacity.capacity import capacity

    result = capacity(
        cluster,
        dossier=dossier,
        sections=sections,
        site=site,
        price=price,
        finance=finance,
        failures=failures,
        workers=workers,
        catalog=session.catalog(),
    )
    return _answer(session, result)


def _answer(session: Session, result: CapacityResult) -> Answer:
    records = result.records()
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], records),
        notes=result.result.notes,
        exit_code=0 if result.feasible else _INFEASIBLE,
    )
