"""Records of sites, power and embodied carbon as columns, and what their schemas refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR, EMBODIED, SITE, SYSTEM
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.tables.samples import Samples
from planner.tables.site import (
    embodied_of,
    embodied_table,
    machine_table,
    power_table,
    power_use_of,
    site_table,
)

CATALOG = Catalog()
STATED, SAMPLED = Samples(0), Samples(31)


def test_machines_hold_the_rating_of_their_system() -> None:
    rack = CATALOG.get(SYSTEM, "gb200-nvl72")
    machine = machine_table(CATALOG.get(ACCELERATOR, "gb200"), rack, STATED)
    assert machine.tdp_watts.item() == 1200.0
    assert 72 * (machine.tdp_watts + machine.host_watts).item() == pytest.approx(132_000.0)
    assert np.isnan(machine.idle_watts.item())


def test_a_rating_that_is_drawn_below_its_accelerators_leaves_no_negative_host() -> None:
    system, part = CATALOG.get(SYSTEM, "gb300-nvl72"), CATALOG.get(ACCELERATOR, "vr200")
    assert np.all(machine_table(part, system, SAMPLED).host_watts >= 0.0)


def test_a_part_without_a_system_has_no_host() -> None:
    part = CATALOG.get(ACCELERATOR, "h100-sxm")
    assert np.isnan(machine_table(part, None, STATED).host_watts.item())


def test_a_power_record_that_names_the_part_goes_before_the_usual_one() -> None:
    catalog = Catalog()
    assert power_use_of(catalog, "tpu-v7").id == "tpu"
    assert power_use_of(catalog, "h100-sxm").id == "usual"
    assert set(catalog.used) == {("power", "tpu"), ("power", "usual")}


def test_embodied_carbon_by_part() -> None:
    record = embodied_of(CATALOG)
    assert embodied_table(record, "h100-sxm", STATED).accelerator_kg.item() == pytest.approx(1312 / 8)
    assert embodied_table(record, "no-such", STATED).accelerator_kg.item() == record.usual.accelerator.value
    assert embodied_table(record, "b200", STATED).building_kg_per_watt.item() == pytest.approx(0.9)


def test_tables_have_a_row_for_each_sample() -> None:
    power = power_table(power_use_of(CATALOG, "h100-sxm"), SAMPLED)
    assert power.host.shape == (32, 1)
    assert power.host[0, 0] == 0.59
    embodied = embodied_table(CATALOG.get(EMBODIED, "usual"), "gb200", SAMPLED)
    assert embodied.server_kg.shape == (32, 1)


def test_seasons_of_a_site_move_together() -> None:
    site = site_table(CATALOG.get(SITE, "memphis-colossus-1"), SAMPLED)
    assert np.all(site.pue_summer >= site.pue_mean)
    assert np.all(site.pue_mean >= site.pue_winter)
    assert np.all(site.pue_winter >= 1.0)
    order = [np.argsort(pue[:, 0]).tolist() for pue in (site.pue_summer, site.pue_mean)]
    assert order[0] == order[1]


def test_a_supply_without_a_capacity_carries_everything() -> None:
    site = site_table(CATALOG.get(SITE, "usual"), STATED)
    assert np.isinf(site.supplies[0].capacity_watts.item())
    assert site.building_usd_per_watt is None
    both = site_table(CATALOG.get(SITE, "memphis-colossus-2"), STATED)
    assert both.building_usd_per_watt is not None
    assert both.building_usd_per_watt.item() == pytest.approx(9.44)


PLACE = """\
id: here
name: Here
location: here
cooling: air
cite: {source: catalog, at: test, kind: given}
pue: {mean: PUE}
supplies:
  - name: grid
    kind: grid
    PRICE
    carbon: 0.3 kg/kWh
water: 0.3 L/kWh
"""


@pytest.mark.parametrize(
    ("pue", "price", "message"),
    [
        (
            "1.2",
            "capacity: 10 MW",
            "supplies.0.price: required field missing; add it, for example price: 0.07",
        ),
        ("1.2", "price: 0.07", "'0.07' has no unit; write for example '0.07 USD/kWh'"),
        (
            "1.2",
            "price: {value: 0.07 USD/kWh, kind: reported}",
            "a price needs its date; add for example as_of",
        ),
        ("1.2", "price: 0.07 EUR/kWh", "unknown unit 'EUR/kWh'; write for example '0.07 USD/kWh'"),
        ("1.2", "price: -0.07 USD/kWh", "must be zero or more"),
        ("0.9", "price: 0.07 USD/kWh", "a PUE is 1 or more: mean is 0.9"),
    ],
)
def test_a_site_that_cannot_be_is_refused_with_the_mend(
    tmp_path: Path, pue: str, price: str, message: str
) -> None:
    folder = tmp_path / "hardware" / "sites"
    folder.mkdir(parents=True)
    (folder / "here.yaml").write_text(PLACE.replace("PUE", pue).replace("PRICE", price), encoding="utf-8")
    with pytest.raises(InputError, match=message) as raised:
        Catalog((tmp_path,)).get(SITE, "here")
    assert "here.yaml:" in str(raised.value)


def test_a_site_without_a_price_of_electricity_is_told_that_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hardware" / "sites"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "id: mine\nname: Mine\nlocation: Here\ncooling: air\nwater: 1 L/kWh\npue: {mean: 1.2}\n"
        "cite: {source: catalog, at: here, kind: derived}\n"
        "supplies:\n  - {name: grid, kind: grid, carbon: 0.3 kg/kWh}\n"
    )
    with pytest.raises(InputError) as caught:
        Catalog((tmp_path,)).get(SITE, "mine")
    (said,) = str(caught.value).splitlines()
    assert "supplies.0.price: required field missing; add it, for example price: 0.07 USD/kWh" in said
