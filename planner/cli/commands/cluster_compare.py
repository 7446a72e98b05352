"""``planner cluster compare NAME...``."""

from __future__ import annotations

from planner.cli.cluster_tables import JobModel, Names, Workload, cluster_answer
from planner.cli.command import command
from planner.cli.output import Answer
from planner.cli.session import Session
from planner.cli.surroundings import FailuresOption, FinanceOption, SiteOption

__all__ = ["run"]


@command
def run(
    session: Session,
    names: Names,
    site: SiteOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
    model: JobModel = None,
    workload: Workload = None,
) -> Answer:
    """Set clusters side by side.

    Each figure, and in brackets its ratio to that of the first.
    """
    from planner.plan.cluster.comparison import compare

    result = compare(
        *names,
        site=site,
        finance=finance,
        failures=failures,
        model=model,
        workload=workload,
        catalog=session.catalog(),
    )
    return cluster_answer(session, result)
