"""Clusters as rows for people: short, with units; the command line renders them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.plan.cluster.results import ListResult
from planner.units import MEGA, format_quantity

if TYPE_CHECKING:
    from planner.plan.cluster.results import Equivalents, Listed
    from planner.plan.document import Document, Interval

__all__ = ["LIST_HEAD", "RULE_LABELS", "Rows", "headline", "list_rows", "records_of", "to_html"]

Rows = list[tuple[str, ...]]
"""A table: rows of cells, all of the same length."""

RULE_LABELS: Final = {
    "by_bf16": "by dense bf16",
    "by_8bit": "by dense 8 bit",
    "by_hbm_bandwidth": "by HBM bandwidth",
    "by_memory": "by memory",
    "by_workload": "by workload",
}
"""Field of `Equivalents` to how the rule is called; every label of a number in H100 equivalents has it."""
LIST_HEAD: Final = (
    "cluster", "date", "status", "accelerators", "H100e by dense bf16", "by dense 8 bit", "by HBM bandwidth",
    "by memory", "claimed power", "claimed capital",
)  # fmt: skip


def headline(result: Document) -> str:
    """Say the answer in one sentence."""
    if isinstance(result, ListResult):
        return f"{len(result.result.clusters)} clusters, the largest first"
    return ""


def list_rows(clusters: Sequence[Listed]) -> Rows:
    """Rows under `LIST_HEAD`."""
    return [
        (
            one.id,
            one.date,
            one.status,
            _kinds(one.kinds),
            *(_middle(getattr(one.h100_equivalents, rule)) for rule in list(RULE_LABELS)[:4]),
            "" if one.claimed_power_megawatts is None else watts(one.claimed_power_megawatts),
            "" if one.claimed_capital_usd is None else usd(one.claimed_capital_usd),
        )
        for one in clusters
    ]


def _middle(number: Interval | None) -> str:
    return "none" if number is None else format_quantity(number.value, "count")


def _kinds(kinds: dict[str, int]) -> str:
    return " + ".join(f"{number:,} {part}" for part, number in kinds.items())


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


def records_of(result: Document) -> list[dict[str, Any]]:
    """Return an answer as flat records, one for each cluster."""
    if isinstance(result, ListResult):
        return list_records(result.result.clusters)
    return []


def to_html(result: Document) -> str:
    """Return a small table for notebooks."""
    import html

    rows = list_rows(result.result.clusters) if isinstance(result, ListResult) else []
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><caption>{html.escape(headline(result))}</caption>{cells}</table>"


def count(number: Interval | None) -> str:
    """Write a count with its interval, where it has one: ``1M``, ``1.2M (900k to 1.5M)``."""
    return "" if number is None else between(number, lambda value: format_quantity(value, "count"))


def between(number: Interval, show: Any) -> str:
    """Write an interval; a number without a spread stands alone."""
    middle, low, high = show(number.value), show(number.low), show(number.high)
    return middle if low == high == middle else f"{middle} ({low} to {high})"


def watts(megawatts: float) -> str:
    """Write a power: ``1.08 GW``."""
    return format_quantity(megawatts * MEGA, "watts", digits=3)


def usd(value: float) -> str:
    """Write an amount: ``32B USD``."""
    return format_quantity(value, "usd", digits=3)
