"""``planner run SCENARIO``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.cli.command import command
from planner.cli.output import Answer
from planner.cli.pictures import Picture
from planner.cli.scenarios import SaveOption, ScenarioArgument, WithOption, answered, keep, scenario_text
from planner.cli.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from planner.catalog.load import Catalog
    from planner.catalog.strict_yaml import Document

__all__ = ["run"]


@command
def run(
    session: Session,
    picture: Picture,
    scenario: ScenarioArgument,
    with_: WithOption = None,
    save: SaveOption = None,
) -> Answer:
    """Ask the question of a scenario.

    A scenario holds the inputs of a question; its answer is printed, or drawn, as the question's own command
    does it.
    Mistakes are listed all at once, by line. See the shipped ones: planner catalog list scenario.
    """
    from planner.plan.scenario.check import ready
    from planner.plan.scenario.read import changes

    catalog = session.plain_catalog()
    document, folder = _read(catalog, scenario)
    one = ready(
        document,
        folder,
        changed=changes(with_ or ()),
        overlays=session.overlays,
        overrides=session.overrides,
        catalog=catalog,
    )
    session.beneath(one.overlays, one.overrides)
    about = {"name": one.record.name, "note": one.record.note}
    kept = "" if save is None else scenario_text(save, one.question, one.inputs, session, **about)
    answer = answered(session, one, picture)
    if save and kept:
        keep(save, kept)
    return answer


def _read(catalog: Catalog, scenario: str) -> tuple[Document, Path | None]:
    from planner.plan.scenario.read import read_document

    if scenario != "-":
        return read_document(scenario, catalog)
    from planner.catalog.strict_yaml import parse_yaml
    from planner.cli.streams import read_input

    return parse_yaml(read_input("-"), "standard input"), None
