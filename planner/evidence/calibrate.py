"""Fit the constants of the training estimator to measurements.

The constants are few, global and bounded to what is physically plausible; a software class may scale some of
them, where at least three independent families share the class. The loss is Cauchy on
log(predicted/measured), so that rows that contradict themselves do not steer the fit; each row weighs
``1/sqrt(rows of its family)``; a prior pulls towards the centre of the plausible range, because several
constants are only determined in combination. What the evidence leaves unknown (micro-batch, recompute ...) is
filled by `planner.evidence.fill` with the constants at hand, and the fit repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.errors import InputError, MissingExtraError
from planner.evidence.cases import Cases
from planner.evidence.predict import FAMILIES, Constants, chosen, predict, step_time_s
from planner.types import FloatArray

__all__ = ["CLASS_SCALES", "PARAMETERS", "Fit", "Parameter", "fit", "prior_constants"]


@dataclass(frozen=True)
class Parameter:
    """A constant's plausible range and where the prior centres it."""

    low: float
    prior: float
    high: float
    free: bool = True


PARAMETERS: dict[str, Parameter] = {
    "sustained": Parameter(0.75, 0.92, 1.05),
    "elementwise": Parameter(0.8, 1.7, 3.0),
    "attention_backward": Parameter(2.5, 3.0, 4.0),
    "portable_attention": Parameter(0.4, 0.6, 1.0),
    "first_attention": Parameter(0.4, 0.8, 1.0),
    "tensor_exposed": Parameter(0.0, 0.39, 1.0),
    "overlap_window": Parameter(0.3, 0.56, 0.98),
    "overlap_slowdown": Parameter(0.0, 0.35, 0.6),
    "nic_share": Parameter(0.4, 0.73, 0.98),
    "alltoall_share": Parameter(0.3, 0.645, 0.9),
    "quantise": Parameter(0.5, 1.2, 2.5),
    "moe_fixed": Parameter(0.0, 1.5e-3, 4.0e-3),
    "expert_fixed": Parameter(0.0, 0.12e-3, 0.4e-3),
    "expert_padding": Parameter(0.0, 64.0, 2000.0, free=False),
    "permute": Parameter(0.5, 1.0, 6.0, free=False),
    "bubble_share": Parameter(0.1, 0.3, 0.6, free=False),
    "step_fixed": Parameter(2.0e-3, 9.0e-3, 30.0e-3),
    "growth": Parameter(0.001, 0.006, 0.02, free=False),
}
"""Plausible ranges; sources in docs/calibration.md."""

CLASS_SCALES: tuple[tuple[str, str], ...] = ()
"""(class, constant) pairs that a class may scale."""

SCALE = Parameter(0.4, 1.0, 1.7)
RESIDUAL_SCALE = 0.1
PRIOR_STRENGTH = 12.0
SCALE_STRENGTH = 1.0
EVALUATIONS = 12


@dataclass(frozen=True)
class Fit:
    """Fitted constants, global and by class."""

    base: dict[str, float]
    scales: dict[tuple[str, str], float]

    def constants(self) -> Constants:
        """Constants of every class."""
        out: Constants = {}
        for family in FAMILIES:
            out[family] = {k: v * self.scales.get((family, k), 1.0) for k, v in self.base.items()}
        return out


def prior_constants() -> Fit:
    """Return the constants before any evidence."""
    return Fit({k: p.prior for k, p in PARAMETERS.items()}, {})


def fit(cases: Cases, *, rounds: int = 2, scales: Sequence[tuple[str, str]] = CLASS_SCALES) -> Fit:
    """Fit the free constants.

    Parameters
    ----------
    cases
        All candidates of the evidence.
    rounds
        Times that unknown settings are filled, with the constants at hand, and the constants fitted anew.
    scales
        (class, constant) pairs that a class may scale.

    Raises
    ------
    InputError
        There are no rows, or rows without a step time.
    MissingExtraError
        SciPy is missing.
    """
    if not len(cases.run):
        raise InputError("no row can be predicted, and constants cannot be fitted to none; fill more columns")
    result = prior_constants()
    for _ in range(rounds):
        picked = chosen(cases, predict(cases, result.constants()))
        result = fit_chosen(cases.take(picked), result, scales)
    return result


def fit_chosen(cases: Cases, start: Fit, scales: Sequence[tuple[str, str]] = CLASS_SCALES) -> Fit:
    """Fit on exactly these rows, one per run."""
    try:
        from scipy.optimize import least_squares
    except ImportError as error:
        raise MissingExtraError("solve", "fitting constants") from error
    measured = cases.measured_s
    if not len(measured) or not np.all(np.isfinite(measured)):
        raise InputError("calibration needs rows with a measured step time; none were given")
    weight = np.sqrt(family_weights(cases))
    names = [k for k, p in PARAMETERS.items() if p.free]
    ranges = [PARAMETERS[k] for k in names] + [SCALE] * len(scales)
    low = np.array([r.low for r in ranges])
    span = np.array([r.high - r.low for r in ranges])
    centre = (np.array([r.prior for r in ranges]) - low) / span
    strength = np.array([PRIOR_STRENGTH] * len(names) + [SCALE_STRENGTH] * len(scales))

    def unpack(u: FloatArray) -> Fit:
        values = low + span * u
        base = {
            **{k: p.prior for k, p in PARAMETERS.items()},
            **dict(zip(names, values[: len(names)].tolist(), strict=True)),
        }
        return Fit(base, dict(zip(scales, values[len(names) :].tolist(), strict=True)))

    def residuals(u: FloatArray) -> FloatArray:
        predicted = step_time_s(cases, unpack(u).constants())
        return np.concatenate(
            [np.log(predicted / measured) * weight / RESIDUAL_SCALE, strength * (u - centre)]
        )

    known = [start.base[k] for k in names] + [start.scales.get(s, 1.0) for s in scales]
    first = np.clip((np.array(known) - low) / span, 1e-3, 1.0 - 1e-3)
    solution = least_squares(
        residuals,
        first,
        bounds=(np.zeros(len(first)), np.ones(len(first))),
        loss="cauchy",
        diff_step=1e-2,
        max_nfev=EVALUATIONS,
    )
    return unpack(solution.x)


def family_weights(cases: Cases) -> FloatArray:
    """``1/sqrt(rows of the family)`` per candidate."""
    families = [cases.runs[i].family for i in cases.run]
    count = Counter(families)
    return np.array([count[f] ** -0.5 for f in families])
