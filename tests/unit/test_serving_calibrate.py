"""The serving fit finds constants that made its measurements; priors and doubt hold it back."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, MissingExtraError
from planner.evidence import serving_calibrate
from planner.evidence.serving_calibrate import (
    ENGINE,
    FAMILIES,
    FIXED,
    GLOBAL,
    Around,
    Prior,
    ServingFit,
    fit_serving,
    predicted,
    prior_fit,
)
from planner.evidence.serving_cases import ServingCases, build_serving_cases
from planner.evidence.serving_predict import Prediction, predict_serving
from planner.evidence.serving_runs import parse_serving_runs
from planner.evidence.serving_targets import Target, serving_targets

pytest.importorskip("scipy")

HEADER = (
    "id,family,engine,model,accelerator,n_gpus,weight_precision,tp,dp_attention,ep,isl,osl,client,"
    "concurrency_or_max_batch,tpot_ms,ttft_ms,total_tokens_per_s"
)
REPLICAS = (("llama-3-8b", 1, 1, 1, 1), ("llama-3-70b", 8, 8, 1, 1), ("deepseek-v3", 8, 1, 8, 8))
LOADS = ((500, 500, 1), (2000, 300, 48))


class Problem(NamedTuple):
    cases: ServingCases
    targets: tuple[Target, ...]

    def made_by(self, fit: ServingFit) -> list[Target]:
        """Targets whose measurements are what some constants predict."""
        return [replace(t, measured=m) for t, m in zip(self.targets, self.figures(fit), strict=True)]

    def figures(self, fit: ServingFit) -> list[float]:
        found: list[float] = predicted(predict_serving(self.cases, fit.constants()), self.targets).tolist()
        return found


@pytest.fixture(scope="module")
def problem() -> Problem:
    rows = [
        f"{engine},{model},h200-sxm,{gpus},fp8,{tp},{dp},{ep},{isl},{osl},closed,{clients}"
        for engine in ("vLLM", "SGLang")
        for model, gpus, tp, dp, ep in REPLICAS
        for isl, osl, clients in LOADS
    ]
    lines = [f"{i},f{row.split(',')[1]},{row},{i + 1},{i + 2},{i + 3}" for i, row in enumerate(rows)]
    runs = parse_serving_runs("\n".join([HEADER, *lines, ""]))
    cases = build_serving_cases(Catalog(), runs)
    assert not cases.skipped
    return Problem(cases, serving_targets(runs, Catalog()).targets)


def changed(**factors: float) -> ServingFit:
    """Priors with some constants multiplied."""
    fit = prior_fit()
    shared = {name: value * factors.get(name, 1.0) for name, value in fit.shared.items()}
    engines = {name: value * factors.get(name, 1.0) for name, value in fit.engines.items()}
    return ServingFit(shared, engines, {})


TRUE = {
    "layer": 1.5,
    "host_step": 1.6,
    "request": 1.8,
    "attention_imbalance": 1.1,
    "imbalance": 1.3,
    "wave": 1.5,
}


@pytest.fixture
def vague(monkeypatch: pytest.MonkeyPatch) -> None:
    """Priors that say next to nothing."""
    for table in (GLOBAL, ENGINE):
        for name, prior in table.items():
            monkeypatch.setitem(table, name, Prior(prior.centre, 20 * prior.spread, prior.family))


class TestFit:
    @pytest.mark.usefixtures("vague")
    def test_constants_that_made_the_measurements_are_found(self, problem: Problem) -> None:
        truth = changed(**TRUE)
        found = fit_serving(problem.cases, problem.made_by(truth))
        for name in TRUE:
            values = [(fit.shared | fit.engines)[name] for fit in (found, truth)]
            assert values[0] == pytest.approx(values[1], rel=0.04), name
        assert problem.figures(found) == pytest.approx(problem.figures(truth), rel=0.01)

    def test_priors_hold_back_what_few_rows_claim(self, problem: Problem) -> None:
        found = fit_serving(problem.cases, problem.made_by(changed(layer=3.0)), evaluations=3).engines[
            "layer"
        ]
        assert ENGINE["layer"].centre * 1.05 < found < ENGINE["layer"].centre * 2.9

    def test_constants_that_need_not_move_stay(self, problem: Problem) -> None:
        found = fit_serving(problem.cases, problem.made_by(prior_fit()))
        assert found.shared == pytest.approx(prior_fit().shared)
        assert found.engines == pytest.approx(prior_fit().engines)
        assert list(found.factors.values()) == pytest.approx([1.0] * len(found.factors))

    def test_a_family_may_differ(self, problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where only SGLang takes longer per step, its factor says so and vLLM keeps what it has."""
        for name, prior in ENGINE.items():
            monkeypatch.setitem(ENGINE, name, Prior(prior.centre, prior.spread, 20 * prior.family))
        truth = replace(prior_fit(), factors={("sglang", "host_step"): 3.0})
        found = fit_serving(problem.cases, problem.made_by(truth), evaluations=5).constants()
        assert found["sglang"]["host_step"] == pytest.approx(3 * 500e-6, rel=0.1)
        assert found["vllm"]["host_step"] == pytest.approx(500e-6, rel=0.1)

    def test_a_row_that_contradicts_the_others_does_not_steer(self, problem: Problem) -> None:
        good = problem.made_by(changed(layer=1.2))
        index = next(i for i, t in enumerate(good) if t.metric == "tpot_ms")
        bad = [replace(t, measured=t.measured * (20 if i == index else 1)) for i, t in enumerate(good)]
        clean, spoilt = (fit_serving(problem.cases, t, evaluations=3).engines["layer"] for t in (good, bad))
        assert spoilt == pytest.approx(clean, rel=0.03)

    def test_no_figure(self, problem: Problem) -> None:
        with pytest.raises(InputError, match="constants cannot be fitted to none; fill more columns"):
            fit_serving(problem.cases, [])

    def test_without_scipy_the_extra_is_named(
        self, problem: Problem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = builtins.__import__

        def without(name: str, *more: Any, **options: Any) -> Any:
            if name.startswith("scipy"):
                raise ImportError(name)
            return real(name, *more, **options)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingExtraError, match=r"pip install 'planner\[solve\]'"):
            fit_serving(problem.cases, problem.targets)


class TestLoss:
    def test_it_grows_like_the_logarithm_of_the_square(self) -> None:
        errors = np.array([-30.0, -1.0, -0.01, 0.0, 0.01, 1.0, 30.0])
        tempered = serving_calibrate._tempered(errors)
        np.testing.assert_allclose(tempered**2, np.log1p(errors**2))
        np.testing.assert_array_equal(np.sign(tempered), np.sign(errors))

    @pytest.mark.parametrize("error", [-3.0, -0.2, 1e-7, 0.5, 40.0])
    def test_its_slope(self, error: float) -> None:
        step = 1e-6
        ends = serving_calibrate._tempered(np.array([error - step, error + step]))
        expected = (ends[1] - ends[0]) / (2 * step)
        assert serving_calibrate._slope(np.array([error]))[0] == pytest.approx(expected, rel=1e-4)

    def test_rows_of_one_source_and_model_weigh_as_the_root_of_their_number(self, problem: Problem) -> None:
        def squares(targets: Sequence[Target], metric: str) -> float:
            weight = serving_calibrate._Problem(problem.cases, targets).weight
            return float(sum(w * w for w, t in zip(weight, targets, strict=True) if t.metric == metric))

        mine = [t for t in problem.targets if t.run.model == "llama-3-8b"]
        one = [t for t in mine if t.index == mine[0].index]
        assert len(mine) == 4 * len(one)
        for metric, scale in serving_calibrate.SCALE.items():
            assert squares(one, metric) == pytest.approx(1 / scale**2)
            assert squares(mine, metric) == pytest.approx(4**0.5 / scale**2)

    def test_derivatives(self, problem: Problem) -> None:
        """Against differences, along every constant and factor together."""
        fitted = serving_calibrate._Problem(problem.cases, problem.made_by(changed(layer=1.1)))
        u = np.zeros(len(fitted.spread))
        step = 1e-3 * np.random.default_rng(0).standard_normal(len(u))
        moved = (fitted.residuals(u + step) - fitted.residuals(u - step)) / 2
        expected = fitted.jacobian(u) @ step
        assert np.linalg.norm(moved - expected) < 0.03 * np.linalg.norm(moved)

    def test_what_cannot_be_predicted_does_not_count(self, problem: Problem) -> None:
        targets = [replace(t, measured=np.nan) for t in problem.targets]
        fitted = serving_calibrate._Problem(problem.cases, targets)
        assert not fitted.errors(np.zeros(len(fitted.spread))).any()


class TestAround:
    def test_without_rows_that_pull(self, problem: Problem) -> None:
        """A third of the rows say that layers take longer; the expansion sees what the others would give."""
        slow, plain = (problem.made_by(changed(layer=f)) for f in (3.0, 1.0))
        odd = np.array([t.run.model == "llama-3-8b" for t in problem.targets])
        mixed = [s if out else p for s, p, out in zip(slow, plain, odd, strict=True)]
        whole = fit_serving(problem.cases, mixed, evaluations=4)
        near = Around(problem.cases, mixed, whole).without(odd)
        away = abs(np.log(whole.engines["layer"] / ENGINE["layer"].centre))
        assert away > 0.01
        assert abs(np.log(near.engines["layer"] / ENGINE["layer"].centre)) < 0.5 * away
        assert Around(problem.cases, mixed, whole).without(np.zeros(len(odd), dtype=bool)).engines == (
            pytest.approx(whole.engines, rel=0.02)
        )


class TestConstants:
    def test_priors(self) -> None:
        found = prior_fit().constants()
        assert set(found) == set(FAMILIES)
        for family, values in found.items():
            assert values.items() >= FIXED.items()
            assert values["floor_layer"] == (200e-6 if family == "eager" else 0.0)
            assert values["imbalance"] == GLOBAL["imbalance"].centre
            assert values["correction"] == 1.0
        assert found["vllm"]["host_step"] == ENGINE["host_step"].centre
        assert found["eager"]["host_step"] == 15e-3, "a family of another kind"

    def test_a_family_scales_what_all_engines_share(self) -> None:
        fit = replace(prior_fit(), factors={("vllm", "layer"): 0.5, ("eager", "host_step"): 2.0})
        fit = replace(fit, engines=fit.engines | {"layer": 8e-6, "host_step": 1.0})
        found = fit.constants()
        assert (found["vllm"]["layer"], found["sglang"]["layer"]) == (4e-6, 8e-6)
        assert (found["eager"]["host_step"], found["vllm"]["host_step"]) == (30e-3, 1.0)


def test_figures_in_the_unit_of_their_target(problem: Problem) -> None:
    """Seconds in milliseconds; a rate that counts input tokens too is larger by them."""
    n = len(problem.cases.runs)
    columns = {name: np.full(n, value) for name, value in (("ttft_s", 0.2), ("tpot_s", 0.01), ("batch", 1.0))}
    found = predicted(Prediction(**columns, tokens_per_s=np.full(n, 300.0)), problem.targets)
    for target, figure in zip(problem.targets, found, strict=True):
        run = target.run
        assert run.isl is not None
        assert run.osl is not None
        total = 300 * (run.isl + run.osl) / run.osl
        assert figure == pytest.approx({"ttft_ms": 200, "tpot_ms": 10, "throughput": total}[target.metric])
