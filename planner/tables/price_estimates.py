"""Prices of parts that no record names, from those of parts like them.

A part without a price costs what the most alike part with one costs (of the same vendor where it has any),
times the ratio of the two parts' worth to the power 0.7. Worth is the geometric mean of the dense 8-bit rate
and the memory bandwidth: buyers pay for both, and each alone is wrong by a factor of two for some part (H20,
A100). The power says that a newer part gives more for the money. "Alike" is the distance in the logarithms of
the two rates.

Terms without a price for a part cost what it costs in other terms, times the mean ratio of the terms over the
parts that have both.

Priced so from the others, the parts that have a price come out within a factor of 1.8 in four of five cases
(``tests/catalog/test_price_data.py``), which is the range of an estimate.
"""

from __future__ import annotations

from math import dist, exp, log, sqrt
from statistics import NormalDist, mean, stdev
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from planner.catalog.kinds import ACCELERATOR, RENTAL
from planner.catalog.tops import tops

if TYPE_CHECKING:
    from planner.catalog.kinds import Kind
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator

__all__ = ["PART_SPREAD", "Entry", "entries", "most_alike", "of_part", "terms_ratio", "worth_ratio"]

POWER: Final = 0.7
"""Of the ratio of worth."""
PART_SPREAD: Final = 1.8
"""Factor up and down that holds 80 % of the prices estimated from another part."""
FEWEST_SPREAD: Final = 1.5
"""Spread of a ratio of terms that only one part has."""
LEAST_SPREAD: Final = 1.2


class Entry(NamedTuple):
    """What the top of a price record says."""

    id: str
    accelerators: tuple[str, ...]
    terms: str
    provider: str | None


def entries(catalog: Catalog, kind: Kind[Any]) -> list[Entry]:
    """List the prices of a kind, those of later overlays first; only the tops of the files are read."""
    listed = sorted(
        tops(catalog, kind, ("accelerators", "terms", "provider")), key=lambda t: (-t.layer, t.id)
    )
    return [
        Entry(top.id, top.texts("accelerators"), str(top.fields.get("terms")), top.fields.get("provider"))
        for top in listed
    ]


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
    """Find the most alike part with a price, of the same vendor where there is any; of equals the first."""
    names = dict.fromkeys(name for entry in listed for name in entry.accelerators if name != accelerator.id)
    parts = [catalog.get(ACCELERATOR, name) for name in names]
    kin = [part for part in parts if part.vendor == accelerator.vendor] or parts
    mine = worth(accelerator)
    return min(kin, key=lambda part: dist(mine, worth(part)), default=None)


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
