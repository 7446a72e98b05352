"""Spares of a fleet, users and requests: arithmetic by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from planner.catalog.kinds import OPERATIONS
from planner.catalog.load import Catalog
from planner.plan.serving.fleet import Spares, failed_hosts, serving_within, spare_gpus


def spares(**changes: Any) -> Spares:
    given: dict[str, Any] = {
        "mtbf_hours": 1000.0, "repair_hours": 10.0, "upgrading": 0.02, "node": 8, "domain": 8, "fixed": None,
    }  # fmt: skip
    return Spares(**(given | changes))


def test_hosts_away_are_those_that_failed_within_a_repair() -> None:
    assert failed_hosts(spares(), 800) == pytest.approx(100 * 10 / 1000)
    # A host that is used in part fails whole.
    assert failed_hosts(spares(), 801) == pytest.approx(101 * 10 / 1000)


@pytest.mark.parametrize(
    ("serving", "hosts"),
    [
        (80, 1),  # 0.1 + 3 x 0.316 + 0.2 = 1.25: two hosts
        (800, 6),  # 1 + 3 x 1 + 2
        (80_000, 330),  # 100 + 3 x 10 + 200
    ],
)
def test_spares_cover_the_mean_three_deviations_and_upgrades(serving: int, hosts: int) -> None:
    away = serving / 8 * 0.01
    expected = math.ceil(away + 3 * math.sqrt(away) + 0.02 * serving / 8)
    assert spare_gpus(spares(), serving) == 8 * expected
    assert expected == pytest.approx(hosts, abs=1)


def test_one_failure_domain_can_be_lost_whole() -> None:
    assert spare_gpus(spares(node=4, domain=72), 720) == 72
    assert spare_gpus(spares(node=4, domain=72, upgrading=0.2), 720) > 72


def test_a_small_fleet_is_doubled_and_no_more() -> None:
    assert spare_gpus(spares(domain=72), 16) == 16
    assert spare_gpus(spares(), 1) == 1


def test_the_question_may_say_how_many_hosts_are_spare() -> None:
    assert spare_gpus(spares(fixed=0), 8000) == 0
    assert spare_gpus(spares(fixed=3), 8000) == 24
    assert serving_within(spares(fixed=3), 80) == 56
    assert serving_within(spares(fixed=3), 16) == 0


@pytest.mark.parametrize("available", [8, 9, 16, 64, 800, 100_000, 1_000_000])
def test_as_many_serve_as_leave_room_for_their_spares(available: int) -> None:
    law = spares()
    serving = serving_within(law, available)
    if available <= law.domain:
        assert serving == available
        return
    assert serving + spare_gpus(law, serving) <= available
    assert serving + 1 + spare_gpus(law, serving + 1) > available


def test_the_shipped_customs_keep_two_to_three_percent_of_a_large_fleet() -> None:
    law = Spares.of(Catalog().get(OPERATIONS, "usual").reliability, node=8, domain=8, fixed=None)
    # Llama 3: 419 interruptions in 54 days on 2,048 hosts.
    assert law.mtbf_hours == pytest.approx(54 * 24 * 2048 / 419, rel=0.01)
    assert 0.02 < spare_gpus(law, 1_000_000) / 1_000_000 < 0.03
