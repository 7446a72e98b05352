"""Storage sized, and jobs over several sites: by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import LINK, STORAGE
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.model.fabric import MODES, NEEDS, StorageSize, multisite, ring, storage_size
from planner.tables.fabric import LinkTable, StorageTable, link_table, storage_table
from planner.tables.samples import Samples

CATALOG = Catalog()


def one(value: float) -> Any:
    return np.array([[float(value)]])


SHARE = StorageTable(
    write_bytes_per_s=one(1e8),
    read_bytes_per_s=one(2e8),
    capacity_bytes=one(1e13),
    usd_per_byte=one(1e-10),
    watts_per_byte=one(5e-12),
    checkpoints_kept=one(10),
)
QUIET: dict[str, Any] = {
    "checkpoint_bytes": np.array([0.0]),
    "write_within_s": np.array([600.0]),
    "load_within_s": np.array([600.0]),
    "tokens": np.array([0.0]),
    "tokens_per_s": np.array([0.0]),
    "token_bytes": np.array([4.0]),
    "cache_bytes": np.array([0.0]),
    "cache_bytes_per_s": np.array([0.0]),
}


def sized(accelerators: float = 1_000, **needs: float) -> StorageSize:
    given = {key: np.array([value]) for key, value in needs.items()}
    return storage_size(storage=SHARE, accelerators=np.array([accelerators]), **{**QUIET, **given})


class TestStorage:
    def test_the_rule_decides_where_nothing_needs_more(self) -> None:
        found = sized(checkpoint_bytes=6e12, tokens=15e12)
        assert NEEDS[int(found.binds[0, 0])] == "rule"
        assert found.capacity_bytes[0, 0] == 1e16
        assert found.usd[0, 0] == pytest.approx(1e6)
        assert found.watts[0, 0] == pytest.approx(5e4)
        assert found.capacity_by_tier["checkpoints"][0, 0] == 6e13
        assert found.capacity_by_tier["data"][0] == 6e13
        assert found.write_s[0, 0] == pytest.approx(60)
        assert found.load_s[0, 0] == pytest.approx(30)

    @pytest.mark.parametrize(
        ("needs", "what", "factor"),
        [
            (
                {"checkpoint_bytes": 2e15, "write_within_s": 1e6, "load_within_s": 1e6},
                "checkpoint capacity",
                2,
            ),
            ({"tokens": 5e15}, "data capacity", 2),
            ({"cache_bytes": 3e16}, "cache capacity", 3),
            ({"checkpoint_bytes": 6e12, "write_within_s": 15}, "write rate", 4),
            ({"checkpoint_bytes": 6e12, "load_within_s": 10}, "read rate", 3),
            ({"cache_bytes_per_s": 3e11, "tokens_per_s": 2.5e10}, "read rate", 2),
        ],
    )
    def test_a_need_buys_more_of_everything(self, needs: dict[str, float], what: str, factor: float) -> None:
        found, rule = sized(**needs), sized()
        assert NEEDS[int(found.binds[0, 0])] == what
        assert found.capacity_bytes[0, 0] == pytest.approx(factor * rule.capacity_bytes[0, 0])
        assert found.usd[0, 0] == pytest.approx(factor * rule.usd[0, 0])
        assert found.write_bytes_per_s[0, 0] == pytest.approx(factor * rule.write_bytes_per_s[0, 0])

    def test_a_restart_stops_the_reading_of_data(self) -> None:
        """They do not add up: while a checkpoint is read, nothing trains."""
        both = sized(checkpoint_bytes=6e12, load_within_s=10, tokens_per_s=1e10)
        assert both.needed_read_bytes_per_s[0] == pytest.approx(6e11)

    def test_no_accelerators_need_no_storage(self) -> None:
        empty = sized(0)
        assert empty.usd[0, 0] == empty.write_s[0, 0] == 0

    @pytest.mark.parametrize("name", ["usual", "meta-tectonic", "disk-object-store"])
    def test_records_size_a_cluster(self, name: str) -> None:
        share = storage_table(CATALOG.get(STORAGE, name), Samples(31))
        found = storage_size(storage=share, accelerators=np.array([16_384.0, 1e6]), **QUIET)
        each = found.usd / np.array([16_384.0, 1e6])
        assert found.usd.shape == (32, 2)
        assert np.all((each[0] > 500) & (each[0] < 4_000))  # of about 50,000 for the whole

    def test_disks_are_cheaper_per_byte_and_dearer_per_rate(self) -> None:
        flash, disk = (
            storage_table(CATALOG.get(STORAGE, name), Samples(0)) for name in ("usual", "object-store")
        )
        assert disk.usd_per_byte < flash.usd_per_byte / 2
        per_rate = [s.usd_per_byte * s.capacity_bytes / s.write_bytes_per_s for s in (flash, disk)]
        assert per_rate[1] > per_rate[0]

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"tokens": -1}, "cannot be negative"),
            ({"cache_bytes": -1}, "cannot be negative"),
            ({"write_within_s": 0}, "more than zero"),
            ({"load_within_s": -5}, "more than zero"),
        ],
    )
    def test_nonsense(self, wrong: dict[str, float], message: str) -> None:
        with pytest.raises(InputError, match=message):
            sized(**wrong)


LINK_ = LinkTable(
    sites=2, bytes_per_s=one(1e11), length_m=one(1e6), overlap=one(0.1), inner_steps=50, token_loss=one(0.02)
)


def over(link: LinkTable = LINK_, gradient: float = 1e12, inside: float = 0.0, **changes: float) -> Any:
    given = {"step_s": 20.0, "backward_s": 10.0, "site_bytes_per_s": 1e15, **changes}
    return multisite(
        link=link,
        gradient_bytes=np.array([gradient]),
        inside_s=np.array([inside]),
        **{key: np.array([value]) for key, value in given.items()},
    )


class TestSites:
    def test_two_sites_by_hand(self) -> None:
        """1 TB at 100 GB/s is 10 s and 5 ms, of which 1 s hides; apart, one such exchange in 50 steps."""
        found = over()
        assert tuple(found) == MODES
        assert found["synchronous"].exchange_s[0, 0] == pytest.approx(10.005)
        assert found["synchronous"].step_s[0, 0] == pytest.approx(29.005)
        assert found["synchronous"].efficiency[0, 0] == pytest.approx(20 / 29.005)
        assert found["synchronous"].link_bytes_per_s[0, 0] == pytest.approx(1e12 / 29.005)
        assert found["local"].exposed_s[0, 0] == pytest.approx(9.005 / 50)
        assert found["local"].efficiency[0, 0] == pytest.approx(20 / (20 + 9.005 / 50) / 1.02)
        assert found["local"].link_bytes_per_s[0, 0] == pytest.approx(1e12 / 50 / (20 + 9.005 / 50))

    def test_what_the_step_shows_already_is_not_counted_twice(self) -> None:
        """Inside 4 s, of which the backward pass hides 1: the step holds 3, over sites 14.005 - 1."""
        found = over(inside=4.0)
        assert found["synchronous"].exposed_s[0, 0] == pytest.approx(14.005 - 1 - 3)

    def test_chunks_hide_the_shorter_of_two_stages(self) -> None:
        """16 chunks of 4 s inside and 10 s across: 10 s, a sixteenth of 4 s, and the latency."""
        found = over(inside=4.0)["hierarchical"]
        assert found.exchange_s[0, 0] == pytest.approx(10 + 4 / 16 + 0.005)

    def test_few_interfaces_do_not_fill_the_link(self) -> None:
        slow = over(site_bytes_per_s=2e10)["synchronous"]
        assert slow.exchange_s[0, 0] == pytest.approx(50.005)

    def test_a_ring_of_one_site_exchanges_nothing(self) -> None:
        alone = ring(moved_bytes=one(1e12), sites=one(1), bytes_per_s=one(1e9), length_m=one(1e6))
        assert alone.total_s[0, 0] == 0

    def test_both_ways_around_from_three_sites_on(self) -> None:
        times = [
            ring(moved_bytes=one(6e12), sites=one(n), bytes_per_s=one(1e12), length_m=one(0)).total_s[0, 0]
            for n in (2, 3, 4)
        ]
        assert times == pytest.approx([6.0, 4.0, 4.5])

    @pytest.mark.parametrize("name", ["two-sites-1000km", "epoch-10gw", "memphis-campus"])
    def test_records_lose_little_where_steps_are_long(self, name: str) -> None:
        link = link_table(CATALOG.get(LINK, name), Samples(31))
        found = over(link, gradient=2e12, step_s=60.0, backward_s=40.0)
        for mode in MODES:
            efficiency = found[mode].efficiency
            assert np.all((efficiency > 0.8) & (efficiency <= 1)), mode

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"step_s": 0.0}, "more than 0 s"),
            ({"backward_s": -1.0}, "not negative"),
            ({"backward_s": 21.0}, "a part of the step"),
            ({"gradient": -1.0}, "not negative"),
            ({"site_bytes_per_s": 0.0}, "more than 0 bytes/s"),
        ],
    )
    def test_nonsense(self, wrong: dict[str, float], message: str) -> None:
        with pytest.raises(InputError, match=message):
            over(**wrong)
