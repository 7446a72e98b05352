"""Pictures of a page: the command that draws one, and the file that it writes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from generators.answers import invoked
from planner.plan.curve.kinds import KINDS
from planner.plot import files
from planner.plot.labels import overlapping, written

__all__ = ["BLOCKS"]

DOCS = Path(__file__).resolve().parents[1]


def picture(arguments: str, _old: str) -> str:
    """``NAME ; COMMAND``: what ``COMMAND -o NAME.png`` draws, written to ``docs/img`` unless only checked.

    A picture in which words lie on words, or beyond its edge, is refused.
    """
    name, _, command = (part.strip() for part in arguments.partition(";"))
    if "--check" not in sys.argv:
        (DOCS / "img").mkdir(exist_ok=True)
        with patch.object(files, "rendered", _looked_at):
            invoked(f"{command} -o {DOCS / 'img' / name}.png")
    return f"```sh\n{command} -o {name}.png\n```\n\n![{name.replace('-', ' ')}](img/{name}.png)"


def _looked_at(axes: Any, format: str, **how: Any) -> bytes:
    """Refuse a figure whose words cannot be read; else write it."""
    covered = overlapping(axes)
    whole = axes.figure.bbox
    cut = [text for text, box in written(axes) if box.x0 < whole.x0 - 1 or box.x1 > whole.x1 + 1]
    if covered or cut:
        raise SystemExit(f"words on words: {covered}; beyond the edge: {cut}")
    return _rendered(axes, format, **how)


_rendered = files.rendered


def kinds(_arguments: str, _old: str) -> str:
    """All kinds of curves, each in a sentence, with the command whose inputs ``--with`` takes."""
    rows = [f"| `{kind.name}` | {kind.about} | `{kind.question}` |" for kind in KINDS.values()]
    return "\n".join(["| KIND | shows | `--with` takes inputs of |", "|---|---|---|", *rows])


BLOCKS = {"picture": picture, "curve-kinds": kinds}
