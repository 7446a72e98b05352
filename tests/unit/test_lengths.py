"""A lognormal fitted to a mean with a coefficient of variation, or with quantiles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import lognorm

from planner.workload.lengths import Spread, fit


def test_a_coefficient_of_variation_is_kept() -> None:
    spread = fit(1000.0, cv=1.5)
    assert spread.mean == 1000.0
    assert spread.cv == pytest.approx(1.5, rel=1e-12)


def test_quantiles_and_shares_are_those_of_scipy() -> None:
    spread = fit(2047.85, cv=0.9638)
    median = 2047.85 / math.sqrt(1 + 0.9638**2)
    peer = lognorm(s=math.sqrt(math.log(1 + 0.9638**2)), scale=median)
    for share in (0.01, 0.25, 0.5, 0.9, 0.99):
        assert spread.quantile(share) == pytest.approx(peer.ppf(share), rel=1e-10)
        assert spread.share_below(peer.ppf(share)) == pytest.approx(share, rel=1e-9)
    assert peer.mean() == pytest.approx(spread.mean)


def test_a_fixed_length_has_one_value() -> None:
    spread = fit(512.0, cv=0.0)
    assert [spread.quantile(share) for share in (0.01, 0.5, 0.99)] == [512.0] * 3
    assert (spread.share_below(511.9), spread.share_below(512.0)) == (0.0, 1.0)
    assert spread.sample(np.random.default_rng(1), 3).tolist() == [512.0] * 3


def test_no_length_lies_below_zero() -> None:
    assert fit(10.0, cv=2.0).share_below(0.0) == 0.0


def test_a_median_below_the_mean_fixes_the_spread() -> None:
    spread = fit(153_712.0, quantiles={0.5: 121_000.0})
    assert spread.quantile(0.5) == pytest.approx(121_000.0, rel=1e-6)
    assert spread.sigma == pytest.approx(math.sqrt(2 * math.log(153_712 / 121_000)), rel=1e-6)


def test_a_median_at_or_above_the_mean_allows_no_spread() -> None:
    assert fit(342.6, quantiles={0.5: 350.0}).sigma == pytest.approx(0.0, abs=1e-6)


def test_many_quantiles_are_met_in_the_least_squares() -> None:
    true = Spread(1000.0, 0.8)
    stated = {share: true.quantile(share) for share in (0.1, 0.5, 0.9, 0.99)}
    noisy = {
        share: value * factor
        for (share, value), factor in zip(stated.items(), (1.1, 0.9, 1.05, 0.95), strict=True)
    }

    def miss(sigma: float) -> float:
        return sum(
            math.log(Spread(1000.0, sigma).quantile(share) / value) ** 2 for share, value in noisy.items()
        )

    found = fit(1000.0, quantiles=noisy).sigma
    assert found == pytest.approx(0.8, rel=0.1)
    assert miss(found) <= min(miss(found * 0.999), miss(found * 1.001))


def test_the_spread_of_the_coefficient_wins_over_quantiles() -> None:
    assert fit(100.0, cv=0.5, quantiles={0.5: 10.0}) == fit(100.0, cv=0.5)


def test_a_mean_alone_is_no_spread() -> None:
    with pytest.raises(ValueError, match="coefficient of variation or quantiles"):
        fit(100.0)
    with pytest.raises(ValueError, match="coefficient of variation or quantiles"):
        fit(100.0, quantiles={})


def test_samples_have_the_mean_and_the_spread() -> None:
    drawn = fit(2000.0, cv=1.0).sample(np.random.default_rng(5), 400_000)
    assert drawn.mean() == pytest.approx(2000.0, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(1.0, rel=0.03)
