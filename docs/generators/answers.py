"""Blocks that run the program: its help, its answers for people and programs, and the library."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
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
    "goodput": (),
    "days_with_failures": (),
    "gpu_hours": (),
    "power_megawatts": (),
    "energy_megawatt_hours": (),
    "co2_tonnes": (),
    "cost_usd": (),
    "usd_per_gpu_hour": (),
    "usd_per_million_tokens": (),
    "memory_gb_per_gpu": ("weights", "optimizer", "activations", "device", "capacity", "fit_probability"),
    "bottleneck": ("resource", "share"),
}
"""What an abridged answer shows of a plan: field to the parts of it, or all of them."""
SERVED = {
    "deployment": ("mode", "engine", "replicas", "max_batch", "chunk", "precisions", "layouts"),
    "ttft_ms": ("mean", "low", "high", "p50", "p90", "p99", "target", "percentile", "at_percentile"),
    "tpot_ms": ("mean", "p99"),
    "requests_per_s": (),
    "output_tokens_per_s_per_gpu": (),
    "users": (),
    "gpus": (),
    "goodput": (),
    "power_megawatts": (),
    "energy_megawatt_hours": (),
    "co2_tonnes": (),
    "cost_usd": (),
    "usd_per_gpu_hour": (),
    "usd_per_million_tokens": (),
    "memory_gb_per_gpu": (),
    "time_breakdown_s": (),
    "bottleneck": ("resource", "share"),
    "binds": (),
    "headroom": (),
}
"""The same of a serving plan."""
SIGNIFICANT = 4


@cache
def _run(command: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a command line that begins with ``planner``."""
    arguments = shlex.split(command, comments=True)[1:]
    result = CliRunner().invoke(app, arguments, prog_name="planner")
    return result.exit_code, str(result.stdout).rstrip("\n"), str(result.stderr).rstrip("\n")


def invoked(command: str) -> str:
    """Return what a command line prints on stdout; `command` begins with ``planner``."""
    code, out, talk = _run(command)
    if code not in (0, 4):
        raise SystemExit(f"{command}: exit code {code}\n{talk}")
    return out


def console(arguments: str, _old: str) -> str:
    """``[lines=N] [rows="LABEL|LABEL"] [with="TEXT|TEXT"] ; COMMAND``: the command and its answer, or parts.

    `lines` shows so many of the first lines; the others the first line and, of the rest, `rows` the rows of
    the plan with these labels, and `with` the paragraphs that hold a text.
    """
    settings, _, command = arguments.rpartition(";")
    answer = invoked(command.strip())
    rows, wanted = (re.search(rf'{name}="([^"]+)"', settings) for name in ("rows", "with"))
    if rows or wanted:
        texts = wanted[1].split("|") if wanted else []
        answer = _paragraphs(command, answer, texts, rows[1].split("|") if rows else [])
    lines = answer.splitlines()
    found = re.search(r"lines=(\d+)", settings)
    if found and len(lines) > int(found[1]):
        lines = [*lines[: int(found[1])], "..."]
    return "\n".join(["```console", f"$ {command.strip()}", *lines, "```"])


def _paragraphs(command: str, answer: str, texts: list[str], labels: list[str]) -> str:
    headline, *paragraphs = answer.split("\n\n")
    shown = [next((p for p in paragraphs if text in p), None) for text in texts]
    if None in shown:
        raise SystemExit(f"{command}: no paragraph with {texts[shown.index(None)]!r}")
    plan = [_rows(command, paragraphs[0], labels)] if labels else []
    return "\n...\n".join([headline, *plan, *(part for part in shown if part), ""])


def _rows(command: str, plan: str, labels: list[str]) -> str:
    """Return the rows of a plan that bear a label, with the lines on which they go on."""
    rows = re.split(r"\n(?=\S)", plan)
    shown = [next((row for row in rows if row.startswith(f"{label}  ")), None) for label in labels]
    if None in shown:
        raise SystemExit(f"{command}: no row {labels[shown.index(None)]!r}")
    return "\n".join(row for row in shown if row)


def refused(arguments: str, _old: str) -> str:
    """``; COMMAND ; COMMAND``: commands that fail, what each says on stderr, and its exit code."""
    lines = []
    for command in arguments.lstrip("; ").split(" ; "):
        code, _out, talk = _run(command)
        lines += [f"$ {command}; echo $?", talk, str(code), ""]
    return "\n".join(["```console", *lines[:-1], "```"])


def abridged(arguments: str, _old: str) -> str:
    """``; COMMAND``: parts of a ``--json`` answer, rounded."""
    command = arguments.rpartition(";")[2].strip()
    inputs = ("question", "model", "cluster", "gpu", "gpus", "tokens")
    return _as_json(json.loads(invoked(f"{command} --json")), inputs, PLAN)


def served(arguments: str, _old: str) -> str:
    """``; COMMAND``: parts of a ``--json`` answer to a question of serving, rounded."""
    command = arguments.rpartition(";")[2].strip()
    inputs = ("question", "model", "accelerator", "gpus", "users", "traffic", "isl", "osl", "prefix_hit")
    return _as_json(json.loads(invoked(f"{command} --json")), inputs, SERVED)


def _as_json(answer: dict[str, Any], inputs: tuple[str, ...], parts: dict[str, tuple[str, ...]]) -> str:
    plan = answer["result"]["plan"]
    chosen = {key: {p: plan[key][p] for p in some} if some else plan[key] for key, some in parts.items()}
    shown = {
        "schema": answer["schema"],
        "inputs": {key: answer["inputs"][key] for key in inputs},
        "assumptions": answer["assumptions"][:1],
        "result": {"plan": chosen},
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


BLOCKS = {
    "console": console,
    "refused": refused,
    "json": abridged,
    "serve-json": served,
    "session": session,
    "commands": commands,
}
