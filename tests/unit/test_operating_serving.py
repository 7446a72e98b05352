"""What a service takes: hosts that are missing, energy and cost of a year, shares of prompts and output."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

from planner.catalog.kinds import OPERATIONS
from planner.catalog.load import Catalog
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.availability import MANY, shortage
from planner.plan.operating.estate import estate_of
from planner.plan.operating.service import Part, Replicas, Service
from planner.plan.operating.serving import operated
from planner.plan.places import places
from planner.plan.serve import serve
from planner.plan.serving.results import Plan
from planner.plan.serving.running import prompt_share
from planner.search.serving import DECODE, PREFILL
from planner.tables.samples import Samples

CATALOG = Catalog()
USUAL = CATALOG.get(OPERATIONS, "usual").reliability
YEAR_H = 8766.0
IDLE_W = 0.10 * 700 + 0.35 * 575
"""Of an H100 with its share of the host; 0.05 of the rating for storage comes on top."""
STORAGE_W = 0.85 * 0.05 * 1275
MTBF_H, REPAIR_H = 6330.0, 4.0


def missing(mean: float, spare: int) -> float:
    """Mean of what exceeds the spares, by the distribution."""
    k = np.arange(spare + 1, int(mean + 40 * mean**0.5) + spare + 60)
    return float(np.sum((k - spare) * poisson.pmf(k, mean)))


@pytest.mark.parametrize("mean", [1e-4, 0.02, 0.5, 3.0, 20.0, 350.0])
@pytest.mark.parametrize("spare", [0, 1, 2, 5, 30, 400])
def test_shortage_is_the_mean_beyond_the_spares(mean: float, spare: int) -> None:
    assert shortage(np.array([[mean]]), spare).item() == pytest.approx(
        missing(mean, spare), rel=1e-6, abs=1e-10
    )


@pytest.mark.parametrize("spare", [380, 450, 500, 900])
def test_shortage_of_many_by_its_normal_limit(spare: int) -> None:
    mean = MANY * 1.1
    assert shortage(np.array([[mean]]), spare).item() == pytest.approx(
        missing(mean, spare), rel=0.1, abs=0.005
    )


def test_shortage_of_samples_is_that_of_each() -> None:
    means = np.array([[0.1], [7.0], [1000.0]])
    alone = [shortage(mean[None, :], 3).item() for mean in means]
    assert shortage(means, 3)[:, 0] == pytest.approx(alone)


def service(*, serving: int = 8, spare: int = 0, fixed: bool = False, **values: Any) -> Service:
    place = places(CATALOG, cluster=None, gpu="h100", gpus=None)[0]
    estate = estate_of(CATALOG, place, Asked.read(CATALOG), Filled(), values.pop("samples", Samples(0)))
    given = {"prefill": 0.2, "decode": 0.5, "replicas": ()} | {
        name: values.pop(name) for name in ("prefill", "decode", "replicas") if name in values
    }
    part = Part(estate=estate, serving=serving, spare=spare, host=8, **given)
    usual = {
        "output_tokens_per_s": 1000.0,
        "input_tokens_per_s": 4000.0,
        "users": None,
        "low": 1.0,
        "high": 1.0,
    }
    return Service(parts=[part], fixed=fixed, **(usual | values))


def taken(asked: Service, price: str = "own") -> SimpleNamespace:
    found = operated(asked, Asked.read(CATALOG, price=price), USUAL, catalog=CATALOG)
    return SimpleNamespace(**found)


class TestByHand:
    def test_energy_of_a_server_that_works_part_of_the_time(self) -> None:
        gpu = 0.1 * 700 + 0.2 * 0.75 * 700 + 0.5 * 0.25 * 700
        host = 575 * (0.35 + 0.7 * 0.24)
        watts = 8 * (gpu + host + STORAGE_W) * 1.25
        found = taken(service())
        assert found.power_megawatts.value == pytest.approx(watts / 1e6)
        assert found.energy_megawatt_hours.value == pytest.approx(watts / 1e6 * YEAR_H)
        assert found.co2_tonnes.value == pytest.approx(watts / 1e6 * YEAR_H * 0.3497)

    def test_spares_are_idle(self) -> None:
        """With the fabric of sixteen, which the eight at work share."""
        found = service(serving=8, spare=8)
        network = found.parts[0].estate.network(np.array([16.0]))
        assert network is not None
        each = network.watts.item() / 16
        busy = (0.1 + 0.2 * 0.75 + 0.5 * 0.25) * 700 + 575 * (0.35 + 0.7 * 0.24)
        rest = 0.85 * (each + 0.05 * (1275 + each))
        watts = 8 * (busy + rest + IDLE_W + rest) * 1.25
        assert taken(found).power_megawatts.value == pytest.approx(watts / 1e6)

    def test_rent_of_a_year_over_its_tokens(self) -> None:
        found = taken(service(spare=8), "$2.35/h")
        assert found.usd_per_gpu_hour.value == pytest.approx(2.35)
        assert found.cost_usd.value == pytest.approx(2.35 * 16 * YEAR_H)
        assert found.usd_per_million_tokens.value == pytest.approx(2.35 * 16 / 3600 / 1000 * 1e6)
        assert found.cost.gpu_hour_parts_usd == {"rent": pytest.approx(2.35)}
        assert (found.cost.capital_usd, found.cost.break_even_utilisation) == (None, None)

    def test_prompts_and_output_share_the_cost_by_their_time(self) -> None:
        found = taken(service(prefill=0.2, decode=0.6), "$2/h")
        per_s = 2 * 8 / 3600
        cost = found.cost
        assert cost.usd_per_million_input_tokens.value == pytest.approx(0.25 * per_s / 4000 * 1e6)
        assert cost.usd_per_million_output_tokens.value == pytest.approx(0.75 * per_s / 1000 * 1e6)

    def test_users_pay_the_month(self) -> None:
        found = taken(service(users=500.0), "$2/h")
        assert found.cost.usd_per_user_month.value == pytest.approx(2 * 8 * YEAR_H / 12 / 500)

    def test_electricity_is_the_same_by_energy_and_by_the_hour(self) -> None:
        found = taken(service(serving=64, spare=16))
        cost = found.cost
        energy = found.energy_megawatt_hours.value * 1000 * found.power.usd_per_kwh
        assert cost.electricity_usd.value == pytest.approx(energy)
        assert cost.gpu_hour_parts_usd["electricity"] * 80 * YEAR_H == pytest.approx(energy)
        assert sum(cost.gpu_hour_parts_usd.values()) == pytest.approx(found.usd_per_gpu_hour.value)

    def test_a_service_that_makes_nothing_has_no_price_of_tokens(self) -> None:
        found = taken(service(output_tokens_per_s=0.0, input_tokens_per_s=0.0))
        assert found.usd_per_million_tokens is None


class TestAvailability:
    def test_without_spares_what_is_repaired_is_missing(self) -> None:
        found = taken(service(serving=800))
        away = 100 * REPAIR_H / MTBF_H
        assert found.availability.hosts_away == pytest.approx(away)
        assert found.availability.host_failures_per_day.value == pytest.approx(100 * 24 / MTBF_H)
        assert found.goodput.value == pytest.approx(1 - away / 100)

    def test_with_spares_what_exceeds_them_is(self) -> None:
        found = taken(service(serving=800, spare=8))
        assert found.availability.spare_hosts == 1
        assert found.goodput.value == pytest.approx(1 - missing(100 * REPAIR_H / MTBF_H, 1) / 100)

    def test_a_replica_stops_whole_while_a_host_is_replaced(self) -> None:
        def stopped(each: int) -> float:
            replicas = [Replicas(serving=800, each=each, weight_bytes=10e9)]
            return float(taken(service(serving=800, spare=80, replicas=replicas)).availability.stopped)

        assert 0 < stopped(8) < 1e-4
        # four hosts may each stop it, and it comes back as fast: each accelerator loads as much
        assert stopped(32) == pytest.approx(4 * stopped(8))


class TestInterval:
    """A service 20 % slower to 10 % faster than predicted."""

    def test_a_load_that_is_given_takes_more_or_less_hardware(self) -> None:
        found = taken(service(fixed=True, low=0.8, high=1.1, samples=Samples(255)), "$2/h")
        assert found.cost_usd.high == pytest.approx(found.cost_usd.value / 0.8, rel=0.05)
        assert found.cost_usd.low == pytest.approx(found.cost_usd.value / 1.1, rel=0.05)
        assert found.usd_per_gpu_hour.low == pytest.approx(found.usd_per_gpu_hour.high)

    def test_hardware_that_is_given_makes_more_or_fewer_tokens(self) -> None:
        found = taken(service(low=0.8, high=1.1, samples=Samples(255)), "$2/h")
        assert found.cost_usd.low == pytest.approx(found.cost_usd.high)
        tokens = found.usd_per_million_tokens
        assert tokens.high == pytest.approx(tokens.value / 0.8, rel=0.05)
        assert tokens.low == pytest.approx(tokens.value / 1.1, rel=0.05)


def planned(**asked: Any) -> tuple[Plan, Any]:
    result = serve("llama-3-8b", accelerator="h100", gpus=64, top=0, pareto=False, **asked)
    assert result.plan is not None
    return result.plan, result._trace


class TestPromptShare:
    @staticmethod
    def share(**asked: Any) -> float:
        _, found = planned(mode="aggregated", **asked)
        return prompt_share(found.result.request, found.best.pools[0])

    def test_longer_prompts_take_more_of_the_time(self) -> None:
        shares = [self.share(isl=isl, osl=500, prefix_hit=0) for isl in (100, 1000, 8000)]
        assert shares == sorted(shares)
        assert 0 < shares[0] < 0.2

    def test_short_answers_leave_the_time_to_prompts(self) -> None:
        assert (
            self.share(isl=8000, osl=500, prefix_hit=0) < 0.5 < self.share(isl=8000, osl=2, prefix_hit=0) < 1
        )

    def test_prompts_that_are_cached_take_less(self) -> None:
        assert self.share(isl=8000, osl=500, prefix_hit=0.9) < self.share(isl=8000, osl=500, prefix_hit=0)

    def test_pools_do_one_thing_each(self) -> None:
        _, found = planned(mode="disaggregated", isl=4000, osl=500)
        shares = {pool.role: prompt_share(found.result.request, pool) for pool in found.best.pools}
        assert shares == {PREFILL: 1.0, DECODE: 0.0}


@pytest.mark.parametrize("mode", ["aggregated", "disaggregated"])
def test_input_and_output_pay_for_all(mode: str) -> None:
    plan, found = planned(mode=mode, isl=4000, osl=500)
    cost, traffic = plan.cost, found.case.job.traffic
    assert cost.usd_per_million_input_tokens is not None
    assert cost.usd_per_million_output_tokens is not None
    each = cost.usd_per_million_input_tokens.value * traffic.isl / traffic.osl
    together = each + cost.usd_per_million_output_tokens.value
    assert together == pytest.approx(plan.usd_per_million_tokens.value)
