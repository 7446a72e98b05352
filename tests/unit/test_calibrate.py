"""The fit finds constants that made its measurements; cross-validation does not see what it tests."""

from __future__ import annotations

import builtins
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, MissingExtraError
from planner.evidence import calibrate
from planner.evidence.calibrate import (
    PARAMETERS,
    Fit,
    family_weights,
    fit,
    fit_chosen,
    prior_constants,
)
from planner.evidence.cases import Cases, build_cases
from planner.evidence.crossvalidate import class_of, cross_validate
from planner.evidence.predict import FAMILIES, chosen, predict, step_time_s
from planner.evidence.runs import parse_runs

HEADER = (
    "id,family,software,model,accelerator,n_gpus,precision,seq_len,global_batch_seqs,micro_batch,tp,pp,vpp,"
    "recompute,step_time_s"
)
MODELS = (
    ("llama-3-8b", "megatron-core", "h100-sxm", 8, 1, 1),
    ("llama-3-8b", "torchtitan", "h100-sxm", 64, 1, 1),
    ("llama-3-70b", "megatron-core", "h100-sxm", 64, 4, 4),
    ("llama-3-70b", "megatron-bridge", "b200", 64, 2, 4),
    ("llama-3.1-405b", "megatron-core", "h100-sxm", 512, 8, 8),
    ("gpt3-175b", "megatron-core", "h100-sxm", 128, 4, 8),
    ("gpt3-20b", "megatron-core", "a100-sxm-80gb", 64, 4, 1),
    ("llama-2-70b", "maxtext", "tpu-v5p", 64, 1, 1),
)


def text(step_time: str = "1") -> str:
    rows = [
        f"{i}-{seq},f{i},{stack},{model},{part},{gpus},bf16,{seq},{gpus * 4},1,{tp},{pp},1,none,{step_time}"
        for i, (model, stack, part, gpus, tp, pp) in enumerate(MODELS)
        for seq in (2048, 4096, 8192)
    ]
    return "\n".join([HEADER, *rows, ""])


def measured(constants: dict[str, float], *, noise: float = 0.0) -> Cases:
    """Cases whose step times are those that some constants predict."""
    cases = build_cases(parse_runs(text()), Catalog())
    truth = Fit(prior_constants().base | constants, {}).constants()
    times = step_time_s(cases, truth) * np.exp(
        noise * np.random.default_rng(0).standard_normal(len(cases.run))
    )
    runs = [
        replace(run, number=run.number | {"step_time_s": float(t)})
        for run, t in zip(cases.runs, times, strict=True)
    ]
    return replace(cases, runs=runs)


def test_priors_lie_in_their_ranges() -> None:
    for name, p in PARAMETERS.items():
        assert p.low <= p.prior <= p.high, name
    assert set(prior_constants().constants()) == set(FAMILIES)


def test_a_class_may_scale_a_constant() -> None:
    found = Fit({"sustained": 0.9}, {("torch", "sustained"): 0.5}).constants()
    assert found["torch"]["sustained"] == 0.45
    assert found["tuned"]["sustained"] == 0.9


def test_rows_of_one_family_share_a_weight() -> None:
    cases = build_cases(parse_runs(text()), Catalog())
    assert np.allclose(family_weights(cases), 3.0**-0.5)


@pytest.mark.parametrize(
    ("name", "true"), [("sustained", 0.80), ("elementwise", 2.6), ("tensor_exposed", 0.8)]
)
def test_a_constant_that_made_the_measurements_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, true: float
) -> None:
    """With a weak prior: a strong one shares the change out over constants that can stand in for another."""
    monkeypatch.setattr(calibrate, "PRIOR_STRENGTH", 0.3)
    found = fit(measured({name: true})).base
    assert found[name] == pytest.approx(true, rel=0.07)


def test_the_prior_holds_back_what_few_rows_claim() -> None:
    found = fit(measured({"elementwise": 2.6})).base["elementwise"]
    assert PARAMETERS["elementwise"].prior < found < 2.6


def test_the_fit_predicts_better_than_the_prior() -> None:
    cases = measured({"sustained": 0.8, "elementwise": 2.5, "tensor_exposed": 0.7}, noise=0.02)
    wrong, right = (
        np.median(np.abs(np.log(step_time_s(cases, f.constants()) / cases.measured_s)))
        for f in (prior_constants(), fit(cases))
    )
    assert right < 0.03 < wrong


def test_a_row_that_contradicts_itself_does_not_steer(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = measured({"sustained": 0.8})
    clean = fit_chosen(cases, prior_constants()).base["sustained"]
    first = replace(cases.runs[0], number=cases.runs[0].number | {"step_time_s": cases.measured_s[0] * 20.0})
    spoilt = fit_chosen(replace(cases, runs=[first, *cases.runs[1:]]), prior_constants()).base["sustained"]
    assert spoilt == pytest.approx(clean, abs=0.01)


def test_constants_that_are_not_free_stay() -> None:
    found = fit_chosen(measured({"sustained": 0.8}), prior_constants())
    for name, p in PARAMETERS.items():
        assert p.low <= found.base[name] <= p.high
        assert p.free or found.base[name] == p.prior


def test_scales_are_fitted_where_a_class_differs() -> None:
    cases = measured({})
    torch = np.array([cases.profiles[p][0].family == "torch" for p in cases.profile])
    runs = [
        replace(run, number=run.number | {"step_time_s": float(t) * (1.25 if slow else 1.0)})
        for run, t, slow in zip(cases.runs, cases.measured_s, torch, strict=True)
    ]
    pair = ("torch", "sustained")
    found = fit_chosen(replace(cases, runs=runs), prior_constants(), [pair])
    assert found.scales[pair] < 0.9


@pytest.fixture(scope="module")
def held() -> Any:
    cases = measured({"sustained": 0.85}, noise=0.05)
    return cases, cross_validate(cases, fit(cases))


class TestCrossValidation:
    def test_one_prediction_per_run(self, held: Any) -> None:
        cases, found = held
        assert len(found.predicted_s) == len(found.low_s) == len(found.classes) == len(cases.runs)
        assert set(found.fits) == set(found.families) == {f"f{i}" for i in range(len(MODELS))}

    def test_a_family_is_predicted_by_constants_that_have_not_seen_it(self, held: Any) -> None:
        _, found = held
        for family, constants in found.fits.items():
            mine = np.array(found.families) == family
            again = step_time_s(found.cases.take(np.flatnonzero(mine)), constants.constants())
            assert np.allclose(again, found.predicted_s[mine], rtol=1e-12)

    def test_its_own_measurements_do_not_move_its_prediction(self, held: Any) -> None:
        cases, _ = held
        groups = ["mine" if run.family == "f2" else "others" for run in cases.runs]
        runs = [
            replace(run, number=run.number | {"step_time_s": float(t) * (1.2 if group == "mine" else 1.0)})
            for run, t, group in zip(cases.runs, cases.measured_s, groups, strict=True)
        ]
        before, after = (
            cross_validate(c, prior_constants(), groups=groups) for c in (cases, replace(cases, runs=runs))
        )
        mine = np.array(groups) == "mine"
        assert np.array_equal(after.predicted_s[mine], before.predicted_s[mine])
        assert np.allclose((after.high_s / before.high_s)[mine], 1.0, atol=0.05), "nor its interval, much"
        assert not np.array_equal(after.predicted_s[~mine], before.predicted_s[~mine]), "others saw them"

    def test_intervals_hold_their_predictions(self, held: Any) -> None:
        _, found = held
        assert np.all(found.low_s < found.high_s)
        assert 0.5 <= np.mean(found.covered) <= 1.0
        assert set(found.quantiles) == {"pooled", *found.classes}

    def test_classes_name_model_and_stack(self, held: Any) -> None:
        _, found = held
        assert set(found.classes) == {"dense-tuned", "dense-torch", "dense-xla"}
        moe = build_cases(parse_runs(text().replace("llama-3-8b", "mixtral-8x7b")), Catalog())
        assert "moe-tuned" in class_of(moe)


class TestRefusals:
    def test_no_rows(self) -> None:
        nothing = build_cases(parse_runs(text().replace("llama", "lama").replace("gpt3", "gtp3")), Catalog())
        with pytest.raises(InputError, match="no row can be predicted"):
            fit(nothing)

    def test_rows_without_time(self) -> None:
        cases = build_cases(parse_runs(text("")), Catalog(), need_time=False)
        with pytest.raises(InputError, match="measured step time"):
            fit(cases)

    def test_without_scipy_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def without(name: str, *more: Any, **options: Any) -> Any:
            if name.startswith("scipy"):
                raise ImportError(name)
            return real(name, *more, **options)

        cases = measured({})
        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingExtraError, match=r"pip install 'planner\[solve\]'"):
            fit_chosen(cases, prior_constants())


def test_unknown_settings_are_filled_before_the_fit() -> None:
    rows = text().replace(",1,1,1,none,", ",,1,,,")
    cases = build_cases(parse_runs(rows), Catalog())
    assert len(cases.run) > len(cases.runs)
    picked = chosen(cases, predict(cases, prior_constants().constants()))
    assert cases.run[picked].tolist() == list(range(len(cases.runs)))
