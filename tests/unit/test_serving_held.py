"""Held-out constants: how rows are put into folds, and that a fold is predicted without its measurements."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence.serving_held import folds_of, hold_out
from planner.evidence.serving_validate import Figures, figures

HEADER = (
    "id,family,engine,model,accelerator,n_gpus,weight_precision,tp,isl,osl,client,concurrency_or_max_batch,tpot_ms,"
    "balanced"
)
Write = Callable[[str, str], Path]


@pytest.fixture
def found(write: Write) -> Figures:
    rows = [
        f"{family}{i},{family},vLLM,{model},h100-sxm,1,fp8,1,1000,500,closed,{2**i},{tpot * (1 + i / 9)},"
        f"{balanced}"
        for family, model, tpot, many, balanced in (
            ("one", "llama-3-8b", 6.5, 3, 1),
            ("one", "qwen3-32b", 22.0, 3, 1),
            ("two", "llama-3-8b", 8.0, 1, 1),
            ("two", "llama-3-8b", 8.0, 2, 0),
        )
        for i in range(many)
    ]
    lines = [f"{row.split(',')[0]}-{n},{row.partition(',')[2]}" for n, row in enumerate(rows)]
    return figures(Catalog(), write("runs.csv", "\n".join([HEADER, *lines, ""])))


def test_a_family_with_most_figures_is_split_by_model_and_takes_what_is_apart_with_it(found: Figures) -> None:
    folds = folds_of(found.targets)
    assert folds[:6] == ["one: llama-3-8b"] * 3 + ["one: qwen3-32b"] * 3
    assert folds[6:] == ["two"] * 3


@pytest.mark.slow
def test_a_fold_is_predicted_without_its_measurements(found: Figures) -> None:
    pytest.importorskip("scipy")
    said: list[str] = []
    held = hold_out(found.cases, found.targets, progress=said.append)
    assert sorted(held.fits) == ["one: llama-3-8b", "one: qwen3-32b", "two"]
    assert len(said) == 4
    assert np.all(held.predicted > 0.0)
    slower = tuple(
        dataclasses.replace(t, measured=t.measured * 3.0) if t.run.family == "two" else t
        for t in found.targets
    )
    again = hold_out(found.cases, slower, start=held.whole)
    two = np.array([t.run.family == "two" for t in found.targets])
    assert again.predicted[two] == pytest.approx(held.predicted[two])
    assert np.all(np.abs(again.predicted[~two] / held.predicted[~two] - 1.0) > 1e-3)
