"""``planner cluster show NAME``."""

from __future__ import annotations

from planner.cli.cluster_tables import JobModel, Name, Workload, cluster_answer
from planner.cli.command import command
from planner.cli.output import Answer
from planner.cli.session import Session
from planner.cli.surroundings import AvailabilityOption, FailuresOption, FinanceOption, SiteOption

__all__ = ["run"]


@command
def run(
    session: Session,
    name: Name,
    site: SiteOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
    availability: AvailabilityOption = None,
    model: JobModel = None,
    workload: Workload = None,
) -> Answer:
    """Show the fact sheet of a cluster.

    H100 equivalents by each rule, network, power, a year's energy and carbon, capital, prices of an hour,
    failures, and what is said of it beside what comes out here.
    """
    from planner.plan.cluster.sheet import show

    result = show(
        name,
        site=site,
        finance=finance,
        failures=failures,
        availability=availability,
        model=model,
        workload=workload,
        catalog=session.catalog(),
    )
    return cluster_answer(session, result, sheet=result.result)
