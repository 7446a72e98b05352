"""``planner sensitivity SCENARIO``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.output import Answer, Column, Table
from planner.cli.pictures import Picture
from planner.cli.plans import document_of, option, tables_of
from planner.cli.scenarios import ScenarioArgument, WithOption
from planner.cli.session import Session

__all__ = ["run"]


@command
def run(
    session: Session,
    picture: Picture,
    scenario: ScenarioArgument,
    with_: WithOption = None,
    figure: Annotated[
        str | None,
        option("--figure", metavar="PATH", text="What is looked at: days, usd, plan.mfu ..."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="NAME=VALUES",
            help="gpus=8192..32768, precision=bf16,fp8, accelerator.memory.bandwidth='*0.8..*1.2', "
            "scale-out='*0.5..*2'; repeatable; alone, these are all bars.",
            show_default=False,
        ),
    ] = None,
    all_: Annotated[
        bool,
        typer.Option(
            "--all", help="Beside --vary, everything with a stated range as well.", show_default=False
        ),
    ] = False,
    holds: Annotated[
        str | None,
        option("--holds", metavar="STATEMENT", text="What must be true for 'days<=90', 'usd<=$10B' ..."),
    ] = None,
    top: Annotated[str, typer.Option("--top", metavar="N", help="Bars to show.")] = "15",
    asks: Annotated[
        str | None, option("--asks", text="Most answers that the tornado asks for; default: by question.")
    ] = None,
    search: Annotated[
        bool,
        typer.Option(
            "--search",
            help="Search all layouts for every answer; default: keep that of the first.",
            show_default=False,
        ),
    ] = False,
    workers: Annotated[
        str | None, option("--workers", text="Processes that share the work; default: one a core.")
    ] = None,
) -> Answer:
    """Say what moves an answer: tornado, elasticities, thresholds.

    Every number with a stated range that the answer used is put at both ends of it; --holds also says how far
    each input may move until a statement no longer holds. Exit code 4 where the question has no answer.
    """
    from planner.plan.scenario.read import changes
    from planner.plan.sensitivity.sensitivity import sensitivity

    result = sensitivity(
        _read(scenario),
        figure=figure,
        vary=vary or (),
        all=all_,
        holds=holds,
        top=top,
        asks=asks,
        search=search,
        workers=workers,
        catalog=session.overlays,
        set=session.overrides,
        **changes(with_ or ()),
    )
    records = result.records()
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=tables_of(result.sections()),
        records=Table([Column(key, key) for key in keys], records),
        notes=result.result.notes,
        picture=picture.of("tornado", result) if result.result.bars else None,
    )


def _read(scenario: str) -> Any:
    """Return the scenario on stdin; a name or path as it is."""
    if scenario != "-":
        return scenario
    from planner.catalog.strict_yaml import parse_yaml
    from planner.cli.streams import read_input

    return parse_yaml(read_input("-"), "standard input")
