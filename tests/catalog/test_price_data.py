"""Shipped prices: every one dated, one market price per part and terms, and estimates as good as they say."""

from __future__ import annotations

from collections import Counter
from math import exp, log
from typing import Any

import numpy as np
import pytest

from planner.catalog.fields import quantities
from planner.catalog.kinds import ACCELERATOR, FINANCE, PURCHASE, RENTAL
from planner.catalog.load import Catalog
from planner.tables.price import TERMS, finance_table, purchase_of, rental_on
from planner.tables.price_estimates import (
    PART_SPREAD,
    RENT_SPREAD,
    entries,
    most_alike,
    of_part,
    purchase_hours,
    worth_ratio,
)
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


def _usd(kind: Any, name: str) -> float:
    record = CATALOG.get(kind, name)
    return float((record.per_accelerator if kind is PURCHASE else record.gpu_hour).value)


def _misses(kind: Any) -> dict[str, float]:
    """Estimate each market price from the most alike other part, logarithms over the price by part."""
    listed = [e for e in entries(CATALOG, kind) if e.provider is None and e.terms in ("on-demand", "None")]
    misses = {}
    for own in listed:
        if own.basis != "market":
            continue
        part = CATALOG.get(ACCELERATOR, own.accelerators[0])
        others = [e for e in listed if part.id not in e.accelerators]
        near = most_alike(CATALOG, part, others)
        assert near is not None
        other = next(e for e in others if near.id in e.accelerators)
        misses[part.id] = log(_usd(kind, other.id) * worth_ratio(part, near) / _usd(kind, own.id))
    return misses


def _factor(misses: Any, share: float) -> float:
    return exp(float(np.quantile(np.abs(list(misses)), share)))


def test_estimates_from_other_parts_miss_by_what_their_range_says() -> None:
    """Four of five within the factor, and not much less: a range that holds everything says nothing."""
    misses = [*_misses(RENTAL).values(), *_misses(PURCHASE).values()]
    assert _factor(misses, 0.8) == pytest.approx(PART_SPREAD, rel=0.12)
    assert len(misses) == 36
    assert [_factor(misses, share) for share in (0.5, 0.8, 1.0)] == pytest.approx(
        [1.18, 1.40, 3.75], abs=0.01
    )


def test_a_rent_says_more_of_a_purchase_than_rates_do() -> None:
    """Figures of docs/method_cost.md: by the part's own rent, and the same parts by their rates."""
    bought, rented = entries(CATALOG, PURCHASE), [
        e for e in entries(CATALOG, RENTAL) if e.provider is None and e.basis == "market"
    ]  # fmt: skip
    misses = {}
    for own in bought:
        part = own.accelerators[0]
        rent = of_part(rented, part).get("on-demand")
        hours = purchase_hours(CATALOG, bought, rented, part)
        assert hours is not None
        if rent is not None and own.basis == "market":
            misses[part] = log(hours * _usd(RENTAL, rent.id) / _usd(PURCHASE, own.id))
    by_rates = _misses(PURCHASE)
    both = [[_factor(found, share) for share in (0.5, 0.8, 1.0)] for found in (
        misses.values(), [by_rates[part] for part in misses])]  # fmt: skip
    assert len(misses) == 12
    assert both[0] == pytest.approx([1.16, 1.34, 1.97], abs=0.01)
    assert both[1] == pytest.approx([1.20, 1.28, 3.75], abs=0.01)
    assert both[0][1] == pytest.approx(RENT_SPREAD, rel=0.12)


@pytest.mark.parametrize(
    ("part", "reference", "least", "most"),
    [
        ("rtx-4090", "rtx-4090-server", 1_417, 7_000),
        ("l40s", "l40s-on-demand", 5_000, 15_000),
        ("rtx-5090", "rtx-4090-server", 3_000, 10_000),
        ("rtx-pro-6000", "rtx-4090-server", 4_000, 14_000),
        ("h100-nvl", "h100-nvl-server", 27_500, 40_100),
        ("h800-sxm", "h800-server", 31_905, 44_750),
    ],
)
def test_cards_and_near_relatives(part: str, reference: str, least: float, most: float) -> None:
    """Cards at resellers' prices; an H800 is an H100 with half the NVLink and costs about as much."""
    price = purchase_of(CATALOG, CATALOG.get(ACCELERATOR, part))
    assert price.record == reference
    assert least < price.value < most


@pytest.mark.parametrize("name", PARTS)
def test_nothing_is_estimated_from_what_owners_pay_for_their_own(name: str) -> None:
    price = purchase_of(CATALOG, CATALOG.get(ACCELERATOR, name))
    record = CATALOG.find(PURCHASE, price.record) and CATALOG.get(PURCHASE, price.record)
    internal = bool(record) and record.basis == "internal-cost"
    assert price.internal == internal
    assert not (internal and price.estimated)
    assert ("not a market price" in price.basis) == internal


def test_makers_own_parts_say_so() -> None:
    named = {
        name
        for record in CATALOG.all(PURCHASE)
        if record.basis == "internal-cost"
        for name in record.accelerators
    }
    assert named == {"tpu-v4", "tpu-v5e", "tpu-v5p", "tpu-v6e", "trainium2"}


def test_market_rents_have_a_range_at_every_date() -> None:
    """List prices of one provider are exact; what a market asks is not."""
    for record in CATALOG.all(RENTAL):
        if record.provider is None and record.basis == "market":
            for price in (*record.history, record.gpu_hour):
                assert price.low is not None, f"{record.id} {price.as_of}"
                assert price.high is not None
                assert price.low < price.high


@pytest.mark.parametrize("name", CATALOG.ids(FINANCE))
def test_finance_records_make_tables(name: str) -> None:
    table = finance_table(CATALOG.get(FINANCE, name), Samples())
    assert all(np.isfinite(column).all() for column in table)
    assert (table.it_life_years > 1).all()
    assert (table.rate_per_year < 0.3).all()
