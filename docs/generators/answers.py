"""Blocks that run the program: its help, its answers for people and programs, and the library."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from typer.testing import CliRunner

from planner.cli.tree import COMMANDS, app

__all__ = ["BLOCKS", "invoked"]

PLAN = {
    "strategy": ("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "sharding", "recompute"),
    "gpus_used": (),
    "step_time_s": (),
    "tokens_per_s_per_gpu": (),
    "mfu": ("value", "low", "high", "full"),
    "days": (),
    "gpu_hours": (),
    "memory_gb_per_gpu": ("weights", "optimizer", "activations", "device", "capacity", "fit_probability"),
    "bottleneck": ("resource", "share"),
}
"""What an abridged answer shows of a plan: field to the parts of it, or all of them."""
SIGNIFICANT = 4


def invoked(command: str) -> str:
    """Return what a command line prints on stdout; `command` begins with ``planner``."""
    arguments = shlex.split(command, comments=True)[1:]
    result = CliRunner().invoke(app, arguments, prog_name="planner")
    if result.exit_code not in (0, 4):
        raise SystemExit(f"{command}: exit code {result.exit_code}\n{result.stderr}")
    return str(result.stdout).rstrip("\n")


def console(arguments: str, _old: str) -> str:
    """``[lines=N] ; COMMAND``: the command and its answer, or the first lines of it."""
    settings, _, command = arguments.rpartition(";")
    lines = invoked(command.strip()).splitlines()
    found = re.search(r"lines=(\d+)", settings)
    if found and len(lines) > int(found[1]):
        lines = [*lines[: int(found[1])], "..."]
    return "\n".join(["```console", f"$ {command.strip()}", *lines, "```"])


def abridged(arguments: str, _old: str) -> str:
    """``; COMMAND``: parts of a ``--json`` answer, rounded."""
    command = arguments.rpartition(";")[2].strip()
    answer = json.loads(invoked(f"{command} --json"))
    plan = answer["result"]["plan"]
    shown = {
        "schema": answer["schema"],
        "inputs": {
            key: answer["inputs"][key] for key in ("question", "model", "cluster", "gpu", "gpus", "tokens")
        },
        "assumptions": answer["assumptions"][:1],
        "result": {
            "plan": {
                key: {p: plan[key][p] for p in parts} if parts else plan[key] for key, parts in PLAN.items()
            }
        },
    }
    text = json.dumps(_rounded(shown), indent=2, ensure_ascii=False)
    text = re.sub(r"\{[^{}\[\]]*\}", _one_line, text)
    return f"```json\n{text}\n```"


def _one_line(found: re.Match[str]) -> str:
    joined = re.sub(r"\s*\n\s*", " ", found[0])
    return joined if len(joined) <= 120 else found[0]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.{SIGNIFICANT}g}") if isinstance(value, float) else value


def session(_arguments: str, old: str) -> str:
    """Return a Python session: the lines that stand there behind ``>>>``, with what they print now."""
    names: dict[str, Any] = {}
    shown = []
    for line in old.splitlines():
        if not line.startswith(">>> "):
            continue
        shown.append(line)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(line[4:] + "\n", "<docs>", "single"), names)  # noqa: S102 (our own pages)
        shown += printed.getvalue().splitlines()
    return "\n".join(["```python", *shown, "```"])


def commands(_arguments: str, _old: str) -> str:
    """Return the help of every command, in the order of the command tree."""
    parts = []
    for name in ("planner", *(f"planner {path}" for path in _paths(COMMANDS))):
        parts += [f"## `{name}`", "", "```text", invoked(f"{name} --help"), "```", ""]
    return "\n".join(parts)


def _paths(tree: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, entry in tree.items():
        path = f"{above}{name}"
        yield path
        if not isinstance(entry, str):
            yield from _paths(entry[1], f"{path} ")


BLOCKS = {"console": console, "json": abridged, "session": session, "commands": commands}
