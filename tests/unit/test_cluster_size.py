"""How much hardware H100 equivalents, money or power come to; whole systems."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import planner
from planner.errors import InputError, UsageError
from planner.plan.cluster.limits import most_systems
from planner.units import HOURS_PER_YEAR, MEGA

RACK = 72


def size(part: str | None = "gb200-nvl72", **asked: Any) -> Any:
    return planner.cluster.size(part, site="usual", **asked).result


def test_bisection_finds_the_last_that_fits() -> None:
    price = np.array([[3.0], [2.0], [4.0], [2.5], [3.5]])
    for limit in (2.9, 3.0, 100.0, 3e6):
        ends = most_systems(lambda n: price * n, limit=limit, whole=1, most=10_000_000)
        assert ends.value == np.floor(limit / 3.0)
        assert ends.low <= ends.value <= ends.high
    racks = most_systems(lambda n: price * n, limit=3.0 * 7 * 8 + 1, whole=8)
    assert racks.value == 7 * 8


def test_one_system_more_would_not_fit() -> None:
    for asked in ({"budget": "2B USD"}, {"power": "55 MW"}):
        found = size(**asked)
        n = found.accelerators.value
        assert n % RACK == 0
        assert found.systems == n / RACK
        more = size(gpus=n + RACK)
        if "budget" in asked:
            assert found.spent_usd.value <= 2e9 < more.spent_usd.value
            assert found.spent_usd.value == pytest.approx(found.sheet.capital.usd.value)
        else:
            assert found.sheet.power.nameplate_facility_megawatts.value <= 55
            assert more.sheet.power.nameplate_facility_megawatts.value > 55
        assert found.accelerators.low < n < found.accelerators.high
        assert found.sheet.accelerators == n


def test_a_power_is_of_a_kind() -> None:
    by_kind = {kind: size(power="55 MW", power_of=kind) for kind in ("nameplate", "peak", "average")}
    for kind, found in by_kind.items():
        megawatts = getattr(found.sheet.power, f"{kind}_facility_megawatts").value
        assert 55 * (1 - RACK / found.accelerators.value) < megawatts <= 55
        assert kind in found.sentence
    numbers = [found.accelerators.value for found in by_kind.values()]
    assert numbers == sorted(numbers)
    usual = planner.cluster.size("gb200-nvl72", power="55 MW")
    assert usual.inputs.power_of == "nameplate"
    assert usual.result.accelerators == by_kind["nameplate"].accelerators


def test_epochs_gigawatt_is_nameplate() -> None:
    # Epoch AI, ai-chip-counts: 2.72 kW of facility for each GB200 and GB300 that it counts
    found = size(power="1 GW").accelerators
    assert found.value == pytest.approx(1e9 / 2720, rel=0.05)


def test_what_the_site_supplies_binds() -> None:
    here = "memphis-colossus-1"
    asked = planner.cluster.size("gb200-nvl72", site=here, power="3 GW")
    found = asked.result
    assert found.binds == "site"
    assert asked.inputs.power_megawatts == 3000
    assert "3 GW of nameplate" in found.sentence
    assert f"the supplies of {here} carry 547 MW" in found.sentence
    assert found.sheet is not None
    assert found.sheet.power.short_megawatts == 0
    assert found.sheet.power.headroom_megawatts is not None
    assert 0 <= found.sheet.power.headroom_megawatts < 0.2
    small = planner.cluster.size("gb200-nvl72", site=here, power="300 MW").result
    assert small.binds == "power"
    bought = planner.cluster.size("gb200-nvl72", site=here, budget="40B USD").result
    assert bought.binds == "budget"
    assert bought.sheet is not None
    assert bought.sheet.power.short_megawatts > 0
    none = planner.cluster.size(
        "gb200-nvl72", site="new-carlisle", power="3 GW", set="site.supplies.0.capacity=100kW"
    ).result
    assert "more than the supplies of new-carlisle of 100 kW; name another --site" in none.reasons[0]


def test_of_two_limits_the_tighter_binds() -> None:
    money, watts = size(budget="2B USD"), size(power="10 MW")
    both = size(budget="2B USD", power="10 MW")
    assert both.binds == "power"
    assert both.accelerators.value == watts.accelerators.value < money.accelerators.value


def test_a_rent_is_paid_for_years() -> None:
    found = size(budget="100M USD", price="$2.50/h", years=2)
    expected = np.floor(100e6 / (2.50 * 2 * HOURS_PER_YEAR) / RACK) * RACK
    assert found.accelerators.value == expected
    assert found.spent_usd.value == pytest.approx(expected * 2.50 * 2 * HOURS_PER_YEAR)
    one = planner.cluster.size("gb200", budget="100M USD", price="$2.50/h")
    assert one.inputs.years == 1
    assert any(assumed.field == "years" for assumed in one.assumptions)


def test_colocation_buys_no_building() -> None:
    own, hall = size(budget="1B USD"), size(budget="1B USD", price="colocation")
    assert hall.accelerators.value > own.accelerators.value


def test_a_demand_is_rounded_up_to_whole_systems() -> None:
    assert size(gpus=73).accelerators.value == 2 * RACK
    by_rule = {rule: size(h100e="100k", rule=rule).accelerators.value for rule in planner.cluster.RULES[:4]}
    for rule, ratio in {"bf16": 2500 / 989.4, "hbm-bandwidth": 8.0 / 3.35, "memory": 186 / 80}.items():
        assert by_rule[rule] == np.ceil(100_000 / ratio / RACK) * RACK
    rubin = planner.cluster.size("vr200-nvl72", h100e="1M", rule="8bit").result
    assert rubin.accelerators.value == pytest.approx(1e6 / 8.843, rel=2e-3)


def test_by_workload_the_job_decides() -> None:
    found = size(h100e="10k", workload="llama-3.1-8b")
    counted = found.sheet.h100_equivalents.by_workload
    assert counted.value >= 10_000
    assert counted.value == pytest.approx(10_000, rel=0.05)
    assert found.accelerators.low < found.accelerators.value < found.accelerators.high


def test_not_one_system_fits() -> None:
    for asked, said in (({"power": "10 kW"}, "more than the power"), ({"budget": "$1M"}, "the budget")):
        found = size(**asked)
        assert found.sheet is None
        assert found.systems == 0
        assert said in found.reasons[0]
        assert "one gb200-nvl72 takes" in found.sentence


def test_the_network_may_be_named() -> None:
    result = planner.cluster.size("gb200", gpus=1000, fabric="spectrum-x-800")
    assert result.inputs.fabric == "spectrum-x-800"
    assert result.result.sheet is not None
    assert [one.fabric for one in result.result.sheet.networks] == ["spectrum-x-800"]
    usual = planner.cluster.size("gb200", gpus=1000)
    assert usual.inputs.fabric == "infiniband-ndr"
    assert any(one.field == "fabric" for one in usual.assumptions)


def test_inputs_are_told_in_their_units() -> None:
    inputs = planner.cluster.size("gb200", power="0.05 GW", budget="1B USD").inputs
    assert inputs.power_megawatts == pytest.approx(0.05e9 / MEGA)
    assert inputs.budget_usd == 1e9


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"h100e": "1M"}, "by which rule"),
        ({"h100e": "1M", "rule": "fp4"}, "no such rule"),
        ({"rule": "bf16", "gpus": 8}, "give both, as in --h100e 1M --rule bf16"),
        ({"h100e": "1M", "rule": "workload"}, "needs the job"),
        ({}, "size for what"),
        ({"gpus": 8, "h100e": "1M", "rule": "bf16"}, "exclude each other"),
        ({"gpus": 8, "budget": "1B USD"}, "exclude each other"),
        ({"gpus": 8, "years": 2}, "--years is how long a --budget pays"),
        ({"budget": "1B USD", "years": 2}, "goes with a rent"),
        ({"gpus": 8, "power_of": "peak"}, "which power --power limits"),
        ({"power": "1 MW", "power_of": "rated"}, "no such power"),
        ({"part": None, "gpus": 8}, "size of what"),
    ],
)
def test_questions_that_are_none(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        size(**asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"budget": "10B"}, "USD"),
        ({"budget": "-1 USD"}, "above 0"),
        ({"power": "300"}, "has no unit"),
        ({"power": "0 W"}, "above 0"),
        ({"h100e": "1e12", "rule": "bf16"}, "at most"),
        ({"h100e": "500M", "rule": "bf16"}, "the largest fleet"),
        ({"gpus": 0}, "outside"),
        ({"budget": "1B USD", "price": "5"}, "in US dollars"),
    ],
)
def test_values_that_are_wrong(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        size(**asked)
