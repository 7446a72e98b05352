"""Blocks about traffic: the notes of an import, and the columns of a trace."""

from __future__ import annotations

from planner.workload.trace_columns import KNOWN
from planner.workload.traffic_import import import_trace

__all__ = ["BLOCKS"]

WHAT = {
    "time": "time of the request",
    "input": "input tokens",
    "output": "output tokens",
    "cached": "input tokens found in a cache; optional",
    "session": "session; optional",
    "user": "user; optional",
}
"""Meaning of a column in words."""


def notes(arguments: str, _old: str) -> str:
    """``CSV``: what importing it says."""
    return "\n".join(["```text", *(f"Note: {note}" for note in import_trace(arguments).notes), "```"])


def columns(_arguments: str, _old: str) -> str:
    """Return a table of what a trace holds, with the names that its columns go by."""
    head = ["| what | names |", "|---|---|"]
    rows = [
        f"| {WHAT[what]} | {', '.join(f'`{name}`' for name in names.split())} |"
        for what, names in KNOWN.items()
    ]
    return "\n".join([*head, *rows])


BLOCKS = {"traffic-notes": notes, "traffic-columns": columns}
