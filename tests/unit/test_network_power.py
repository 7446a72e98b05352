"""Power of fabrics whose parts are not on record: that of their twins which are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import planner
from planner.catalog.kinds import FABRIC
from planner.catalog.load import Catalog
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.places import places
from planner.tables.samples import Samples, interval

CATALOG = Catalog()
BITS = 8.0


def estate(part: str, fabric: str) -> Estate:
    (place,) = places(CATALOG, cluster=None, gpu=part, gpus=None)
    place = replace(place, fabric=CATALOG.get(FABRIC, fabric))
    return estate_of(CATALOG, place, Asked.read(CATALOG), Filled(), Samples(63))


@pytest.mark.parametrize(
    ("part", "fabric", "gigabits"),
    [("h100", "meta-24k-roce", 400.0), ("h200", "efa-v3", 400.0), ("tpu-v5p", "tpu-dcn", 50.0)],
)
def test_it_follows_the_bandwidth_of_the_ports(part: str, fabric: str, gigabits: float) -> None:
    found = estate(part, fabric).network_watts(np.array([24_576.0]))
    assert found[0] == pytest.approx(200e-12 * gigabits * 1e9)
    _, low, high = interval(found)
    assert low[0] == pytest.approx(0.6 * found[0, 0], rel=0.05)
    assert high[0] == pytest.approx(1.5 * found[0, 0], rel=0.05)


def test_one_domain_needs_none() -> None:
    found = estate("h100", "meta-24k-roce").network_watts(np.array([8.0, 16.0]))
    assert found[0, 0] == 0
    assert found[0, 1] == pytest.approx(80)


@pytest.mark.parametrize("counted", ["roce-400", "spectrum-x-400", "infiniband-ndr", "infiniband-xdr"])
def test_the_range_holds_the_fabrics_that_are_counted(counted: str) -> None:
    part = "gb300" if counted == "infiniband-xdr" else "h100"
    known = estate(part, counted)
    energy = known.network_watts(np.array([8192.0, 24_576.0]))[0] / known.port_bytes_per_s
    usual = known.power.network_energy
    assert np.all(energy > 120e-12 * BITS * 0.95)
    assert np.all(energy < 300e-12 * BITS)
    assert usual[0] == pytest.approx(200e-12 * BITS)


def test_a_cluster_and_its_twin_draw_alike() -> None:
    # The 24,576 H100 of Meta on two fabrics, one of which is counted
    roce, infiniband = (
        planner.cluster.show(f"meta-24k-{kind}").result.power.nameplate_facility_megawatts.value
        for kind in ("roce", "infiniband")
    )
    assert roce == pytest.approx(infiniband, rel=0.03)
    sheet = planner.cluster.show("meta-24k-roce").result
    assert not sheet.networks[0].known
    assert sheet.networks[0].megawatts is not None
    assert sheet.networks[0].megawatts.value == pytest.approx(24_576 * 80e-6)
    assert sheet.power.average_it_by_part_megawatts["network"] > 0
