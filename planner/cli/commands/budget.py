"""``planner budget``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import FailuresOption, FinanceOption, SiteOption

__all__ = ["run"]

_INFEASIBLE: Final = 4


@command
def run(
    session: Session,
    usd: Annotated[str | None, option("--usd", metavar="USD", text="So much money, as in 10B.")] = None,
    mw: Annotated[
        str | None, option("--mw", metavar="MW", text="So much nameplate power at the meter, as in 300.")
    ] = None,
    gpu_hours: Annotated[str | None, option("--gpu-hours", text="So many accelerator-hours.")] = None,
    gpus: Annotated[str | None, option("--gpus", text="So many accelerators.")] = None,
    deal: Annotated[
        str | None, option("--deal", metavar="NAME", text="What this deal pays.", kind="deal")
    ] = None,
    cluster: Annotated[
        str | None,
        option("--cluster", "-c", metavar="NAME", text="As a share of this cluster.", kind="cluster"),
    ] = None,
    gpu: Annotated[
        str | None,
        option("--gpu", metavar="NAME", text="Of this accelerator; default: H100.", kind="accelerator"),
    ] = None,
    days: Annotated[str | None, option("--days", text="That it lasts; default: a year.")] = None,
    price: Annotated[
        str | None,
        option(
            "--price",
            metavar="PRICE",
            text="reserved (default), on-demand, spot, own, colocation, or as in $2.35/h.",
            kind="price",
        ),
    ] = None,
    rule: Annotated[
        str | None,
        option("--rule", metavar="RULE", text="Of H100 equivalents: bf16 (default), 8bit ..."),
    ] = None,
    model: Annotated[
        str | None,
        option("--model", "-m", metavar="MODEL", text="Count users of this model.", kind="model"),
    ] = None,
    site: SiteOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Without runs, largest model and users.", show_default=False)
    ] = False,
) -> Answer:
    """Turn money, power, GPUs or GPU-hours into each other.

    One of --usd, --mw, --gpu-hours, --gpus or --deal; all else follows: hours at every cited price, the share
    of a cluster, GPUs to rent or to buy, power, training runs, users. Exit code 4 where it does not pay one
    accelerator for all the days.
    """
    from planner.plan.budget.budget import budget

    result = budget(
        usd=usd,
        mw=mw,
        gpu_hours=gpu_hours,
        gpus=gpus,
        deal=deal,
        cluster=cluster,
        gpu=gpu,
        days=days,
        price=price,
        rule=rule,
        model=model,
        site=site,
        finance=finance,
        failures=failures,
        brief=brief,
        catalog=session.catalog(),
    )
    answer = result.result
    records = result.records()
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in records[0]], records),
        notes=answer.notes,
        exit_code=_INFEASIBLE if answer.reasons else 0,
    )
