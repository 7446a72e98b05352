"""Shares of a batch: whole parts in proportion to speed, and the earliest time at which all are done."""

from __future__ import annotations

import numpy as np
import pytest

from planner.plan.across.shares import Offers, by_speed, divided


def stairs(*pairs: tuple[float, float]) -> Offers:
    """Offers from (sequences, seconds)."""
    return Offers(np.array([n for n, _ in pairs], dtype=float), np.array([s for _, s in pairs], dtype=float))


def even(speed: float, batch: int) -> Offers:
    """A group that takes any number of sequences at `speed` per second."""
    counts = np.arange(1.0, batch + 1)
    return Offers(counts, counts / speed)


class TestParts:
    def test_parts_are_in_proportion(self) -> None:
        assert list(by_speed(np.array([3.0, 1.0, 2.0]), 12)) == [6, 2, 4]

    def test_what_is_left_goes_to_those_cut_the_most(self) -> None:
        # exactly 3.5, 1.4, 2.1: one sequence is left for the half
        assert list(by_speed(np.array([5.0, 2.0, 3.0]), 7)) == [4, 1, 2]

    def test_nobody_goes_without(self) -> None:
        assert list(by_speed(np.array([1e6, 1.0, 1.0]), 5)) == [3, 1, 1]


class TestDivided:
    def test_speeds_of_two_to_one(self) -> None:
        found = divided([even(2.0, 30), even(1.0, 30)], 30)
        assert found is not None
        assert list(found.sequences) == [20, 10]
        assert found.within_s == 10.0

    def test_rounds_decide(self) -> None:
        # 8 in 1 s or 16 in 2 s beside 3, 6, 9 in 1, 2, 3 s: 20 needs 2 s of both
        found = divided([stairs((8, 1), (16, 2)), stairs((3, 1), (6, 2), (9, 3))], 20)
        assert found is not None
        assert found.within_s == 2.0
        assert found.sequences.sum() == 20
        # 22 can be taken, so that each takes 20/22 of its own
        assert list(found.sequences) == [15, 5]

    def test_a_slow_layout_that_takes_more_does_not_hide_a_fast_one(self) -> None:
        found = divided([stairs((4, 5), (10, 2)), stairs((1, 1))], 11)
        assert found is not None
        assert found.within_s == 2.0

    def test_every_group_takes_part(self) -> None:
        found = divided([even(100.0, 10), stairs((1, 7))], 10)
        assert found is not None
        assert found.within_s == 7.0
        assert min(found.sequences) >= 1

    @pytest.mark.parametrize(
        ("offers", "batch"),
        [
            ([], 4),
            ([even(1.0, 4), Offers(np.zeros(0), np.zeros(0))], 4),
            ([even(1.0, 4), even(1.0, 4)], 1),
            ([stairs((2, 1)), stairs((1, 1))], 4),
        ],
        ids=["no group", "a group without layouts", "fewer sequences than groups", "too little room"],
    )
    def test_no_division(self, offers: list[Offers], batch: int) -> None:
        assert divided(offers, batch) is None
