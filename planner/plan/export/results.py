"""What ``planner export`` answers: frozen result types, whose JSON other programs rely on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Document, SourceUsed

__all__ = [
    "Argument",
    "Command",
    "ConfigText",
    "ExportAnswer",
    "ExportInputs",
    "ExportResult",
    "Unsaid",
]

Given = str | bool | int | float | tuple[str | bool | int | float, ...]


class ExportInputs(Base):
    """The question as resolved."""

    launcher: str
    """Id of the launcher's record."""
    question: Literal["train", "serve"]
    """Whose plan it is."""
    model: str
    """Id of the model's record."""
    cluster: str | None
    accelerator: str
    gpus: int
    """Accelerators of the plan that work."""
    plan_for: tuple[str, ...]
    """Training stack, or engines, for which the plan was made."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Argument(Base):
    """One argument, and what of the plan it says."""

    name: str
    value: Given
    says: str
    """Fact of the plan; empty where the launcher always needs it."""


class ConfigText(Base):
    """A file beside a command."""

    name: str
    text: str


class Command(Base):
    """What starts one kind of process."""

    role: str
    """train, aggregated, prefill or decode."""
    hosts: Literal["all", "first", "other"]
    """On which hosts of a replica it runs."""
    replicas: int
    """Times that it is started so."""
    accelerator: str
    gpus: int
    """Accelerators of one."""
    nodes: int
    """Hosts of one."""
    words: tuple[str, ...]
    """Program and arguments; ``$NAME`` is for the shell."""
    environment: dict[str, str]
    """Variables of its environment."""
    file: ConfigText | None
    arguments: tuple[Argument, ...]
    text: str
    """For a shell, the environment and file included."""


class Unsaid(Base):
    """A fact of the plan that the launcher cannot be told, or not as it is."""

    fact: str
    value: str
    sentence: str


class ExportAnswer(Base):
    """The answer."""

    launcher: str
    """Name of the program."""
    version: str
    """For which the arguments are written."""
    commands: tuple[Command, ...]
    variables: dict[str, str]
    """Of the shell, to be set by whoever runs it: name to what it is."""
    unsaid: tuple[Unsaid, ...]
    script: str
    """All of it as one text for a shell."""
    notes: tuple[str, ...] = ()
    """What a reader must know to use it."""


class ExportResult(Document):
    """Answer to ``planner export``."""

    schema_name: Annotated[Literal["planner.export/1"], Field(alias="schema")] = "planner.export/1"
    inputs: ExportInputs
    assumptions: tuple[Assumption, ...]
    result: ExportAnswer
    sources: dict[str, SourceUsed]

    @property
    def script(self) -> str:
        """The commands as one text for a shell."""
        return self.result.script

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each argument."""
        from planner.plan.export.script import argument_rows

        return [dict(row) for row in argument_rows(self)]

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.result.script)}</pre>"
