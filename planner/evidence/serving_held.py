"""Served figures predicted by constants that have not seen them, fold by fold.

A fold is a family of rows, or one model inside a family that would take too much with it (`fold_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.evidence.serving_calibrate import Around, ServingFit, fit_serving, predicted
from planner.evidence.serving_cases import ServingCases
from planner.evidence.serving_crossvalidate import EVALUATIONS, fold_of
from planner.evidence.serving_predict import predict_serving
from planner.evidence.serving_targets import Target
from planner.types import FloatArray

__all__ = ["HeldOut", "folds_of", "hold_out"]


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Predictions of figures by constants fitted without their fold."""

    predicted: FloatArray  # in the unit of each target, shape [T]
    folds: tuple[str, ...]
    fits: Mapping[str, ServingFit]  # by the fold that was left out
    whole: ServingFit  # of all scored figures


def folds_of(targets: Sequence[Target]) -> list[str]:
    """Return the fold of each target: as the scored ones are split, those counted apart with them."""
    scored = [target for target in targets if target.scored]
    split = {
        target.run.family
        for target, fold in zip(scored, fold_of(scored), strict=True)
        if fold != target.run.family
    }
    return [
        f"{target.run.family}: {target.run.model}" if target.run.family in split else target.run.family
        for target in targets
    ]


def hold_out(
    cases: ServingCases,
    targets: Sequence[Target],
    *,
    start: ServingFit | None = None,
    progress: Callable[[str], None] = _silent,
) -> HeldOut:
    """Predict every target by constants fitted to the scored targets of all other folds.

    Parameters
    ----------
    start
        Constants of all scored targets, at which each fit begins (its priors do not know them); fitted here
        where not given.
    progress
        Called with a sentence before each fit.

    Raises
    ------
    InputError
        No target is scored.
    MissingExtraError
        SciPy is missing.
    """
    if start is None:
        progress("constants of all rows")
        start = fit_serving(cases, [target for target in targets if target.scored])
    folds = folds_of(targets)
    scored = [target for target in targets if target.scored]
    around = Around(cases, scored, start)
    fold_of_scored = np.array([fold for fold, target in zip(folds, targets, strict=True) if target.scored])
    learned = {fold for fold, target in zip(folds, targets, strict=True) if target.scored}
    found = np.full(len(targets), np.nan)
    fits: dict[str, ServingFit] = {}
    for number, name in enumerate(sorted(set(folds)), start=1):
        progress(f"fold {number} of {len(set(folds))}: without {name}")
        fit = start
        if name in learned:
            kept = [t for t, fold in zip(scored, fold_of_scored, strict=True) if fold != name]
            near = around.without(fold_of_scored == name)
            fit = fits[name] = fit_serving(cases, kept, start=near, evaluations=EVALUATIONS)
        inside = [i for i, fold in enumerate(folds) if fold == name]
        wanted = np.zeros(len(cases.runs), dtype=bool)
        wanted[[targets[i].index for i in inside]] = True
        prediction = predict_serving(cases.take(wanted), fit.constants())
        found[inside] = predicted(prediction, [targets[i] for i in inside])
    return HeldOut(found, tuple(folds), fits, start)
