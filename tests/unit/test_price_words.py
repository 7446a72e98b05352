"""What ``--price`` accepts, and what it answers to the rest."""

from __future__ import annotations

import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import InputError, PlannerError, UsageError
from planner.plan.price_words import WORDS, PriceChoice, rent_of
from planner.tables.samples import Samples

CATALOG = Catalog()


def paid(text: str, part: str = "h100-sxm") -> float:
    choice = PriceChoice.parse(text, CATALOG)
    return rent_of(choice, CATALOG, CATALOG.get(ACCELERATOR, part)).value


@pytest.mark.parametrize("word", WORDS)
def test_words(word: str) -> None:
    choice = PriceChoice.parse(f" {word.upper()} ")
    assert choice.mode == (word if word in ("own", "colocation") else "rent")
    assert choice.terms == (None if word in ("own", "colocation") else word)


@pytest.mark.parametrize("text", ["$2.35/h", "2.35 USD/h", "$2.35/GPU-hour", "235 cents/h", "$ 2.35 /h"])
def test_dollars(text: str) -> None:
    assert PriceChoice.parse(text).usd_per_hour == pytest.approx(2.35)
    assert paid(text) == pytest.approx(2.35)


def test_a_given_price_is_certain_and_says_so() -> None:
    choice = PriceChoice.parse("$2.35/h")
    price = rent_of(choice, CATALOG, CATALOG.get(ACCELERATOR, "gb200"))
    assert price.usd(Samples()).tolist() == [[2.35]]
    assert (price.basis, price.record, price.estimated) == ("$2.35/h, as given", "", False)


def test_records_and_dates() -> None:
    assert paid("h100-aws@2025-04") == 12.29
    assert paid("H100-AWS") == 6.88
    assert paid("reserved@2026-03") == paid("h100-reserved@2026-03-31") == 2.35
    assert paid("reserved") == 2.65


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("2.35", InputError, r"in what\? Write '\$2.35/h', in US dollars per hour"),
        ("$2.35", InputError, r"per what\? Write '\$2.35/h'"),
        ("2.35 EUR/h", InputError, "unknown unit 'EUR/h'.*; prices are in US dollars"),
        ("$2.35/kWh", InputError, "measures usd per joules"),
        ("$-2/h", InputError, "must lie between 0 and 1,000,000 USD/h"),
        ("-$2/h", InputError, "--price -"),
        ("$1e9/h", InputError, "must lie between"),
        ("reservd", InputError, "did you mean 'reserved'"),
        ("h100-awz", InputError, "did you mean 'h100-aws'"),
        ("", InputError, "is unknown; write own, colocation"),
        ("€2/h", InputError, "is unknown; write own"),
        ("reserved@soon", InputError, "'soon' is not a date; write 2026"),
        ("reserved@2020", InputError, "no price on or before 2020; its first is of 2025-10"),
        ("own@2026", UsageError, "a date goes with rents only, for example reserved@2026-03"),
        ("$2/h@2026", UsageError, "a price in dollars has no date; leave out @2026"),
        ("own", UsageError, "rents nothing; write for example on-demand"),
        (
            "h800-deepseek",
            InputError,
            "is a price of h800-sxm, not of h100-sxm; name terms, for example reserved",
        ),
        ("h200-aws", InputError, "name terms, for example on-demand, or a price such as"),
    ],
)
def test_mistakes(text: str, error: type[PlannerError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        paid(text)
