"""Answers about clusters as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.plan.cluster.results import CompareResult, ListResult, ShowResult, SizeResult
from planner.plan.cluster.words import RULE_LABELS, count, energy, plain, usd, watts
from planner.plan.sections import Section
from planner.units import short_number

if TYPE_CHECKING:
    from planner.plan.cluster.results import Compared, Equivalents, Listed, Sheet
    from planner.plan.document import Document, Interval

__all__ = [
    "LIST_HEAD",
    "Rows",
    "compare_head",
    "compare_rows",
    "headline",
    "list_rows",
    "records_of",
    "tables",
]

Rows = list[tuple[str, ...]]
"""A table: rows of cells, all of the same length."""

LIST_HEAD: Final = (
    "cluster", "date", "status", "accelerators", "H100e by dense bf16", "by dense 8 bit", "by HBM bandwidth",
    "by memory", "claimed power", "claimed capital",
)  # fmt: skip


def headline(result: Document) -> str:
    """Say the answer in one sentence."""
    from planner.plan.cluster.rows import sheet_headline

    if isinstance(result, ListResult):
        return f"{len(result.result.clusters)} clusters, the largest first"
    if isinstance(result, CompareResult):
        first, *others = result.inputs.clusters
        return f"{', '.join(others)} beside {first}; in brackets the ratio to it"
    if isinstance(result, SizeResult):
        return result.result.sentence
    return sheet_headline(result.result) if isinstance(result, ShowResult) else ""


def list_rows(clusters: Sequence[Listed]) -> Rows:
    """Rows under `LIST_HEAD`."""
    return [
        (
            one.id,
            one.date,
            one.status,
            _kinds(one.kinds),
            *(count(getattr(one.h100_equivalents, rule), bare=True) for rule in list(RULE_LABELS)[:4]),
            "" if one.claimed_power_megawatts is None else watts(one.claimed_power_megawatts),
            "" if one.claimed_capital_usd is None else usd(one.claimed_capital_usd),
        )
        for one in clusters
    ]


def _kinds(kinds: dict[str, int]) -> str:
    return " + ".join(f"{number:,} {part}" for part, number in kinds.items())


def compare_head(result: CompareResult) -> tuple[str, ...]:
    """Return the titles of `compare_rows`."""
    return ("", *result.inputs.clusters)


def compare_rows(result: CompareResult) -> Rows:
    """One row for each figure."""
    return [
        (
            one.figure if one.unit in ("", "MW", "MWh", "USD") else f"{one.figure}, {one.unit}",
            *(_compared(one, at) for at in range(len(one.values))),
        )
        for one in result.result.figures
    ]


def _compared(one: Compared, at: int) -> str:
    value, over = one.values[at], one.ratios[at]
    if value is None:
        return "none"
    shows = {
        "MW": watts,
        "USD": usd,
        "MWh": energy,
        "": plain,
    }
    text = shows.get(one.unit, plain)(value)
    return text if at == 0 or over is None else f"{text} ({_ratio(over)})"


def _ratio(over: float) -> str:
    """Write a ratio: ``0.483x``, and ``1/28,750`` where it is small."""
    return f"{short_number(over)}x" if over == 0.0 or over >= 1e-3 else f"1/{1.0 / over:,.0f}"


def list_records(clusters: Sequence[Listed]) -> list[dict[str, Any]]:
    """Return one flat record for each cluster, units and rules in the names."""
    return [
        {
            "id": one.id,
            "name": one.name,
            "owner": one.owner,
            "status": one.status,
            "date": one.date,
            "accelerators": one.accelerators,
            "kinds": ";".join(f"{part}:{number}" for part, number in one.kinds.items()),
            **equivalent_records(one.h100_equivalents),
            "claimed_power_megawatts": one.claimed_power_megawatts,
            "claimed_capital_usd": one.claimed_capital_usd,
        }
        for one in clusters
    ]


def equivalent_records(equivalents: Equivalents) -> dict[str, float | None]:
    """Return H100 equivalents as flat fields, each with its rule in the name."""
    found = {}
    for rule in RULE_LABELS:
        one = getattr(equivalents, rule)
        if rule != "by_workload" or one is not None:
            found[f"h100_equivalents_{rule}"] = None if one is None else one.value
    return found


def sheet_record(sheet: Sheet) -> dict[str, Any]:
    """Return a fact sheet as one flat record."""
    return {
        "cluster": sheet.cluster,
        "accelerators": sheet.accelerators,
        "kinds": ";".join(f"{group.accelerator}:{group.accelerators}" for group in sheet.groups),
        **equivalent_records(sheet.h100_equivalents),
        "site": sheet.power.site,
        "average_facility_megawatts": _data(sheet.power.average_facility_megawatts),
        "peak_facility_megawatts": _data(sheet.power.peak_facility_megawatts),
        "energy_megawatt_hours": _data(sheet.year.energy_megawatt_hours),
        "co2_tonnes": _data(sheet.year.co2_tonnes),
        "capital_usd": _data(sheet.capital.usd),
        **{
            f"usd_per_gpu_hour_{one.price.replace('-', '_')}": one.usd_per_gpu_hour
            and one.usd_per_gpu_hour.value
            for one in sheet.cost.prices
        },
        "interruptions_per_day": _data(sheet.failures.interruptions_per_day),
        "best_policy": sheet.failures.best_policy,
        "goodput": _data(sheet.failures.policies[0].goodput),
        "spare_hosts": sheet.failures.spare_hosts,
    }


def _data(number: Interval) -> dict[str, float]:
    return {"value": number.value, "low": number.low, "high": number.high}


def records_of(result: Document) -> list[dict[str, Any]]:
    """Return an answer as flat records, one for each cluster."""
    if isinstance(result, ListResult):
        return list_records(result.result.clusters)
    if isinstance(result, CompareResult):
        return [sheet_record(sheet) for sheet in result.result.sheets]
    if isinstance(result, ShowResult):
        return [sheet_record(result.result)]
    if isinstance(result, SizeResult):
        answer = result.result
        sized = {"binds": answer.binds, "systems": answer.systems}
        return [sized | (sheet_record(answer.sheet) if answer.sheet is not None else {})]
    return []


def tables(result: Document) -> Iterator[Section]:
    """Yield every table of an answer about clusters."""
    from planner.plan.cluster.rows import sections, size_rows

    if isinstance(result, ListResult):
        yield Section("", LIST_HEAD, list_rows(result.result.clusters))
    elif isinstance(result, CompareResult):
        yield Section(headline(result), tuple(compare_head(result)), compare_rows(result))
    elif isinstance(result, SizeResult):
        yield Section(result.result.sentence, (), size_rows(result.result))
        if result.result.sheet is not None:
            yield from sections(result.result.sheet)
    elif isinstance(result, ShowResult):
        yield from sections(result.result)
