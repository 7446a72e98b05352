"""Blocks about scenarios: those that ship, and the questions that can be asked from a file."""

from __future__ import annotations

from planner.catalog.load import Catalog
from planner.plan.scenario.inputs import parameters_of
from planner.plan.scenario.questions import QUESTIONS
from planner.workload.kinds import SCENARIO

__all__ = ["BLOCKS"]


def shipped(_arguments: str, _old: str) -> str:
    """Return a table of the scenarios that ship."""
    rows = [f"| `{one.id}` | `{one.command}` | {one.name} |" for one in Catalog().all(SCENARIO)]
    return "\n".join(["| scenario | asks | which |", "|---|---|---|", *rows])


def questions(_arguments: str, _old: str) -> str:
    """Return a table of the questions and their inputs."""
    rows = [
        f"| `{command}` | {', '.join(f'`{name}`' for name in parameters_of(question))} |"
        for command, question in QUESTIONS.items()
    ]
    return "\n".join(["| command | inputs |", "|---|---|", *rows])


BLOCKS = {"scenarios": shipped, "scenario-inputs": questions}
