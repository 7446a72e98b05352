"""Hours owned, colocated and rented, tokens and contracts, against arithmetic by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.errors import InputError
from planner.model.cost.capital import Capital, amortised_usd_per_hour, capital, capital_recovery
from planner.model.cost.contract import cluster_share, hours_bought
from planner.model.cost.hour import (
    HourCost,
    break_even_utilisation,
    colocated_usd_per_hour,
    owned_usd_per_hour,
    rented_usd_per_hour,
)
from planner.model.cost.tokens import profit_margin, usd_per_million_tokens, usd_per_user_month
from planner.tables.price import FinanceTable
from planner.units import HOURS_PER_YEAR


def finance(**changed: float) -> FinanceTable:
    values: dict[str, float] = {
        "rate_per_year": 0.1,
        "it_life_years": 2.0,
        "network_life_years": 4.0,
        "facility_life_years": 1.0,
        "residual": 0.5,
        "building_usd_per_watt": 10.0,
        "storage_share": 0.2,
        "network_share": 0.25,
        "operations_per_year": 0.05,
        "availability": 0.5,
        "colocation_usd_per_watt_month": 0.1,
    }
    return FinanceTable(**{name: np.array([[value]]) for name, value in (values | changed).items()})


def hour(table: FinanceTable, **changed: Any) -> HourCost:
    asked: dict[str, Any] = {"facility_watts": 2000.0, "usd_per_kwh": 0.1} | changed
    bought = capital(servers_usd=30_000.0, finance=table, facility_watts=1000.0)
    return owned_usd_per_hour(capital=bought, finance=table, **asked)


def test_what_is_not_counted_is_a_share_of_the_servers() -> None:
    bought = capital(servers_usd=30_000.0, finance=finance(), facility_watts=1000.0)
    parts = [bought.servers_usd, bought.network_usd, bought.storage_usd, bought.building_usd]
    assert np.array([np.ravel(part)[0] for part in parts]) == pytest.approx([30e3, 10e3, 6e3, 10e3])
    assert bought.total_usd.item() == pytest.approx(56e3)


def test_what_is_counted_stands() -> None:
    bought = capital(
        servers_usd=30_000.0,
        finance=finance(),
        facility_watts=1000.0,
        network_usd=1.0,
        storage_usd=2.0,
        building_usd_per_watt=0.003,
    )
    assert [float(np.ravel(part)[0]) for part in bought] == pytest.approx([30e3, 1.0, 2.0, 3.0])


def test_an_owned_hour_by_part() -> None:
    """Two payments of 0.576190 return a price at 10 %; half of it is left, worth 0.5 / 1.21 today."""
    hours = HOURS_PER_YEAR * 0.5
    cost = hour(finance())
    two, four = 0.1 * 1.21 / 0.21, 0.1 * 1.4641 / 0.4641
    assert cost.servers.item() == pytest.approx(30e3 * two * (1 - 0.5 / 1.21) / hours)
    assert cost.network.item() == pytest.approx(10e3 * four / hours)
    assert cost.storage.item() == pytest.approx(6e3 * two / hours)
    assert cost.building.item() == pytest.approx(10e3 * 1.1 / hours)
    assert cost.operations.item() == pytest.approx(0.05 * 40e3 / hours)
    assert cost.electricity.item() == pytest.approx(0.2)
    assert cost.total.item() == pytest.approx(sum(part.item() for part in cost.parts().values()))
    assert set(cost.parts()) == {"servers", "network", "storage", "building", "operations", "electricity"}


def test_without_interest_a_price_is_split_over_its_life() -> None:
    cost = hour(finance(rate_per_year=0.0, residual=0.25, availability=1.0))
    assert cost.servers.item() == pytest.approx(30e3 * 0.75 / 2.0 / HOURS_PER_YEAR)
    assert cost.network.item() == pytest.approx(10e3 / 4.0 / HOURS_PER_YEAR)


def test_a_rented_hall_replaces_the_building() -> None:
    table = finance()
    bought = capital(servers_usd=30_000.0, finance=table, facility_watts=1000.0)
    owned = owned_usd_per_hour(capital=bought, finance=table, facility_watts=2e3, usd_per_kwh=0.1)
    rented = colocated_usd_per_hour(
        capital=bought, finance=table, rented_watts=800.0, facility_watts=2e3, usd_per_kwh=0.1
    )
    assert rented.building.item() == 0.0
    assert rented.colocation.item() == pytest.approx(800 * 0.1 * 12 / (HOURS_PER_YEAR * 0.5))
    assert (rented.total - rented.colocation).item() == pytest.approx((owned.total - owned.building).item())


def test_a_rented_hour_is_its_price() -> None:
    cost = rented_usd_per_hour(usd_per_hour=2.35)
    assert set(cost.parts()) == {"rent"}
    assert cost.total.item() == 2.35
    assert cost.times(10.0).rent.item() == pytest.approx(23.5)


def test_samples_meet_plans() -> None:
    """Columns of samples against rows of plans."""
    table = FinanceTable(*(np.repeat(column, 3, axis=0) for column in finance()))
    assert hour(table, facility_watts=np.array([1e3, 2e3])).total.shape == (3, 2)


@pytest.mark.parametrize(
    ("rate", "years", "mend"),
    [
        (-0.01, 5.0, "between 0 and 1; write 7 % or 0.07"),
        (7.0, 5.0, "between 0 and 1; write 7 % or 0.07"),
        (float("nan"), 5.0, "between 0 and 1"),
        (0.07, -5.0, "more than zero years; write for example 5 years"),
        (0.07, 0.0, "more than zero years"),
    ],
)
def test_impossible_finance_is_refused(rate: float, years: float, mend: str) -> None:
    with pytest.raises(InputError, match=mend):
        capital_recovery(rate=rate, years=years)


def test_a_small_rate_is_no_rate() -> None:
    """1 - (1 + r)^-n loses all its digits at 1e-17 where it is subtracted."""
    assert capital_recovery(rate=1e-17, years=5.0).item() == pytest.approx(0.2, rel=1e-12)


def test_break_even() -> None:
    assert break_even_utilisation(owned_usd_per_hour=1.5, rented_usd_per_hour=2.0).item() == 0.75
    with_power = break_even_utilisation(
        owned_usd_per_hour=1.5, rented_usd_per_hour=2.0, running_usd_per_hour=0.5
    )
    assert with_power.item() == pytest.approx(1.0 / 1.5)
    assert break_even_utilisation(owned_usd_per_hour=1.5, rented_usd_per_hour=0.0).item() == np.inf


def test_tokens() -> None:
    cost = usd_per_million_tokens(usd_per_hour=3.6, tokens_per_s=np.array([1000.0, 0.0]), utilisation=0.5)
    assert cost == pytest.approx([2.0, np.inf])


def test_a_user_month_is_a_twelfth_of_a_year() -> None:
    assert usd_per_user_month(usd_per_hour=2.0, accelerators=8.0, users=100.0).item() == pytest.approx(
        2 * 8 * HOURS_PER_YEAR / 12 / 100
    )


def test_profit_of_nothing_is_a_loss() -> None:
    assert profit_margin(revenue_usd=0.0, cost_usd=5.0).item() == -1.0


def test_epochs_form_is_an_owner_without_interest() -> None:
    table = finance(
        rate_per_year=0.0, it_life_years=1.0 / (0.14 * np.log(10.0)), residual=0.0, availability=1.0
    )
    bought = Capital(*(np.array([[value]]) for value in (50e3, 0.0, 0.0, 0.0)))
    owned = owned_usd_per_hour(capital=bought, finance=table, facility_watts=0.0, usd_per_kwh=0.0)
    assert owned.servers.item() == pytest.approx(amortised_usd_per_hour(price_usd=50e3).item())


def test_free_hours_are_without_end() -> None:
    assert hours_bought(usd=1e9, usd_per_hour=0.0).item() == np.inf
    assert cluster_share(hours=8766.0, accelerators=2.0, years=0.5, availability=0.5).item() == 2.0
