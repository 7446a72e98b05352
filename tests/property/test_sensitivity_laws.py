"""Laws of a sensitivity: thresholds lie where the statement changes, ranks and shares follow the effects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import exp, inf, log
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.plan.sensitivity.asking import Ask, Outcome
from planner.plan.sensitivity.claims import Claim
from planner.plan.sensitivity.corners import probability
from planner.plan.sensitivity.figures import Figure
from planner.plan.sensitivity.levers import Lever
from planner.plan.sensitivity.results import Bar, End
from planner.plan.sensitivity.slopes import elasticities_of, step_of
from planner.plan.sensitivity.thresholds import LADDER, TOLERANCE, walked
from planner.plan.sensitivity.tornado import bars_of
from planner.tables.samples import EIGHTY

bases = st.floats(1e-6, 1e12)
powers = st.floats(-3.0, 3.0).filter(lambda power: abs(power) > 1e-6)
ends = st.tuples(st.floats(0.2, 0.999), st.floats(1.001, 5.0))


@given(base=bases, ratio=st.floats(1.0 / 15.9, 15.9), power=powers, below=st.booleans())
def test_a_threshold_lies_where_a_power_crosses_its_limit(
    base: float, ratio: float, power: float, below: bool
) -> None:
    assume(abs(log(ratio)) > 0.01)
    assume(abs(power) > 0.01)
    sign = -1.0 if below else 1.0
    limit = power * log(ratio)

    def margin(value: float) -> float:
        return sign * (power * log(value / base) - limit)

    walk = walked(margin, base, at_base=margin(base))
    assert walk.crossing is not None
    assert walk.changes == 1
    assert (margin(walk.crossing.holds) >= 0) > (margin(walk.crossing.fails) >= 0)
    low, high = sorted((walk.crossing.holds, walk.crossing.fails))
    assert low <= base * ratio * (1 + 1e-9)
    assert high >= base * ratio * (1 - 1e-9)
    assert high - low <= TOLERANCE * high * 1.001


@given(base=st.integers(10, 10**6), ratio=st.floats(0.07, 15.0))
def test_a_threshold_of_whole_numbers_is_whole(base: int, ratio: float) -> None:
    edge = base * ratio
    walk = walked(lambda x: edge - x, float(base), at_base=edge - base, whole=True)
    if walk.crossing is None:
        assert int(edge) in (base, int(base * LADDER[-1])) or edge < walk.least + 1
        return
    assert walk.crossing.holds == int(walk.crossing.holds)
    assert walk.crossing.holds <= edge < walk.crossing.fails
    assert walk.crossing.fails - walk.crossing.holds <= max(1.0, TOLERANCE * walk.crossing.fails)


@given(base=bases, edge=st.floats(1.01, 15.0))
def test_where_no_answer_is_the_statement_does_not_hold(base: float, edge: float) -> None:
    walk = walked(lambda x: 1.0 if x < base * edge else -inf, base, at_base=1.0)
    assert walk.crossing is not None
    assert walk.crossing.holds == pytest.approx(base * edge, rel=2 * TOLERANCE)


class Powers:
    """Stands in for an asker: the figure is a product of powers of the levers."""

    def __init__(self, powers: dict[str, float]) -> None:
        self.powers = powers

    def all(self, asks: Iterable[Ask]) -> list[Outcome]:
        return [Outcome(exp(sum(self.moved(text) for text in one.overrides))) for one in asks]

    def moved(self, override: str) -> float:
        path, _, factor = override.partition("=*")
        return self.powers[path] * log(float(factor))


def lever(name: str, low: float, high: float) -> Lever:
    one = Lever(name=name, label=name, where="record", base=1.0, base_text="1", paths=(name,))
    return one.with_range(low, high, "test")


@given(st.lists(st.tuples(powers, ends), min_size=1, max_size=8))
def test_bars_follow_their_effects_and_shares_their_squares(
    given_: list[tuple[float, tuple[float, float]]],
) -> None:
    names = {f"k.r.f{at}": pair for at, pair in enumerate(given_)}
    asker: Any = Powers({name: power for name, (power, _) in names.items()})
    bars = bars_of(asker, 1.0, [lever(name, *span) for name, (_, span) in names.items()])
    spreads = {name: power * log(high / low) for name, (power, (low, high)) in names.items()}
    total = sum(one**2 for one in spreads.values())
    for one in bars:
        assert one.share == pytest.approx(spreads[one.name] ** 2 / total, abs=1e-6)
    assert [one.effect for one in bars] == sorted((one.effect for one in bars), reverse=True)
    again = bars_of(asker, 1.0, [lever(name, *span) for name, (_, span) in reversed(names.items())])
    assert [one.name for one in again] == [one.name for one in bars]


@given(st.lists(powers, min_size=1, max_size=6))
def test_the_elasticity_of_a_power_is_its_exponent(given_: list[float]) -> None:
    asker: Any = Powers({f"k.r.f{at}": power for at, power in enumerate(given_)})
    found = elasticities_of(asker, 1.0, [lever(name, 0.5, 2.0) for name in asker.powers])
    for one in found:
        assert one.value == pytest.approx(asker.powers[one.name], abs=1e-9)
        assert one.sides == "both"


def test_accelerators_are_halved_and_doubled_since_few_layouts_fit_a_few_more_of_them() -> None:
    amount = lever("k.r.f", 0.5, 2.0)
    gpus = replace(amount, where="input", name="gpus", whole=True, keeps=False)
    assert [step_of(amount), step_of(replace(amount, whole=True)), step_of(gpus)] == [0.01, 0.05, 1.0]


def test_a_figure_that_differs_by_rounding_alone_is_not_moved() -> None:
    asker: Any = Powers({"k.r.f": 1e-14})
    (one,) = bars_of(asker, 1.0, [lever("k.r.f", 0.5, 2.0)])
    assert (one.effect, one.share) == (0.0, 0.0)


def bar(name: str, low: float | None, high: float | None) -> Bar:
    ends = [End(value=None, text="", figure=figure, change=None) for figure in (low, high)]
    return Bar(name=name, label=name, where="record", dimension=None, base=1.0, base_text="1", low=ends[0],
               high=ends[1], effect=1.0, share=1.0, basis="")  # fmt: skip


@given(wide=st.floats(0.01, 1.0), limit=st.floats(-2.0, 2.0))
def test_with_one_range_the_share_is_that_of_the_normal_distribution(wide: float, limit: float) -> None:
    """A figure e**(wide z / 1.28) is at most e**(wide limit) with the probability of z at most 1.28 limit."""
    one = bar("only", exp(-wide), exp(wide))
    found = probability([one], 1.0, Claim(Figure("x"), "<=", exp(wide * limit)))
    assert found == pytest.approx(NormalDist().cdf(EIGHTY * limit), abs=2e-3)


@given(st.floats(0.01, 1.0), st.floats(-1.0, 1.0), st.floats(0.0, 1.0))
def test_a_looser_limit_is_likelier_and_an_end_without_an_answer_takes_a_tenth(
    wide: float, limit: float, more: float
) -> None:
    bars = [bar("a", exp(-wide), exp(2 * wide)), bar("b", exp(wide), exp(-wide))]
    tight, loose = (probability(bars, 1.0, Claim(Figure("x"), "<=", exp(x))) for x in (limit, limit + more))
    assert tight <= loose
    above = probability(bars, 1.0, Claim(Figure("x"), ">", exp(limit)))
    assert above == pytest.approx(1.0 - tight)
    none = probability([bar("c", 1.0, None)], 1.0, Claim(Figure("x"), "<=", 2.0))
    assert none == pytest.approx(0.9, abs=1e-3)
