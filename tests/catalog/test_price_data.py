"""Shipped prices: every one dated, one market price per part and terms, and estimates as good as they say."""

from __future__ import annotations

from collections import Counter
from math import exp, log

import numpy as np
import pytest

from planner.catalog.fields import quantities
from planner.catalog.kinds import ACCELERATOR, FINANCE, PURCHASE, RENTAL
from planner.catalog.load import Catalog
from planner.tables.price import TERMS, finance_table, purchase_of, rental_on
from planner.tables.price_estimates import PART_SPREAD, worth, worth_ratio
from planner.tables.samples import Samples

CATALOG = Catalog()
PARTS = CATALOG.ids(ACCELERATOR)


@pytest.mark.parametrize("kind", [RENTAL, PURCHASE, FINANCE], ids=lambda kind: str(kind.name))
def test_every_price_has_its_date(kind: object) -> None:
    """Trap 15 of the method notes: facts of the news change, so each bears its date."""
    for record in CATALOG.all(kind):  # type: ignore[arg-type]
        for path, quantity in quantities(record):
            if quantity.dimension.startswith("usd") or quantity.kind == "reported":
                assert quantity.as_of is not None, f"{record.id} {path}"


def test_one_market_price_for_a_part_and_terms() -> None:
    market = [record for record in CATALOG.all(RENTAL) if record.provider is None]
    seen = Counter((part, record.terms) for record in market for part in record.accelerators)
    assert not [key for key, count in seen.items() if count > 1]
    assert not [record.id for record in market if record.terms not in TERMS]
    assert [record.id for record in market if not record.id.endswith(f"-{record.terms}")] == []


def test_one_purchase_price_for_a_part() -> None:
    seen = Counter(part for record in CATALOG.all(PURCHASE) for part in record.accelerators)
    assert seen.most_common(1)[0][1] == 1


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_a_price_of_its_own_or_an_estimate(name: str) -> None:
    part = CATALOG.get(ACCELERATOR, name)
    rents = {terms: rental_on(CATALOG, part, terms) for terms in TERMS}
    assert 0.05 < rents["spot"].value <= rents["on-demand"].value < 60
    assert rents["reserved"].value <= rents["on-demand"].value
    bought = purchase_of(CATALOG, part)
    assert 1_000 < bought.value < 500_000
    for price in (*rents.values(), bought):
        assert price.record in price.basis
        assert price.basis.startswith("estimate from") == price.estimated


def _left_out(prices: dict[str, float]) -> list[float]:
    """Estimate each price from the most alike other part, of its vendor where there is any; logarithms."""
    misses = []
    for name, usd in prices.items():
        part = CATALOG.get(ACCELERATOR, name)
        others = [CATALOG.get(ACCELERATOR, other) for other in prices if other != name]
        kin = [other for other in others if other.vendor == part.vendor] or others
        near = min(kin, key=lambda other: float(np.hypot(*np.subtract(worth(part), worth(other)))))
        misses.append(log(prices[near.id] * worth_ratio(part, near) / usd))
    return misses


def test_estimates_from_other_parts_miss_by_what_their_range_says() -> None:
    """Four of five within the factor, and not much less: a range that holds everything says nothing."""
    rents = {
        record.accelerators[0]: record.gpu_hour.value
        for record in CATALOG.all(RENTAL)
        if record.provider is None and record.terms == "on-demand"
    }
    bought = {record.accelerators[0]: record.per_accelerator.value for record in CATALOG.all(PURCHASE)}
    misses = np.abs(_left_out(rents) + _left_out(bought))
    assert exp(float(np.quantile(misses, 0.8))) == pytest.approx(PART_SPREAD, rel=0.12)


@pytest.mark.parametrize("name", CATALOG.ids(FINANCE))
def test_finance_records_make_tables(name: str) -> None:
    table = finance_table(CATALOG.get(FINANCE, name), Samples())
    assert all(np.isfinite(column).all() for column in table)
    assert (table.it_life_years > 1).all()
    assert (table.rate_per_year < 0.3).all()
