"""Prices of an hour in answers: words, where they come from, and what owning is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.operating.money import basis_of, compared_rent, cost_of, first, interval_of
from planner.plan.operating.results import Cost
from planner.plan.places import places
from planner.plan.results import TrainResult
from planner.plan.train import train
from planner.tables.samples import Samples

CATALOG = Catalog()
N = np.array([64.0])
KWH = np.array([[1000.0]])


def estate(samples: Samples | None = None, gpu: str = "h100") -> Estate:
    place = places(CATALOG, cluster=None, gpu=gpu, gpus=None)[0]
    return estate_of(CATALOG, place, Asked.read(CATALOG), Filled(), samples or Samples(0))


def cost(price: str, samples: Samples | None = None) -> tuple[Cost, float]:
    """Section on cost of 64 H100 and 1 MWh, and the price of an hour."""
    found, asked = estate(samples), Asked.read(CATALOG, price=price)
    hour = found.gpu_hour(N, asked.price, "training", catalog=CATALOG)
    return cost_of(found, asked, hour, N, N, KWH, CATALOG), first(hour.total)


class TestNumbers:
    def test_the_first_sample_is_the_stated_value(self) -> None:
        assert first(np.array([[3.0], [1.0], [2.0]])) == 3.0

    def test_an_interval_holds_four_fifths_and_the_value(self) -> None:
        samples = np.concatenate([[50.0], np.arange(101.0)])[:, None]
        assert interval_of(samples).model_dump() == {"value": 50.0, "low": 10.0, "high": 90.0}
        outside = np.concatenate([[95.0], np.arange(101.0)])[:, None]
        assert interval_of(outside).high == 95.0

    def test_without_samples_there_is_no_width(self) -> None:
        assert interval_of(np.array([[2.0]])).model_dump() == {"value": 2.0, "low": 2.0, "high": 2.0}


class TestCost:
    def test_owned(self) -> None:
        found, hour = cost("own")
        assert found.price == "own"
        assert found.electricity_usd.value == pytest.approx(1000 * 0.0826)
        assert found.capital_usd is not None
        assert found.capital_usd.value == pytest.approx(64 * first(estate().capital(N).total_usd))
        assert sum(found.gpu_hour_parts_usd.values()) == pytest.approx(hour)
        assert "h100-server" in found.basis
        assert "2025-01" in found.basis
        assert found.basis.endswith("finance usual")

    def test_owning_is_compared_with_a_contract_of_a_year(self) -> None:
        found, hour = cost("own")
        assert found.rented_usd_per_gpu_hour is not None
        assert found.rented_usd_per_gpu_hour.value == 2.65
        running = found.gpu_hour_parts_usd["electricity"]
        assert found.break_even_utilisation == pytest.approx((hour - running) / (2.65 - running))

    def test_colocation_is_owned_hardware(self) -> None:
        found, hour = cost("colocation")
        assert found.capital_usd is not None
        assert "colocation" in found.gpu_hour_parts_usd
        assert found.break_even_utilisation is not None
        assert hour > 0

    @pytest.mark.parametrize("price", ["reserved", "on-demand", "spot", "h100-reserved", "$2.35/h"])
    def test_rent_buys_nothing(self, price: str) -> None:
        found, hour = cost(price)
        assert found.gpu_hour_parts_usd == {"rent": pytest.approx(hour)}
        assert found.capital_usd is None
        assert found.rented_usd_per_gpu_hour is None
        assert found.break_even_utilisation is None

    def test_rent_says_its_date(self) -> None:
        assert "2026-06" in cost("reserved")[0].basis
        assert "2026-03" in cost("reserved@2026-03")[0].basis
        assert cost("$2.35/h")[0].basis == "$2.35/h, as given"

    def test_renting_below_the_price_of_electricity_has_no_break_even(self) -> None:
        book = Catalog((), ("price.h100-reserved.gpu_hour=0.05 USD/h",))
        place = places(book, cluster=None, gpu="h100", gpus=None)[0]
        asked = Asked.read(book)
        found = estate_of(book, place, asked, Filled(), Samples(0))
        hour = found.gpu_hour(N, asked.price, "training", catalog=book)
        assert cost_of(found, asked, hour, N, N, KWH, book).break_even_utilisation is None

    def test_a_part_without_a_contract_on_record_is_estimated(self) -> None:
        rent = compared_rent(estate(gpu="gb200"), Asked.read(CATALOG), CATALOG)
        assert first(rent.usd(Samples(0))) > 0
        assert basis_of(estate(gpu="gb200"))


def asked(**options: Any) -> TrainResult:
    return train("llama-3-8b", gpu="h100", gpus=64, tokens="1T", top=0, **options)


class TestQuestion:
    def test_a_rent_in_dollars_is_the_price_of_all_hours(self) -> None:
        result = asked(price="$2.35/h")
        assert result.plan is not None
        assert result.inputs.price == "$2.35/h"
        paid = result.plan.gpus_used + 8 * result.plan.reliability.spare_hosts
        hours = paid * result.plan.days_with_failures.value * 24
        assert result.plan.usd_per_gpu_hour.model_dump() == {"value": 2.35, "low": 2.35, "high": 2.35}
        assert result.plan.cost_usd.value == pytest.approx(2.35 * hours)

    def test_overrides_change_prices(self) -> None:
        one, less = (asked(price="reserved", set=sets) for sets in ((), ("price.gpu_hour=*0.8",)))
        assert one.plan is not None
        assert less.plan is not None
        assert less.plan.cost_usd.value == pytest.approx(0.8 * one.plan.cost_usd.value)

    def test_inputs_name_what_was_asked(self) -> None:
        result = asked(
            site="us-texas", price="reserved@2026-03", finance="epoch-1gw", failures="meta-research"
        )
        i = result.inputs
        assert (i.site, i.price, i.finance, i.failures) == (
            "us-texas", "reserved@2026-03", "epoch-1gw", "meta-research",
        )  # fmt: skip
        assert i.power_cap_megawatts is None
        assert "eia-2025-11" in result.sources
        assert result.plan is not None
        assert result.plan.power.usd_per_kwh == pytest.approx(0.0663)

    @pytest.mark.parametrize(
        ("price", "error", "words"),
        [
            ("2.35", InputError, r"Write '\$2.35/h'"),
            ("$2.35", InputError, r"per what\? Write '\$2.35/h'"),
            ("own@2026", UsageError, "a date goes with rents only"),
            ("$2/h@2026", UsageError, "has no date"),
            ("reserved@soon", InputError, "not a date; write 2026"),
            ("reserved@2019", InputError, "Ask for a later date"),
            ("h200-on-demand", InputError, "name terms"),
            ("rented", InputError, "Did you mean|write own"),
            ("$9999999/h", InputError, "must lie between"),
        ],
    )
    def test_prices_that_are_none_say_what_is(self, price: str, error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words):
            asked(price=price)
