"""Spare hosts against scipy, at the edges, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from planner.errors import InputError
from planner.model.reliability.spares import spares, unavailable


def test_spares_are_binomial_quantiles() -> None:
    from scipy.stats import binom

    rng = np.random.default_rng(3)
    hosts = np.floor(10 ** rng.uniform(0, 7, 3000))
    away = 10 ** rng.uniform(-7, np.log10(0.999), 3000)
    for confidence in (0.5, 0.99, 1 - 1e-9):
        expected = binom.ppf(confidence, hosts, away)
        assert (spares(hosts=hosts, unavailable=away, confidence=confidence) == expected).all()


def test_spares_where_all_or_none_are_away() -> None:
    found = spares(hosts=np.array([0.0, 100, 100, 7.2]), unavailable=np.array([0.5, 0.0, 1.0, 1.0]))
    assert found.tolist() == [0, 0, 100, 8]
    assert unavailable(rate_per_s=np.array(1e-3), repair_s=np.array(1000.0)) == pytest.approx(0.5)


def test_spares_refuse_impossible_chances() -> None:
    with pytest.raises(InputError, match=r"between 0 and 1; give rate x repair time"):
        spares(hosts=np.array(8.0), unavailable=np.array(1.2))
    with pytest.raises(InputError, match=r"confidence of 1 is out of range; give one from 0\.5"):
        spares(hosts=np.array(8.0), unavailable=np.array(0.1), confidence=1.0)
