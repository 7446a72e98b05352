"""Published costs, by the functions and records that answer questions.

The identifiers are those of the table in docs/method_cost.md; each test names its source.
"""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR, FINANCE, RENTAL
from planner.catalog.load import Catalog
from planner.model.cost.capital import (
    Capital,
    amortised_usd_per_hour,
    capital,
    capital_recovery,
    depreciated_usd,
)
from planner.model.cost.contract import (
    cluster_share,
    hours_bought,
    hours_for_flop,
    lease_usd_per_hour,
    leased_accelerators,
    utilisation_of,
)
from planner.model.cost.hour import HourCost, break_even_utilisation, owned_usd_per_hour
from planner.model.cost.tokens import (
    machines_for_tokens,
    profit_margin,
    run_usd,
    token_revenue_usd,
    usd_per_million_tokens,
)
from planner.tables.price import FinanceTable, finance_table, price_on, purchase_of, rental_named, rental_on
from planner.tables.samples import Samples, interval
from planner.units import BILLION, GIGA, HOURS_PER_YEAR, MILLION, SECONDS_PER_DAY, SECONDS_PER_HOUR
from planner.workload.kinds import TRAFFIC

CATALOG = Catalog()
STATED = Samples(0)
H100_FLOP_PER_S = 989e12
PRICES = np.array([1.70, 2.00, 2.35, 2.65, 3.00])
INPUT_HIT, INPUT_MISSED, OUTPUT = 342e9, 266e9, 168e9


def finance(name: str, *overrides: str) -> FinanceTable:
    return finance_table(Catalog(overrides=overrides).get(FINANCE, name), STATED)


def deepseek_usd() -> float:
    return rental_named(CATALOG, "h800-deepseek").value


class TestDeepSeekTraining:
    """DeepSeek-AI, arXiv:2412.19437, Table 1 and section 1."""

    def test_hours_and_cost(self) -> None:
        """CO-v3-h and CO-v3-c."""
        hours = np.array([2.664, 0.119, 0.005]) * MILLION
        cost = run_usd(usd_per_hour=deepseek_usd(), accelerators=1.0, hours=hours)
        assert cost.sum() / deepseek_usd() == pytest.approx(2.788 * MILLION, rel=1e-12)
        assert cost.sum() == pytest.approx(5.576 * MILLION, rel=1e-12)

    def test_days_of_a_trillion_tokens(self) -> None:
        """CO-v3-d: 180,000 hours on 2,048 GPUs, published as 3.7 days."""
        year = float(cluster_share(hours=180e3, accelerators=2048, years=1.0))
        assert year * HOURS_PER_YEAR / 24.0 == pytest.approx(3.7, abs=0.05)

    def test_pre_training_from_its_rate(self) -> None:
        """CO-v3-tok: 180,000 hours per trillion tokens, 14.8 trillion of them."""
        rate = 1e12 / (180e3 * SECONDS_PER_HOUR)
        hours = machines_for_tokens(tokens=14.8e12, seconds=SECONDS_PER_HOUR, tokens_per_s=rate)
        assert float(hours) == pytest.approx(2.664 * MILLION, rel=1e-12)

    def test_utilisation(self) -> None:
        """CO-v3-util: 250 GFLOP a token are 39 % of the bf16 peak."""
        flop = 250 * GIGA * 14.8e12
        reached = utilisation_of(flop=flop, flop_per_s=H100_FLOP_PER_S, hours=2.664 * MILLION)
        assert float(reached) == pytest.approx(0.3901, rel=0.01)
        hours = hours_for_flop(flop=flop, flop_per_s=H100_FLOP_PER_S, utilisation=reached)
        assert float(hours) == pytest.approx(2.664 * MILLION, rel=1e-12)


class TestDeepSeekServing:
    """DeepSeek-AI, open-infra-index, 202502OpenSourceWeek, day 6: one day of February 2025."""

    def test_cost_of_the_day(self) -> None:
        """CO-ds-day."""
        cost = run_usd(usd_per_hour=deepseek_usd(), accelerators=226.75 * 8, hours=24.0)
        assert float(cost) == pytest.approx(87_072, rel=1e-12)

    def test_revenue_and_margin(self) -> None:
        """CO-ds-rev and CO-ds-margin: published as 562,027 USD and 545 %; the counts are rounded."""
        tokens, prices = np.array([INPUT_HIT, INPUT_MISSED, OUTPUT]), np.array([0.14, 0.55, 2.19])
        revenue = token_revenue_usd(tokens=tokens, usd_per_million=prices).sum()
        assert revenue == pytest.approx(562_100, rel=1e-12)
        assert revenue == pytest.approx(562_027, rel=2e-4)
        assert float(profit_margin(revenue_usd=562_027, cost_usd=87_072)) == pytest.approx(5.45, abs=0.005)

    def test_nodes(self) -> None:
        """CO-ds-nodes: 226.75 on average, from the published throughput of nodes."""
        tokens, rates = np.array([INPUT_HIT + INPUT_MISSED, OUTPUT]), np.array([73.7e3, 14.8e3])
        nodes = machines_for_tokens(tokens=tokens, seconds=SECONDS_PER_DAY, tokens_per_s=rates)
        assert nodes == pytest.approx([95.48, 131.38], abs=0.01)
        assert nodes.sum() == pytest.approx(226.75, rel=0.005)

    def test_traffic_record(self) -> None:
        """CO-ds-hit and CO-ds-peak: what the shipped traffic of that day holds."""
        traffic = CATALOG.get(TRAFFIC, "deepseek-production")
        assert traffic.prefix is not None
        assert traffic.prefix.hit.value == pytest.approx(INPUT_HIT / (INPUT_HIT + INPUT_MISSED), abs=0.001)
        assert traffic.peak is not None
        assert traffic.peak.hour.value == pytest.approx(278 / 226.75, rel=1e-3)

    def test_cost_of_a_million_output_tokens(self) -> None:
        """CO-ds-mout: everything on the output, 0.5183 USD."""
        an_hour = run_usd(usd_per_hour=deepseek_usd(), accelerators=226.75 * 8, hours=1.0)
        cost = usd_per_million_tokens(usd_per_hour=an_hour, tokens_per_s=OUTPUT / SECONDS_PER_DAY)
        assert float(cost) == pytest.approx(0.5183, rel=1e-3)


class TestEpochGigawatt:
    """Epoch AI, data insight on the cost of AI data centres (May 2026)."""

    IT, FACILITY, ENERGY = 25.13 * BILLION, 12.87 * BILLION, 0.6 * BILLION

    def yearly(self, years: float) -> HourCost:
        """Cost of the site by part and year, as if it were one accelerator."""
        life = f"{years} years"
        table = finance("epoch-1gw", f"finance.it_life={life}", f"finance.network_life={life}")
        bought = capital(
            servers_usd=self.IT * (1.0 - table.network_share), finance=table, facility_watts=GIGA
        )
        price = self.ENERGY / (GIGA / 1e3 * HOURS_PER_YEAR)
        hour = owned_usd_per_hour(capital=bought, finance=table, facility_watts=GIGA, usd_per_kwh=price)
        return hour.times(HOURS_PER_YEAR)

    def test_recovery_factors(self) -> None:
        """CO-crf."""
        factors = capital_recovery(rate=0.07, years=np.array([5.0, 14.0]))
        assert factors == pytest.approx([0.243891, 0.114345], abs=1e-6)

    @pytest.mark.parametrize(
        ("years", "published", "fitted"), [(3, 12.0, 11.95), (5, 8.5, 8.50), (7, 7.0, 7.03)]
    )
    def test_total_cost(self, years: int, published: float, fitted: float) -> None:
        """CO-ep-tco within 3 %, CO-ep-tco-fit within 1 %."""
        total = float(self.yearly(years).total.item()) / BILLION
        assert total == pytest.approx(published, rel=0.03)
        assert total == pytest.approx(fitted, rel=0.01)

    def test_parts(self) -> None:
        """CO-ep-tco: servers 5 billion a year; energy 0.6 and the rest of 0.9 in operation."""
        cost = self.yearly(5)
        assert cost.servers.item() / BILLION == pytest.approx(5.0, rel=0.03)
        assert (cost.electricity + cost.operations).item() / BILLION == pytest.approx(0.9, rel=0.01)


class TestEpochAmortised:
    """Epoch AI, training-cost-trends (commit 263c40a); B. Cottier et al., arXiv:2405.21015."""

    def test_hour_of_an_h100(self) -> None:
        """CO-ep-hour: 1.8387 for the server, 2.2700 with network, 0.0987 of energy, 2.3687 in all."""
        server = amortised_usd_per_hour(price_usd=50e3)
        assert float(server) == pytest.approx(1.8387, rel=1e-3)
        assert float(amortised_usd_per_hour(price_usd=50e3, network_share=0.19)) == pytest.approx(
            2.2700, rel=1e-3
        )

    def test_the_same_hour_by_its_finance_record(self) -> None:
        """CO-ep-hour, by the formula of an owned hour: no interest, a life of 1 / (0.14 ln 10) years."""
        table = finance("epoch-amortised")
        watts = 700 * 1.8214 * 0.75 * 1.25
        bought = capital(servers_usd=50e3, finance=table, facility_watts=watts)
        hour = owned_usd_per_hour(capital=bought, finance=table, facility_watts=watts, usd_per_kwh=0.0826)
        assert hour.servers.item() == pytest.approx(1.8387, rel=1e-3)
        assert hour.electricity.item() == pytest.approx(0.0987, rel=1e-3)
        assert hour.total.item() == pytest.approx(2.3687, rel=1e-3)

    @pytest.mark.parametrize(
        ("published", "cloud", "gpus", "hours", "price", "age", "watts", "usd_per_kwh"),
        [
            pytest.param(51.0, 169.8, 16_384, 2142, 44_490, 1.18, 1275, 0.0771, id="CO-ep-l31"),
            pytest.param(40.7, 78.6, 25_000, 2280, 24_875, 1.75, 812.5, 0.0806, id="CO-ep-gpt4"),
            pytest.param(300.9, 1164.0, 100_000, 2400, 44_490, 1.73, 1275, 0.0826, id="CO-ep-g3"),
        ],
    )
    def test_cost_of_training(
        self,
        published: float,
        cloud: float,
        gpus: int,
        hours: float,
        price: float,
        age: float,
        watts: float,
        usd_per_kwh: float,
    ) -> None:
        """CO-ep-l31, CO-ep-gpt4, CO-ep-g3: between 0.7 of their low and 1.3 of their high figure.

        Hardware, hours and prices of its tables; the age runs from 90 days after release to the start of
        training (60 days before publication less the training time, for GPT-4 August 2022 less it).
        """
        table = finance("epoch-amortised")
        servers = depreciated_usd(price_usd=price, years=age)
        bought = capital(servers_usd=servers, finance=table, facility_watts=0.0)
        hour = owned_usd_per_hour(
            capital=bought, finance=table, facility_watts=watts * 0.75 * 1.25, usd_per_kwh=usd_per_kwh
        )
        cost = run_usd(usd_per_hour=hour.total, accelerators=gpus, hours=hours).item() / MILLION
        assert 0.7 * published < cost < 1.3 * cloud
        assert cost == pytest.approx(published, rel=0.02)

    @pytest.mark.parametrize(
        ("acquisition", "gpus", "price"),
        [(896.0, 16_384, 44_490), (778.1, 25_000, 24_875), (5482.0, 100_000, 44_490)],
    )
    def test_acquisition(self, acquisition: float, gpus: int, price: float) -> None:
        """CO-ep-l31, CO-ep-gpt4, CO-ep-g3: hardware with its network, before inflation is taken out."""
        bought = capital(servers_usd=price, finance=finance("epoch-amortised"), facility_watts=0.0)
        assert gpus * bought.total_usd.item() / MILLION == pytest.approx(acquisition, rel=0.02)


class TestDeals:
    """Arithmetic on announcements of April and May 2026; the facts behind them age."""

    def test_hours_for_ten_billion(self) -> None:
        """CO-deal and CO-deal-share."""
        hours = hours_bought(usd=10 * BILLION, usd_per_hour=PRICES)
        assert hours == pytest.approx(np.array([5.882, 5.000, 4.255, 3.774, 3.333]) * BILLION, rel=1e-3)
        share = cluster_share(hours=hours, accelerators=MILLION)
        assert share == pytest.approx([0.6710, 0.5704, 0.4854, 0.4305, 0.3803], abs=1e-3)

    def test_sixty_billion(self) -> None:
        """Story of the option: 2.91 years of a million H100 at 2.35."""
        hours = hours_bought(usd=60 * BILLION, usd_per_hour=2.35)
        assert float(cluster_share(hours=hours, accelerators=MILLION)) == pytest.approx(2.91, abs=0.005)

    def test_composition(self) -> None:
        """CO-deal-split (SpaceX S-1 of 20 May 2026, via press): fee and deferred fee are all of it."""
        parts = hours_bought(usd=np.array([1.5, 8.5]) * BILLION, usd_per_hour=2.35)
        assert parts.sum() == pytest.approx(4.255 * BILLION, rel=1e-3)

    def test_anthropic_lease(self) -> None:
        """CO-anth (S-1 via press): 1.25 billion a month."""
        hour = lease_usd_per_hour(usd_per_month=1.25 * BILLION, accelerators=220e3)
        assert float(hour) == pytest.approx(7.78, rel=1e-3)
        lease = CATALOG.get(RENTAL, "colossus-1-lease").gpu_hour
        assert lease.bounds == pytest.approx((2.35, float(hour)), rel=1e-3)
        counted = lease_usd_per_hour(usd_per_month=1.25 * BILLION, accelerators=655_800)
        assert lease.value == pytest.approx(float(counted), rel=1e-3)
        assert PRICES[2] < lease.value < PRICES[-1]
        leased = leased_accelerators(usd_per_month=1.25 * BILLION, usd_per_hour=PRICES[2:])
        assert leased == pytest.approx([728e3, 646e3, 570e3], rel=1e-3)

    def test_hours_of_a_model(self) -> None:
        """CO-1e26: 70.2 h on a million H100, 58.5 days on 50,000."""
        hours = float(hours_for_flop(flop=1e26, flop_per_s=H100_FLOP_PER_S, utilisation=0.4))
        assert hours == pytest.approx(7.0217e7, rel=1e-4)
        assert hours / MILLION == pytest.approx(70.2, rel=1e-3)
        assert hours / 50e3 * SECONDS_PER_HOUR / SECONDS_PER_DAY == pytest.approx(58.5, rel=1e-3)


class TestMarket:
    @pytest.mark.parametrize(
        ("date", "usd"), [("2025-10", 1.70), ("2026-02-28", 1.70), ("2026-03", 2.35), ("2026-06-30", 2.65)]
    )
    def test_price_track(self, date: str, usd: float) -> None:
        """CO-price (SemiAnalysis, via public summaries): contracts of a year."""
        assert price_on(CATALOG.get(RENTAL, "h100-reserved"), date).value == usd

    def test_between_two_points_of_the_track(self) -> None:
        """CO-price, in January 2026."""
        assert price_on(CATALOG.get(RENTAL, "h100-reserved"), "2026-01").bounds == (1.60, 2.35)

    def test_spot(self) -> None:
        """CO-price (Silicon Data, via public summaries)."""
        part = CATALOG.get(ACCELERATOR, "h100-sxm")
        assert rental_on(CATALOG, part, "spot", "2026-06").value == 2.42

    def test_an_owned_h100_beside_published_break_even(self) -> None:
        """Latent Space, "$2 H100s": 1.65 USD/h never recoups an H100, 2.85 beats shares; 1.47 kW of IT (S-1).

        Its range holds Epoch AI's two: 2.37, as a contract of March 2026, and EN-grok4-u, 1.992 for Grok 4.
        """
        samples = Samples()
        table = finance_table(CATALOG.get(FINANCE, "usual"), samples)
        servers = purchase_of(CATALOG, CATALOG.get(ACCELERATOR, "h100-sxm")).usd(samples)
        watts = 1472 * 1.25
        bought: Capital = capital(servers_usd=servers, finance=table, facility_watts=watts)
        hour = owned_usd_per_hour(
            capital=bought, finance=table, facility_watts=0.8 * watts, usd_per_kwh=0.0826
        )
        value, low, high = (float(end.item()) for end in interval(hour.total))
        assert 1.65 < value < 2.85
        assert low < 1.992 < 2.37 < high
        share = break_even_utilisation(owned_usd_per_hour=value, rented_usd_per_hour=2.35)
        assert float(share) == pytest.approx(0.75, abs=0.05)
