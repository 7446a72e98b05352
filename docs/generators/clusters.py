"""Blocks about clusters: equivalents of accelerators, claims of sites beside ours, a million equivalents."""

from __future__ import annotations

from functools import cache

import planner
from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.plan.cluster.equivalents import as_equivalents, per_accelerator
from planner.plan.cluster.results import Sheet
from planner.plan.cluster.words import usd, watts
from planner.tables.samples import Samples

__all__ = ["BLOCKS"]

FIELDS = ("by_bf16", "by_8bit", "by_hbm_bandwidth", "by_memory")
FABRIC = "spectrum-x-800-dual-plane"
SYSTEMS = ("hgx-h100", "hgx-h200", "hgx-b200", "gb200-nvl72", "gb300-nvl72", "vr200-nvl72", "mi355x-8")
RULES = ("bf16", "8bit", "hbm-bandwidth")


@cache
def _sheet(name: str) -> Sheet:
    return planner.cluster.show(name).result


def equivalents(_arguments: str, _old: str) -> str:
    """Return a table of H100 equivalents of every accelerator by every rule of peaks."""
    book = Catalog()
    parts = [book.get(ACCELERATOR, name) for name in book.ids(ACCELERATOR)]
    ratios = per_accelerator(book, parts, Samples(0))
    rows = []
    for at, part in enumerate(parts):
        found = as_equivalents(ratios, at)
        each = [getattr(found, field) for field in FIELDS]
        rows.append((part, ["" if one is None else f"{one.value:.3f}" for one in each]))
    head = "| accelerator | released | by dense bf16 | by dense 8 bit | by HBM bandwidth | by memory |"
    lines = [
        f"| {part.name} | {part.released} | {' | '.join(cells)} |"
        for part, cells in sorted(rows, key=lambda row: (row[0].released, row[0].name))
    ]
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *lines])


def claims(_arguments: str, _old: str) -> str:
    """Return a table of what is said of clusters beside what comes out here."""
    lines = ["| cluster | what | said | here | difference |", "|---|---|---:|---:|---:|"]
    shows = {"MW": watts, "USD": usd, "": lambda value: f"{value:,.0f}"}
    for one in planner.cluster.list().result.clusters:
        for claim in _sheet(one.id).claims:
            what = claim.what if claim.rule is None else f"H100 equivalents by {claim.rule}"
            show = shows[claim.unit]
            said, here = show(claim.claimed.value), show(claim.here.value)
            spread = f"{here} ({show(claim.here.low)} to {show(claim.here.high)})" if claim.unit else here
            lines.append(f"| `{one.id}` | {what} | {said} | {spread} | {claim.difference:+.1%} |")
    return "\n".join(lines)


def million(_arguments: str, _old: str) -> str:
    """Return a table of one million H100 equivalents as systems of several kinds, by three rules."""
    lines = [
        "| system | rule | accelerators | systems | facility, nameplate | in training | capital |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for system in SYSTEMS:
        for rule in RULES:
            found = planner.cluster.size(system, h100e="1M", rule=rule, fabric=FABRIC).result
            sheet = found.sheet
            if sheet is None:
                raise SystemExit(f"{system} by {rule}: {found.sentence}")
            lines.append(
                f"| `{system}` | {rule} | {sheet.accelerators:,} | {found.systems:,} "
                f"| {watts(sheet.power.nameplate_facility_megawatts.value)} "
                f"| {watts(sheet.power.average_facility_megawatts.value)} | {usd(sheet.capital.usd.value)} |"
            )
    return "\n".join(lines)


BLOCKS = {"equivalents": equivalents, "claims": claims, "million": million}
