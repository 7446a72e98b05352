"""Blocks about the code itself: its layers and its modules, as they are."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

__all__ = ["BLOCKS"]

ROOT = Path(__file__).resolve().parents[2]


def layers(_arguments: str, _old: str) -> str:
    """Return the layers as the import linter enforces them, with what each package says of itself."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    rows = []
    for line in contract["layers"]:
        names = [name.strip(" ()") for name in line.split("|")]
        there = [name for name in names if _file(name) is not None]
        rows += [f"| `{name}` | {_first_line(name)} |" for name in there]
    return "\n".join(["| layer, from the top | what it is |", "|---|---|", *rows])


def modules(arguments: str, _old: str) -> str:
    """``PACKAGE``: its modules, each with the first line of its docstring."""
    folder = ROOT / arguments.replace(".", "/")
    names = sorted(
        path.relative_to(folder).with_suffix("").as_posix().replace("/", ".")
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    )
    rows = [f"| `{name}` | {_first_line(f'{arguments}.{name}')} |" for name in names]
    return "\n".join(["| module | what it is |", "|---|---|", *rows])


def _file(name: str) -> Path | None:
    path = ROOT / name.replace(".", "/")
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _first_line(name: str) -> str:
    path = _file(name)
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path else None
    line = (text or "").split("\n\n", 1)[0].replace("\n", " ").replace("``", "`").replace("|", "\\|")
    return line.split("::", 1)[0]


BLOCKS = {"layers": layers, "modules": modules}
