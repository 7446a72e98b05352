"""``--save FILE`` of every question, and a scenario as the command that it asks."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.complete import names_of
from planner.cli.output import Answer
from planner.cli.pictures import Picture, no_picture
from planner.cli.session import Session
from planner.cli.streams import talk, to_file
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.plan.scenario.questions import Question
    from planner.plan.scenario.read import Ready

__all__ = [
    "SaveOption",
    "ScenarioArgument",
    "WithOption",
    "answered",
    "given",
    "keep",
    "scenario_text",
]

SaveOption = Annotated[
    str | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help="Also write the question as a scenario, for planner run.",
        show_default=False,
    ),
]
ScenarioArgument = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO",
        help="A scenario of the catalog, a file in YAML, or - for stdin.",
        autocompletion=names_of("scenario"),
        show_default=False,
    ),
]
WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        "-w",
        metavar="NAME=VALUE",
        help="Ask with another input, as in --with days=90; repeatable.",
        show_default=False,
    ),
]
_SCALARS = (str, int, float)
_LEFT_OPEN = "DEFAULT"
"""Name of the source of a value that nobody gave."""


def given(context: typer.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments and options that were given, by the name of their parameter."""

    def was_given(name: str) -> bool:
        source = context.get_parameter_source(name)
        return source is not None and not source.name.startswith(_LEFT_OPEN)

    return {name: value for name, value in values.items() if was_given(name)}


def scenario_text(
    file: str, question: Question, inputs: Mapping[str, Any], session: Session, **about: Any
) -> str:
    """Return the text of a scenario; it is made before the question is answered, and kept after.

    Parameters
    ----------
    file
        Where to.
    question, inputs
        As asked.
    about
        ``name`` and ``note`` of the scenario.

    Raises
    ------
    UsageError
        Standard input or output cannot be part of a scenario.
    """
    from planner.catalog.paths import environment_overlays
    from planner.plan.scenario.save import text_of

    if file in ("", "-"):
        raise UsageError(f"--save {file!r}: the answer goes to standard output; name a file for the scenario")
    for name in question.files:
        if inputs.get(name) == "-":
            raise UsageError(
                f"--save {file}: the {name} comes from standard input, which is gone when the scenario runs; "
                "save it as a file and name that"
            )
    return text_of(
        question,
        inputs,
        file=file,
        overlays=(*environment_overlays(), *session.overlays),
        overrides=session.overrides,
        **about,
    )


def keep(file: str, text: str) -> None:
    """Write a scenario, and say so where it replaces a file; raises `planner.errors.OutputError`."""
    if Path(file).is_file():
        talk(f"Note: {file} held something else, which is replaced")
    to_file(file, text)


def answered(session: Session, ready: Ready, picture: Picture) -> Answer:
    """Return what the command of a scenario answers; raises as the command does, with places in the file.

    The picture is drawn as the command itself draws it; of a command without one it is refused beforehand.
    """
    from planner.errors import PlannerError

    module = importlib.import_module(f"planner.cli.commands.{ready.question.module}")
    function: Callable[..., Answer] = inspect.unwrap(module.run)
    draws = "picture" in inspect.signature(function).parameters
    if picture.file and not draws:
        raise no_picture(picture.file, f"planner {ready.question.command}")
    drawn = {"picture": picture} if draws else {}
    try:
        return function(session=session, **drawn, **_as_given(function, ready.inputs))
    except PlannerError as error:
        ready.failed(error)


def _as_given(function: Callable[..., Answer], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs as the shell would have given them: numbers as text, several in a list or by comma."""
    hints = typing.get_type_hints(function)
    values: dict[str, Any] = {}
    for name, value in inputs.items():
        if name not in hints:
            raise UsageError(f"--{name.replace('_', '-')} is of the library alone; leave it out")
        several = "list[" in str(hints[name])
        if isinstance(value, list | tuple) and all(isinstance(one, _SCALARS) for one in value):
            texts = [_text(one) for one in value]
            values[name] = texts if several else ",".join(texts)
        elif isinstance(value, _SCALARS) and not isinstance(value, bool):
            values[name] = [_text(value)] if several else _text(value)
        else:
            values[name] = value
    return values


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
