"""The fact sheet of a cluster: its sums, its groups, what it says of limits and claims."""

from __future__ import annotations

from pathlib import Path

import pytest

import planner
from planner.errors import InputError, UnknownNameError
from planner.plan.cluster.results import Sheet
from planner.units import HOURS_PER_YEAR

TWIN = """
id: {id}
name: Two hundred thousand
owner: nobody
date: 2026-11
status: hypothetical
cite: {{source: catalog, at: here, kind: derived}}
groups:
{groups}
"""


@pytest.fixture(scope="module")
def mixed() -> Sheet:
    return planner.cluster.show("colossus-1").result


@pytest.fixture(scope="module")
def million() -> Sheet:
    return planner.cluster.show("colossus-1m").result


def alone(name: str) -> Sheet:
    return planner.cluster.show(name, site="memphis-colossus-1").result


def test_parts_add_up(mixed: Sheet) -> None:
    assert sum(mixed.capital.by_part_usd.values()) == pytest.approx(mixed.capital.usd.value)
    power = mixed.power
    assert sum(power.average_it_by_part_megawatts.values()) == pytest.approx(power.average_it_megawatts.value)
    assert sum(power.used_megawatts.values()) + power.short_megawatts == pytest.approx(
        power.peak_facility_megawatts.value
    )
    for price in mixed.cost.prices:
        assert price.usd_per_gpu_hour is not None
        assert sum(price.parts_usd.values()) == pytest.approx(price.usd_per_gpu_hour.value)
    assert mixed.accelerators == sum(group.accelerators for group in mixed.groups) == 230_000


def test_a_mixed_cluster_is_the_sum_of_its_groups(mixed: Sheet) -> None:
    each = [alone(f"{group.accelerator}:{group.accelerators}") for group in mixed.groups]
    for rule in ("by_bf16", "by_8bit", "by_hbm_bandwidth", "by_memory"):
        total = getattr(mixed.h100_equivalents, rule).value
        assert total == pytest.approx(sum(getattr(one.h100_equivalents, rule).value for one in each))
        assert total == pytest.approx(sum(getattr(g.h100_equivalents, rule).value for g in mixed.groups))
    servers = [one.capital.by_part_usd["servers"] for one in each]
    assert mixed.capital.by_part_usd["servers"] == pytest.approx(sum(servers))
    rates = [one.failures.interruptions_per_day.value for one in each]
    assert mixed.failures.interruptions_per_day.value == pytest.approx(sum(rates))
    assert mixed.failures.spare_hosts == sum(one.failures.spare_hosts for one in each)
    assert mixed.failures.hosts == sum(one.failures.hosts for one in each)


def test_power_is_between_training_and_nameplate(mixed: Sheet) -> None:
    power = mixed.power
    average, peak = power.average_facility_megawatts, power.peak_facility_megawatts
    assert average.value < peak.value < power.nameplate_facility_megawatts.value
    assert power.average_it_megawatts.value * power.pue_mean == pytest.approx(average.value)
    assert power.nameplate_it_megawatts * power.pue_summer == pytest.approx(
        power.nameplate_facility_megawatts.value
    )
    assert mixed.year.energy_megawatt_hours.value == pytest.approx(average.value * HOURS_PER_YEAR)
    assert mixed.year.electricity_usd.value == pytest.approx(
        mixed.year.energy_megawatt_hours.value * 1000 * mixed.year.usd_per_kwh
    )
    assert mixed.year.co2_tonnes.value == pytest.approx(
        mixed.year.energy_megawatt_hours.value * mixed.year.co2_kg_per_kwh
    )


def test_power_by_activity_is_that_of_the_average_and_idle_is_least(mixed: Sheet) -> None:
    power = mixed.power
    found = power.facility_megawatts_by_activity
    assert found["training"] == pytest.approx(power.average_facility_megawatts.value)
    assert min(found, key=lambda activity: found[activity]) == "idle"
    assert found["decode"] < found["serving"] < found["prefill"]
    assert max(found.values()) < power.peak_facility_megawatts.value


@pytest.mark.parametrize(
    ("site", "basis"),
    [
        ("us-texas", "combustion"),
        ("quebec", "combustion"),
        ("germany", "life-cycle"),
        ("memphis-colossus-1", "combustion"),
        ("llama-3.1-card", None),
    ],
)
def test_carbon_says_what_it_counts(site: str, basis: str | None) -> None:
    year = planner.cluster.show("hgx-h100-node", site=site).result.year
    assert year.co2_basis == basis
    spread = year.co2_tonnes.high / year.co2_tonnes.low
    energy = year.energy_megawatt_hours.high / year.energy_megawatt_hours.low
    if basis is not None:
        assert spread > energy


def test_two_bases_are_both_named() -> None:
    set_ = "site.memphis-colossus-1.supplies.1.carbon_basis=life-cycle"
    sheet = planner.cluster.show("hgx-h100:50000", site="memphis-colossus-1", set=set_).result
    assert sheet.year.co2_basis == "combustion and life-cycle"
    small = planner.cluster.show("hgx-h100:500", site="memphis-colossus-1", set=set_).result
    assert small.year.co2_basis == "combustion"


def test_groups_on_one_fabric_share_it(tmp_path: Path) -> None:
    folder = tmp_path / "hardware" / "clusters"
    folder.mkdir(parents=True)
    line = "  - {{system: {0}, accelerators: {1}, fabric: spectrum-x-400}}"
    groups = {
        "one-kind": [("hgx-h100", 200_000)],
        "two-kinds": [("hgx-h100", 160_000), ("hgx-h200", 40_000)],
    }
    for name, parts in groups.items():
        text = TWIN.format(id=name, groups="\n".join(line.format(*part) for part in parts))
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    one, two = (planner.cluster.show(name, catalog=tmp_path, site="usual").result.networks for name in groups)
    assert len(one) == len(two) == 1
    assert one[0].switches == pytest.approx(two[0].switches, abs=2)
    assert one[0].usd is not None
    assert two[0].usd is not None
    assert one[0].usd.value == pytest.approx(two[0].usd.value, rel=1e-3)
    assert one[0].accelerators == two[0].accelerators == 200_000


def test_what_the_site_cannot_carry_is_said() -> None:
    sheet = alone("gb200-nvl72:10000")
    power = sheet.power
    assert power.short_megawatts > 0
    assert power.headroom_megawatts == pytest.approx(-power.short_megawatts)
    assert "fall short" in power.sentence
    assert "serve this cluster alone" in sheet.notes[0]
    unlimited = planner.cluster.show("gb200-nvl72:10000", site="usual").result.power
    assert unlimited.headroom_megawatts is None
    assert unlimited.short_megawatts == 0


def test_more_than_a_fabric_joins_are_islands() -> None:
    sheet = planner.cluster.show("hgx-a100:125000", site="usual").result
    network = sheet.networks[0]
    assert network.largest is not None
    assert network.islands is not None
    assert network.islands == -(-1_000_000 // network.largest) > 1
    assert any("islands that nothing joins" in note for note in sheet.notes)


def test_a_fabric_of_unknown_parts_says_so() -> None:
    sheet = planner.cluster.show("tpu-v5p-pod").result
    assert [network.known for network in sheet.networks] == [False]
    assert any("not on record" in note for note in sheet.notes)
    assert sheet.capital.by_part_usd["network"] > 0


def test_at_a_million_equivalents_classic_checkpoints_collapse(million: Sheet) -> None:
    by_policy = {one.policy: one.goodput.value for one in million.failures.policies}
    assert by_policy["blocking"] < 0.3
    assert million.failures.best_policy == "replicas"
    assert by_policy["replicas"] > 0.7
    assert [one.goodput.value for one in million.failures.policies] == sorted(
        by_policy.values(), reverse=True
    )
    assert "collapses" in million.failures.sentence
    small = planner.cluster.show("llama3-16k").result.failures
    assert {one.policy: one.goodput.value for one in small.policies}["blocking"] > 0.75
    assert "collapses" not in small.sentence


def test_claims_stand_beside_ours(million: Sheet) -> None:
    claims = {claim.what: claim for claim in million.claims}
    assert set(claims) == {"h100 equivalents", "facility power", "capital"}
    assert claims["h100 equivalents"].rule == "bf16"
    for claim in claims.values():
        assert claim.difference == pytest.approx(claim.here.value / claim.claimed.value - 1)
        assert claim.source
    assert planner.cluster.show("gb200:72").result.claims == ()


def test_a_workload_adds_a_rule() -> None:
    sheet = planner.cluster.show("colossus-1", workload="llama-3.1-8b").result
    assert sheet.workload is not None
    total = sheet.h100_equivalents.by_workload
    assert total is not None
    assert total.value == pytest.approx(
        sum(g.h100_equivalents.by_workload.value for g in sheet.groups if g.h100_equivalents.by_workload)
    )
    assert sheet.groups[0].h100_equivalents_per_accelerator.by_workload is not None
    assert sheet.groups[0].h100_equivalents_per_accelerator.by_workload.value == 1


def test_prices_are_scenarios() -> None:
    usual = planner.cluster.show("hgx-h100-node").result
    dear = planner.cluster.show("hgx-h100-node", set="purchase.h100-server.per_accelerator=*2").result
    ratio = dear.capital.by_part_usd["servers"] / usual.capital.by_part_usd["servers"]
    assert ratio == pytest.approx(2)
    even = {one.price: one.break_even_utilisation for one in dear.cost.prices}
    cheap = {one.price: one.break_even_utilisation for one in usual.cost.prices}
    assert even["reserved"] is not None
    assert cheap["reserved"] is not None
    assert even["reserved"] > cheap["reserved"]


def test_names_that_are_none() -> None:
    with pytest.raises(InputError, match="say how many accelerators, as in gb200:1024"):
        planner.cluster.show("gb200")
    with pytest.raises(UnknownNameError, match="colossus-1"):
        planner.cluster.show("colosus-1")
    with pytest.raises(InputError, match="outside 1 to"):
        planner.cluster.show("gb200:0")
    with pytest.raises(UnknownNameError, match="Did you mean 'memphis"):
        planner.cluster.show("colossus-1", site="memphis-colosus")
    with pytest.raises(UnknownNameError):
        planner.cluster.show("colossus-1", model="llama-9")


def test_answers_are_handed_on(mixed: Sheet) -> None:
    result = planner.cluster.show("colossus-1")
    assert result.to_dict()["result"]["accelerators"] == mixed.accelerators
    frame = result.to_frame()
    assert frame.loc[0, "h100_equivalents_by_bf16"] == pytest.approx(275_804, rel=1e-4)
    assert "by dense bf16" in result._repr_html_()
    assert "epoch-counts" in result.sources
