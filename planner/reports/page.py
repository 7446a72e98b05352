"""A report as one page of HTML: nothing but what is in it, and the same bytes for the same answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.errors import MissingExtraError
from planner.units import MEGA, format_quantity

if TYPE_CHECKING:
    from planner.plan.document import Assumption, SourceUsed
    from planner.plan.sections import Section
    from planner.reports.figures.make import Figure

__all__ = ["Page", "check_installed", "rendered"]

EXTRA: Final = "report"
PURPOSE: Final = "planner report"
SIZE: Final = (7.2, 4.3)
"""Inches of a figure."""
_TEMPLATE: Final = "report.html"


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything on a page, in words.

    Attributes
    ----------
    title, question
        What it is about, and which question that is.
    sentence
        The answer.
    feasible
        Whether there is one.
    binds
        What binds: what, and a sentence.
    reasons, mends
        Why there is no answer, and what would make one.
    figures, sections
        Pictures and tables.
    inputs
        As resolved, by name.
    assumptions, notes, sources
        Of the answer.
    changes
        Of the catalog: ``--set``.
    command, report, scenario, file
        How to ask again: the command, that of the report, the question as a scenario, and the file that the
        command means where nothing else names it.
    version, digest
        Of planner and of the catalog.
    """

    title: str
    question: str
    note: str
    sentence: str
    feasible: bool
    binds: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    mends: Sequence[str]
    figures: Sequence[Figure]
    sections: Sequence[Section]
    inputs: Mapping[str, Any]
    assumptions: Sequence[Assumption]
    notes: Sequence[str]
    sources: Mapping[str, SourceUsed]
    changes: Sequence[str]
    command: str
    report: str
    scenario: str
    file: str | None
    version: str
    digest: str


def check_installed() -> None:
    """Raise `MissingExtraError` where what a report needs is not installed, before anything takes time."""
    from importlib.util import find_spec

    if find_spec("jinja2") is None:
        raise MissingExtraError(EXTRA, PURPOSE)


def rendered(page: Page) -> str:
    """Return the page as HTML.

    Raises
    ------
    MissingExtraError
        Jinja is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError(EXTRA, PURPOSE) from error
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("planner.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pictures = [
        {"figure": figure, "svg": Markup(_svg(figure))}  # noqa: S704 (ours, its words escaped)
        for figure in page.figures
    ]
    return environment.get_template(_TEMPLATE).render(
        page=page, pictures=pictures, inputs=list(_shown(page.inputs)), link=_link, text=_text
    )


def _svg(figure: Figure) -> str:
    from planner.reports.svg import inline

    return inline(figure.axes(SIZE), name=figure.name, title=figure.title, description=figure.caption)


def _shown(inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield inputs as resolved; those that stayed open are left out."""
    for name, value in inputs.items():
        text = _text(value)
        if text:
            yield name, text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if abs(value) >= MEGA:
            return format_quantity(value, "count", digits=6)
        return f"{value:,.0f}" if value.is_integer() else f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(one) for one in value)
    return str(value)


def _link(url: str | None) -> str | None:
    """Return an address that a browser may follow from the page; None for anything else."""
    return url if url and url.startswith(("https://", "http://")) else None
