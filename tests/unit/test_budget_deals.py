"""Deals: records of what was reported, and where they break even."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import planner
from planner.catalog.load import Catalog
from planner.plan.budget.deals import months_of
from planner.plan.budget.results import BudgetResult
from planner.workload.deal import Deal, Monthly

BOOK = Catalog()
HOURS = 24 * 365.25


def ask(**options: object) -> BudgetResult:
    return planner.budget(**{"brief": True, "catalog": BOOK, **options})  # type: ignore[arg-type]


class TestDeals:
    def test_default_hardware_and_term_are_those_of_the_record(self) -> None:
        result = ask(deal="anthropic-colossus")
        assert result.inputs.cluster == "colossus-1"
        assert result.inputs.days == pytest.approx(35 / 12 * 365.25)
        assert {one.field for one in result.assumptions} >= {"cluster", "days", "price", "rule"}

    def test_a_shorter_term_pays_fewer_months(self) -> None:
        year = ask(deal="anthropic-colossus", days=365.25).result
        assert year.usd is not None
        assert year.usd.value == pytest.approx(15e9)
        assert year.deal is not None
        assert year.deal.capacity[0].usd_per_gpu_hour == pytest.approx(7.78, abs=0.01)

    def test_break_even_is_where_hours_cost_the_deal(self) -> None:
        answer = ask(deal="cursor-10b").result
        assert answer.deal is not None
        for row in answer.deal.break_even:
            cost = row.h100_equivalents * row.usd_per_h100_equivalent_hour * HOURS
            assert cost == pytest.approx(10e9)
        assert answer.deal.option is not None
        assert "exercised 2026-06-16" in answer.deal.option

    def test_everything_in_it_is_news_with_a_date(self) -> None:
        for name in ("cursor-10b", "cursor-60b", "anthropic-colossus"):
            deal = ask(deal=name).result.deal
            assert deal is not None
            assert deal.as_of.startswith("2026-")
            assert all(one.date and one.source for one in deal.reports)
            assert all(one.source for one in deal.payments)

    def test_months_count_both_ends(self) -> None:
        cite = {"source": "x", "at": "y", "kind": "reported", "as_of": "2026-05"}
        monthly = Monthly.model_validate(
            {"usd": "1B USD", "first": "2026-11", "last": "2027-02", "cite": cite}
        )
        assert months_of(monthly) == 4

    def test_without_a_cluster_there_is_no_share(self) -> None:
        deal = ask(deal="anthropic-colossus", gpu="h100").result.deal
        assert deal is not None
        assert {one.share_of_cluster for one in deal.break_even} == {None}
        assert [one.what for one in deal.capacity if one.what.startswith("all of h100")] == []
        assert "at the latest rent of an H100, 2.65 USD, 645,720 of them." in deal.sentence


CITE = {"source": "x", "at": "y", "kind": "reported", "as_of": "2026-05"}
DEAL_ROW: dict[str, object] = {
    "id": "a-deal",
    "name": "A deal",
    "cite": CITE,
    "pays": "X",
    "receives": "Y",
    "date": "2026-05",
    "status": "announced",
    "cluster": "colossus-1",
    "sums": [{"name": "all", "usd": "1B USD"}],
}
MONTHLY = {"usd": "1B USD", "first": "2026-07", "last": "2026-06"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sums": []}, "paid in sums or monthly; give one of the two"),
        ({"monthly": MONTHLY | {"last": "2029-05"}}, "paid in sums or monthly; give one of the two"),
        ({"sums": [], "monthly": MONTHLY}, "monthly.last lies before monthly.first; swap them"),
        ({"capacity": [{"what": "all"}]}, "accelerators or h100_equivalents; give one of the two"),
        ({"sums": [{"name": "all", "usd": {"value": "1B USD", **CITE, "as_of": None}}]}, "needs its date"),
    ],
)
def test_a_deal_that_does_not_add_up_is_refused(changed: dict[str, object], message: str) -> None:
    assert Deal.model_validate(DEAL_ROW).sums[0].usd.value == 1e9
    with pytest.raises(ValidationError, match=message):
        Deal.model_validate(DEAL_ROW | changed)
