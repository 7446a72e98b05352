"""An answer as tables of text: the command line prints them, notebooks show them, reports hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

__all__ = ["Section", "no_plan", "to_html"]


class Section(NamedTuple):
    """One table; without a head the first column names what the second says.

    The title of the first table of an answer is the answer in one sentence.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def no_plan(result: Any, headline: str) -> Section:
    """Return why there is no plan, and what would make one.

    Parameters
    ----------
    result
        With ``result.reasons``, of which the headline says the first, and ``result.nearest``.
    headline
        Says that there is none.
    """
    why = [("reason", reason) for reason in result.result.reasons[1:]]
    mends = [("feasible with", nearest.sentence) for nearest in result.result.nearest]
    return Section(headline, (), [*why, *mends])


def to_html(sections: Iterable[Section]) -> str:
    """Return tables for notebooks."""
    return "".join(map(_table, sections))


def _table(section: Section) -> str:
    import html

    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in section.head)
    first = "td" if section.head else "th"
    rows = [
        "".join(
            f"<{tag}>{html.escape(cell)}</{tag}>"
            for tag, cell in zip((first, *["td"] * len(row)), row, strict=False)
        )
        for row in section.rows
    ]
    body = "".join(f"<tr>{cells}</tr>" for cells in ([head, *rows] if head else rows))
    caption = f"<caption>{html.escape(section.title)}</caption>" if section.title else ""
    return f"<table>{caption}{body}</table>"
