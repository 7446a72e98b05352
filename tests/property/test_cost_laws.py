"""Laws of cost: monotony, limits, and that nothing is counted twice."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.kinds import FINANCE, RENTAL
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.model.cost.capital import Capital, capital, capital_recovery, depreciated_usd
from planner.model.cost.contract import hours_bought, lease_usd_per_hour, leased_accelerators
from planner.model.cost.hour import break_even_utilisation, owned_usd_per_hour
from planner.model.cost.tokens import usd_per_million_tokens
from planner.tables.price import FinanceTable, finance_table, price_on
from planner.tables.samples import Samples

CATALOG = Catalog()
USUAL = finance_table(CATALOG.get(FINANCE, "usual"), Samples(0))
RATE = st.floats(0.0, 1.0)
YEARS = st.floats(0.1, 100.0)
USD = st.floats(1.0, 1e12)


def owned(bought: Capital, table: FinanceTable = USUAL, watts: float = 0.0) -> float:
    cost = owned_usd_per_hour(capital=bought, finance=table, facility_watts=watts, usd_per_kwh=0.1)
    return float(cost.total.item())


def servers(usd: float) -> Capital:
    return Capital(*(np.array([[value]]) for value in (usd, 0.0, 0.0, 0.0)))


@given(rate=RATE, years=YEARS)
def test_the_annuity_returns_the_price_with_interest(rate: float, years: float) -> None:
    """Its present value over the life is the price, and it never costs less than either part of it."""
    factor = float(capital_recovery(rate=rate, years=years))
    present = years if rate < 1e-12 else -np.expm1(-years * np.log1p(rate)) / rate
    assert factor * present == pytest.approx(1.0, rel=1e-9)
    assert factor >= max(rate, 1.0 / years) * (1 - 1e-9)


@given(rate=RATE, more=st.floats(0.0, 0.5), years=YEARS, longer=st.floats(0.0, 50.0))
def test_dearer_capital_costs_more_and_longer_lives_less(
    rate: float, more: float, years: float, longer: float
) -> None:
    here = float(capital_recovery(rate=rate, years=years))
    assert float(capital_recovery(rate=min(rate + more, 1.0), years=years)) >= here * (1 - 1e-9)
    assert float(capital_recovery(rate=rate, years=years + longer)) <= here * (1 + 1e-9)


@given(usd=USD, times=st.floats(0.1, 100.0))
def test_cost_is_proportional_to_capital(usd: float, times: float) -> None:
    assert owned(servers(usd * times)) == pytest.approx(owned(servers(usd)) * times, rel=1e-9)


@given(usd=USD, left=st.floats(0.0, 1.0), available=st.floats(0.05, 1.0))
def test_residual_helps_and_idle_hours_do_not(usd: float, left: float, available: float) -> None:
    table = USUAL._replace(residual=np.array([[left]]))
    assert owned(servers(usd), table) <= owned(servers(usd), USUAL._replace(residual=np.zeros((1, 1)))) * (
        1 + 1e-9
    )
    less = table._replace(availability=np.array([[available]]))
    more = table._replace(availability=np.ones((1, 1)))
    assert owned(servers(usd), less) >= owned(servers(usd), more)


@given(usd=USD)
def test_with_all_left_only_interest_is_paid(usd: float) -> None:
    table = USUAL._replace(
        residual=np.ones((1, 1)), operations_per_year=np.zeros((1, 1)), availability=np.ones((1, 1))
    )
    yearly = owned(servers(usd), table) * 8766.0
    assert yearly == pytest.approx(usd * float(table.rate_per_year.item()), rel=1e-9)


@given(usd=USD, watts=st.floats(0.0, 1e6))
def test_capital_counts_each_part_once(usd: float, watts: float) -> None:
    bought = capital(servers_usd=usd, finance=USUAL, facility_watts=watts)
    network = bought.network_usd / (bought.network_usd + bought.servers_usd)
    assert network.item() == pytest.approx(USUAL.network_share.item(), rel=1e-9)
    assert bought.total_usd.item() == pytest.approx(sum(np.ravel(part)[0] for part in bought), rel=1e-12)


@given(own=st.floats(0.01, 100.0), rent=st.floats(0.01, 100.0))
def test_at_break_even_both_cost_the_same(own: float, rent: float) -> None:
    share = float(break_even_utilisation(owned_usd_per_hour=own, rented_usd_per_hour=rent))
    assert share * rent == pytest.approx(own, rel=1e-9)


@given(own=st.floats(0.1, 10.0), running=st.floats(0.0, 1.0), rent=st.floats(0.1, 10.0))
def test_power_saved_while_idle_favours_owning_where_it_pays(own: float, running: float, rent: float) -> None:
    running *= min(own, rent)
    plain = float(break_even_utilisation(owned_usd_per_hour=own, rented_usd_per_hour=rent))
    saving = float(
        break_even_utilisation(owned_usd_per_hour=own, rented_usd_per_hour=rent, running_usd_per_hour=running)
    )
    if plain <= 1:
        assert saving <= plain * (1 + 1e-9)


@given(usd=USD, price=st.floats(0.01, 100.0), tokens=st.floats(0.1, 1e6))
def test_contracts_and_tokens_invert(usd: float, price: float, tokens: float) -> None:
    leased = leased_accelerators(usd_per_month=usd, usd_per_hour=price)
    assert float(lease_usd_per_hour(usd_per_month=usd, accelerators=leased)) == pytest.approx(price, rel=1e-9)
    million = float(usd_per_million_tokens(usd_per_hour=price, tokens_per_s=tokens))
    made = float(hours_bought(usd=million, usd_per_hour=price)) * 3600 * tokens
    assert made == pytest.approx(1e6, rel=1e-9)


@given(usd=USD, first=st.floats(0.0, 10.0), then=st.floats(0.0, 10.0))
def test_value_is_lost_step_by_step(usd: float, first: float, then: float) -> None:
    halfway = depreciated_usd(price_usd=usd, years=first)
    assert float(depreciated_usd(price_usd=halfway, years=then)) == pytest.approx(
        float(depreciated_usd(price_usd=usd, years=first + then)), rel=1e-9
    )


@given(day=st.dates(min_value=date(2020, 1, 1)))
def test_a_price_is_never_of_the_future(day: date) -> None:
    """And none lies between it and the day."""
    record = CATALOG.get(RENTAL, "h100-on-demand")
    known = [price.as_of or "" for price in (*record.history, record.gpu_hour)]
    try:
        found = price_on(record, str(day)).as_of or ""
    except InputError:
        assert known[0] > str(day)
    else:
        assert found <= str(day)
        assert not any(found < other <= str(day) for other in known)
