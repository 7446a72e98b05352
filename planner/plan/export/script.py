"""Arguments as files and text for a shell."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from planner.plan.export.results import Argument, Command, ConfigText, ExportResult, Unsaid
from planner.plan.export.said import Fact, Said, filled
from planner.workload.emit import to_text

if TYPE_CHECKING:
    from planner.workload.launcher import Launcher

__all__ = ["argument_rows", "command_of", "script_of"]

_WIDTH: Final = 108
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def command_of(
    launcher: Launcher, facts: Mapping[str, Fact], found: Said, *, role: str, replicas: int
) -> Command:
    """Return what starts one kind of process."""
    nodes = _count(facts.get("nodes"))
    several = nodes > 1 and launcher.across
    words = [filled(word, facts) for word in (launcher.across if several else launcher.program)]
    environment, beside = {}, {}
    lines = [" ".join(map(_quoted, words))]
    options = [one for one in found.arguments.values() if one.name.startswith("-")]
    for argument in (*options, *(one for one in found.arguments.values() if one not in options)):
        name = argument.name
        if _VARIABLE.fullmatch(name):
            environment[name] = _text(argument.value)
        elif launcher.file is not None and not name.startswith("-"):
            beside[name] = argument.value
        elif parts := _words(argument):
            words += parts
            lines.append(" ".join(map(_quoted, parts)))
    file = None
    if launcher.file is not None and beside:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", filled(launcher.file.name, facts))
        file = ConfigText(name=name, text=_FORMATS[launcher.file.format](beside))
        words += [launcher.file.flag, file.name]
        lines.append(f"{launcher.file.flag} {_quoted(file.name)}")
    if launcher.last:
        last = [filled(word, facts) for word in launcher.last]
        words += last
        lines.append(" ".join(map(_quoted, last)))
    before = [f"export {name}={_quoted(value)}" for name, value in environment.items()]
    if file is not None:
        before.append(f"cat > {_quoted(file.name)} <<EOF\n{file.text.rstrip()}\nEOF")
    node = facts.get("node")
    return Command(
        role=role,
        hosts="first" if node == "first" else "other" if node == "other" else "all",
        replicas=replicas,
        accelerator=str(facts["accelerator"]),
        gpus=_count(facts["gpus"]),
        nodes=nodes,
        words=tuple(words),
        environment=environment,
        file=file,
        arguments=tuple(found.arguments.values()),
        text="\n".join([*before, " \\\n  ".join(lines)]) + "\n",
    )


def script_of(
    head: Iterable[str], commands: Iterable[Command], variables: Mapping[str, str], unsaid: Iterable[Unsaid]
) -> str:
    """Write commands as one script, with what they need and what they leave out above them."""
    blocks = [_comment(*head)]
    lacks = [f"{one.fact} = {one.value}: {one.sentence}" for one in unsaid]
    if lacks:
        blocks.append(_comment("Not said, or not as planned:", *(f"- {lack}" for lack in lacks)))
    if variables:
        blocks.append("".join(f': "${{{name}:?{_plain(what)}}}"\n' for name, what in variables.items()))
    blocks += [_comment(_where(one)) + one.text for one in commands]
    return "\n".join(blocks)


def argument_rows(result: ExportResult) -> list[dict[str, Any]]:
    """Return arguments as flat records."""
    return [
        {
            "role": command.role,
            "hosts": command.hosts,
            "argument": argument.name,
            "value": list(argument.value) if isinstance(argument.value, tuple) else argument.value,
            "says": argument.says or None,
        }
        for command in result.result.commands
        for argument in command.arguments
    ]


def _where(command: Command) -> str:
    hosts = "one host" if command.nodes == 1 else f"{command.nodes:,} hosts"
    on = {"all": "", "first": "; on the first host", "other": "; on each of the other hosts"}[command.hosts]
    if command.role == "train":
        return f"Training on {command.gpus:,} {command.accelerator} of {hosts}: run on each host."
    one = f"{command.gpus:,} {command.accelerator} of {hosts}"
    return f"{command.role.capitalize()}: {command.replicas:,} x {one}{on}."


def _count(fact: Fact) -> int:
    """Return a number of things; one where nothing is to be said."""
    return fact if isinstance(fact, int) else 1


def _words(argument: Argument) -> list[str]:
    """Return an argument as words of a command; none where it is off."""
    name, value = argument.name, argument.value
    if not name.startswith("-"):
        several = isinstance(value, tuple)
        return [f"{name}=[{_text(value)}]" if several else f"{name}={_text(value)}"]
    if isinstance(value, bool):
        return [name] if value else []
    return [name, *(map(str, value) if isinstance(value, tuple) else [str(value)])]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_text, value)) if isinstance(value, tuple) else str(value)


def _quoted(word: str) -> str:
    """Quote a word for a shell, so that variables in it are still put in."""
    if "$" not in word:
        return shlex.quote(word)
    return '"' + re.sub(r'(["\\`])', r"\\\1", word) + '"'


def _plain(text: str) -> str:
    """Leave out what would end or fill in a message of the shell."""
    return re.sub(r'["\\`$}]', "", text)


def _comment(*lines: str) -> str:
    wrapped = [
        part
        for line in lines
        for part in textwrap.wrap(
            line, _WIDTH, break_on_hyphens=False, subsequent_indent="  " if line.startswith("- ") else ""
        )
    ]
    return "".join(f"# {line}\n" for line in wrapped)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        place = tree
        for step in path:
            place = place.setdefault(step, {})
        place[last] = list(value) if isinstance(value, tuple) else value
    return tree


def _toml(values: Mapping[str, Any]) -> str:
    tables: dict[str, list[str]] = {}
    for name, value in values.items():
        table, _, key = name.rpartition(".")
        plain = list(value) if isinstance(value, tuple) else value
        tables.setdefault(table, []).append(f"{key} = {json.dumps(plain, ensure_ascii=False)}\n")
    return "\n".join(f"[{table}]\n" + "".join(lines) for table, lines in tables.items())


def _yaml(values: Mapping[str, Any]) -> str:
    return to_text(_nested(values))


_FORMATS: Final = {"toml": _toml, "yaml": _yaml}
