"""Published figures of section "the story in numbers", by ``planner budget`` and the shipped records.

The identifiers are those of the table in docs/budget.md. planner's H100 has 989.4 TFLOP/s of dense bf16,
which published arithmetic rounds to 989: operations differ by 4e-4.
"""

from __future__ import annotations

import pytest

import planner
from planner.catalog.load import Catalog
from planner.plan.budget.parts import AtPrice
from planner.plan.budget.results import BudgetAnswer
from planner.workload.kinds import DEAL

BOOK = Catalog()
ROUNDED = 989.4 / 989.0
YEAR_DAYS = 365.25


@pytest.fixture(scope="module")
def ten_billion() -> BudgetAnswer:
    return planner.budget(usd="10B", cluster="million-h100", brief=True, catalog=BOOK).result


@pytest.fixture(scope="module")
def million_90_days() -> BudgetAnswer:
    return planner.budget(gpus="1M", cluster="million-h100", days=90, brief=True, catalog=BOOK).result


@pytest.fixture(scope="module")
def anthropic() -> BudgetAnswer:
    return planner.budget(deal="anthropic-colossus", brief=True, catalog=BOOK).result


def at(answer: BudgetAnswer, price: str) -> AtPrice:
    return next(one for one in answer.prices if one.price == price)


class TestTenBillion:
    """CO-deal and CO-deal-share: arithmetic on rents of the H100."""

    @pytest.mark.parametrize(
        ("price", "hours", "share"),
        [
            ("reserved@2025-10", 5.882e9, 0.6710),
            ("reserved@2026-03", 4.255e9, 0.4854),
            ("reserved@2026-06", 3.774e9, 0.4305),
        ],
    )
    def test_at_the_dated_rents(
        self, ten_billion: BudgetAnswer, price: str, hours: float, share: float
    ) -> None:
        row = at(ten_billion, price)
        assert row.gpu_hours is not None
        assert row.gpu_hours.value == pytest.approx(hours, rel=1e-3)
        assert row.share_of_cluster is not None
        assert row.share_of_cluster.value == pytest.approx(share, abs=1e-3)

    @pytest.mark.parametrize(
        ("price", "hours", "share"), [("$2/h", 5.0e9, 0.5704), ("$3/h", 3.333e9, 0.3803)]
    )
    def test_at_a_price_that_is_given(self, price: str, hours: float, share: float) -> None:
        answer = planner.budget(
            usd="10B", cluster="million-h100", price=price, brief=True, catalog=BOOK
        ).result
        assert answer.gpu_hours.value == pytest.approx(hours, rel=1e-3)
        assert answer.share_of_cluster is not None
        assert answer.share_of_cluster.value == pytest.approx(share, abs=1e-3)

    def test_sixty_billion_are_three_years_of_a_million(self) -> None:
        """Section 0: 60 billion at 2.35 are 2.91 years of a million H100."""
        answer = planner.budget(
            usd="60B", cluster="million-h100", price="reserved@2026-03", brief=True, catalog=BOOK
        ).result
        assert answer.share_of_cluster is not None
        assert answer.share_of_cluster.value == pytest.approx(2.91, abs=0.005)


class TestOperations:
    """SL-1M-90d and CO-1e26: arithmetic."""

    def test_a_million_for_90_days(self, million_90_days: BudgetAnswer) -> None:
        by_share = {round(one.utilisation, 2): one.flop.value for one in million_90_days.at_utilisation}
        assert by_share[0.40] == pytest.approx(3.0762e27 * ROUNDED, rel=1e-4)
        assert by_share[0.11] == pytest.approx(8.4595e26 * ROUNDED, rel=1e-4)

    def test_hours_of_1e26(self, million_90_days: BudgetAnswer) -> None:
        row = million_90_days.operations[0]
        assert row.flop.value == 1e26
        assert row.h100_equivalent_hours.value == pytest.approx(7.0217e7 / ROUNDED, rel=1e-4)
        assert row.hours_on_all == pytest.approx(70.2 / ROUNDED, rel=1e-3)

    def test_1e26_on_50_000(self) -> None:
        answer = planner.budget(gpus=50_000, gpu="h100", brief=True, catalog=BOOK).result
        assert answer.operations[0].hours_on_all / 24.0 == pytest.approx(58.5 / ROUNDED, rel=1e-3)

    def test_the_next_composer_is_about_a_percent_of_a_year(self) -> None:
        """Section 0: 1 to 2e26 FLOP are 70 to 140 M hours, 0.8 to 1.6 % of a year of a million H100."""
        answer = planner.budget(gpus="1M", cluster="million-h100", brief=True, catalog=BOOK).result
        row = answer.operations[1]
        assert (row.flop.low, row.flop.high) == (1e26, 2e26)
        assert row.h100_equivalent_hours.low == pytest.approx(70e6, rel=0.01)
        assert row.h100_equivalent_hours.high == pytest.approx(140e6, rel=0.01)
        assert row.share.low == pytest.approx(0.008, abs=2e-4)
        assert row.share.high == pytest.approx(0.016, abs=2e-4)


class TestDeals:
    """SpaceX S-1 (20 May 2026) and later filings, via press."""

    def test_composition_of_the_ten_billion(self) -> None:
        """CO-deal-split: 1.5 billion of termination fee and 8.5 of deferred services fee; 60 in shares."""
        deal = BOOK.get(DEAL, "cursor-10b")
        paid = {one.name: one.usd.value for one in deal.sums}
        assert paid == {"termination fee": 1.5e9, "deferred services fee": 8.5e9}
        assert deal.option is not None
        assert deal.option.usd.value == 60e9
        assert "Class A stock" in deal.option.paid_in

    def test_the_lease_of_colossus_1_alone(self, anthropic: BudgetAnswer) -> None:
        """CO-anth: 7.78 USD an hour if it is the 220,000 GPUs of Colossus 1."""
        assert anthropic.deal is not None
        alone = next(one for one in anthropic.deal.capacity if one.accelerators == 220_000)
        assert alone.usd_per_gpu_hour == pytest.approx(7.78, abs=0.005)
        assert alone.usd_per_gpu_hour == pytest.approx(1.25e9 * 12 / (220_000 * 8766), rel=1e-12)

    @pytest.mark.parametrize(
        ("price", "published"), [("h100-sxm reserved@2026-03", 728e3), ("h100-sxm reserved@2026-06", 646e3)]
    )
    def test_equivalents_at_market_rents(self, anthropic: BudgetAnswer, price: str, published: float) -> None:
        """CO-anth: 728,000 H100 equivalents at 2.35 and 646,000 at 2.65."""
        assert anthropic.deal is not None
        row = next(one for one in anthropic.deal.break_even if one.price == price)
        assert row.h100_equivalents == pytest.approx(published, rel=1e-3)

    def test_equivalents_at_three_dollars(self) -> None:
        """CO-anth: 570,000 at 3.00."""
        answer = planner.budget(
            deal="anthropic-colossus", gpu="h100", price="$3/h", brief=True, catalog=BOOK
        ).result
        assert answer.accelerators is not None
        assert answer.accelerators.value == pytest.approx(570e3, rel=1e-3)

    def test_the_contract_runs_to_may_2029(self, anthropic: BudgetAnswer) -> None:
        """35 months at the full fee from July 2026; the press says more than 40 billion, and about 45."""
        assert anthropic.deal is not None
        assert anthropic.deal.months == 35
        assert anthropic.usd is not None
        assert anthropic.usd.value == pytest.approx(43.75e9)
        assert anthropic.deal.committed_usd == pytest.approx(1.25e9 * 12 * 90 / YEAR_DAYS)


class TestPower:
    """EN-1M: 1.59 GW nameplate and 1.20 GW average at a PUE of 1.25, by the rating of servers alone."""

    def test_of_a_million_h100(self, million_90_days: BudgetAnswer) -> None:
        """Ours counts storage and network, and cooling in summer: +16 %; the average is 14 % above."""
        assert million_90_days.energy is not None
        assert million_90_days.energy.nameplate_megawatts.value == pytest.approx(1590, rel=0.20)
        assert million_90_days.energy.average_megawatts.value == pytest.approx(1200, rel=0.20)
        assert million_90_days.energy.nameplate_megawatts.value > 1590
