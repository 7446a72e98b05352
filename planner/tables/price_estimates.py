"""Prices of parts that no record names, from those of parts like them.

A part without a price costs what the most alike part with one costs, times the ratio of the two parts' worth
to the power 0.7. Worth is the geometric mean of the dense 8-bit rate and the memory bandwidth: buyers pay for
both, and each alone is wrong by a factor of two for some part (H20, A100). The power says that a newer part
gives more for the money. "Alike" is the distance in the logarithms of the two rates, among parts of the same
vendor and family of memory where there are any: cards with GDDR cost a fraction of what their rates would
say.

A part that is rented out and has no purchase price costs its rent times the median ratio of purchase and rent
over the parts that have both, which misses less than its rates do.

Terms without a price for a part cost what it costs in other terms, times the mean ratio of the terms over the
parts that have both.

What an owner pays for parts of its own making and prices more than three years older than the newest are no
reference; the rent of a sole provider is one for its own parts only. Priced so from the others, the parts
that have a price come out within the ranges below in four of five cases
(``tests/catalog/test_price_data.py``).
"""

from __future__ import annotations

from math import dist, exp, log, sqrt
from statistics import NormalDist, mean, median, stdev
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from planner.catalog.kinds import ACCELERATOR, PURCHASE, RENTAL
from planner.catalog.tops import tops
from planner.tables.price_dates import nearest

if TYPE_CHECKING:
    from planner.catalog.kinds import Kind
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator

__all__ = [
    "PART_SPREAD",
    "RENT_SPREAD",
    "Entry",
    "entries",
    "most_alike",
    "of_part",
    "purchase_hours",
    "terms_ratio",
    "worth_ratio",
]

POWER: Final = 0.7
"""Of the ratio of worth."""
PART_SPREAD: Final = 1.5
"""Factor up and down that holds 80 % of the prices estimated from another part."""
RENT_SPREAD: Final = 1.4
"""The same of purchases estimated from the part's own rent."""
FEWEST_PAIRS: Final = 3
"""Parts with both prices below which their ratio is not used."""
REFERENCE_YEARS: Final = 3
"""How much older than the newest a price may be from which another one is estimated."""
FEWEST_SPREAD: Final = 1.5
"""Spread of a ratio of terms that only one part has."""
LEAST_SPREAD: Final = 1.2


class Entry(NamedTuple):
    """What the top of a price record says."""

    id: str
    accelerators: tuple[str, ...]
    terms: str
    provider: str | None
    basis: str = "market"
    year: int | None = None
    """Of the latest price; None where the record has none that can be read."""


def entries(catalog: Catalog, kind: Kind[Any]) -> list[Entry]:
    """List the prices of a kind, those of later overlays first; only the tops of the files are read."""
    fields = ("accelerators", "terms", "provider", "basis", "cite", "gpu_hour", "per_accelerator")
    listed = sorted(tops(catalog, kind, fields), key=lambda t: (-t.layer, t.id))
    return [
        Entry(
            top.id,
            top.texts("accelerators"),
            str(top.fields.get("terms")),
            top.fields.get("provider"),
            str(top.fields.get("basis", "market")),
            _year(top.fields),
        )
        for top in listed
    ]


def _year(fields: dict[str, Any]) -> int | None:
    for name in ("gpu_hour", "per_accelerator", "cite"):
        stated = fields.get(name)
        date = str(stated.get("as_of", "")) if isinstance(stated, dict) else ""
        if date[:4].isdigit():
            return int(date[:4])
    return None


def of_part(listed: list[Entry], accelerator: str) -> dict[str, Entry]:
    """Prices of a part by terms; of several the first."""
    found: dict[str, Entry] = {}
    for entry in listed:
        if accelerator in entry.accelerators:
            found.setdefault(entry.terms, entry)
    return found


def worth(part: Accelerator) -> tuple[float, float]:
    """Logarithms of the dense 8-bit rate and the memory bandwidth; without 8 bit, the 16-bit rate."""
    flops = part.flops
    rates = [rate.value for rate in (flops.fp8, flops.int8, flops.bf16, flops.fp16) if rate is not None]
    return log(max(rates)), log(part.memory.bandwidth.value)


def worth_ratio(part: Accelerator, other: Accelerator) -> float:
    """Price of a part over that of another one, by their rates."""
    return exp(POWER * mean(a - b for a, b in zip(worth(part), worth(other), strict=True)))


def most_alike(catalog: Catalog, accelerator: Accelerator, listed: list[Entry]) -> Accelerator | None:
    """Find the most alike part with a price that may stand for others; of equals the first.

    Of the same vendor and family of memory where there is any, else of the same vendor, else of the family.
    """
    names: dict[str, bool] = {}
    for entry in _references(listed):
        for name in entry.accelerators:
            names[name] = names.get(name, True) and entry.basis == "sole-provider"
    parts = [(catalog.get(ACCELERATOR, name), sole) for name, sole in names.items() if name != accelerator.id]
    kin = [part for part, _ in parts if part.vendor == accelerator.vendor]
    near = kin or [part for part, sole in parts if not sole]
    stacked = [part for part in near if _stacked(part) == _stacked(accelerator)]
    mine = worth(accelerator)
    return min(stacked or near, key=lambda part: dist(mine, worth(part)), default=None)


def _stacked(part: Accelerator) -> bool:
    return part.memory.type.startswith("HBM")


def _references(listed: list[Entry]) -> list[Entry]:
    """Leave out what an owner pays for its own parts, and old prices."""
    sold = [entry for entry in listed if entry.basis != "internal-cost"]
    newest = max((entry.year for entry in sold if entry.year is not None), default=None)
    if newest is None:
        return sold
    return [entry for entry in sold if entry.year is None or newest - entry.year <= REFERENCE_YEARS]


def purchase_hours(
    catalog: Catalog, bought: list[Entry], rented: list[Entry], accelerator: str
) -> float | None:
    """Hours of rent on demand that a purchase costs, median over the parts that have both prices.

    Of rents at several dates the nearest to the purchase counts.

    Parameters
    ----------
    bought, rented
        Purchases; rents of the market.
    accelerator
        Left out, so that a part is not estimated from itself.

    Returns
    -------
    float or None
        None where fewer than three parts have both prices.
    """
    hours = []
    for entry in _references(bought):
        own = next((o for n in entry.accelerators if (o := of_part(rented, n).get("on-demand"))), None)
        if own is None or accelerator in entry.accelerators or own.basis != "market":
            continue
        price = catalog.get(PURCHASE, entry.id).per_accelerator
        rent = nearest(catalog.get(RENTAL, own.id), price.as_of)
        if price.value > 0 and rent.value > 0:
            hours.append(price.value / rent.value)
    return median(hours) if len(hours) >= FEWEST_PAIRS else None


def terms_ratio(catalog: Catalog, listed: list[Entry], terms: str, over: str) -> tuple[float, float] | None:
    """Price in some terms over that in others, geometric mean over the parts that have both, and its spread.

    Returns
    -------
    tuple of float or None
        Ratio, and the factor up and down that holds 80 % of the parts; None where no part has both.
    """
    pairs: dict[tuple[str, str], float] = {}
    for name in {name for entry in listed for name in entry.accelerators}:
        own = of_part(listed, name)
        if terms in own and over in own:
            top, base = (catalog.get(RENTAL, own[word].id).gpu_hour.value for word in (terms, over))
            if top > 0 and base > 0:
                pairs[own[terms].id, own[over].id] = log(top / base)
    if not pairs:
        return None
    logs = sorted(pairs.values())
    if len(logs) == 1:
        return exp(logs[0]), FEWEST_SPREAD
    spread = exp(NormalDist().inv_cdf(0.9) * stdev(logs) * sqrt(1.0 + 1.0 / len(logs)))
    return exp(mean(logs)), max(spread, LEAST_SPREAD)
