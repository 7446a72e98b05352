"""Price records: their rules, prices at a date, overrides, and estimates for parts without a price."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from planner.catalog.kinds import ACCELERATOR, FINANCE, PURCHASE, RENTAL
from planner.catalog.load import Catalog
from planner.catalog.schema.price import Finance, Purchase, Rental
from planner.errors import InputError
from planner.tables.price import finance_table, price_on, purchase_of, rental_named, rental_on
from planner.tables.price_estimates import PART_SPREAD
from planner.tables.samples import Samples, interval

Write = Callable[[str, str], Path]
CITE = {"source": "sheet", "at": "p. 1", "kind": "reported", "as_of": "2026-03"}
RENT: dict[str, Any] = {
    "id": "rent",
    "name": "Rent",
    "cite": CITE,
    "accelerators": ["chip-a"],
    "terms": "on-demand",
    "gpu_hour": "2 USD/h",
}
FINANCES: dict[str, Any] = {
    "id": "bank",
    "name": "Bank",
    "cite": CITE,
    "cost_of_capital": "7 %",
    "it_life": "5 years",
    "network_life": "5 years",
    "facility_life": "14 years",
    "residual": "0 %",
    "building": "10 USD/W",
    "storage_share": "10 %",
    "network_share": "12 %",
    "operations": "4 %",
    "availability": "98 %",
    "colocation": "130 USD/kW",
}
PRICE = """\
id: {id}
name: {id}
accelerators: [{part}]
{terms}
cite: {{source: sheet, at: x, kind: list-price, as_of: 2026-03}}
{field}: {price}
{more}
"""


def complaint(schema: type[Any], fields: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        schema.model_validate(fields)
    (error,) = caught.value.errors()
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def rental(
    write: Write, name: str, part: str, terms: str, usd: str, more: str = "", where: str = "base"
) -> None:
    text = PRICE.format(
        id=name, part=part, terms=f"terms: {terms}", field="gpu_hour", price=f"{usd} USD/h", more=more
    )
    write(f"{where}/hardware/prices/rental/{name}.yaml", text)


def purchase(write: Write, name: str, part: str, usd: str) -> None:
    text = PRICE.format(
        id=name, part=part, terms="", field="per_accelerator", price=f"{usd} USD", more="includes: all"
    )
    write(f"base/hardware/prices/purchase/{name}.yaml", text)


@pytest.mark.parametrize(
    ("schema", "row", "field", "value", "sentence"),
    [
        (Rental, RENT, "gpu_hour", "2", "has no unit; write for example '2.50 USD/h'"),
        (Rental, RENT, "gpu_hour", "2 EUR/h", "unknown unit 'EUR/h'; write for example '2.50 USD/h'"),
        (Rental, RENT, "gpu_hour", "-2 USD/h", "must be zero or more"),
        (Rental, RENT, "cite", CITE | {"as_of": None}, "a price needs its date; add for example as_of: 2026"),
        (Rental, RENT, "history", ["1 USD/h"], "2026-03 stands after 2026-03; the latest is gpu_hour"),
        (Rental, RENT, "terms", "weekly", "'on-demand', 'reserved', 'spot' or 'lease'"),
        (Finance, FINANCES, "it_life", "-5 years", "must be more than zero"),
        (Finance, FINANCES, "it_life", "0 years", "must be more than zero"),
        (Finance, FINANCES, "cost_of_capital", 7, "must be at most 100 %; write for example 90 %"),
        (Finance, FINANCES, "cost_of_capital", "-7 %", "must be zero or more"),
        (Finance, FINANCES, "operations", "140 %", "must be at most 100 %"),
        (Finance, FINANCES, "residual", 1.5, "must be at most 100 %"),
        (Finance, FINANCES, "availability", "0 %", "must be more than zero"),
        (Finance, FINANCES, "network_share", "100 %", "less than 100 %"),
    ],
)
def test_bad_numbers_are_sentences_with_the_mend(
    schema: type[Any], row: dict[str, Any], field: str, value: object, sentence: str
) -> None:
    assert sentence in complaint(schema, row | {field: value})


def test_the_latest_price_on_or_before_a_date() -> None:
    history = [{"value": "1 USD/h", "as_of": 2024}, {"value": "3 USD/h", "as_of": "2025-06-15"}]
    record = Rental.model_validate(RENT | {"history": history})
    dates = ("2024-01-01", "2025-06-14", "2025-06", "2025-06-15", "2026-02-28", "2026-03-01", "2026", None)
    assert [price_on(record, date).value for date in dates] == [1, 1, 3, 3, 3, 2, 2, 2]


@pytest.mark.parametrize(
    ("date", "ends"),
    [
        ("2024", (1.0, 1.0)),
        ("2025-01", (1.0, 3.0)),
        ("2025-06-15", (2.5, 3.5)),
        ("2025-06-16", (2.0, 3.5)),
        ("2026-03", (1.8, 2.2)),
        ("2027", (1.8, 2.2)),
        (None, (1.8, 2.2)),
    ],
)
def test_between_two_dates_a_price_may_have_moved_to_the_next(
    date: str | None, ends: tuple[float, float]
) -> None:
    """On its date it has its own range; beyond the last date the latest has."""
    history = [
        {"value": "1 USD/h", "as_of": 2024},
        {"value": "3 USD/h", "as_of": "2025-06-15", "range": ["2.5 USD/h", "3.5 USD/h"]},
    ]
    latest = {"value": "2 USD/h", "range": ["1.8 USD/h", "2.2 USD/h"]}
    record = Rental.model_validate(RENT | {"history": history, "gpu_hour": latest})
    assert price_on(record, date).bounds == ends


@pytest.mark.parametrize(
    ("date", "sentence"),
    [
        (
            "2023-12-31",
            r"rent has no price on or before 2023-12-31; its first is of 2026-03\. Ask for a later",
        ),
        ("March", r"price of rent at 'March': not a date; write 2026, 2026-04 or 2026-04-21"),
        ("2026-02-30", "no such day"),
    ],
)
def test_dates_without_a_price(date: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        price_on(Rental.model_validate(RENT), date)


class TestOverrides:
    """``--set`` reaches prices, as scenarios."""

    @staticmethod
    def usd(*overrides: str, name: str = "h100-reserved", date: str | None = None) -> float:
        return rental_named(Catalog(overrides=overrides), name, date).value

    def test_a_factor_holds_for_all_rents(self) -> None:
        for name in ("h100-reserved", "mi300x-spot"):
            assert self.usd("price.gpu_hour=*0.8", name=name) == pytest.approx(0.8 * self.usd(name=name))

    def test_a_price_holds_for_its_record_and_at_every_date(self) -> None:
        override = "price.h100-reserved.gpu_hour=$2/h"
        assert self.usd(override) == self.usd(override, date="2025-01") == 2.0
        assert self.usd(override, name="h100-on-demand") == self.usd(name="h100-on-demand")

    def test_a_set_price_is_certain(self) -> None:
        price = rental_named(Catalog(overrides=("price.h100-reserved.gpu_hour=$2/h",)), "h100-reserved")
        assert price.usd(Samples()).tolist() == [[2.0]]
        assert price.basis == "h100-reserved: $2.00/h, as set"

    def test_an_estimate_follows_the_price_it_comes_from(self) -> None:
        part = Catalog().get(ACCELERATOR, "gb300")
        plain, cheap = (
            rental_on(Catalog(overrides=o), part, "reserved").value
            for o in ((), ("price.gb200-on-demand.gpu_hour=*0.5",))
        )
        assert cheap == pytest.approx(plain / 2)

    def test_finance(self) -> None:
        record = Catalog(overrides=("finance.cost_of_capital=9 %",)).get(FINANCE, "usual")
        assert finance_table(record, Samples()).rate_per_year.tolist() == [[0.09]]

    def test_purchase(self) -> None:
        catalog = Catalog(overrides=("purchase.h100-server.per_accelerator=50k USD",))
        assert purchase_of(catalog, catalog.get(ACCELERATOR, "h100-sxm")).value == 50e3

    @pytest.mark.parametrize(
        ("override", "sentence"),
        [
            ("price.gpu_hour=2", "has no unit; write for example '2.50 USD/h'"),
            ("price.h100-reserved.gpu_hours=$2/h", "Did you mean 'gpu_hour'"),
            ("price.h100-reserved.history.0=$2/h", "history.0 has no date; add as_of, or set gpu_hour"),
            ("price.gpu_hour=*-1", "is not a factor"),
        ],
    )
    def test_mistakes(self, override: str, sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            self.usd(override)

    def test_rates_and_lives(self) -> None:
        for override in ("finance.cost_of_capital=120 %", "finance.it_life=-3 years"):
            with pytest.raises(InputError, match="must be"):
                Catalog(overrides=(override,)).get(FINANCE, "usual")


class TestEstimates:
    """Two parts of equal 8-bit rate; chip-b has 8 TB/s where chip-a has 3.35."""

    RATIO = (8 / 3.35) ** (0.7 / 2)

    @staticmethod
    def asked(root: Path, terms: Any, part: str = "chip-b", date: str | None = None) -> Any:
        catalog = Catalog(root=root)
        return rental_on(catalog, catalog.get(ACCELERATOR, part), terms, date)

    def test_from_another_part(self, root: Path, write: Write) -> None:
        rental(write, "a-spot", "chip-a", "spot", "2")
        price = self.asked(root, "spot")
        assert (price.record, price.estimated) == ("a-spot", True)
        assert price.value == pytest.approx(2 * self.RATIO)
        value, low, high = (end.item() for end in interval(price.usd(Samples(999))))
        assert (low / value, high / value) == pytest.approx((1 / PART_SPREAD, PART_SPREAD), rel=0.02)
        assert "estimate from a-spot: $2.00/h of 2026-03" in price.basis
        assert not self.asked(root, "spot", "chip-a").estimated

    def test_from_other_terms_before_another_part(self, root: Path, write: Write) -> None:
        rental(write, "a-spot", "chip-a", "spot", "1")
        rental(write, "a-on-demand", "chip-a", "on-demand", "4")
        rental(write, "b-on-demand", "chip-b", "on-demand", "10")
        price = self.asked(root, "spot")
        assert (price.record, price.value, price.spread) == ("b-on-demand", 2.5, pytest.approx(1.5))

    def test_ranges_of_both_steps_add_up(self, root: Path, write: Write, accelerator: Any) -> None:
        write("base/hardware/accelerators/chip-c.yaml", accelerator("chip-c", bandwidth="8 TB/s"))
        rental(write, "a-spot", "chip-a", "spot", "1")
        rental(write, "a-on-demand", "chip-a", "on-demand", "4")
        rental(write, "b-on-demand", "chip-b", "on-demand", "10")
        price = self.asked(root, "spot", "chip-c")
        assert price.value == pytest.approx(2.5)
        assert price.spread == pytest.approx(np.exp(np.hypot(np.log(1.5), np.log(PART_SPREAD))))

    def test_its_date(self, root: Path, write: Write) -> None:
        rental(write, "a-spot", "chip-a", "spot", "2", "history: [{value: 1 USD/h, as_of: 2025}]")
        assert self.asked(root, "spot", date="2025-05").value == pytest.approx(self.RATIO)
        with pytest.raises(InputError, match="no price on or before 2024"):
            self.asked(root, "spot", date="2024")

    def test_a_provider_is_not_the_market(self, root: Path, write: Write) -> None:
        rental(write, "a-shop", "chip-a", "spot", "9", "provider: A shop")
        with pytest.raises(InputError, match="no record in hardware/prices/rental; add one, or give"):
            self.asked(root, "spot", "chip-a")
        assert rental_named(Catalog(root=root), "a-shop").value == 9

    def test_an_overlay_comes_first(self, root: Path, write: Write, tmp_path: Path) -> None:
        rental(write, "a-spot", "chip-a", "spot", "2")
        rental(write, "z-ours", "chip-a", "spot", "1", where="mine")
        catalog = Catalog((tmp_path / "mine",), root=root)
        assert rental_on(catalog, catalog.get(ACCELERATOR, "chip-a"), "spot").record == "z-ours"

    def test_purchases(self, root: Path, write: Write) -> None:
        catalog = Catalog(root=root)
        with pytest.raises(InputError, match="hardware/prices/purchase of a part on the market; add one for"):
            purchase_of(catalog, catalog.get(ACCELERATOR, "chip-b"))
        purchase(write, "a", "chip-a", "30000")
        catalog = Catalog(root=root)
        assert purchase_of(catalog, catalog.get(ACCELERATOR, "chip-a")).value == 30e3
        other = purchase_of(catalog, catalog.get(ACCELERATOR, "chip-b"))
        assert (other.value, other.estimated) == (pytest.approx(30e3 * self.RATIO), True)

    def test_terms_that_nothing_connects(self, root: Path, write: Write) -> None:
        rental(write, "a-spot", "chip-a", "spot", "2")
        with pytest.raises(InputError, match="both spot and reserved terms; give a price such as"):
            self.asked(root, "reserved", "chip-a")


def test_shares_stay_shares_in_their_samples() -> None:
    wide = FINANCES | {
        name: {"value": "95 %", "range": ["50 %", "100 %"]}
        for name in ("availability", "residual", "network_share", "operations", "cost_of_capital")
    }
    table = finance_table(Finance.model_validate(wide), Samples(500))
    for name in ("availability", "residual", "network_share", "operations_per_year", "rate_per_year"):
        drawn = getattr(table, name)
        assert drawn.shape == (501, 1)
        assert (drawn > 0).all()
        assert (drawn <= 1).all()
    assert (table.network_share < 1).all()


def test_kinds_are_told_apart() -> None:
    assert Purchase is PURCHASE.schema
    assert Rental is RENTAL.schema
