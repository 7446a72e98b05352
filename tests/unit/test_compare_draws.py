"""Samples of a comparison: kept without changing an answer, with the correlations that were measured."""

from __future__ import annotations

from math import sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import planner
from planner.plan.compare import spreads
from planner.tables.samples import Kept, Samples, kept


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.55, 0.9])
def test_ratios_of_draws_are_as_wide_as_their_correlation_says(
    monkeypatch: pytest.MonkeyPatch, correlation: float
) -> None:
    told = ("accelerator", correlation, "told")
    monkeypatch.setattr(spreads, "shared_by", lambda *_: told)
    sides: Any = [SimpleNamespace(), SimpleNamespace()]
    drawn, _ = spreads.correlated(spreads.STEP, sides)
    assert np.array_equal(drawn[0], Samples().normal(spreads.STEP))
    assert np.array_equal(np.sort(drawn[1]), np.sort(drawn[0]))
    assert np.corrcoef(drawn)[0, 1] == pytest.approx(correlation, abs=0.03)
    half = 0.2
    errors = [np.log(spreads.factor((np.exp(-half), np.exp(half)), row))[1:] for row in drawn]
    low, high = np.quantile(errors[1] - errors[0], [0.1, 0.9])
    assert 0.5 * (high - low) == pytest.approx(half * sqrt(2.0 * (1.0 - correlation)), rel=0.12)


def test_correlations_that_cannot_be_become_the_nearest_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreads, "shared_by", lambda *_: ("accelerator", -0.9, "told"))
    sides: Any = [SimpleNamespace() for _ in range(4)]
    drawn, said = spreads.correlated(spreads.STEP, sides)
    assert len(said) == 6
    found = np.corrcoef(drawn)[np.triu_indices(4, 1)]
    assert np.all(found < -0.15)
    assert np.linalg.eigvalsh(np.corrcoef(drawn))[0] > -1e-9


def test_keeping_samples_changes_no_answer() -> None:
    plain = planner.train("llama-3.1-8b", gpu="h100-sxm", gpus=64, tokens="1T")
    with kept() as samples:
        other = planner.train("llama-3.1-8b", gpu="h100-sxm", gpus=64, tokens="1T")
    assert plain.plan == other.plan
    assert other.plan is not None
    drawn = samples.of(other.plan.cost_usd)
    assert drawn is not None
    assert drawn[0] == other.plan.cost_usd.value
    assert samples.of(plain.plan.cost_usd) is None  # type: ignore[union-attr]
    assert samples.ranges["step_time"][0] == 1.0


def usual(samples: Kept, error: str) -> Any:
    """Return the draws of an error as an answer makes them."""
    value, low, high = samples.ranges[error]
    return spreads.factor((low / value, high / value), Samples().normal(error))


def test_figures_of_training_carry_the_error_as_a_factor() -> None:
    with kept() as samples:
        plan = planner.train("llama-3.1-8b", gpu="h100-sxm", gpus=64, tokens="1T").plan
    assert plan is not None
    days, goodput, cost = (samples.of(one) for one in (plan.days_with_failures, plan.goodput, plan.cost_usd))
    price = samples.of(plan.usd_per_gpu_hour)
    assert days is not None
    assert cost is not None
    assert price is not None
    np.testing.assert_allclose(days, plan.days.value * usual(samples, spreads.STEP) / goodput)
    np.testing.assert_allclose(cost / cost[0], price * days / (price * days)[0])


@pytest.mark.parametrize(("load", "power"), [({"gpus": 16}, 0.0), ({"users": "20k"}, -1.0)])
def test_figures_of_services_carry_the_error_as_a_factor(load: dict[str, Any], power: float) -> None:
    with kept() as samples:
        plan = planner.serve("llama-3.1-8b", accelerator="h100-sxm", top=0, pareto=False, **load).plan
    assert plan is not None
    error = usual(samples, spreads.SERVING)
    price, tokens, year = (
        samples.of(one) for one in (plan.usd_per_gpu_hour, plan.usd_per_million_tokens, plan.cost_usd)
    )
    assert price is not None
    assert tokens is not None
    assert year is not None
    np.testing.assert_allclose(tokens / tokens[0], price / price[0] / error, rtol=1e-9)
    np.testing.assert_allclose(year / year[0], price / price[0] * error**power, rtol=1e-9)
