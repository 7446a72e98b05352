"""Laws of power: what holds for every machine, site and load."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.model.power import accelerators_within, embodied_kg, facility_watts, it_watts, supplied
from planner.model.power.it import ACTIVITIES
from planner.tables.site import EmbodiedTable, Machine, PowerTable, SiteTable, Supply

SHARE = st.floats(0.0, 1.0)
WATTS = st.floats(0.0, 1e5)
ACTIVITY = st.sampled_from(ACTIVITIES)


def column(value: float) -> np.ndarray:
    return np.array([[value]])


@st.composite
def powers(draw: Any) -> PowerTable:
    idle = draw(st.floats(0.0, 0.5))
    host_idle = draw(st.floats(0.0, 0.5))
    values = {name: draw(st.floats(idle, 1.0)) for name in ("training", "prefill", "decode")}
    return PowerTable(
        **{name: column(value) for name, value in values.items()},
        idle=column(idle),
        host=column(draw(st.floats(host_idle, 1.0))),
        host_idle=column(host_idle),
        host_ratio=column(draw(st.floats(0.1, 2.0))),
        network=column(draw(SHARE)),
        network_energy=column(draw(st.floats(0.0, 1e-8))),
        peak=column(draw(SHARE)),
        storage_share=column(draw(st.floats(0.0, 0.3))),
        prefill_share=column(draw(SHARE)),
        exponent=column(draw(st.floats(0.3, 1.5))),
    )


@st.composite
def machines(draw: Any) -> Machine:
    host = draw(st.one_of(st.just(np.nan), WATTS))
    return Machine(column(draw(st.floats(1.0, 1e5))), column(host), column(np.nan))


@st.composite
def sites(draw: Any) -> SiteTable:
    capacities = draw(st.lists(st.floats(0.0, 1e9) | st.just(np.inf), min_size=1, max_size=4))
    numbers = st.floats(0.0, 2.0)
    supplies = tuple(
        Supply(f"s{i}", "grid", column(capacity), column(draw(numbers)), column(draw(numbers)))
        for i, capacity in enumerate(capacities)
    )
    pue = [column(draw(st.floats(1.0, 2.0))) for _ in range(3)]
    return SiteTable(pue[0], pue[1], pue[2], supplies, column(0.5), None)


@given(machines(), powers(), ACTIVITY, SHARE, WATTS)
def test_average_peak_and_nameplate_are_ordered(
    machine: Machine, power: PowerTable, activity: str, utilisation: float, network: float
) -> None:
    drawn = it_watts(
        machine=machine, power=power, activity=activity, utilisation=utilisation, network_watts=network
    )
    room = 1 + 1e-9
    assert 0.0 <= drawn.average.item() <= drawn.peak.item() * room
    assert drawn.peak.item() <= drawn.nameplate.item() * room
    assert np.isclose(sum(drawn.parts.values()), drawn.average)


@given(machines(), powers(), ACTIVITY, SHARE, SHARE)
def test_more_work_never_draws_less(
    machine: Machine, power: PowerTable, activity: str, one: float, other: float
) -> None:
    loads = np.array(sorted((one, other)))
    drawn = it_watts(machine=machine, power=power, activity=activity, utilisation=loads).average[0]
    assert drawn[0] <= drawn[1] * (1 + 1e-12)


@given(machines(), powers(), st.floats(1e-3, 1e3))
def test_power_is_linear_in_the_ratings(machine: Machine, power: PowerTable, factor: float) -> None:
    larger = Machine(*(factor * watts for watts in machine))
    one = it_watts(machine=machine, power=power, activity="training", network_watts=10.0)
    many = it_watts(machine=larger, power=power, activity="training", network_watts=10.0 * factor)
    assert np.allclose(many.average, factor * one.average)
    assert np.allclose(many.peak, factor * one.peak)


@given(sites(), st.lists(st.floats(0.0, 4e9), min_size=1, max_size=5))
def test_supplies_and_the_shortage_add_up(site: SiteTable, loads: list[float]) -> None:
    watts = np.array(loads)
    found = supplied(site=site, watts=watts)
    carried = sum(found.watts.values(), np.zeros(1))
    assert np.allclose(carried + found.short_watts, watts)
    assert np.all(found.short_watts >= 0.0)
    for supply in site.supplies:
        assert np.all(found.watts[supply.name] <= supply.capacity_watts)
    for prices, name in ((found.usd_per_kwh, "usd_per_kwh"), (found.kg_per_kwh, "kg_per_kwh")):
        each = [getattr(supply, name).item() for supply in site.supplies]
        assert np.all(prices >= min(each) - 1e-9)
        assert np.all(prices <= max(each) + 1e-9)


@given(sites(), st.floats(0.0, 1e9))
def test_a_facility_draws_no_less_than_its_equipment(site: SiteTable, watts: float) -> None:
    for season in ("mean", "summer", "winter"):
        assert facility_watts(it_watts=np.array([watts]), site=site, season=season).item() >= watts


@given(
    cap=st.floats(0.0, 1e9),
    idle=st.floats(0.0, 500.0),
    more=st.floats(1.0, 2000.0),
    installed=st.integers(1, 10**7),
    unit=st.sampled_from([1, 8, 72]),
)
def test_a_cap_is_kept_and_used(cap: float, idle: float, more: float, installed: int, unit: int) -> None:
    working = idle + more
    number = accelerators_within(
        cap_watts=cap, working_watts=working, idle_watts=idle, installed=installed, unit=unit
    ).item()
    assert number % unit == 0
    assert 0 <= number <= installed
    drawn = number * working + (installed - number) * idle
    assert number == 0 or drawn <= cap * (1 + 1e-9)
    if number + unit <= installed and drawn <= cap:
        assert drawn + unit * more > cap * (1 - 1e-9)


@given(st.floats(0.0, 1e9), st.floats(0.0, 1e9), st.floats(1e6, 1e9))
def test_embodied_carbon_of_two_uses_is_that_of_both(one: float, other: float, life: float) -> None:
    table = EmbodiedTable(*(column(value) for value in (200.0, 300.0, 0.1, 0.9, 6e8)))
    total = [
        embodied_kg(embodied=table, it_watts=1500.0, used_s=used, life_s=life).total.item()
        for used in (one, other, one + other)
    ]
    assert np.isclose(total[0] + total[1], total[2])
