"""The help of every command, word for word. To renew it: ``PLANNER_UPDATE_GOLDEN=1 pytest tests/cli``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from planner.cli.tree import COMMANDS, Tree

GOLDEN = Path(__file__).parent / "golden"
SERIES = ".".join(typer.__version__.split(".")[:2])
WRITTEN_WITH = (GOLDEN / "typer-series.txt").read_text().strip() if GOLDEN.is_dir() else SERIES
Run = Callable[..., Any]


def commands(tree: Tree, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group."""
    yield above
    for name, entry in tree.items():
        if isinstance(entry, str):
            yield (*above, name)
        else:
            yield from commands(entry[1], *above, name)


ALL = list(commands(COMMANDS))


@pytest.mark.parametrize("words", ALL, ids=lambda words: " ".join(words) or "planner")
@pytest.mark.skipif(
    SERIES != WRITTEN_WITH, reason=f"written with typer {WRITTEN_WITH}, which lays help out its way"
)
def test_help(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    file = GOLDEN / f"{'-'.join(('planner', *words))}.txt"
    if os.environ.get("PLANNER_UPDATE_GOLDEN"):
        file.write_text(result.stdout, encoding="utf-8")
        (GOLDEN / "typer-series.txt").write_text(f"{SERIES}\n", encoding="utf-8")
    assert result.stdout == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", ALL, ids=lambda words: " ".join(words) or "planner")
def test_short_help_fits_in_a_line_and_h_is_help(run: Run, words: tuple[str, ...]) -> None:
    text = run(*words, "-h").stdout
    assert text.splitlines()[0].startswith(f"Usage: {' '.join(('planner', *words))}")
    assert "..." not in text.partition("Commands:")[2]


def test_no_golden_file_is_left_over() -> None:
    kept = {"typer-series.txt", *(f"{'-'.join(('planner', *words))}.txt" for words in ALL)}
    assert {file.name for file in GOLDEN.iterdir()} == kept
