"""Laws of fabrics, storage and links over random sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.kinds import FABRIC, LINK, OPTICS, STORAGE, SWITCH
from planner.catalog.load import Catalog
from planner.model.fabric import Clos, built, clos, multisite, storage_size
from planner.tables.fabric import FabricPlan, fabric_table, largest_tree, link_table, storage_table
from planner.tables.samples import Samples

CATALOG = Catalog()
CLOSE = 1.0 + 1e-9


def plan_of(name: str) -> FabricPlan:
    fabric = CATALOG.get(FABRIC, name)
    assert fabric.switch
    assert fabric.optics
    made = fabric_table(
        fabric, CATALOG.get(SWITCH, fabric.switch), CATALOG.get(OPTICS, fabric.optics), Samples(3)
    )
    assert made
    return made


PLANS = [plan_of(fabric.id) for fabric in CATALOG.all(FABRIC) if fabric.switch]
radixes = st.sampled_from([4, 6, 32, 36, 40, 64, 128, 144, 512])
endpoints = st.integers(1, 10_000_000)
shortages = st.lists(st.sampled_from([1.0, 1.5, 2.0, 3.0, 7.0, 8.0]), max_size=3).map(tuple)


def count(size: float, radix: int, shortage: tuple[float, ...] = (), **options: Any) -> Clos:
    return clos(endpoints=np.array([float(size)]), radix=radix, oversubscription=shortage, **options)


@given(endpoints, radixes, shortages, st.sampled_from([1, 2, 8]), st.sampled_from([1, 2, 4]))
def test_switches_have_the_ports_that_links_need(
    size: int, radix: int, shortage: tuple[float, ...], rails: int, planes: int
) -> None:
    found = count(size, radix, shortage, rails=rails, planes=planes)
    up, down = found.links_by_tier[1:, 0], found.links_by_tier[:, 0]
    needed = down + np.append(up, 0.0)
    assert np.all(found.switches_by_tier[:, 0] * radix >= needed)
    assert found.ports[0] == found.links[0] * 2 - found.links_by_tier[0, 0]
    assert np.all(found.switches_by_tier == np.ceil(found.switches_by_tier))


@given(endpoints, radixes, shortages)
def test_links_above_a_tier_are_those_below_over_its_shortage(
    size: int, radix: int, shortage: tuple[float, ...]
) -> None:
    found = count(size, radix, shortage)
    each = found.islands[0]
    for tier in range(int(found.tiers[0]) - 1):
        ratio = shortage[tier] if tier < len(shortage) else 1.0
        below, above = found.links_by_tier[tier, 0], found.links_by_tier[tier + 1, 0]
        assert below / ratio <= above + each  # links are rounded up to whole ones in every tree
        assert above <= (below + each) / ratio + 2 * each


@given(endpoints, radixes, shortages)
def test_no_tier_less_would_do(size: int, radix: int, shortage: tuple[float, ...]) -> None:
    found = count(size, radix, shortage)
    part = np.ceil(size / found.islands[0])
    largest = largest_tree(radix, shortage)
    tiers = int(found.tiers[0])
    assert part <= largest[tiers - 1]
    assert tiers == 1 or part > largest[tiers - 2]


@given(endpoints, endpoints, radixes, st.sampled_from([1, 8]))
def test_more_endpoints_never_need_fewer_switches_in_as_many_tiers(
    one: int, other: int, radix: int, rails: int
) -> None:
    small, large = (count(n, radix, rails=rails) for n in sorted((one, other)))
    assert small.tiers[0] <= large.tiers[0]
    assert small.islands[0] <= large.islands[0]
    assert small.links[0] <= large.links[0]
    if small.islands[0] == large.islands[0]:
        assert small.switches[0] <= large.switches[0]


@given(endpoints, radixes, shortages, st.integers(0, 2))
def test_oversubscription_never_adds_switches_or_links(
    size: int, radix: int, shortage: tuple[float, ...], where: int
) -> None:
    more = [*shortage, *[1.0] * 3][:3]
    more[where] *= 2
    thin, full = count(size, radix, tuple(more)), count(size, radix, shortage)
    same = thin.tiers[0] == full.tiers[0] and thin.islands[0] == full.islands[0] == 1
    if same:
        assert thin.links[0] <= full.links[0]
        # A tier with fewer ports up has more down; rounding to whole ports and switches may cost one a tier.
        assert thin.switches[0] <= full.switches[0] + full.tiers[0]
    assert thin.largest >= full.largest


@given(st.lists(endpoints, min_size=1, max_size=20), radixes, st.sampled_from([1, 8]))
def test_many_sizes_at_once_are_each_alone(sizes: list[int], radix: int, rails: int) -> None:
    together = clos(endpoints=np.array(sizes, dtype=float), radix=radix, rails=rails)
    for index, size in enumerate(sizes):
        alone = count(size, radix, rails=rails)
        np.testing.assert_array_equal(together.switches_by_tier[:, index], alone.switches_by_tier[:, 0])
        assert together.islands[index] == alone.islands[0]


@given(st.sampled_from(PLANS), endpoints, st.sampled_from([1, 8, 72]))
def test_price_and_power_are_finite_and_rise(plan: FabricPlan, size: int, domain: int) -> None:
    found = built(fabric=plan, accelerators=np.array([float(size), 2.0 * size]), domain=domain)
    for total, parts in ((found.usd, found.usd_by_part), (found.watts, found.watts_by_part)):
        assert np.all(np.isfinite(total))
        np.testing.assert_allclose(sum(parts.values()), total)
        assert np.all(total[:, 0] <= total[:, 1] * CLOSE)
    # An accelerator's share stays within what two fabrics of any size in the trade cost.
    if size > 1_000:
        assert np.all(found.usd / found.accelerators < 30_000)


needs = st.floats(0, 1e17)


@given(endpoints, needs, needs, st.floats(1, 1e5), st.floats(1, 1e5))
def test_storage_holds_and_carries_what_it_must(
    size: int, checkpoint: float, cache: float, write_s: float, load_s: float
) -> None:
    found = storage_size(
        storage=storage_table(CATALOG.get(STORAGE, "usual"), Samples(3)),
        accelerators=np.array([float(size)]),
        checkpoint_bytes=np.array([checkpoint]),
        write_within_s=np.array([write_s]),
        load_within_s=np.array([load_s]),
        tokens=np.array([1e13]),
        tokens_per_s=np.array([1e6]),
        token_bytes=np.array([4.0]),
        cache_bytes=np.array([cache]),
        cache_bytes_per_s=np.array([cache / 1e4]),
    )
    assert np.all(sum(found.capacity_by_tier.values()) <= found.capacity_bytes * CLOSE)
    assert np.all(found.needed_write_bytes_per_s <= found.write_bytes_per_s * CLOSE)
    assert np.all(found.needed_read_bytes_per_s <= found.read_bytes_per_s * CLOSE)
    assert np.all(found.write_s <= write_s * CLOSE)
    assert np.all(found.load_s <= load_s * CLOSE)


@given(
    st.sampled_from([record.id for record in CATALOG.all(LINK)]),
    st.floats(0, 1e16),
    st.floats(0.1, 100),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_sites_never_help_and_chunks_never_hurt(
    name: str, gradient: float, step: float, backward: float, inside: float
) -> None:
    link = link_table(CATALOG.get(LINK, name), Samples(3))
    found = multisite(
        link=link,
        gradient_bytes=np.array([gradient]),
        step_s=np.array([step]),
        backward_s=np.array([backward * step]),
        inside_s=np.array([inside * step]),
        site_bytes_per_s=np.array([1e14]),
    )
    for one in found.values():
        assert np.all(one.exposed_s >= -1e-9 * step)
        assert np.all(one.efficiency <= CLOSE)
        assert np.all(one.link_bytes_per_s <= link.bytes_per_s * CLOSE) or gradient == 0
    tolerance = 1e-9 * step
    assert np.all(found["hierarchical"].exposed_s <= found["synchronous"].exposed_s + tolerance)
    assert np.all(found["local"].exposed_s <= found["synchronous"].exposed_s + tolerance)
