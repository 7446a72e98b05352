"""Two ways to run planner: in this process, and as the process that users start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from planner.cli.tree import app

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Any]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Return an environment in which help looks the same everywhere."""
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG", "TMPDIR"}}
    fixed = {
        "COLUMNS": "100",
        "TERMINAL_WIDTH": "100",
        "_TYPER_FORCE_DISABLE_TERMINAL": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONWARNINGS": "error",
    }
    for name, value in fixed.items():
        monkeypatch.setenv(name, value)
    return kept | fixed


@pytest.fixture
def run(environment: Mapping[str, str]) -> Run:
    """Run a command in this process; returns exit_code, stdout and stderr."""

    def _run(*arguments: str, stdin: str | bytes | None = None) -> Any:
        result = CliRunner().invoke(app, list(arguments), input=stdin, prog_name="planner")
        unexpected = result.exception
        if unexpected is not None and not isinstance(unexpected, (SystemExit, typer.Exit)):
            raise unexpected
        return result

    return _run


@pytest.fixture
def process(environment: Mapping[str, str], tmp_path: Path) -> Run:
    """Run ``python -m planner`` as a process of its own; returns a CompletedProcess of bytes."""

    def _process(
        *arguments: str, stdin: bytes | None = b"", env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "-m", "planner", *arguments],
            input=stdin,
            env={**environment, **(env or {})},
            cwd=tmp_path,
            check=False,
            timeout=300,
            **({"capture_output": True} | options),
        )

    return _process
