"""``planner model import CONFIG``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.command import command
from planner.cli.output import Answer, document
from planner.cli.streams import read_input
from planner.errors import InputError

__all__ = ["run"]


@command
def run(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG", help="A Hugging Face config.json, or - for stdin.", show_default=False
        ),
    ],
    id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Id of the record; its file is ID.yaml.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Name for people.")] = None,
) -> Answer:
    """Turn a Hugging Face config.json into a record.

    Write it to DIR/workloads/models/ID.yaml and use it with --catalog DIR.
    """
    from planner.workload.hf_config import import_config, slug
    from planner.workload.record import to_yaml

    if id is not None and id != slug(id):
        raise InputError(
            f"--id {id[:80]!r} is no id; use lower case letters, digits, '-', '.' and '_'"
            + (f", for example {slug(id)}" if slug(id) else "")
        )
    where = "standard input" if config == "-" else config
    record, notes = import_config(read_input(config), record_id=id, name=name, where=where)
    return Answer(
        document=document(
            "planner.model-import/1",
            inputs={"config": config, "id": id, "name": name},
            assumptions=list(notes),
            result={"record": record.model_dump(mode="json", exclude_none=True)},
        ),
        text=to_yaml(record),
        notes=notes,
    )
