"""Published figures of power, energy, carbon and water, by the functions that answer questions.

The identifiers are those of the table in docs/method_power.md; each test names its source.
"""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.kinds import (
    ACCELERATOR,
    CLUSTER,
    EMBODIED,
    FABRIC,
    OPTICS,
    POWER,
    SITE,
    SWITCH,
    SYSTEM,
)
from planner.catalog.load import Catalog
from planner.model.fabric import built
from planner.model.power import (
    ItPower,
    carbon_kg,
    embodied_kg,
    energy_kwh,
    facility_watts,
    it_watts,
    supplied,
    water_liters,
)
from planner.tables.fabric import fabric_table, ports_per_accelerator
from planner.tables.samples import Samples, interval
from planner.tables.site import (
    SiteTable,
    embodied_table,
    machine_table,
    power_table,
    power_use_of,
    site_table,
)
from planner.units import GIGA, KILO, MEGA, SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_YEAR

CATALOG = Catalog()
STATED = Samples(0)

SERVER_WATTS = 1275.0
"""A DGX H100 of 10.2 kW, an eighth of it."""


def site(name: str) -> SiteTable:
    return site_table(CATALOG.get(SITE, name), STATED)


def network_watts(system: str, fabric: str, accelerators: float) -> float:
    """Rated power of switches and optics per accelerator, from the parts of a fabric."""
    net, whole = CATALOG.get(FABRIC, fabric), CATALOG.get(SYSTEM, system)
    assert net.switch is not None
    assert net.optics is not None
    plan = fabric_table(net, CATALOG.get(SWITCH, net.switch), CATALOG.get(OPTICS, net.optics), STATED)
    assert plan is not None
    found = built(
        fabric=plan,
        accelerators=np.array([accelerators]),
        ports_per_accelerator=ports_per_accelerator(whole, net),
        domain=whole.scale_up_domain,
    )
    return found.watts.item() / accelerators


def draw(
    system: str | None,
    accelerator: str,
    *,
    record: str | None = None,
    activity: str = "training",
    network: float = 0.0,
    samples: Samples = STATED,
) -> ItPower:
    part = CATALOG.get(ACCELERATOR, accelerator)
    power = CATALOG.get(POWER, record) if record else power_use_of(CATALOG, part.id)
    machine = machine_table(part, CATALOG.get(SYSTEM, system) if system else None, samples)
    return it_watts(
        machine=machine, power=power_table(power, samples), activity=activity, network_watts=network
    )


# --- accelerators and servers -------------------------------------------------------------------------


def test_en_mult_server_over_chip() -> None:
    # EN-mult. Epoch AI, training-cost-trends, chip_to_server_power(): (10.2 / 8) / 0.7
    rated = draw("dgx-h100", "h100-sxm", record="epoch")
    assert rated.nameplate.item() / 700.0 == pytest.approx(1.82143, abs=1e-5)


def test_en_latif_highest_power_of_a_node() -> None:
    # EN-latif. arXiv:2412.08602: 8.4 kW at most, 82.4 % of 10.2 kW
    node = power_table(CATALOG.get(POWER, "usual"), STATED)._replace(storage_share=np.zeros((1, 1)))
    machine = machine_table(CATALOG.get(ACCELERATOR, "h100-sxm"), CATALOG.get(SYSTEM, "hgx-h100"), STATED)
    assert 8 * it_watts(machine=machine, power=node, activity="training").peak.item() == pytest.approx(
        8400.0, abs=100.0
    )


def test_en_newkirk_mean_power_of_a_node_in_training() -> None:
    # EN-newkirk. arXiv:2506.14551: 0.76 of the rating
    parts = draw("hgx-h100", "h100-sxm").parts
    mean = (parts["accelerators"] + parts["hosts"]).item() / SERVER_WATTS
    assert mean == pytest.approx(0.76, abs=0.01)


def test_en_1m_a_million_h100() -> None:
    # EN-1M. 0.7 kW x 1.82143 x PUE 1.25, and three quarters of it (Epoch AI's constants)
    rated = draw("dgx-h100", "h100-sxm", record="epoch")
    usual = site("usual")
    at_meter = [1e6 * facility_watts(it_watts=w, site=usual).item() for w in (rated.nameplate, rated.average)]
    assert at_meter == pytest.approx([1593.75 * MEGA, 1195.3 * MEGA], rel=1e-4)


# --- runs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "tonnes"),
    [(1.46e6, 420.0), (7.0e6, 2040.0), (30.84e6, 8930.0), (39.3e6, 11390.0)],
    ids=["EN-l31-8B", "EN-l31-70B", "EN-l31-405B", "EN-l31-total"],
)
def test_en_l31_llama_3_1(hours: float, tonnes: float) -> None:
    # Meta, Llama 3.1 model card: GPU-hours at 700 W, location-based tonnes
    card = site("llama-3.1-card")
    gpus = draw("hgx-h100", "h100-sxm", record="rating-of-accelerators").average
    meter = facility_watts(it_watts=gpus, site=card)
    kwh = energy_kwh(watts=meter, seconds=hours * SECONDS_PER_HOUR)
    kilograms = carbon_kg(kwh=kwh, kg_per_kwh=supplied(site=card, watts=meter).kg_per_kwh)
    assert kilograms.item() / KILO == pytest.approx(tonnes, rel=0.015)


def test_en_l31_ci_and_the_pue_that_is_already_in_it() -> None:
    # EN-l31-ci. 11,390 t / (39.3e6 h x 0.7 kW) = 0.41403 kg/kWh is PUE times grid
    card = site("llama-3.1-card")
    grid = card.supplies[0].kg_per_kwh.item()
    assert card.pue_mean.item() * grid == pytest.approx(0.41403, rel=1e-3)
    kwh = energy_kwh(watts=700.0, seconds=39.3e6 * SECONDS_PER_HOUR)
    assert carbon_kg(kwh=kwh, kg_per_kwh=0.41403).item() / KILO == pytest.approx(11390.0, rel=1e-3)
    twice = carbon_kg(kwh=kwh * card.pue_mean, kg_per_kwh=0.41403).item() / KILO
    assert twice > 1.05 * 11390.0


def test_en_bloom() -> None:
    # EN-bloom-e, -d, -i, -t. arXiv:2211.02001, table 1 and section 4: 433,196 kWh, 24.69, 14.6, 50.5 t
    orsay = site("jean-zay")
    grid = supplied(site=orsay, watts=np.array([1e6])).kg_per_kwh
    gpu = draw("hgx-a100", "a100-sxm-80gb", record="rating-of-accelerators").average
    kwh = energy_kwh(watts=gpu, seconds=1_082_990 * SECONDS_PER_HOUR)
    assert kwh.item() == pytest.approx(433_196.0, rel=1e-12)
    dynamic = carbon_kg(kwh=kwh, kg_per_kwh=grid).item() / KILO
    idle = carbon_kg(kwh=np.array([256_646.0]), kg_per_kwh=grid).item() / KILO
    assert dynamic == pytest.approx(24.69, abs=0.05)
    assert idle == pytest.approx(14.6, abs=0.1)
    made = embodied_kg(
        embodied=embodied_table(CATALOG.get(EMBODIED, "bloom"), "a100-sxm-80gb", STATED),
        it_watts=0.0,
        used_s=1_082_990 * SECONDS_PER_HOUR,  # six years at 85 % of use
        life_s=6 * SECONDS_PER_YEAR,
        utilisation=0.85,
    )
    assert made.total.item() / KILO == pytest.approx(11.2, abs=0.1)
    assert dynamic + idle + made.total.item() / KILO == pytest.approx(50.5, abs=0.1)


def test_en_gpt3() -> None:
    # EN-gpt3-e, -c. Patterson et al., arXiv:2104.10350, table 4: 10,000 V100 at 330 W, 14.8 days, PUE 1.10
    place = site("gpt-3-2020")
    meter = facility_watts(it_watts=np.array([10_000 * 330.0]), site=place)
    kwh = energy_kwh(watts=meter, seconds=14.8 * SECONDS_PER_DAY)
    assert kwh.item() / KILO == pytest.approx(1287.0, rel=0.003)
    grid = supplied(site=place, watts=meter).kg_per_kwh
    assert carbon_kg(kwh=np.array([1287.0 * KILO]), kg_per_kwh=grid).item() / KILO == pytest.approx(
        552.1, rel=0.001
    )
    # A V100 with its share of a server, by the usual record: within a fifth of the 330 W measured.
    ours = draw("hgx-v100", "v100-sxm2-32gb").average.item()
    assert ours == pytest.approx(330.0, rel=0.2)


def test_en_grok4() -> None:
    # EN-grok4, EN-grok4-u. Epoch AI's estimate (September 2025): 246 million H100-hours, 310 GWh, 154 kt
    samples = Samples(255)
    memphis = site_table(CATALOG.get(SITE, "memphis-colossus-1-2025"), samples)
    network = network_watts("hgx-h100", "spectrum-x-400", 200_000)
    gpu = draw("hgx-h100", "h100-sxm", network=network, samples=samples)
    meter = facility_watts(it_watts=gpu.average, site=memphis)
    kwh = energy_kwh(watts=meter, seconds=246e6 * SECONDS_PER_HOUR)
    assert kwh[0].item() / MEGA == pytest.approx(310.0, rel=0.15)
    assert meter[0].item() / KILO == pytest.approx(1.260, rel=0.15)
    load = supplied(site=memphis, watts=200_000 * meter)
    assert load.short_watts[0].item() == 0.0
    value, low, high = interval(carbon_kg(kwh=kwh, kg_per_kwh=load.kg_per_kwh) / MEGA)
    # 0.85 of it, since the grid carries 150 MW; before May 2025 it carried less and turbines more
    assert value.item() == pytest.approx(154.0, rel=0.16)
    assert low.item() < 154.0 < high.item()
    # 754 million litres are more than cooling evaporates, presumably with power plants: ours is the site's.
    it_kwh = energy_kwh(watts=gpu.average, seconds=246e6 * SECONDS_PER_HOUR)
    assert 0.2 * 754e6 < water_liters(it_kwh=it_kwh, site=memphis)[0].item() < 754e6


def test_en_100k_h100() -> None:
    # EN-100k. SemiAnalysis: more than 150 MW, 1.59 TWh and 123.9 million USD a year at 0.078 USD/kWh
    place = site("semianalysis-2024")
    gpu = draw("hgx-h100", "h100-sxm", network=network_watts("hgx-h100", "spectrum-x-400", 100_000))
    # "storage, switches, optics and others are 10 % of the equipment": 1275 W / 0.9
    assert gpu.nameplate.item() == pytest.approx(SERVER_WATTS / 0.9, rel=0.01)
    # CoreWeave, S-1: 1,472 W of equipment per H100
    assert gpu.nameplate.item() == pytest.approx(1472.0, rel=0.05)
    peak = 100_000 * facility_watts(it_watts=gpu.peak, site=place, season="summer").item()
    assert peak > 150 * MEGA
    meter = 100_000 * facility_watts(it_watts=gpu.nameplate, site=place)
    kwh = energy_kwh(watts=meter, seconds=SECONDS_PER_YEAR)
    assert kwh.item() / GIGA == pytest.approx(1.59, rel=0.03)
    usd = 1.59 * GIGA * supplied(site=place, watts=meter).usd_per_kwh.item()
    assert usd / MEGA == pytest.approx(123.9, rel=0.01)


# --- sites --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cluster", "tolerance"),
    [
        ("colossus-1-2024-08", 0.05),
        ("colossus-1-2024-09", 0.05),
        ("colossus-1-2025-02", 0.05),
        ("colossus-1", 0.05),
        ("colossus-2-2025-10", 0.12),
        ("colossus-2", 0.12),
        ("colossus-2-planned", 0.12),
        ("colossus-1m", 0.12),
        ("fairwater-atlanta", 0.10),
        ("fairwater-wisconsin", 0.10),
        ("stargate-abilene", 0.15),
        ("meta-hyperion", 0.15),
    ],
)
def test_facility_power_beside_what_is_published(cluster: str, tolerance: float) -> None:
    # Epoch AI (Colossus, Fairwater Wisconsin), Microsoft's suppliers, press: the nameplate in summer
    record = CATALOG.get(CLUSTER, cluster)
    assert record.power is not None
    assert record.site is not None
    total = 0.0
    for group in record.groups:
        number, part = group.accelerators.value, CATALOG.get(SYSTEM, group.system).accelerator
        network = network_watts(group.system, group.fabric, number)
        total += number * draw(group.system, part, network=network).nameplate.item()
    meter = facility_watts(it_watts=np.asarray(total), site=site(record.site), season="summer").item()
    assert meter == pytest.approx(record.power.value, rel=tolerance)
