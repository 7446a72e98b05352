"""Shipped fabrics against the parts that build them, so that what is timed is what is counted and priced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.catalog.fields import quantities
from planner.catalog.kinds import CLUSTER, FABRIC, OPTICS, STORAGE, SWITCH, SYSTEM, Kind
from planner.catalog.load import Catalog
from planner.catalog.schema.fabric import Fabric
from planner.model.fabric import built
from planner.tables.fabric import FabricPlan, fabric_table, largest_tree, ports_per_accelerator
from planner.tables.samples import Samples

CATALOG = Catalog()
FABRICS = CATALOG.all(FABRIC)
WITHOUT_PARTS = {"efa-v2", "efa-v3", "efa-v4", "tpu-dcn", "meta-24k-roce"}
"""What these are built of is not published, or is not of one kind of switch."""
COUNTED = [fabric for fabric in FABRICS if fabric.switch]


def by_id(fabric: Fabric) -> str:
    return fabric.id


def plan_of(fabric: Fabric) -> FabricPlan | None:
    switch = CATALOG.get(SWITCH, fabric.switch) if fabric.switch else None
    optics = CATALOG.get(OPTICS, fabric.optics) if fabric.optics else None
    return fabric_table(fabric, switch, optics, Samples(15))


def test_only_fabrics_of_unknown_or_mixed_parts_name_none() -> None:
    assert {fabric.id for fabric in FABRICS if plan_of(fabric) is None} == WITHOUT_PARTS
    notes = {name: CATALOG.get(FABRIC, name).note or "" for name in WITHOUT_PARTS}
    assert all("not published" in note or "kinds of switches" in note for note in notes.values())


@pytest.mark.parametrize("fabric", COUNTED, ids=by_id)
def test_tiers_are_what_the_switches_build(fabric: Fabric) -> None:
    """The lowest tier joins one group of leaf switches, the tiers above it the largest tree of so many tiers.

    Only the top may be less: some fabrics are planned for fewer.
    """
    plan = plan_of(fabric)
    assert plan
    trees = plan.rails * plan.accelerators_per_port
    most = largest_tree(plan.radix, plan.oversubscription, len(fabric.tiers)) * trees
    leaf = fabric.rails * plan.radix / (1 + 1 / plan.oversubscription[0]) * plan.accelerators_per_port
    sizes = [tier.endpoints for tier in fabric.tiers]
    assert sizes[0] == leaf
    assert sizes[1:-1] == list(most[1:-1])
    assert sizes[-1] == most[-1] or (sizes[-1] < most[-1] and "planned for" in (fabric.note or ""))


@pytest.mark.parametrize("fabric", COUNTED, ids=by_id)
def test_latencies_are_those_of_the_switches_on_the_way(fabric: Fabric) -> None:
    """A path that turns at tier i crosses 2i - 1 switches; the rest is cable, and forwarding under load."""
    assert fabric.switch
    each = CATALOG.get(SWITCH, fabric.switch).latency.value
    for index, tier in enumerate(fabric.tiers):
        low, high = tier.latency.bounds
        assert (2 * index + 1) * each <= high, tier.name
        if index < 2:
            assert low <= (2 * index + 1) * each + 0.8e-6, tier.name


def test_every_group_of_a_cluster_fits_its_fabric_at_a_plausible_price() -> None:
    seen = 0
    for cluster in CATALOG.all(CLUSTER):
        for group in cluster.groups:
            fabric, system = CATALOG.get(FABRIC, group.fabric), CATALOG.get(SYSTEM, group.system)
            plan = plan_of(fabric)
            if plan is None or group.accelerators.value < 1_000:
                continue
            count = group.accelerators.value
            found = built(
                fabric=plan,
                accelerators=np.array([count]),
                ports_per_accelerator=ports_per_accelerator(system, fabric),
            )
            assert found.islands[0] == 1, f"{cluster.id}: {found.islands} islands"
            assert 500 < found.usd[0, 0] / count < 16_000, cluster.id
            assert 10 < found.watts[0, 0] / count < 250, cluster.id
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("kind", [SWITCH, OPTICS, STORAGE])
def test_prices_and_power_carry_a_range(kind: Kind[Any]) -> None:
    for record in CATALOG.all(kind):
        for path, number in quantities(record):
            if "price" in path or path == "power":
                low, high = number.bounds
                assert low < high, f"{record.id}.{path}"


def test_switches_cost_by_their_bandwidth() -> None:
    """A switch of today costs 0.7 to 1.5 thousand dollars per Tb/s; those of before cost more."""
    for switch in CATALOG.all(SWITCH):
        terabits = switch.ports * switch.port.value * 8e-12
        recent = switch.port.value >= 50e9
        assert 700 < switch.price.value / terabits < (1_500 if recent else 3_500), switch.id
