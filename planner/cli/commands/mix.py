"""``planner mix CLUSTER``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.cluster_tables import Name
from planner.cli.command import command
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.streams import read_input
from planner.cli.surroundings import FailuresOption, FinanceOption, PowerCapOption, PriceOption, SiteOption

if TYPE_CHECKING:
    from planner.plan.mix.results import MixResult

__all__ = ["run"]

_INFEASIBLE = 4


@command
def run(
    session: Session,
    cluster: Name,
    jobs: Annotated[
        str,
        option(
            "--jobs",
            "-j",
            metavar="FILE",
            text="Jobs that share it: a file in YAML, a set of the catalog, or - for stdin.",
            kind="jobs",
        ),
    ],
    objective: Annotated[
        str | None,
        option(
            "--objective",
            metavar="NAME",
            text="value (default where jobs name a worth), cost, or finish: as early as can be.",
        ),
    ] = None,
    days: Annotated[
        str | None, option("--days", text="Of the plan; default: those of the jobs, or their last deadline.")
    ] = None,
    periods: Annotated[str, typer.Option("--periods", metavar="N", help="Of a day.")] = "24",
    power_cap: PowerCapOption = None,
    rates: Annotated[
        str,
        typer.Option("--rates", metavar="NAME", help="middle, or low: hold deadlines where all is slower."),
    ] = "middle",
    whole: Annotated[
        bool, typer.Option("--whole", help="Give out whole systems only.", show_default=False)
    ] = False,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
) -> Answer:
    """Share a cluster between jobs, at a proven optimum.

    Training runs with deadlines, post-training, services that follow the day, batches that may wait and
    reserves; over groups of hardware and hours of the day. Says what one more GPU, megawatt or day is worth.
    Exit code 4 where not all that must be done can be: the answer says by how much, and what would mend it.
    """
    from planner.plan.mix.mix import mix

    given: Any = read_input("-") if jobs == "-" else jobs
    result = mix(
        cluster,
        jobs=given,
        objective=objective,
        days=days,
        periods=periods,
        power_cap=power_cap,
        rates=rates,
        whole=whole,
        site=site,
        price=price,
        finance=finance,
        failures=failures,
        catalog=session.catalog(),
    )
    return _answer(session, result)


def _answer(session: Session, result: MixResult) -> Answer:
    from planner.plan.mix.table import records_of

    records = records_of(result)
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], records),
        notes=result.result.notes,
        exit_code=0 if result.plan is not None else _INFEASIBLE,
    )
