"""What a grid asks of every row: the question, its rows and its columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.plan.scenario.inputs import Parameter, parameters_of
from planner.plan.scenario.questions import QUESTIONS, Question
from planner.plan.sweep.axes import Finite, read_axis
from planner.plan.sweep.columns import Figure, of_replicas, wanted
from planner.plan.sweep.grid import Block
from planner.plan.sweep.rows import Plan, Rows

__all__ = ["BATCH", "BATCHED", "Sweep", "figures_given", "inputs_known", "plan_of"]

_DRAWS: Final = ("random", "latin-hypercube")
BATCHED: Final = "serve"
BATCH: Final = "batch"
"""Input of sweeps alone, and their question: sequences that decode in a replica, an operating point."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """What is asked of every row; it can be sent to another process.

    Attributes
    ----------
    file
        As messages call the grid.
    command
        Of the question.
    inputs
        That every row has.
    overlays, overrides
        Of the catalog, in every row.
    blocks
        Of the grid, as they were read.
    columns
        As asked for; empty for the usual ones.
    engine
        One of `planner.plan.sweep.grid.ENGINES`.
    """

    file: str
    command: str
    inputs: Mapping[str, Any]
    overlays: tuple[Path, ...]
    overrides: tuple[str, ...]
    blocks: tuple[Block, ...]
    columns: tuple[str, ...]
    engine: str

    @property
    def question(self) -> Question:
        """The question."""
        return QUESTIONS[self.command]

    @cached_property
    def rows(self) -> Rows:
        """The rows of the grid."""
        return Rows(tuple(plan_of(block) for block in self.blocks))

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Figures of the answer that become columns."""
        return figures_given(self.question, {*self.inputs, *self.rows.names}, self.columns)[0]

    @property
    def set_axes(self) -> tuple[str, ...]:
        """Axes over the catalog."""
        return tuple(name for name in self.rows.names if "." in name)

    def catalog(self, changed: tuple[str, ...] = ()) -> Catalog:
        """Open the catalog of the rows, with what one of them changes in it."""
        return Catalog(self.overlays, (*self.overrides, *changed))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made of the rest."""
        made = ("rows", "figures")
        return {name: value for name, value in self.__dict__.items() if name not in made}


def figures_given(
    question: Question, given: Collection[str], columns: tuple[str, ...]
) -> tuple[tuple[Figure, ...], dict[int, str]]:
    """Return the figures that become columns; those of operating points where a batch is given."""
    if BATCH in given and question.command == BATCHED:
        return of_replicas(columns)
    return wanted(question, columns)


def inputs_known(question: Question) -> Mapping[str, Parameter]:
    """Return the inputs of a question, and those that only sweeps of it know."""
    known = parameters_of(question)
    if question.command != BATCHED:
        return known
    return {**known, BATCH: Parameter(name=BATCH, required=False, takes=frozenset({"number"}))}


def plan_of(block: Block) -> Plan:
    """Return a block with the values of its axes; raises `InputError` for what cannot be combined."""
    axes = {name: read_axis(axis) for name, axis in block.axes.items()}
    if block.kind in _DRAWS:
        if block.n is None:
            raise InputError(f"{block.kind} draws rows: say how many, as in n: 1000")
        return Plan(block.kind, axes, block.n, block.seed)
    if block.n is not None:
        raise InputError(f"a {block.kind} block has the rows of its axes; leave n out")
    sizes = {name: len(values) for name, values in axes.items() if isinstance(values, Finite)}
    drawn = [name for name in axes if name not in sizes]
    if drawn:
        raise InputError(
            f"{drawn[0]} is a distribution, which a {block.kind} block cannot list; make it a range, or the "
            "block random or latin-hypercube"
        )
    if block.kind == "zipped":
        if len(set(sizes.values())) > 1:
            counted = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise InputError(f"zipped axes have equally many values, and here {counted}; even them out")
        return Plan(block.kind, axes, next(iter(sizes.values())))
    size = 1
    for one in sizes.values():
        size *= one
    return Plan(block.kind, axes, size)
