"""Laws of budgets: more pays for more, and amounts that are the same say the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from planner.catalog.load import Catalog
from planner.plan.budget.results import BudgetAnswer
from planner.plan.document import Interval
from planner.plan.independent import exact, over, times

BOOK = Catalog()
dollars = st.floats(1e6, 1e11)
prices = st.floats(0.1, 20.0)
days = st.floats(1.0, 2000.0)
few = settings(max_examples=5, deadline=None)


def ask(**options: object) -> BudgetAnswer:
    return planner.budget(**{"brief": True, "catalog": BOOK, **options}).result  # type: ignore[arg-type]


@st.composite
def spans(draw: st.DrawFn) -> Interval:
    value = draw(st.floats(1e-3, 1e6))
    return Interval(
        value=value, low=value / draw(st.floats(1.0, 10.0)), high=value * draw(st.floats(1.0, 10.0))
    )


@given(usd=dollars, price=prices, span=days, factor=st.floats(1.01, 50.0))
@few
def test_more_money_pays_in_proportion(usd: float, price: float, span: float, factor: float) -> None:
    options = {"gpu": "h100", "price": f"${price:.4f}/h", "days": span}
    less, more = ask(usd=usd, **options), ask(usd=usd * factor, **options)
    assert more.gpu_hours.value == pytest.approx(less.gpu_hours.value * factor)
    ratio = more.at_utilisation[0].flop.value / less.at_utilisation[0].flop.value
    assert ratio == pytest.approx(factor)


@given(usd=dollars, span=days)
@few
def test_a_share_of_a_cluster_does_not_depend_on_how_it_is_said(usd: float, span: float) -> None:
    by_usd = ask(usd=usd, cluster="colossus-1", days=span)
    by_hours = ask(gpu_hours=by_usd.gpu_hours.value, cluster="colossus-1", days=span)
    assert by_usd.share_of_cluster is not None
    assert by_hours.share_of_cluster is not None
    assert by_hours.share_of_cluster.value == pytest.approx(by_usd.share_of_cluster.value)
    assert by_hours.usd is not None
    assert by_hours.usd.value == pytest.approx(usd)


@given(usd=dollars, price=prices)
@few
def test_hours_do_not_depend_on_the_days(usd: float, price: float) -> None:
    text = f"${price:.4f}/h"
    month, decade = (ask(usd=usd, gpu="h200", price=text, days=d) for d in (30, 3652))
    assert month.gpu_hours.value == pytest.approx(decade.gpu_hours.value)
    assert month.operations[0].share.value == pytest.approx(decade.operations[0].share.value)


@given(n=st.integers(8, 2_000_000), span=days)
@few
def test_energy_is_power_for_the_days(n: int, span: float) -> None:
    energy = ask(gpus=n, gpu="gb200", days=span).energy
    assert energy is not None
    assert energy.megawatt_hours.value == pytest.approx(energy.average_megawatts.value * 24 * span)
    assert energy.average_megawatts.value < energy.nameplate_megawatts.value


@given(price=st.floats(0.5, 10.0))
@few
def test_a_deal_breaks_even_on_less_at_a_higher_price(price: float) -> None:
    def held(usd: float) -> float:
        deal = ask(deal="cursor-10b", gpu="h100", price=f"${usd:.4f}/h").deal
        assert deal is not None
        return deal.break_even[0].h100_equivalents

    assert held(price) == pytest.approx(2 * held(2 * price), rel=1e-3)


@given(one=spans(), other=spans())
def test_a_product_over_a_factor_is_the_other_and_wider(one: Interval, other: Interval) -> None:
    back = over(times(one, other), other)
    assert back.value == pytest.approx(one.value)
    assert back.low <= one.low * (1 + 1e-9)
    assert back.high >= one.high * (1 - 1e-9)


@given(one=spans(), factor=st.floats(1e-3, 1e3))
def test_an_exact_factor_scales(one: Interval, factor: float) -> None:
    found, plain = times(one, exact(factor)), one.scaled(factor)
    for end in ("value", "low", "high"):
        assert getattr(found, end) == pytest.approx(getattr(plain, end))
