"""``planner cluster size``."""

from __future__ import annotations

from typing import Annotated

from planner.cli.cluster_tables import JobModel, Workload, cluster_answer
from planner.cli.command import command
from planner.cli.output import Answer
from planner.cli.plans import option
from planner.cli.session import Session
from planner.cli.surroundings import FailuresOption, FinanceOption, PriceOption, SiteOption

__all__ = ["run"]


@command
def run(
    session: Session,
    accelerator: Annotated[
        str | None,
        option(
            "--accelerator",
            "--gpu",
            "--system",
            metavar="NAME",
            text="Of this accelerator in its usual system, or of this system.",
            kind="accelerator",
        ),
    ] = None,
    h100e: Annotated[
        str | None, option("--h100e", text="So many H100 equivalents, as in 1M; needs --rule.")
    ] = None,
    rule: Annotated[
        str | None,
        option("--rule", metavar="RULE", text="bf16, 8bit, hbm-bandwidth, memory, workload."),
    ] = None,
    budget: Annotated[
        str | None, option("--budget", metavar="USD", text="What so much money buys, as in '10B USD'.")
    ] = None,
    years: Annotated[
        str | None, option("--years", metavar="Y", text="Of rent that the budget pays; default: 1.")
    ] = None,
    power: Annotated[
        str | None,
        option("--power", metavar="POWER", text="What so much power at the meter carries: '300 MW'."),
    ] = None,
    power_of: Annotated[
        str | None,
        option("--power-of", metavar="WHICH", text="It is of nameplate (default), peak or average."),
    ] = None,
    gpus: Annotated[str | None, option("--gpus", text="So many accelerators, in whole systems.")] = None,
    fabric: Annotated[
        str | None, option("--fabric", metavar="NAME", text="Network between systems.", kind="fabric")
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
    model: JobModel = None,
    workload: Workload = None,
) -> Answer:
    """Size a cluster: GPUs, racks, MW and dollars.

    For so many H100 equivalents by a rule, or what a budget or a power limit buys, or both. Whole systems are
    bought. Exit code 4 where not one of them fits.
    """
    from planner.plan.cluster.sizing import size

    result = size(
        accelerator,
        h100e=h100e,
        rule=rule,
        budget=budget,
        years=years,
        power=power,
        power_of=power_of,
        gpus=gpus,
        fabric=fabric,
        site=site,
        price=price,
        finance=finance,
        failures=failures,
        model=model,
        workload=workload,
        catalog=session.catalog(),
    )
    answer = result.result
    return cluster_answer(session, result, sheet=answer.sheet, infeasible=answer.sheet is None)
