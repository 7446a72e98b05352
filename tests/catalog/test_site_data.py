"""Sites, power and embodied carbon against what is published elsewhere, and against themselves."""

from __future__ import annotations

import math
import re

import pytest

from planner.catalog.kinds import CLUSTER, EMBODIED, FINANCE, POWER, SITE, SYSTEM
from planner.catalog.load import Catalog
from planner.catalog.schema.power import PowerUse
from planner.catalog.schema.site import Site
from planner.units import MEGA

CATALOG = Catalog()
SITES = CATALOG.all(SITE)
POWERS = CATALOG.all(POWER)

KG_PER_POUND = 0.45359237
RATE = re.compile(r"([\d.]+) lb/MWh")


def site(name: str) -> Site:
    return CATALOG.get(SITE, name)


def carbon(name: str) -> float:
    return site(name).supplies[-1].carbon.value


def test_about_fifty_places_are_known() -> None:
    assert len(SITES) >= 50


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("memphis", "memphis-colossus-1"),
        ("tennessee", "us-tennessee"),
        ("us-tx", "us-texas"),
        ("uk", "united-kingdom"),
        ("uae", "united-arab-emirates"),
        ("google", "google-fleet"),
        ("azure", "microsoft-fleet"),
        ("aws", "aws-fleet"),
        ("usa", "usual"),
    ],
)
def test_common_names_lead_to_the_place_people_mean(alias: str, expected: str) -> None:
    assert CATALOG.resolve(SITE, alias) == expected


@pytest.mark.parametrize("record", SITES, ids=lambda record: record.id)
def test_a_place_is_plausible(record: Site) -> None:
    summer = (record.pue.summer or record.pue.mean).value
    winter = (record.pue.winter or record.pue.mean).value
    assert 1.0 < winter <= record.pue.mean.value <= summer < 1.8
    names = [supply.name for supply in record.supplies]
    assert len(set(names)) == len(names)
    for supply in record.supplies:
        assert 0.03 <= supply.price.value <= 0.35, supply.name
        assert 0.0 < supply.carbon.value < 0.9, supply.name
        assert supply.price.as_of, supply.name
        assert supply.kind != "turbines" or supply.capacity is not None
    assert all(supply.capacity is not None for supply in record.supplies[:-1]), "one after it is never used"
    assert 0.0 < record.water.value < 2.0


@pytest.mark.parametrize(
    "record", [r for r in SITES if any(RATE.search(s.carbon.at) for s in r.supplies)], ids=lambda r: r.id
)
def test_carbon_of_a_state_is_its_output_rate(record: Site) -> None:
    # EPA, eGRID2023, in pounds per MWh
    for supply in record.supplies:
        rate = RATE.search(supply.carbon.at)
        if rate:
            assert supply.carbon.value == pytest.approx(float(rate[1]) * KG_PER_POUND / 1000, abs=6e-5)


@pytest.mark.parametrize(
    ("name", "kg_per_kwh"),
    [  # Our World in Data, 2023 (Iceland, the Emirates, Saudi Arabia, Malaysia: 2022)
        ("france", 0.056),
        ("germany", 0.381),
        ("norway", 0.030),
        ("iceland", 0.028),
        ("china", 0.582),
        ("india", 0.713),
        ("united-arab-emirates", 0.561),
        ("saudi-arabia", 0.707),
        ("japan", 0.485),
        # EPA, eGRID2023
        ("us-tennessee", 0.300),
        ("us-washington", 0.121),
        ("us-indiana", 0.665),
        ("us-virginia", 0.245),
    ],
)
def test_carbon_of_grids(name: str, kg_per_kwh: float) -> None:
    assert carbon(name) == pytest.approx(kg_per_kwh, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "pue"),
    [  # reported by the companies; Epoch AI's two constants; a survey of the industry
        ("google-fleet", 1.09),
        ("meta-fleet", 1.08),
        ("microsoft-fleet", 1.18),
        ("aws-fleet", 1.15),
        ("industry-average", 1.58),
        ("epoch-hyperscaler", 1.10),
        ("usual", 1.25),
    ],
)
def test_pue_of_fleets(name: str, pue: float) -> None:
    assert site(name).pue.mean.value == pue


@pytest.mark.parametrize(
    ("name", "usd_per_kwh"),
    [  # Energy Information Administration, industrial: November 2025, April 2025, or the year 2023
        ("us-tennessee", 0.0643),
        ("us-texas", 0.0663),
        ("us-louisiana", 0.0588),
        ("us-new-mexico", 0.0537),
        ("us-ohio", 0.0790),
        ("us-california", 0.1864),
        ("us-virginia", 0.0892),
    ],
)
def test_prices_of_states(name: str, usd_per_kwh: float) -> None:
    assert site(name).supplies[0].price.value == pytest.approx(usd_per_kwh)


@pytest.mark.parametrize("record", SITES, ids=lambda record: record.id)
def test_carbon_says_what_it_counts(record: Site) -> None:
    bases = {"egrid-2023": "combustion", "epa-gas-factor": "combustion", "owid-electricity-mix": "life-cycle"}
    for supply in record.supplies:
        if record.id == "llama-3.1-card":
            assert supply.carbon_basis is None, "its source does not say"
        else:
            assert supply.carbon_basis == bases.get(supply.carbon.source, supply.carbon_basis) is not None
        low, high = supply.carbon.bounds
        if supply.carbon.source in bases:
            # A twentieth down and a tenth up are the least that years and bases differ by
            assert low <= 0.95 * supply.carbon.value
            assert high >= 1.08 * supply.carbon.value


def test_memphis_draws_on_its_contract_before_its_turbines() -> None:
    # TVA: 150 MW in 2024, doubled on 11 February 2026
    for name, contract in (("memphis-colossus-1-2025", 150.0), ("memphis-colossus-1", 300.0)):
        grid, turbines = site(name).supplies
        assert grid.capacity is not None
        assert grid.capacity.value == contract * MEGA
        assert (grid.kind, turbines.kind) == ("grid", "turbines")
        assert turbines.carbon.value > grid.carbon.value


def test_clusters_stand_where_their_site_is() -> None:
    general = {"USA"}
    for cluster in CATALOG.all(CLUSTER):
        if cluster.site is None or cluster.location is None:
            continue
        here = set(re.findall(r"[A-Z]\w+", site(cluster.site).location)) | general
        assert here & set(re.findall(r"[A-Z]\w+", cluster.location)) or "Abilene" in here, cluster.id


def test_every_cluster_in_a_known_place_names_its_site() -> None:
    places = re.compile(r"Memphis|Abilene|Indiana|Louisiana|Ohio|Wisconsin|Georgia|China|France")
    missing = [c.id for c in CATALOG.all(CLUSTER) if places.search(c.location or "") and c.site is None]
    assert missing == []


# --- power and embodied carbon ------------------------------------------------------------------------


def test_the_usual_record_gives_the_measured_mean_of_a_node() -> None:
    # arXiv:2506.14551: 0.76 of 10.2 kW, 5.6 kW of which are the GPUs
    usual = CATALOG.get(POWER, "usual")
    mean = (usual.accelerator.training.value * 5.6 + usual.host.value * 4.6) / 10.2
    assert mean == pytest.approx(0.76, abs=0.005)
    assert usual.peak.value * 10.2 == pytest.approx(8.4, abs=0.01)


@pytest.mark.parametrize("record", POWERS, ids=lambda record: record.id)
def test_shares_are_ordered(record: PowerUse) -> None:
    draw = record.accelerator
    assert draw.idle.value <= draw.decode.value <= draw.prefill.value <= draw.training.value
    assert record.host_idle.value <= record.host.value


def test_no_part_is_named_by_two_power_records_or_two_embodied_parts() -> None:
    named = [part for record in POWERS for part in record.accelerators]
    assert len(named) == len(set(named))
    for record in CATALOG.all(EMBODIED):
        parts = [name for part in record.parts for name in part.accelerators]
        assert len(parts) == len(set(parts))
        assert all(part.accelerators for part in record.parts)


def test_the_ratio_for_systems_without_a_rating_lies_among_those_with_one() -> None:
    ratio = CATALOG.get(POWER, "usual").host_ratio
    low, high = ratio.bounds
    ratings = {  # watts of the system and of its accelerators, as the makers print them
        "hgx-h100": (10_200.0, 5_600.0),
        "hgx-b200": (14_300.0, 8_000.0),
        "gb200-nvl72": (132_000.0, 86_400.0),
    }
    for system, (whole, parts) in ratings.items():
        power = CATALOG.get(SYSTEM, system).power
        assert power is not None
        assert power.max.value == whole
        assert low <= (whole - parts) / parts <= high * 1.01
    assert low < ratio.value < high


def test_embodied_carbon_of_a_baseboard_and_a_rack() -> None:
    # NVIDIA: 1,312 kg per HGX H100 baseboard (recalled); 30 t per rack of NVL72 is an estimate
    usual = CATALOG.get(EMBODIED, "usual")
    by_part = {name: part for part in usual.parts for name in part.accelerators}
    assert 8 * by_part["h100-sxm"].accelerator.value == pytest.approx(1312.0)
    rack = by_part["gb200"].accelerator.value + by_part["gb200"].server.value
    assert math.isclose(72 * rack, 30_000.0, rel_tol=0.01)


def test_a_watt_of_building_by_both_conventions() -> None:
    # Cushman & Wakefield 2025: 11.7 (9.3 to 15) USD per watt of equipment; Epoch AI: 9.44 of facility
    building = CATALOG.get(FINANCE, "usual").building
    pue = site("usual").pue
    assert pue.summer is not None
    assert building.value * pue.summer.value == pytest.approx(11.7, rel=0.05)
    assert building.value == pytest.approx(9.44, rel=0.01)
    low, high = building.bounds
    assert low <= 11.7 / pue.summer.value <= 11.7 / pue.mean.value <= high
