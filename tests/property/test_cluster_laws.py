"""Laws of H100 equivalents and of sizing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.model.equivalents import PEAK_RULES, accelerators_for, equivalents
from planner.plan.cluster.wanted import most_systems
from planner.tables.peaks import Peaks

positive = st.floats(1e-3, 1e3)
counts = st.integers(1, 10_000_000)
rules = st.sampled_from(tuple(PEAK_RULES))


def peaks(*columns: tuple[float, ...]) -> Peaks:
    return Peaks(*(np.array([row]) for row in zip(*columns, strict=True)))


parts = st.tuples(positive, positive, positive, positive)


@given(rule=rules, part=parts, unit=parts, first=counts, second=counts)
def test_equivalents_add_up(
    rule: str, part: tuple[float, ...], unit: tuple[float, ...], first: int, second: int
) -> None:
    def counted(n: float) -> float:
        found = equivalents(rule=rule, accelerators=np.array([n]), peaks=peaks(part), reference=peaks(unit))
        return float(found.item())

    assert np.isclose(counted(first) + counted(second), counted(first + second))


@given(rule=rules, part=parts, other=parts, unit=parts, n=counts)
def test_counting_in_another_unit_and_back_changes_nothing(
    rule: str, part: tuple[float, ...], other: tuple[float, ...], unit: tuple[float, ...], n: int
) -> None:
    def counted(number: float, these: tuple[float, ...], those: tuple[float, ...]) -> float:
        found = equivalents(
            rule=rule, accelerators=np.array([number]), peaks=peaks(these), reference=peaks(those)
        )
        return float(found.item())

    assert np.isclose(counted(counted(n, part, other), other, unit), counted(n, part, unit))


@given(rule=rules, part=parts, unit=parts, wanted=st.floats(1, 1e7), whole=st.integers(1, 144))
def test_the_fewest_whole_systems_suffice(
    rule: str, part: tuple[float, ...], unit: tuple[float, ...], wanted: float, whole: int
) -> None:
    these, those = peaks(part), peaks(unit)
    n = accelerators_for(
        rule=rule, wanted=np.array([wanted]), peaks=these, reference=those, whole=whole
    ).item()
    assert n % whole == 0

    def counted(number: float) -> float:
        found = equivalents(rule=rule, accelerators=np.array([number]), peaks=these, reference=those)
        return float(found.item())

    assert counted(n) >= wanted * (1 - 1e-9)
    assert counted(n - whole) < wanted * (1 + 1e-9)


@given(
    slope=st.floats(200.0, 1e5),
    power=st.floats(1.0, 1.5),
    limit=st.floats(0.0, 1e9),
    more=st.floats(1.0, 3.0),
    whole=st.sampled_from([1, 8, 72]),
)
def test_more_money_never_buys_less(
    slope: float, power: float, limit: float, more: float, whole: int
) -> None:
    spread = slope * np.array([[1.0], [0.8], [1.3], [0.9], [1.1]])

    def spends(n: np.ndarray) -> np.ndarray:
        return spread * n**power

    less, rich = (most_systems(spends, limit=one, whole=whole) for one in (limit, limit * more))
    assert less.value <= rich.value
    assert less.low <= less.value <= less.high
    assert spends(np.array([less.value]))[0, 0] <= limit * (1 + 1e-9)
    assert spends(np.array([less.value + whole]))[0, 0] > limit * (1 - 1e-9)
