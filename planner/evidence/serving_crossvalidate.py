"""Serving accuracy on rows that the constants were not fitted on.

Rows of one family are not independent, so a family is left out as a whole. One family holds more than half of
the evidence; leaving all of it out would fit the engines it measures on almost nothing, so that inside it the
rows of one model are left out at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from planner.evidence.serving_calibrate import ServingFit, fit_serving, predicted
from planner.evidence.serving_cases import ServingCases
from planner.evidence.serving_predict import predict_serving
from planner.evidence.serving_targets import Target
from planner.types import FloatArray

__all__ = ["DOMINANT_SHARE", "crossvalidate_serving", "fold_of"]

DOMINANT_SHARE = 0.25
"""Share of all targets from which a family is split by model."""

EVALUATIONS = 4


def fold_of(targets: Sequence[Target]) -> list[str]:
    """Return the fold of each target: its family, with the model inside a dominant family."""
    count = Counter(t.run.family for t in targets)
    large = {family for family, n in count.items() if n > DOMINANT_SHARE * len(targets)}
    return [f"{t.run.family}: {t.run.model}" if t.run.family in large else t.run.family for t in targets]


def crossvalidate_serving(
    cases: ServingCases,
    targets: Sequence[Target],
    *,
    start: ServingFit | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FloatArray:
    """Predicted figure of each target, by constants fitted without its fold.

    Parameters
    ----------
    targets
        All figures of interest; only those that are scored are fitted on.
    start
        Constants to begin each fit at.
    """
    folds = fold_of(targets)
    out = np.full(len(targets), np.nan)
    for name in sorted(set(folds)):
        progress(name)
        kept = [t for t, fold in zip(targets, folds, strict=True) if fold != name and t.scored]
        fit = fit_serving(cases, kept, start=start, evaluations=EVALUATIONS)
        inside = [i for i, fold in enumerate(folds) if fold == name]
        wanted = np.zeros(len(cases.runs), dtype=bool)
        wanted[[targets[i].index for i in inside]] = True
        found = predict_serving(cases.take(wanted), fit.constants())
        out[inside] = predicted(found, [targets[i] for i in inside])
    return out
