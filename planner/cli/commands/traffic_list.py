"""``planner traffic list``."""

from __future__ import annotations

from typing import Any, Final

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table, document
from planner.cli.people import percent, quantity
from planner.cli.session import Session

__all__ = ["run"]

_COLUMNS: Final = [
    Column("id", "traffic"),
    Column("name", "name"),
    Column("arrival", "arrival"),
    Column("input_tokens", "input", quantity("count"), right=True),
    Column("output_tokens", "output", quantity("count"), right=True),
    Column("prefix_hit", "hits", percent, right=True),
    Column("ttft_s", "TTFT", quantity("s"), right=True),
    Column("tpot_s", "TPOT", quantity("s"), right=True),
]


@command
def run(session: Session) -> Answer:
    """List the traffic profiles with their mean lengths and targets."""
    from planner.workload.kinds import TRAFFIC

    rows: list[dict[str, Any]] = []
    for profile in session.catalog().all(TRAFFIC):
        slo = profile.slo
        rows.append(
            {
                "id": profile.id,
                "name": profile.name,
                "arrival": profile.arrival,
                "input_tokens": profile.isl,
                "output_tokens": profile.osl,
                "prefix_hit": profile.hit,
                "ttft_s": None if slo.ttft is None else slo.ttft.seconds,
                "tpot_s": None if slo.tpot is None else slo.tpot.seconds,
                "users_known": profile.demand is not None,
                "aliases": list(profile.aliases),
            }
        )
    return Answer(
        document=document("planner.traffic-list/1", inputs=session.inputs(), result={"traffic": rows}),
        tables=[Table(_COLUMNS, rows)],
        records=Table([*_COLUMNS, Column("users_known", ""), Column("aliases", "aliases")], rows),
    )
