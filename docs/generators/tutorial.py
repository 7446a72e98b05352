"""The tutorial: cells that run one after the other in one namespace, and the same page as a notebook."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["BLOCKS", "cells", "notebook"]

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / "tutorial.md"
NOTEBOOK = DOCS / "tutorial.ipynb"
IMAGES = DOCS / "img"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
MARKED = re.compile(r"<!-- generate: cell[^\n]*-->\n(.*?)<!-- /generate -->", re.DOTALL)
PICTURE = ".png"


class _Kernel:
    """Runs cells in a folder of its own."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="planner-tutorial-"))

    def run(self, code: str) -> str:
        """Run a cell; returns what it prints, and its last expression as a notebook would show it."""
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        printed = io.StringIO()
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(tree, "<tutorial>", "exec"), self.names)  # noqa: S102 (our own page)
                if isinstance(last, ast.Expr):
                    value = eval(compile(ast.Expression(last.value), "<tutorial>", "eval"), self.names)  # noqa: S307
                    if value is not None:
                        print(value if isinstance(value, str) else repr(value))
        finally:
            os.chdir(before)
        return printed.getvalue().rstrip("\n")


_kernel: list[_Kernel] = []


def cell(arguments: str, old: str) -> str:
    """``[first]``: the code that stands there, with what it shows now and the pictures that it wrote."""
    if arguments == "first" or not _kernel:
        _done()
        _kernel.append(_Kernel())
    kernel = _kernel[0]
    there = set(kernel.folder.glob(f"*{PICTURE}"))
    found = CODE.search(old)
    if found is None:
        raise SystemExit("tutorial: a cell without a block of python")
    code = found[1]
    shown = kernel.run(code)
    lines = ["```python", code.rstrip("\n"), "```"]
    if shown:
        lines += ["", "```text", *(line.rstrip() for line in shown.splitlines()), "```"]
    for picture in sorted(set(kernel.folder.glob(f"*{PICTURE}")) - there):
        _keep(picture)
        lines += ["", f"![{picture.stem.replace('-', ' ')}](img/{picture.name})"]
    return "\n".join(lines)


def _keep(picture: Path) -> None:
    """Copy a picture to the docs; a check looks only whether there is one, for fonts differ by release."""
    target = IMAGES / picture.name
    if "--check" not in sys.argv:
        IMAGES.mkdir(exist_ok=True)
        target.write_bytes(picture.read_bytes())
    elif not target.exists():
        raise SystemExit(f"docs/img/{picture.name} is missing; run python docs/generate.py tutorial.md")


def _done() -> None:
    while _kernel:
        shutil.rmtree(_kernel.pop().folder, ignore_errors=True)


def cells(page: str) -> list[tuple[str, str]]:
    """Return a page as (``markdown`` or ``code``, source), in order."""
    found: list[tuple[str, str]] = []
    at = 0
    for mark in MARKED.finditer(page):
        found.append(("markdown", page[at : mark.start()].strip()))
        code = CODE.search(mark[1])
        found.append(("code", code[1].rstrip("\n") if code else ""))
        at = mark.end()
    rest = re.sub(r"<!-- generate: notebook -->.*?<!-- /generate -->", "", page[at:], flags=re.DOTALL)
    found.append(("markdown", rest.strip()))
    return [(kind, source) for kind, source in found if source]


def notebook(page: str) -> str:
    """Return a page as a notebook without outputs."""
    made: list[dict[str, Any]] = []
    for place, (kind, source) in enumerate(cells(page)):
        one: dict[str, Any] = {"cell_type": kind, "id": f"cell-{place:02}", "metadata": {}}
        if kind == "code":
            one |= {"execution_count": None, "outputs": []}
        made.append(one | {"source": source.splitlines(keepends=True)})
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def as_notebook(_arguments: str, _old: str) -> str:
    """Write the page as a notebook, and say where it is."""
    _done()
    if "--check" not in sys.argv:
        NOTEBOOK.write_text(notebook(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return "The same as a notebook: [tutorial.ipynb](tutorial.ipynb)."


BLOCKS = {"cell": cell, "notebook": as_notebook}
