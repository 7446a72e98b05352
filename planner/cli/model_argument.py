"""MODEL on the command line: a name, a file, or ``-``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.complete import names_of
from planner.cli.streams import read_input
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.cli.session import Session
    from planner.workload.record import ModelRecord

__all__ = ["Model", "check_overrides", "read_model"]

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model of the catalog, a Hugging Face config.json, a record in YAML, or - for stdin.",
        autocompletion=names_of("model"),
        show_default=False,
    ),
]


def check_overrides(session: Session) -> None:
    """Refuse overrides of a model that was not read from the catalog; raises `UsageError`.

    Call it when the model has been read: a file of the user's own is changed in the file.
    """
    if any(kind == "model" for kind, _ in session.catalog().used):
        return
    for text in session.overrides:
        if text.strip().startswith("model."):
            raise UsageError(f"--set {text}: MODEL is a file of your own; change it there")


def read_model(session: Session, model: str) -> tuple[ModelRecord, tuple[str, ...]]:
    """Return the record that MODEL stands for, and notes on how it was read; raises `InputError`."""
    from planner.plan.model_input import read_model_record

    if model != "-":
        return read_model_record(session.catalog(), model)
    content, where = read_input("-"), "standard input"
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        from planner.workload.hf_config import import_config

        return import_config(content, where=where)
    from planner.catalog.load import validated
    from planner.catalog.strict_yaml import parse_yaml
    from planner.workload.record import ModelRecord

    return validated(parse_yaml(content, where), ModelRecord), ()
