"""The decorator of every command: it adds the options all of them share, and prints what they return."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from planner.cli.output import Answer, Choice, emit
from planner.cli.pictures import Dpi, Picture, Size, no_picture
from planner.cli.scenarios import SaveOption, given, keep, scenario_text
from planner.cli.session import Session
from planner.cli.streams import talk
from planner.plan.scenario.questions import question_of

__all__ = ["Catalogs", "Debug", "Overrides", "command"]

Catalogs = Annotated[
    list[str] | None,
    typer.Option(
        "--catalog",
        metavar="DIR",
        show_default=False,
        help="Add or replace catalog records from a directory laid out like the catalog; repeatable.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="PATH=VALUE",
        show_default=False,
        help="Change one value, as in accelerator.memory.bandwidth='4 TB/s' or ...='*0.8'; repeatable.",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", show_default=False)]
_Json = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.", show_default=False)]
_Jsonl = Annotated[bool, typer.Option("--jsonl", help="Print the rows as JSON lines.", show_default=False)]
_Csv = Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.", show_default=False)]
_Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="github, latex, html, tsv ...", show_default=False),
]
_Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file.", show_default=False),
]
_OUTPUT: Final = {
    "as_json": _Json, "as_jsonl": _Jsonl, "as_csv": _Csv, "as_format": _Format, "as_output": _Output,
}  # fmt: skip
"""Parameters of `Choice.of`, under names that leave the plain ones to the command."""
_CATALOG: Final = {"catalog": Catalogs, "set_": Overrides}
_SAVE: Final = {"save": SaveOption}
_PICTURE: Final = {"size": Size, "dpi": Dpi}


def command(function: Callable[..., Answer]) -> Callable[..., None]:
    """Make a command of a function that returns an `Answer`.

    The function's parameters are its own arguments and options, annotated as typer wants them; one called
    ``session`` receives the `Session`, and the command then also takes ``--catalog`` and ``--set``; one
    called ``picture`` receives the `Picture`, and ``-o`` then also takes the endings of pictures. Every
    command takes ``--json``, ``--jsonl``, ``--csv``, ``--format``, ``-o`` and ``--debug``, and one that asks
    a question that scenarios know ``--save``.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("session", "picture", "output")
    ]
    reads, drawn, writes = "session" in hints, "picture" in hints, "output" in hints
    question = question_of(function.__module__)
    shared = {**(_CATALOG if reads else {}), **(_SAVE if question else {}), **_OUTPUT}
    shared |= {**(_PICTURE if drawn else {}), "debug": Debug}

    @functools.wraps(function)
    def run(context: typer.Context, **values: Any) -> None:
        common = {name: values.pop(name) for name in shared}
        session = _session(context, common)
        if writes:
            values["output"], common["as_output"] = common["as_output"], None
        choice = Choice.of(**{name.removeprefix("as_"): common[name] for name in _OUTPUT})
        if choice.picture and not drawn:
            raise no_picture(choice.picture_file, context.command_path)
        if drawn:
            values["picture"] = Picture.read(common["size"], common["dpi"], choice.picture_file)
        file = common.get("save")
        asked = given(context, values)
        kept = "" if question is None or file is None else scenario_text(file, question, asked, session)
        answer = function(session=session, **values) if reads else function(**values)
        if file and kept:
            keep(file, kept)
        unused = [f"--set {text} changed nothing: no such record was used" for text in session.unused()]
        for note in (*answer.notes, *unused):
            talk(f"Note: {note}")
        emit(answer, choice)
        if answer.exit_code:
            raise typer.Exit(answer.exit_code)

    parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *own,
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=_default(name))
            for name, kind in shared.items()
        ),
    ]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _default(name: str) -> bool | None:
    return False if name in {"as_json", "as_jsonl", "as_csv", "debug"} else None


def _session(context: typer.Context, given: dict[str, Any]) -> Session:
    """Return the session of the global options with those after the command added."""
    session = context.find_root().obj
    if not isinstance(session, Session):
        session = context.find_root().obj = Session()
    session.debug = session.debug or given["debug"]
    session.overlays = (*session.overlays, *map(Path, given.get("catalog") or ()))
    session.overrides = (*session.overrides, *(given.get("set_") or ()))
    return session
