"""Dividing unlike parts between roles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from planner.search.serving.frontier import undominated
from planner.search.serving.split import split


def best(gpus: np.ndarray, aggregated: np.ndarray, prefill: np.ndarray, decode: np.ndarray) -> float:
    """Return the optimum of the linear programme as a solver finds it."""
    n = len(gpus)
    goal = -np.concatenate([aggregated, np.zeros(2 * n), [1.0]])
    rows = np.zeros((n + 2, 3 * n + 1))
    for role in range(3):
        rows[np.arange(n), role * n + np.arange(n)] = 1.0
    rows[n, n : 2 * n], rows[n + 1, 2 * n : 3 * n] = -prefill, -decode
    rows[n:, -1] = 1.0
    return -linprog(goal, rows, np.concatenate([gpus, [0.0, 0.0]])).fun


@pytest.mark.parametrize("seed", range(60))
def test_no_division_serves_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    gpus = rng.integers(1, 1000, n).astype(float)
    aggregated, prefill, decode = (
        np.where(rng.random(n) < 0.2, 0.0, rng.lognormal(0.0, 0.7, n)) for _ in range(3)
    )
    aggregated *= rng.choice([0.0, 0.4, 1.0])
    if n > 1 and seed % 3 == 0:  # two groups of the same part
        for column in (aggregated, prefill, decode):
            column[1] = column[0]
    found = split(gpus=gpus, aggregated=aggregated, prefill=prefill, decode=decode)
    assert found.rate == pytest.approx(best(gpus, aggregated, prefill, decode), rel=1e-6, abs=1e-9)
    assert np.all(found.aggregated + found.prefill + found.decode <= gpus * (1 + 1e-12))
    assert np.all(np.stack([found.aggregated, found.prefill, found.decode]) >= 0)


def test_one_part_divides_so_that_both_pools_are_full() -> None:
    # 12 accelerators: 2 requests/s prefilled or 4 decoded by each: 8 prefill, 4 decode, 16 requests/s
    found = split(
        gpus=np.array([12.0]), aggregated=np.ones(1), prefill=np.array([2.0]), decode=np.array([4.0])
    )
    assert (found.prefill[0], found.decode[0], found.rate) == pytest.approx((8.0, 4.0, 16.0))


def test_each_part_does_what_it_is_best_for() -> None:
    found = split(
        gpus=np.array([10.0, 10.0]),
        aggregated=np.array([0.5, 0.5]),
        prefill=np.array([4.0, 1.0]),
        decode=np.array([1.0, 4.0]),
    )
    assert found.rate == pytest.approx(40.0)
    assert found.prefill.tolist() == pytest.approx([10.0, 0.0])
    assert found.decode.tolist() == pytest.approx([0.0, 10.0])


def test_a_frontier_keeps_what_nothing_beats() -> None:
    speed = np.array([1.0, 2.0, 2.0, 3.0, 0.5, 3.0])
    gain = np.array([5.0, 4.0, 3.0, 1.0, 4.0, 1.0])
    kept = undominated(speed, gain)
    assert speed[kept].tolist() == [1.0, 2.0, 3.0]
    assert gain[kept].tolist() == [5.0, 4.0, 1.0]
    assert len(undominated(np.zeros(0), np.zeros(0))) == 0
