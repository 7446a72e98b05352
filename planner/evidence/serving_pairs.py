"""How much of its error a served figure shares with another, by metric; see `planner.evidence.pairs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.evidence.pairs import Rows, Share, shared_errors
from planner.evidence.serving_intervals import held_bounds
from planner.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from planner.evidence.serving_targets import Target

__all__ = ["rows_by_metric", "shared_figures"]


def shared_figures(
    targets: Sequence[Target],
    log_ratio: FloatArray,
    names: Sequence[tuple[str, ...]],
    folds: Sequence[str],
    known: BoolArray,
) -> dict[str, Share]:
    """Correlation of errors by metric and what differs between two figures: ``throughput layout``.

    Parameters
    ----------
    log_ratio
        log(measured / predicted) per target, by constants that have not seen its fold.
    names, folds
        Classes of the interval of each target, and what was left out with it.
    known
        Targets that count.
    """
    bounds = held_bounds(log_ratio, names, folds, known)
    low, high = np.log(bounds.low), np.log(bounds.high)
    usable = known & np.isfinite(low) & np.isfinite(high)
    classes = [one[0] for one in names]
    found: dict[str, Share] = {}
    for metric, rows in rows_by_metric(targets, log_ratio, low, high, classes, usable).items():
        found |= {f"{metric} {kind}": share for kind, share in shared_errors(rows).items()}
    return found


def rows_by_metric(
    targets: Sequence[Target],
    error: FloatArray,
    low: FloatArray,
    high: FloatArray,
    classes: Sequence[str],
    known: BoolArray,
) -> dict[str, Rows]:
    """Errors of figures with the logarithms of their intervals, as pairs are made of them, by metric."""
    found: dict[str, Rows] = {}
    for metric in ("throughput", "tpot", "ttft"):
        at = [i for i in np.flatnonzero(known).tolist() if targets[i].metric.removesuffix("_ms") == metric]
        found[metric] = Rows(
            error=error[at],
            low=low[at],
            high=high[at],
            families=[targets[i].run.family for i in at],
            classes=[classes[i] for i in at],
            models=[targets[i].run.model for i in at],
            accelerators=[targets[i].run.accelerator for i in at],
        )
    return found
