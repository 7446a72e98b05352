"""What a command imports before it works: nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

HEAVY = ("numpy", "pandas", "matplotlib", "scipy", "pydantic", "rich", "tabulate", "yaml")


def imported(environment: Mapping[str, str], *arguments: str, before: str = "", **env: str) -> set[str]:
    """Return which of the heavy modules a process has imported at its end."""
    script = (
        "import sys, atexit\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('\\n@', *(m for m in heavy if m in sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['planner', *{list(arguments)!r}]\n"
        f"{before or 'from planner.cli.app import main; main()'}\n"
    )
    done = subprocess.run(  # noqa: S603 (our own code)
        [sys.executable, "-c", script],
        env={**environment, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    _, _, listed = done.stderr.rpartition("@")
    assert "@" in done.stderr, done.stderr
    return set(listed.split())


def test_importing_planner_is_cheap(environment: Mapping[str, str]) -> None:
    assert imported(environment, before="import planner; planner.__version__; dir(planner)") == set()
    assert imported(environment, before="import planner.cli.tree") == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["cluster", "size", "--help"],
        ["run", "--help"],
        ["catalog", "--help"],
        ["catalog", "list", "--help"],
        ["frob"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(environment: Mapping[str, str], arguments: list[str]) -> None:
    assert imported(environment, *arguments) == set()


def test_completion_imports_nothing_heavy(environment: Mapping[str, str]) -> None:
    env = {"_PLANNER_COMPLETE": "complete_bash", "COMP_WORDS": "planner train llama", "COMP_CWORD": "2"}
    assert imported(environment, **env) == set()


def test_planning_imports_neither_pandas_nor_matplotlib(environment: Mapping[str, str]) -> None:
    arguments = ["train", "llama-3.1-8b", "--gpu", "h100-sxm", "--gpus", "8", "--json"]
    assert imported(environment, *arguments) == {"numpy", "pydantic", "yaml"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["catalog", "list", "accelerator", "--json"],
        ["catalog", "show", "accelerator", "h100-sxm", "--json"],
        ["model", "show", "llama-3.1-405b", "--json"],
        ["schema", "accelerator"],
    ],
    ids=" ".join,
)
def test_data_commands_read_records_and_no_more(environment: Mapping[str, str], arguments: list[str]) -> None:
    assert imported(environment, *arguments) <= {"pydantic", "yaml"}
