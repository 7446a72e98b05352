"""Intervals of served figures: what they cover, what a small class takes, what held-out rows may not say."""

from __future__ import annotations

import numpy as np
import pytest

from planner.evidence.serving_intervals import (
    LEAST_ROWS,
    bounds_of,
    held_bounds,
    interval_names,
    serving_quantiles,
)
from planner.evidence.statistics import Quantiles
from planner.types import FloatArray

CLOSED = interval_names("tpot_ms", "closed", moe=True)
POOLS = interval_names("tpot_ms", "pools", moe=True)
FIRST = interval_names("ttft_ms", "closed", moe=True)
ALONE = interval_names("ttft_ms", "fixed", moe=True)


def errors(n: int, spread: float, *, seed: int = 1, middle: float = 0.0) -> FloatArray:
    return np.random.default_rng(seed).normal(middle, spread, n)


def test_names_from_the_narrowest_class_to_the_metric() -> None:
    assert CLOSED == ("tpot closed moe", "tpot closed", "tpot")
    assert interval_names("throughput", "offline", moe=False)[0] == "throughput offline dense"


@pytest.mark.parametrize("skew", [False, True])
def test_the_next_rows_of_each_class_are_inside_four_times_in_five(*, skew: bool) -> None:
    shape = (lambda x: np.where(x > 0, 2.0 * x, x)) if skew else (lambda x: x)
    names, known, coming = [], [], {}
    for seed, (name, spread) in enumerate([(CLOSED, 0.1), (POOLS, 0.3), (FIRST, 0.6)]):
        names += [name] * 2000
        known.append(shape(errors(2000, spread, seed=seed, middle=0.1)))
        coming[name] = shape(errors(20_000, spread, seed=seed + 50, middle=0.1))
    found = serving_quantiles(np.concatenate(known), names)
    for name, rows in coming.items():
        bounds = bounds_of(found, [name])
        assert np.mean(bounds.holds(np.exp(rows))) == pytest.approx(0.8, abs=0.03), name
    widths = {name: np.log(found[name[0]].high / found[name[0]].low) for name in coming}
    assert widths[CLOSED] < widths[POOLS] < widths[FIRST]


def test_few_rows_widen_what_they_cover() -> None:
    """Over many draws of 15 rows the interval of the metric holds the next row four times in five."""
    inside = []
    for seed in range(2000):
        rows = errors(LEAST_ROWS + 1, 0.2, seed=seed)
        found = serving_quantiles(rows[:-1], [CLOSED] * LEAST_ROWS)["tpot"]
        inside.append(found.low <= np.exp(rows[-1]) <= found.high)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.03)


def test_quantiles_and_shrinkage_by_hand() -> None:
    """Two loads of mixtures of experts; a dense class beside them does not move what they are shrunk to."""
    rows = np.linspace(-1.0, 1.0, 21)
    other = np.linspace(-0.1, 0.1, 20)
    found = serving_quantiles(np.concatenate([rows, other]), [CLOSED] * 21 + [POOLS] * 20)
    ordered = np.sort(np.concatenate([rows, other]))
    both = np.array([ordered[3] + 0.2 * (ordered[4] - ordered[3]), 0.0])  # rank 4.2 of 41
    both[1] = -both[0]
    assert (np.log(found["tpot"].low), np.log(found["tpot"].high)) == pytest.approx(tuple(both))
    assert found["tpot"].rows == 41
    shrunk = (21 * np.array([-0.88, 0.88]) + 20 * both) / 41  # rank 2.2 of 21
    mine = found["tpot closed moe"]
    assert (np.log(mine.low), np.log(mine.high)) == pytest.approx(tuple(shrunk))
    dense = interval_names("tpot_ms", "closed", moe=False)
    beside = serving_quantiles(
        np.concatenate([rows, other, errors(60, 3.0)]), [CLOSED] * 21 + [POOLS] * 20 + [dense] * 60
    )
    assert beside["tpot closed moe"] == mine
    assert beside["tpot"].high > found["tpot"].high
    assert set(beside) == {
        "tpot", "tpot closed", "tpot closed moe", "tpot closed dense", "tpot pools", "tpot pools moe"
    }  # fmt: skip


def test_a_small_class_takes_what_its_load_has_and_else_what_its_metric_has() -> None:
    dense = interval_names("tpot_ms", "closed", moe=False)
    names = [CLOSED] * (LEAST_ROWS - 1) + [dense] * 5 + [POOLS] * 2
    found = serving_quantiles(errors(len(names), 0.2), names)
    assert set(found) == {"tpot", "tpot closed"}
    assert bounds_of(found, [CLOSED, dense, POOLS]).names == ("tpot closed", "tpot closed", "tpot")


def test_first_tokens_that_wait_for_nobody_have_a_pool_of_their_own() -> None:
    assert (FIRST[2:], ALONE[2:]) == (("ttft queued", "ttft"), ("ttft alone", "ttft"))
    rows = np.concatenate([errors(200, 1.0), errors(20, 0.1, seed=2)])
    found = serving_quantiles(rows, [FIRST] * 200 + [ALONE] * 20)
    own = np.log(found["ttft alone"].high / found["ttft alone"].low)
    assert own < 0.4 < np.log(found["ttft"].high / found["ttft"].low)
    assert found["ttft fixed moe"] == found["ttft alone"]  # the same rows: shrunk to itself
    few = serving_quantiles(rows[:205], [FIRST] * 200 + [ALONE] * 5)
    assert bounds_of(few, [ALONE]).names == ("ttft",)


def test_figures_without_any_interval() -> None:
    bounds = bounds_of({"tpot": Quantiles(0.9, 1.1, 40)}, [FIRST, CLOSED])
    assert bounds.names == ("", "tpot")
    assert np.isnan(bounds.low[0])
    assert bounds.holds(np.ones(2)).tolist() == [False, True]


def test_rows_that_are_not_to_speak_do_not() -> None:
    rows = errors(60, 0.2)
    keep = np.arange(60) < 40
    rows_and_noise = np.where(keep, rows, np.nan)
    assert serving_quantiles(rows_and_noise, [CLOSED] * 60, keep) == serving_quantiles(
        rows[:40], [CLOSED] * 40
    )


def test_the_interval_of_a_fold_does_not_know_its_rows() -> None:
    names, folds = [CLOSED] * 60, ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    keep = np.ones(60, dtype=bool)
    rows = errors(60, 0.2)
    moved = np.where(np.array(folds) == "a", rows + 3.0, rows)
    before, after = (held_bounds(r, names, folds, keep) for r in (rows, moved))
    same = np.array([fold == "a" for fold in folds])
    assert before.low[same].tolist() == after.low[same].tolist()
    assert before.high[~same].max() < after.high[~same].min()
    without = serving_quantiles(rows[20:], names[20:])["tpot closed moe"]
    assert (before.low[0], before.high[0]) == (without.low, without.high)
