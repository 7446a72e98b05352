"""Pictures of a page: the command that draws one, and the file that it writes."""

from __future__ import annotations

import sys
from pathlib import Path

from generators.answers import invoked
from planner.plan.curve.kinds import KINDS

__all__ = ["BLOCKS"]

DOCS = Path(__file__).resolve().parents[1]


def picture(arguments: str, _old: str) -> str:
    """``NAME ; COMMAND``: what ``COMMAND -o NAME.svg`` draws, written to ``docs/img`` unless only checked."""
    name, _, command = (part.strip() for part in arguments.partition(";"))
    if "--check" not in sys.argv:
        (DOCS / "img").mkdir(exist_ok=True)
        invoked(f"{command} -o {DOCS / 'img' / name}.svg")
    return f"```sh\n{command} -o {name}.svg\n```\n\n![{name.replace('-', ' ')}](img/{name}.svg)"


def kinds(_arguments: str, _old: str) -> str:
    """All kinds of curves, each in a sentence, with the command whose inputs ``--with`` takes."""
    rows = [f"| `{kind.name}` | {kind.about} | `{kind.question}` |" for kind in KINDS.values()]
    return "\n".join(["| KIND | shows | `--with` takes inputs of |", "|---|---|---|", *rows])


BLOCKS = {"picture": picture, "curve-kinds": kinds}
