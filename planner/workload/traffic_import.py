"""Import of a trace: from a CSV of requests to a traffic profile, with notes on what it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from planner.catalog.load import validated
from planner.catalog.strict_yaml import parse_yaml
from planner.errors import InputError
from planner.units import SECONDS_PER_DAY, format_quantity
from planner.workload.emit import to_text
from planner.workload.trace_csv import Trace, read_trace
from planner.workload.trace_statistics import Amount, Busiest, TraceStatistics, statistics_of
from planner.workload.traffic import TrafficProfile
from planner.workload.traffic_parts import LEVELS, Level

__all__ = ["SOURCE", "ImportedTraffic", "import_trace"]

SOURCE: Final = "traffic-trace"
_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_LITTLE: Final = 100
"""Requests below which everything is uncertain."""
_FAR: Final = 1.25
"""How far the lognormal may lie from the trace at p90 or p99 before a note says so."""


class ImportedTraffic(NamedTuple):
    """A profile made of a trace, and what a reader should know about it."""

    record: TrafficProfile
    yaml: str
    """The record as a file of the catalog."""
    statistics: TraceStatistics
    notes: tuple[str, ...]


def import_trace(
    path: str | Path,
    *,
    record_id: str | None = None,
    name: str | None = None,
    time_unit: str | None = None,
    where: str | None = None,
) -> ImportedTraffic:
    """Make a traffic profile of a CSV file with a line for each request.

    Columns are found by their names, in any case: a time, input and output tokens; where there are, tokens
    found in a cache, session and user. ``docs/traffic.md`` lists the names.

    Parameters
    ----------
    path : str or Path
        The trace.
    record_id, name : str, optional
        Of the record; by default from the name of the file.
    time_unit : str, optional
        ``s``, ``ms``, ``us`` or ``ns``, for times that are numbers.
    where : str, optional
        What messages call the file; its path by default.

    Raises
    ------
    InputError
        Not a trace, with every mistake in it; or nothing to measure.
    OutputError
        The file cannot be read.
    """
    from planner.workload.hf_config import slug

    path = Path(path)
    where = str(path) if where is None else where
    trace = read_trace(path, where, time_unit=time_unit)
    for column, tokens in (("input", trace.input_tokens), ("output", trace.output_tokens)):
        if not tokens.any():
            raise InputError(f"{where}: no request has {column} tokens; is it the right column?")
    found = statistics_of(trace)
    title = name or Path(where).stem
    document = {
        "id": record_id or slug(title) or "trace",
        "name": title,
        "note": f"{len(trace):,} requests in {format_quantity(trace.span_s, 's')}.",
        **({} if trace.date is None else {"date": trace.date}),
        "cite": {"source": SOURCE, "at": Path(where).name, "kind": "measured"},
        **_sections(found),
    }
    text = to_text(document)
    record = validated(parse_yaml(text.encode(), where), TrafficProfile)
    return ImportedTraffic(record, text, found, tuple(_notes(trace, found, record)))


def _sections(found: TraceStatistics) -> dict[str, Any]:
    """Write the statistics as the fields of a record."""
    fields: dict[str, Any] = {
        "arrival": "open" if found.span_s else "offline",
        "input": _spread(found.input),
        "output": _spread(found.output),
    }
    if found.hit is not None:
        fields["prefix"] = {"hit": _rounded(found.hit), "cache": "served"}
    if found.steps is not None and found.steps > 1:
        fields["sessions"] = {"steps": _rounded(found.steps)}
        if found.think is not None:
            fields["sessions"]["think"] = _spread(found.think, " s")
        if found.growth is not None:
            fields["sessions"]["growth"] = _rounded(found.growth)
    if found.users is not None:
        asked, active = found.users.requests_per_active_hour, found.users.active
        fields["demand"] = {"requests": _rounded(asked), "active": _rounded(active)}
    peaks = {name: _peak(peak) for name, peak in (("hour", found.hour), ("minute", found.minute)) if peak}
    if peaks:
        fields["peak"] = peaks
    if found.burstiness is not None:
        fields["burstiness"] = _rounded(found.burstiness)
    return fields


def _spread(amount: Amount, unit: str = "") -> dict[str, Any]:
    """Write a mean with its spread; a quantile of zero says nothing that a lognormal could follow."""

    def written(value: float) -> float | str:
        return f"{_rounded(value)}{unit}" if unit else _rounded(value)

    fields: dict[str, Any] = {"mean": written(amount.mean), "cv": _rounded(amount.cv)}
    quantiles = {name: written(value) for name, value in amount.quantiles.items() if value > 0}
    return fields | ({"quantiles": quantiles} if quantiles else {})


def _peak(peak: Busiest) -> dict[str, Any]:
    chance = f"a Poisson stream of {peak.mean_requests:,.0f} requests reaches {peak.by_chance:.2f}"
    return {"value": _rounded(max(1.0, peak.over_mean), 4), "note": chance}


def _rounded(value: float, digits: int = 6) -> float | int:
    """Return a number of so many digits, whole where it is."""
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _notes(trace: Trace, found: TraceStatistics, record: TrafficProfile) -> Iterator[str]:
    """Say how the trace was read, and what it does not tell."""
    rate = f"{found.requests / found.span_s:.4g} a second" if found.span_s else "all at once"
    yield f"{found.requests:,} requests in {format_quantity(found.span_s, 's')}, {rate}"
    if trace.time_unit in _UNITS:
        sure = "taken for" if trace.guessed else "are"
        mend = "; --time-unit says it for certain" if trace.guessed else ""
        yield f"times {sure} {_UNITS[trace.time_unit]}{mend}"
    if found.requests < _LITTLE:
        yield f"with fewer than {_LITTLE} requests every figure is uncertain"
    if not found.span_s:
        yield "all requests carry the same time, so they are taken for a queue: arrival: offline"
        return
    if found.ticks:
        yield "most requests share their time with another: such ticks say nothing of burstiness"
    named = (("input", trace.input_tokens), ("output", trace.output_tokens))
    empty = [f"{int((t == 0).sum()):,} without {name} tokens" for name, t in named if (t == 0).any()]
    if empty:
        yield f"requests that may have failed are counted as they stand: {', '.join(empty)}"
    yield from _fit_notes(record)
    if found.think is not None:
        yield "think times are from request to request, so they include the time of the answer"
    yield from _length_notes(found)
    yield "a trace has no latency targets; add latency: {ttft: {limit, percentile}, tpot: ...}"


def _fit_notes(record: TrafficProfile) -> Iterator[str]:
    """Compare the lognormal that stands for the lengths with the quantiles of the trace."""
    levels: tuple[Level, ...] = ("p90", "p99")
    for name, lengths in (("input", record.input), ("output", record.output)):
        for level in levels:
            stated = lengths.quantiles.get(level)
            ratio = 1.0 if stated is None else lengths.spread.quantile(LEVELS[level]) / stated.value
            if abs(math.log(ratio)) > math.log(_FAR):
                yield (
                    f"{name} tokens at {level}: the lognormal that stands for them has {ratio:.2f} times "
                    "those of the trace"
                )


def _length_notes(found: TraceStatistics) -> Iterator[str]:
    """Name what the trace is too short for."""
    span = format_quantity(found.span_s, "s")
    if found.minute is None:
        yield f"{span} say nothing of peaks; add peak: {{hour, minute}}"
    elif found.hour is None:
        yield f"{span} say nothing of the course of a day; add peak: {{hour: ...}}"
    elif found.span_s < 7 * SECONDS_PER_DAY:
        yield f"{span} say nothing of the course of a week"
    if found.users is None:
        yield "nothing tells how many users there were; add demand: {requests, active} to speak of users"
    else:
        less = "" if found.hour else "; a whole day has quieter hours too"
        yield f"demand.active is a share of the {found.users.users:,} users that asked anything at all{less}"
    if found.hit is None:
        yield "no column of cached tokens: prefix hits count as 0 until you add prefix: {hit, cache}"
