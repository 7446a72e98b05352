"""Folds of serving evidence: which rows are left out together.

Rows of one family are not independent, so a family is left out as a whole. Two families hold two thirds of
the figures and are the only ones that measure some engines; leaving all of one out would fit those on almost
nothing, so that inside such a family the rows of one model are left out at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from planner.evidence.serving_targets import Target

__all__ = ["DOMINANT_SHARE", "EVALUATIONS", "fold_of"]

DOMINANT_SHARE = 0.25
"""Share of all targets from which a family is split by model."""

EVALUATIONS = 2
"""Steps of each fit, from where the linear expansion of the fit of all rows puts it."""


def fold_of(targets: Sequence[Target]) -> list[str]:
    """Return the fold of each target: its family, with the model inside a dominant family."""
    count = Counter(t.run.family for t in targets)
    large = {family for family, n in count.items() if n > DOMINANT_SHARE * len(targets)}
    return [f"{t.run.family}: {t.run.model}" if t.run.family in large else t.run.family for t in targets]
