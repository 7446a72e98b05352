"""``planner model list``."""

from __future__ import annotations

from typing import Final

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table, document
from planner.cli.people import quantity, whole
from planner.cli.session import Session

__all__ = ["run"]

_COLUMNS: Final = [
    Column("id", "model"),
    Column("name", "name"),
    Column("parameters", "parameters", quantity("count"), right=True),
    Column("active_parameters", "active", quantity("count"), right=True),
    Column("layers", "layers", whole, right=True),
    Column("hidden", "hidden", whole, right=True),
    Column("experts", "experts", whole, right=True),
    Column("recipe_tokens", "trained on", quantity("count"), right=True),
]


@command
def run(session: Session) -> Answer:
    """List the models of the catalog with their counted sizes."""
    from planner.workload.counts import parameters
    from planner.workload.kinds import MODEL

    rows = []
    for record in session.catalog().all(MODEL):
        counted, a = parameters(record.architecture), record.architecture
        rows.append(
            {
                "id": record.id,
                "name": record.name,
                "parameters": counted.total,
                "active_parameters": counted.active,
                "layers": a.depth,
                "hidden": a.hidden,
                "experts": None if a.moe is None else a.moe.experts,
                "recipe_tokens": None if record.recipe is None else record.recipe.tokens.value,
                "aliases": list(record.aliases),
            }
        )
    return Answer(
        document=document("planner.model-list/1", inputs=session.inputs(), result={"models": rows}),
        tables=[Table(_COLUMNS, rows)],
        records=Table([*_COLUMNS, Column("aliases", "aliases")], rows),
    )
