"""Where groups sit, and what their exchanges cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.collectives import (
    LINK_SHARE,
    Group,
    dispatch_s,
    hidden_s,
    link_bytes_per_s,
    over_tiers,
    place,
    ring_s,
)
from planner.tables import Hardware

Tables = Callable[..., tuple[Any, Any, Any]]


@pytest.fixture
def hardware(tables: Tables) -> Hardware:
    """Eight accelerators to a switched domain at 450 GB/s, 50 GB/s between domains."""
    return tables("gpt3-175b", "h100-sxm", "hai-llm")[0]


def at(hardware: Hardware, ranks: float, inner: float = 1.0) -> Group:
    return place(ranks=np.array([ranks]), inner=np.array([inner]), hardware=hardware)


@pytest.mark.parametrize(
    ("ranks", "inner", "inside", "domains"),
    [
        (8, 1, 8, 1),
        (16, 1, 8, 2),
        (12, 1, 8, 2),
        (4, 2, 4, 1),
        (4, 4, 2, 2),
        (16, 8, 1, 16),
        (2, 1000, 1, 2),
        (1, 1, 1, 1),
        (5, 3, 2, 3),
    ],
)
def test_placement(hardware: Hardware, ranks: float, inner: float, inside: float, domains: float) -> None:
    group = at(hardware, ranks, inner)
    assert (group.ranks[0], group.inside[0], group.domains[0]) == (ranks, inside, domains)


def test_tiers_above_the_domain(hardware: Hardware) -> None:
    pods = hardware.with_values(
        tier_endpoints=[[3072.0, np.inf]], tier_oversubscription=[[1.0, 7.0]], tier_latency_s=[[0.0, 0.0]]
    )
    group = at(pods, 1024.0, 8.0)
    assert group.tier_inside[0].tolist() == [384.0, 1024.0]
    assert group.tier_units[0].tolist() == [3.0, 1.0]


def ring(hardware: Hardware, ranks: float, moved: float, factor: float = 1.0, inner: float = 1.0) -> float:
    time = ring_s(
        moved_bytes=np.array([moved]), factor=factor, group=at(hardware, ranks, inner), hardware=hardware,
        nic_share=np.ones(1),
    )  # fmt: skip
    return float(time[0])


def test_a_large_ring_inside_a_domain_runs_at_the_link(hardware: Hardware) -> None:
    moved, link = 1e12, float(hardware.link_bytes_per_s[0])
    share = LINK_SHARE * (1.0 - 0.65 / 8.0)
    assert ring(hardware, 8.0, moved) == pytest.approx(moved * 7 / 8 / (share * link), rel=1e-2)
    assert ring(hardware, 8.0, moved, factor=2.0) == pytest.approx(2.0 * ring(hardware, 8.0, moved), rel=1e-2)


def test_a_ring_across_domains_uses_every_nic_of_the_domain(hardware: Hardware) -> None:
    moved, slow = 1e12, hardware.with_values(nic_bytes_per_s=1e10)
    assert ring(slow, 16.0, moved) == pytest.approx(moved / 2 / 8e10, rel=1e-2)
    assert ring(slow, 16.0, moved, inner=8.0) == pytest.approx(moved * 15 / 16 / 1e10, rel=1e-2)
    inside = LINK_SHARE * (1.0 - 0.65 / 16.0) * float(hardware.link_bytes_per_s[0])
    assert ring(hardware, 16.0, moved) == pytest.approx(moved * 15 / 16 / inside, rel=1e-2), "the link binds"


def test_a_small_exchange_costs_its_latency(hardware: Hardware) -> None:
    inside, across = ring(hardware, 8.0, 8.0), ring(hardware, 64.0, 8.0)
    assert 5e-6 < inside < 20e-6
    assert inside < across < 60e-6


def test_an_oversubscribed_tier_slows_what_crosses_it(hardware: Hardware) -> None:
    def on(shortage: float, ranks: float) -> float:
        pods = hardware.with_values(
            tier_endpoints=[[64.0, np.inf]],
            tier_oversubscription=[[shortage, shortage]],
            tier_latency_s=[[1e-3, 0.0]],
        )
        return ring(pods, ranks, 1e11)

    assert on(7.0, 64.0) == ring(hardware, 64.0, 1e11), "inside the pod nothing is short"
    # Half of the ring's volume leaves a pod over its 64 NICs: short by more than 4 the uplink binds.
    assert on(2.0, 128.0) < on(16.0, 128.0)
    assert on(32.0, 128.0) == pytest.approx(2.0 * on(16.0, 128.0), rel=0.05)
    assert on(1.0, 128.0) > ring(hardware, 128.0, 1e11), "each crossing adds its latency"


def test_meshes_and_tori_have_fewer_links(hardware: Hardware) -> None:
    link = float(hardware.link_bytes_per_s[0])

    def usable(torus_dims: int, ranks: float, domain: int) -> float:
        part = hardware.with_values(torus_dims=torus_dims, domain=domain)
        return float(link_bytes_per_s(ranks=np.array([ranks]), hardware=part)[0]) / link

    assert usable(0, 2.0, 8) == 1.0
    assert usable(1, 8.0, 8) == 1.0
    assert usable(1, 2.0, 8) == pytest.approx(1 / 7)
    assert usable(3, 2.0, 4096) == pytest.approx(1 / 3)
    assert usable(3, 4096.0, 4096) == pytest.approx(1.0)
    assert usable(2, 16.0, 256) == pytest.approx(0.5)


def dispatch(hardware: Hardware, ranks: float, **values: Any) -> float:
    given = {
        "token_bytes": 1e9,
        "top_k": 8.0,
        "link_share": 1.0,
        "nic_share": 1.0,
        "deduplicated": 0.0,
    } | values
    arrays = {k: np.array([v]) for k, v in given.items()}
    return float(dispatch_s(**arrays, group=at(hardware, ranks), hardware=hardware)[0])


def test_a_plain_dispatch_sends_every_copy(hardware: Hardware) -> None:
    nic = float(hardware.nic_bytes_per_s[0])
    assert dispatch(hardware, 64.0) == pytest.approx(1e9 * 8 * 56 / 64 / nic, rel=0.01)


def test_a_deduplicated_dispatch_sends_a_token_once_to_each_domain(hardware: Hardware) -> None:
    nic = float(hardware.nic_bytes_per_s[0])
    # Eight picks among eight domains reach 8 (1 - (7/8)^8) of them, one in eight of which is one's own.
    expected = 7 * (1 - (7 / 8) ** 8)
    assert dispatch(hardware, 64.0, deduplicated=1.0) == pytest.approx(1e9 * expected / nic, rel=0.01)
    assert dispatch(hardware, 64.0, deduplicated=1.0) < dispatch(hardware, 64.0)


def test_inside_a_domain_dispatch_uses_the_link(hardware: Hardware) -> None:
    link = float(hardware.link_bytes_per_s[0])
    assert dispatch(hardware, 8.0) == pytest.approx(1e9 * 8 * 7 / 8 / link, rel=0.02)
    assert dispatch(hardware, 8.0, link_share=0.5) == pytest.approx(2.0 * dispatch(hardware, 8.0), rel=0.02)


def test_a_token_goes_to_no_more_ranks_than_there_are(hardware: Hardware) -> None:
    assert dispatch(hardware, 4.0, top_k=8.0) == dispatch(hardware, 4.0, top_k=4.0)


def test_oversubscription_slows_dispatch(hardware: Hardware) -> None:
    pods = hardware.with_values(
        tier_endpoints=[[32.0, np.inf]], tier_oversubscription=[[4.0, 4.0]], tier_latency_s=[[0.0, 0.0]]
    )
    assert dispatch(pods, 32.0) == dispatch(hardware, 32.0)
    # Of the 56 in 64 copies that leave a domain 32 leave the pod of 32, and take four times as long.
    assert dispatch(pods, 64.0) / dispatch(hardware, 64.0) == pytest.approx((24 + 32 * 4) / 56, rel=0.01)


@pytest.mark.parametrize(
    ("communication", "compute", "window", "slowdown", "expected"),
    [
        (1.0, 10.0, 0.5, 0.0, 0.0),
        (1.0, 10.0, 0.5, 0.3, 0.3),
        (8.0, 10.0, 0.5, 0.0, 3.0),
        (8.0, 10.0, 0.5, 0.2, 4.0),
        (8.0, 10.0, 0.0, 0.2, 8.0),
        (0.0, 10.0, 0.5, 0.2, 0.0),
    ],
)
def test_hiding(
    communication: float, compute: float, window: float, slowdown: float, expected: float
) -> None:
    found = hidden_s(
        communication_s=np.array([communication]), compute_s=np.array([compute]), window=np.array([window]),
        slowdown=np.array([slowdown]),
    )  # fmt: skip
    assert found[0] == pytest.approx(expected)


def test_the_worst_tier_counts() -> None:
    assert over_tiers(np.array([[1.0, 3.0], [5.0, 2.0]])).tolist() == [3.0, 5.0]
    assert over_tiers(np.array([[4.0]])).tolist() == [4.0]
