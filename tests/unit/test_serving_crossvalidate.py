"""Folds of serving evidence, and that what is left out of a fit is never in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence import serving_held
from planner.evidence.serving_calibrate import ServingFit, predicted, prior_fit
from planner.evidence.serving_cases import ServingCases, build_serving_cases
from planner.evidence.serving_crossvalidate import DOMINANT_SHARE, fold_of
from planner.evidence.serving_held import hold_out
from planner.evidence.serving_predict import predict_serving
from planner.evidence.serving_runs import parse_serving_runs
from planner.evidence.serving_targets import Target, serving_targets

HEADER = (
    "id,family,engine,model,accelerator,n_gpus,weight_precision,tp,isl,osl,client,concurrency_or_max_batch,"
    "tpot_ms,balanced"
)
ROWS = (
    ("large", "vLLM", "llama-3-8b", 4, 1), ("large", "vLLM", "qwen3-32b", 3, 1),
    ("large", "SGLang", "llama-3-8b", 2, 1), ("small", "vLLM", "llama-3-8b", 2, 1),
    ("other", "SGLang", "mistral-7b", 2, 1), ("apart", "vLLM", "llama-3-8b", 1, 0),
)  # fmt: skip


@pytest.fixture(scope="module")
def evidence() -> tuple[ServingCases, tuple[Target, ...]]:
    """Targets that the prior constants made, so that a fit has nowhere to go."""
    lines = [
        f"{family}-{engine}-{model}-{i},{family},{engine},{model},h100-sxm,1,fp8,1,1000,500,closed,"
        f"{2**i},{1 + len(family) + i},{balanced}"
        for family, engine, model, many, balanced in ROWS
        for i in range(many)
    ]
    runs = parse_serving_runs("\n".join([HEADER, *lines, ""]))
    cases = build_serving_cases(Catalog(), runs)
    targets = serving_targets(runs, Catalog()).targets
    made = predicted(predict_serving(cases, prior_fit().constants()), targets)
    return cases, tuple(replace(t, measured=float(m)) for t, m in zip(targets, made, strict=True))


def test_a_family_is_a_fold_and_a_dominant_one_is_split_by_model(
    evidence: tuple[ServingCases, tuple[Target, ...]],
) -> None:
    """Nine of fourteen figures are of one family; its models are left out whatever engine ran them."""
    _, targets = evidence
    assert Counter(fold_of(targets)) == {
        "large: llama-3-8b": 6, "large: qwen3-32b": 3, "small": 2, "other": 2, "apart": 1,
    }  # fmt: skip


def test_where_dominance_begins(evidence: tuple[ServingCases, tuple[Target, ...]]) -> None:
    large, small = ([t for t in evidence[1] if t.run.family == name] for name in ("large", "small"))
    assert DOMINANT_SHARE == 0.25
    assert (
        fold_of([*large[:6], *small]) == ["large: llama-3-8b"] * 4 + ["large: qwen3-32b"] * 2 + ["small"] * 2
    )
    assert set(fold_of(small)) == {"small: llama-3-8b"}, "alone, it is all there is"
    assert fold_of([]) == []


class TestHeldOut:
    def fitted(
        self, evidence: tuple[ServingCases, tuple[Target, ...]], monkeypatch: pytest.MonkeyPatch
    ) -> tuple[Any, list[list[Target]]]:
        """Hold out with a spy in place of the fit."""
        seen: list[list[Target]] = []

        def spy(cases: ServingCases, targets: list[Target], **_: Any) -> ServingFit:
            seen.append(list(targets))
            slower = prior_fit().shared | {"imbalance": 1.0 + len(seen)}
            return replace(prior_fit(), shared=slower)

        monkeypatch.setattr(serving_held, "fit_serving", spy)
        return hold_out(*evidence), seen

    def test_no_fit_sees_its_fold_nor_what_is_counted_apart(
        self, evidence: tuple[ServingCases, tuple[Target, ...]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, targets = evidence
        found, (first, *seen) = self.fitted(evidence, monkeypatch)
        scored = [t for t in targets if t.scored]
        assert first == scored, "where to begin: constants of all"
        names = sorted(set(fold_of(scored)))
        assert len(seen) == len(names) == 4
        for name, kept in zip(names, seen, strict=True):
            left_out = [t for t in scored if t not in kept]
            assert left_out == [t for t, fold in zip(scored, fold_of(scored), strict=True) if fold == name]
            assert len(kept) + len(left_out) == len(scored)
        assert list(found.folds) == [
            "large: llama-3-8b" if t.run.family == "large" and t.run.model == "llama-3-8b"
            else "large: qwen3-32b" if t.run.family == "large" else t.run.family
            for t in targets
        ]  # fmt: skip

    def test_each_figure_is_predicted_by_the_fit_without_it(
        self, evidence: tuple[ServingCases, tuple[Target, ...]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cases, targets = evidence
        found, _ = self.fitted(evidence, monkeypatch)
        assert set(found.fits) == {"large: llama-3-8b", "large: qwen3-32b", "other", "small"}
        for i, (target, fold) in enumerate(zip(targets, found.folds, strict=True)):
            fit = found.fits.get(fold, found.whole)
            again = predicted(predict_serving(cases, fit.constants()), [target])
            assert found.predicted[i] == pytest.approx(again[0]), target.run.id

    def test_its_own_measurements_do_not_move_a_prediction(
        self, evidence: tuple[ServingCases, tuple[Target, ...]]
    ) -> None:
        """Though fits begin near one that has seen them: twice the times move it by less than a percent."""
        pytest.importorskip("scipy")
        cases, targets = evidence
        mine = np.array([t.run.family == "other" for t in targets])
        moved = tuple(
            replace(t, measured=t.measured * (2.0 if m else 1.0)) for t, m in zip(targets, mine, strict=True)
        )
        before, after = (hold_out(cases, t) for t in (targets, moved))
        np.testing.assert_allclose(after.predicted[mine], before.predicted[mine], rtol=0.01)
        assert after.whole.constants() != before.whole.constants(), "the fit of all rows saw them"
