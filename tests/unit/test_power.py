"""Power of the equipment, supplies of a site, caps, embodied carbon: arithmetic by hand, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from planner.errors import InfeasibleError, InputError
from planner.model.power import (
    accelerators_within,
    carbon_kg,
    check_cap,
    embodied_kg,
    energy_kwh,
    facility_watts,
    it_watts,
    supplied,
    water_liters,
)
from planner.model.power.it import ACTIVITIES
from planner.tables.site import EmbodiedTable, Machine, PowerTable, SiteTable, Supply


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


MACHINE = Machine(tdp_watts=column(1000.0), host_watts=column(500.0), idle_watts=column(np.nan))
POWER = PowerTable(
    training=column(0.9),
    prefill=column(0.8),
    decode=column(0.4),
    idle=column(0.1),
    host=column(0.6),
    host_idle=column(0.4),
    host_ratio=column(0.25),
    network=column(0.5),
    network_energy=column(1e-9),
    peak=column(0.9),
    storage_share=column(0.1),
    prefill_share=column(0.25),
    exponent=column(0.5),
)
SITE = SiteTable(
    pue_mean=column(1.2),
    pue_summer=column(1.3),
    pue_winter=column(1.1),
    supplies=(
        Supply("grid", "grid", column(100.0), column(0.06), column(0.3)),
        Supply("turbines", "turbines", column(50.0), column(0.09), column(0.6)),
    ),
    liters_per_kwh=column(0.5),
    building_usd_per_watt=None,
)


# --- the equipment ------------------------------------------------------------------------------------


def test_training_by_part() -> None:
    drawn = it_watts(machine=MACHINE, power=POWER, activity="training", network_watts=100.0)
    assert {name: watts.item() for name, watts in drawn.parts.items()} == pytest.approx(
        {"accelerators": 900.0, "hosts": 300.0, "network": 50.0, "storage": 80.0}
    )
    assert drawn.average.item() == pytest.approx(1330.0)
    assert drawn.nameplate.item() == pytest.approx(1.1 * 1600.0)
    assert drawn.peak.item() == pytest.approx(0.9 * 1500.0 + 100.0 + 160.0)


def test_utilisation_moves_between_idle_and_full() -> None:
    drawn = it_watts(machine=MACHINE, power=POWER, activity="training", utilisation=np.array([0.0, 0.25, 1]))
    assert drawn.parts["accelerators"].tolist()[0] == pytest.approx([100.0, 500.0, 900.0])
    assert drawn.parts["hosts"].tolist()[0] == pytest.approx([200.0, 250.0, 300.0])


def test_what_is_left_of_the_time_is_idle() -> None:
    shares = {"prefill": np.array([0.25]), "decode": np.array([0.5])}
    drawn = it_watts(machine=MACHINE, power=POWER, activity=shares)
    assert drawn.parts["accelerators"].item() == pytest.approx(0.25 * 800 + 0.5 * 400 + 0.25 * 100)
    assert drawn.parts["hosts"].item() == pytest.approx(500 * (0.75 * 0.6 + 0.25 * 0.4))


def test_serving_is_prefill_and_decode_by_the_share_of_the_record() -> None:
    mixed = {"prefill": np.array([0.25]), "decode": np.array([0.75])}
    named = it_watts(machine=MACHINE, power=POWER, activity="serving")
    assert named.average == pytest.approx(it_watts(machine=MACHINE, power=POWER, activity=mixed).average)


def test_idle_is_the_same_as_no_work_at_all() -> None:
    idle = it_watts(machine=MACHINE, power=POWER, activity="idle").average
    still = it_watts(machine=MACHINE, power=POWER, activity="training", utilisation=0.0).average
    assert idle == pytest.approx(still)


def test_a_published_idle_power_and_an_unpublished_host() -> None:
    machine = MACHINE._replace(idle_watts=column(77.0), host_watts=column(np.nan))
    drawn = it_watts(machine=machine, power=POWER, activity="idle")
    assert drawn.parts["accelerators"].item() == pytest.approx(77.0)
    assert drawn.parts["hosts"].item() == pytest.approx(0.4 * 0.25 * 1000.0)


def test_the_peak_is_never_below_the_average() -> None:
    low = POWER._replace(peak=column(0.1))
    drawn = it_watts(machine=MACHINE, power=low, activity="training", network_watts=100.0)
    assert drawn.peak.item() >= drawn.average.item()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activity": "trainig"}, r"unknown activity 'trainig'; did you mean 'training'"),
        ({"activity": {"rest": np.array([1.0])}}, "unknown activity 'rest'; it is one of training"),
        ({"activity": "training", "utilisation": 1.2}, "utilisation is 1.2; it lies between 0 and 1"),
        ({"activity": "training", "utilisation": np.nan}, "utilisation is nan"),
        ({"activity": {"decode": np.array([-0.1])}}, "share of time in decode is -0.1"),
        (
            {"activity": {"decode": np.array([0.7]), "prefill": np.array([0.7])}},
            "sum of the shares of time is 1.4",
        ),
    ],
)
def test_refusals_of_the_equipment(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        it_watts(machine=MACHINE, power=POWER, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_samples_against_plans(activity: str) -> None:
    power = POWER._replace(host=column(0.5, 0.6, 0.7))
    drawn = it_watts(machine=MACHINE, power=power, activity=activity, network_watts=np.arange(4.0))
    assert drawn.average.shape == (3, 4)


# --- the site -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("season", "watts"), [("mean", 120.0), ("summer", 130.0), ("winter", 110.0)])
def test_seasons(season: str, watts: float) -> None:
    assert facility_watts(it_watts=np.array([100.0]), site=SITE, season=season).item() == pytest.approx(watts)


def test_an_unknown_season() -> None:
    with pytest.raises(InputError, match="unknown season 'sumer'; did you mean 'summer'"):
        facility_watts(it_watts=np.array([1.0]), site=SITE, season="sumer")


@pytest.mark.parametrize(
    ("load", "grid", "turbines", "short", "usd", "kg"),
    [
        (0.0, 0.0, 0.0, 0.0, 0.06, 0.3),
        (80.0, 80.0, 0.0, 0.0, 0.06, 0.3),
        (120.0, 100.0, 20.0, 0.0, 0.065, 0.35),
        (200.0, 100.0, 50.0, 50.0, 0.07, 0.4),
    ],
)
def test_supplies_in_their_order(
    load: float, grid: float, turbines: float, short: float, usd: float, kg: float
) -> None:
    found = supplied(site=SITE, watts=np.array([load]))
    assert [watts.item() for watts in found.watts.values()] == pytest.approx([grid, turbines])
    assert list(found.watts) == ["grid", "turbines"]
    numbers = [found.short_watts.item(), found.usd_per_kwh.item(), found.kg_per_kwh.item()]
    assert numbers == pytest.approx([short, usd, kg])


def test_energy_carbon_and_water() -> None:
    kwh = energy_kwh(watts=1000.0, seconds=np.array([3600.0, 7200.0]))
    assert kwh.tolist() == [1.0, 2.0]
    assert carbon_kg(kwh=kwh, kg_per_kwh=0.35).tolist() == pytest.approx([0.35, 0.7])
    assert water_liters(it_kwh=kwh, site=SITE)[0].tolist() == pytest.approx([0.5, 1.0])


# --- caps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        ({"cap_watts": 1e6, "working_watts": 1000.0}, 1000),
        ({"cap_watts": 1e6, "working_watts": 1000.0, "unit": 72}, 936),
        ({"cap_watts": 1e6, "working_watts": 1000.0, "installed": 500}, 500),
        # 900 n + 1000 x 100 = 400,000 for the difference of work and idle
        ({"cap_watts": 4e5, "working_watts": 1000.0, "idle_watts": 100.0, "installed": 1000}, 333),
        ({"cap_watts": 9e4, "working_watts": 1000.0, "idle_watts": 100.0, "installed": 1000}, 0),
        ({"cap_watts": 500.0, "working_watts": 1000.0}, 0),
        ({"cap_watts": 100.0, "working_watts": 0.0, "installed": 8}, 8),
        ({"cap_watts": 1000.0, "working_watts": 100.0, "idle_watts": 100.0, "installed": 8}, 8),
        ({"cap_watts": 700.0, "working_watts": 100.0, "idle_watts": 100.0, "installed": 8}, 0),
    ],
)
def test_accelerators_under_a_cap(arguments: dict[str, float], number: float) -> None:
    assert accelerators_within(**arguments).item() == number


def test_a_cap_below_idle_is_a_sentence_with_the_mend() -> None:
    check_cap(cap_watts=30e6, idle_watts=30e6, accelerators=1e5)
    with pytest.raises(InfeasibleError) as raised:
        check_cap(cap_watts=20e6, idle_watts=50e6, accelerators=100_000)
    assert str(raised.value) == (
        "a power cap of 20 MW is below what 100,000 accelerators draw when idle, 50 MW; raise the cap, or "
        "ask with at most 40,000 accelerators and switch the others off"
    )


# --- making -------------------------------------------------------------------------------------------


def test_embodied_carbon_of_a_use() -> None:
    table = EmbodiedTable(
        accelerator_kg=column(200.0),
        server_kg=column(300.0),
        network=column(0.1),
        building_kg_per_watt=column(0.9),
        building_life_s=column(20.0),
    )
    found = embodied_kg(embodied=table, it_watts=1000.0, used_s=2.0, life_s=5.0, utilisation=0.8)
    assert (found.machines.item(), found.network.item()) == pytest.approx((250.0, 25.0))
    assert found.building.item() == pytest.approx(900.0 * 2 / 20)
    assert found.total.item() == pytest.approx(365.0)
