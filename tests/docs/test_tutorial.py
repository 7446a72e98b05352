"""The tutorial: its cells are run by `docs/generate.py --check`; notebook and pictures belong to it."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tutorial() -> Any:
    """Import what makes the notebook."""
    sys.path.insert(0, str(DOCS))
    try:
        from generators import tutorial
    finally:
        sys.path.remove(str(DOCS))
    return tutorial


def test_the_notebook_is_the_page(tutorial: Any) -> None:
    text = (DOCS / "tutorial.ipynb").read_text(encoding="utf-8")
    assert text == tutorial.notebook(PAGE), "run python docs/generate.py tutorial.md"
    made = json.loads(text)
    assert made["nbformat"] == 4
    assert all(one["outputs"] == [] for one in made["cells"] if one["cell_type"] == "code")
    assert len({one["id"] for one in made["cells"]}) == len(made["cells"])


def test_its_cells_are_those_of_the_page_in_order(tutorial: Any) -> None:
    cells = tutorial.cells(PAGE)
    code = [source for kind, source in cells if kind == "code"]
    assert code == [one.rstrip("\n") for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)]
    assert len(code) >= 12
    for source in code:
        ast.parse(source)
    assert not [source for kind, source in cells if kind == "markdown" and "generate:" in source]


def test_its_pictures_are_there_and_whole() -> None:
    named = re.findall(r"!\[[^\]]*\]\((img/[^)]+\.png)\)", PAGE)
    assert len(named) >= 3
    for name in named:
        content = (DOCS / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert content.endswith(b"IEND\xaeB`\x82")


def test_a_cell_shows_what_it_prints_and_its_last_value(tutorial: Any) -> None:
    old = "```python\nprint('a')\nx = 2\nx + 1\n```\n"
    assert tutorial.cell("first", old) == "```python\nprint('a')\nx = 2\nx + 1\n```\n\n```text\na\n3\n```"
    assert tutorial.cell("", "```python\nx * 2\n```").endswith("```text\n4\n```")
    tutorial._done()
