"""The questions that scenarios know: each a command of the command line and a function of the library.

A question that is added to this table can be run from a file, and its command takes ``--save``. Nothing else
needs to know of it: what it takes is read from the signature of its function.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from planner.errors import suggest

__all__ = ["QUESTIONS", "Question", "question_named", "question_of"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question that can be asked from a file.

    Attributes
    ----------
    command
        As the command line calls it.
    home
        ``module:function`` of the library.
    files
        Inputs that may name a file: a path in them starts at the folder of the scenario.
    shown
        Flags of the command that the function lacks: they change what is printed, not what is computed.
    spelled
        Other spellings of options of the command, with the parameter that each stands for.
    """

    command: str
    home: str
    files: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    spelled: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def module(self) -> str:
        """Name of the module of `planner.cli.commands`."""
        return self.command.replace(" ", "_").replace("-", "_")

    @property
    def function(self) -> Callable[..., Any]:
        """The function of the library, imported on first use."""
        module, _, name = self.home.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found


_PARTS: Final = {"gpu": "accelerator", "system": "accelerator"}
QUESTIONS: Final = {
    question.command: question
    for question in (
        Question(command="train", home="planner.plan.train:train", files=("model",), shown=("explain",)),
        Question(
            command="serve",
            home="planner.plan.serve:serve",
            files=("model",),
            shown=("explain",),
            spelled={"gpu": "accelerator"},
        ),
        Question(command="cluster show", home="planner.plan.cluster.sheet:show"),
        Question(command="cluster compare", home="planner.plan.cluster.comparison:compare"),
        Question(command="cluster size", home="planner.plan.cluster.sizing:size", spelled=_PARTS),
        Question(command="distill", home="planner.plan.distill.answer:distill", files=("student", "teacher")),
        Question(command="post-train", home="planner.plan.post_train.question:post_train", files=("model",)),
        Question(command="frontier", home="planner.plan.frontier.frontier:frontier"),
        Question(command="staged", home="planner.plan.staged.run:staged"),
        Question(command="mix", home="planner.plan.mix.mix:mix", files=("jobs",)),
        Question(command="budget", home="planner.plan.budget.budget:budget"),
        Question(command="compare", home="planner.plan.compare.compare:compare", files=("of",)),
        Question(command="capacity", home="planner.plan.capacity.capacity:capacity"),
    )
}
"""By the name of the command."""


def question_named(command: str) -> tuple[Question | None, str]:
    """Return the question of a command, or None and the mend."""
    words = " ".join(command.split()).removeprefix("planner ")
    found = QUESTIONS.get(words)
    if found is not None:
        return found, ""
    there = f"a scenario asks one of {', '.join(QUESTIONS)}"
    return None, f"unknown command {command[:40]!r}; {suggest(words, QUESTIONS, otherwise=there)}"


def question_of(module: str) -> Question | None:
    """Return the question that a module of `planner.cli.commands` asks; None where it asks none."""
    name = module.rpartition(".")[2]
    return next((question for question in QUESTIONS.values() if question.module == name), None)
