"""``planner traffic show TRAFFIC``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.commands.catalog_show import bibliography
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table, document
from planner.cli.people import plain, quantity
from planner.cli.session import Session

if TYPE_CHECKING:
    from planner.workload.traffic_summary import Fitted, TrafficSummary

__all__ = ["run"]

_COLUMNS: Final = [Column("name", "what"), Column("text", "value", right=True), Column("note", "")]
_RECORDS: Final = [Column(key, key) for key in ("key", "value", "unit", "note")]
_TARGETS: Final = {"ttft": "time to first token", "tpot": "time per output token", "end_to_end": "end to end"}
_WIDTH: Final = 100


@command
def run(
    session: Session,
    traffic: Annotated[
        str,
        typer.Argument(
            metavar="TRAFFIC",
            help="A traffic profile of the catalog.",
            autocompletion=names_of("traffic"),
            show_default=False,
        ),
    ],
) -> Answer:
    """Show what a kind of use asks of a model.

    Lengths as the estimator sees them, requests per second of a million users, and latency targets. The
    sources: planner catalog show traffic TRAFFIC --sources.
    """
    from planner.workload.kinds import TRAFFIC
    from planner.workload.traffic_summary import summarize_traffic

    catalog = session.catalog()
    summary = summarize_traffic(catalog.get(TRAFFIC, traffic))
    rows = list(_rows(summary))
    about = {"Assumed, with a range in the record": summary.assumed, "Not stated": summary.unstated}
    said = [f"{what}: {', '.join(fields)}." for what, fields in about.items() if fields]
    return Answer(
        document=document(
            "planner.traffic-show/1",
            inputs={"traffic": traffic, **session.inputs()},
            result=summary.to_dict(),
            sources=bibliography(catalog.bibliography(catalog.used)),
        ),
        tables=[Table(_COLUMNS, rows, title=f"{summary.name} ({summary.id})")],
        records=Table(_RECORDS, rows),
        text="\n\n".join(textwrap.fill(text, _WIDTH) for text in (summary.note, *said) if text),
    )


def _rows(s: TrafficSummary) -> Iterator[dict[str, Any]]:
    """Yield name, value, unit and note of every figure."""
    yield from _spread("input tokens", s.input_tokens, "count")
    yield from _spread("output tokens", s.output_tokens, "count")
    cache = {"ideal": "of a cache without limits", "served": "as served"}.get(s.prefix_cache or "", "")
    yield _row("prefix hits", s.prefix_hit, "fraction", cache)
    yield _row("input tokens to compute", s.computed_input_tokens, "count")
    if s.steps_per_session > 1:
        yield _row("requests of a session", s.steps_per_session, "count")
    if s.context_growth_tokens is not None:
        yield _row("context grows by", s.context_growth_tokens, "count", "tokens a request")
    if s.think_s is not None:
        yield from _spread("think time", s.think_s, "s")
    for grain, rate in (s.requests_per_s_per_million_users or {}).items():
        grains = {"mean": "mean hour", "hour": "busiest hour", "minute": "busiest minute"}
        yield _row(f"requests/s of a million users, {grains[grain]}", rate, "count")
    if s.arrival == "open":
        for grain, factor in s.peak_over_mean.items():
            known = "" if f"peak.{grain}" not in s.unstated else "not stated"
            yield _row(f"busiest {grain} over mean", factor, "ratio", known)
        yield _row("cv of the gaps between requests", s.arrival_cv, "ratio")
    if s.growth_per_year is not None:
        yield _row("growth in a year", s.growth_per_year, "fraction")
    for name, target in s.targets.items():
        share = f"of {100 * target.percentile:.4g} % of the requests, at most"
        yield _row(_TARGETS[name], target.limit_s, "s", share)


def _spread(name: str, fitted: Fitted, unit: str) -> Iterator[dict[str, Any]]:
    yield _row(f"{name}, mean", fitted.mean, unit, f"cv {fitted.cv:.3g}")
    for level, value in fitted.quantiles.items():
        stated = fitted.stated.get(level)
        note = "" if stated is None else f"stated {_text(stated, unit)}"
        yield _row(f"{name}, {level}", value, unit, note)


def _row(name: str, value: float, unit: str, note: str = "") -> dict[str, Any]:
    key = name.replace(",", "").replace("/", "_per_").replace(" ", "_")
    return {"key": key, "name": name, "value": value, "unit": unit, "text": _text(value, unit), "note": note}


def _text(value: float, unit: str) -> str:
    return plain(value) if unit in ("count", "ratio") else quantity(unit)(value)
