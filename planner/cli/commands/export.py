"""``planner export FORMAT PLAN``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import document_of
from planner.cli.session import Session

__all__ = ["run"]

_COLUMNS = [Column(name, name) for name in ("role", "hosts", "argument", "value", "says")]


@command
def run(
    session: Session,
    format_: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="megatron-lm, megatron-bridge, torchtitan, vllm, sglang, tensorrt-llm, or one of yours.",
            autocompletion=names_of("launcher"),
            show_default=False,
        ),
    ],
    plan: Annotated[
        str,
        typer.Argument(
            metavar="PLAN",
            help="An answer in JSON, a scenario of train or serve (file or name), or - for stdin.",
            autocompletion=names_of("scenario"),
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="The model, where the answer names one that is not in the catalog.",
            show_default=False,
        ),
    ] = None,
) -> Answer:
    """Write the plan of train or serve as launch arguments.

    Prints a script for a shell: files, commands, and in comments all that the program cannot be told. Try
    planner train MODEL --json | planner export megatron-lm -
    """
    from planner.plan.export.export import export
    from planner.plan.export.script import argument_rows

    result = export(format_, _read(plan), model=model, catalog=session.overlays, set=session.overrides)
    return Answer(
        document=document_of(session, result),
        text=result.script,
        records=Table(_COLUMNS, argument_rows(result)),
        notes=[f"{one.fact} = {one.value} is not said: {one.sentence}" for one in result.result.unsaid],
    )


def _read(plan: str) -> Any:
    """Return what stdin holds, JSON or YAML; a name or path as it is."""
    if plan != "-":
        return plan
    from planner.catalog.strict_yaml import parse_yaml
    from planner.cli.streams import read_input
    from planner.plan.export.read import json_answer

    content = read_input("-")
    if content.lstrip().startswith(b"{"):
        return json_answer(content, "standard input")
    return parse_yaml(content, "standard input")
