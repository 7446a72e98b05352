"""``planner cluster list``."""

from __future__ import annotations

from typing import Annotated

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import document_of, option, text_table
from planner.cli.session import Session

__all__ = ["run"]


@command
def run(
    session: Session,
    status: Annotated[
        str | None,
        option("--status", metavar="NAME", text="Only those built, planned, announced or hypothetical."),
    ] = None,
) -> Answer:
    """List the clusters of the catalog in H100 equivalents.

    Each number of H100 equivalents is by the rule that its column names; the rules differ.
    """
    from planner.plan.cluster import table
    from planner.plan.cluster.listing import clusters

    result = clusters(status=status, catalog=session.catalog())
    records = table.records_of(result)
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[
            text_table(table.LIST_HEAD, table.list_rows(result.result.clusters), title=table.headline(result))
        ],
        records=Table([Column(key, key) for key in keys], records),
        text="The fact sheet of one: planner cluster show NAME",
    )
