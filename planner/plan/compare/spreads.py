"""The errors of the estimator in the sides of a comparison: their spread, what they share, and their draws.

How far a measurement may lie from a prediction is an interval of its class; how much of that two predictions
share is a correlation by what differs between them, measured on pairs of published runs of one family
(`planner.evidence.pairs`) and stored in the calibration records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.kinds import CALIBRATION, SERVING_CALIBRATION
from planner.evidence.pairs import kind_of
from planner.plan.compare.results import SharedError
from planner.tables.samples import EIGHTY, Samples
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["FIRST", "OUTPUT", "SERVING", "STEP", "correlated", "errors_in", "factor", "shared_by"]

STEP: Final = "step_time"
SERVING: Final = "throughput"
OUTPUT: Final = "tpot"
FIRST: Final = "ttft"
"""Names of the errors; those of the first two are also the keys by which answers draw them."""
SAME: Final = "same"


def errors_in(command: str) -> tuple[str, ...]:
    """Return the errors that answers to a question carry."""
    return {"train": (STEP,), "serve": (SERVING, OUTPUT, FIRST)}.get(command, ())


def shared_by(error: str, one: Answered, other: Answered) -> tuple[str, float, str]:
    """Return what differs between two plans, the correlation of their errors, and where it comes from."""
    if one.plan == other.plan or _predicted(error, one) == _predicted(error, other):
        return SAME, 1.0, "both are the same prediction"
    kind = kind_of(
        classes=one.plan.interval_class == other.plan.interval_class,
        models=one.result.inputs.model == other.result.inputs.model,
        accelerators=_part(one) == _part(other),
    )
    book = one.posed.catalog
    training = error == STEP
    name = kind if training else f"{error} {kind}"
    found = (
        book.get(CALIBRATION, "training").shared
        if training
        else book.get(SERVING_CALIBRATION, "serving").shared
    ).get(name)
    if found is None:
        return (
            kind,
            0.0,
            f"no pairs of this kind were measured in enough families: taken as independent ({name})",
        )
    return (
        kind,
        found.correlation,
        f"{found.pairs:,} pairs of published runs in {found.families} families "
        f"({found.low:.2f} to {found.high:.2f} without one of them)",
    )


def _part(side: Answered) -> str:
    inputs = side.result.inputs
    return str(inputs.gpu if hasattr(inputs, "gpu") else inputs.accelerator)


def _predicted(error: str, side: Answered) -> Any:
    """Return what the estimator predicts: equal where the same layout runs on the same hardware."""
    plan, inputs = side.plan, side.result.inputs
    if error == STEP:
        return plan.strategy, plan.step_time_s, inputs.model, inputs.gpu, inputs.software
    return plan.deployment, plan.tpot_ms, plan.output_tokens_per_s_per_gpu, inputs.model, inputs.accelerator


def correlated(error: str, sides: Sequence[Answered]) -> tuple[FloatArray, tuple[SharedError, ...]]:
    """Draws of an error in every side, standard normal with the correlations that were measured, ``[N, S]``.

    The first side's are those of its own answer. Where three sides or more are said to miss in opposite
    directions by more than can be, the correlations are moved to the nearest that can.
    """
    n = len(sides)
    matrix = np.eye(n)
    said = []
    for i in range(n):
        for j in range(i + 1, n):
            kind, correlation, why = shared_by(error, sides[i], sides[j])
            matrix[i, j] = matrix[j, i] = correlation
            said.append(SharedError(sides=(i, j), error=error, kind=kind, correlation=correlation, why=why))
    lower = _factorised(matrix)
    samples = Samples()
    drawn = [samples.normal(error)]
    for j in range(1, n):
        drawn.append(_apart(samples.normal(f"{error}.side.{j}"), drawn))
    mixed = lower @ np.stack(drawn)
    ordered = np.sort(drawn[0])
    return np.stack([drawn[0], *(_ranked(row, ordered) for row in mixed[1:])]), tuple(said)


def _apart(drawn: FloatArray, others: Sequence[FloatArray]) -> FloatArray:
    """Remove what finite samples happen to have in common."""
    basis = np.linalg.qr(np.stack([np.ones_like(drawn), *others], axis=1))[0]
    left = drawn - basis @ (basis.T @ drawn)
    return np.asarray(left * np.std(others[0]) / np.std(left))


def _ranked(row: FloatArray, ordered: FloatArray) -> FloatArray:
    """Give a row the distribution of the usual draws, its order kept."""
    return np.asarray(ordered[np.argsort(np.argsort(row))])


def _factorised(matrix: FloatArray) -> FloatArray:
    """Lower triangle whose product with its transpose is the matrix, or the nearest correlation matrix."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < 0.0:
        matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
        scale = np.sqrt(np.diag(matrix))
        matrix = matrix / np.outer(scale, scale)
    n = len(matrix)
    lower = np.zeros((n, n))
    for j in range(n):
        left = matrix[j, j] - lower[j, :j] @ lower[j, :j]
        lower[j, j] = np.sqrt(max(left, 0.0))
        if lower[j, j] > 1e-9:
            lower[j + 1 :, j] = (matrix[j + 1 :, j] - lower[j + 1 :, :j] @ lower[j, :j]) / lower[j, j]
    return lower


def factor(spread: tuple[float, float], normal: FloatArray) -> FloatArray:
    """Draw measured over predicted from the ends of its interval, ``[1 + S]``; 1, the middle, comes first."""
    low, high = min(spread[0], 1.0), max(spread[1], 1.0)
    z = normal / EIGHTY
    return np.concatenate([[1.0], np.exp(z * np.where(z > 0, np.log(high), -np.log(low)))])
