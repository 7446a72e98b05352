"""Fit the constants of the serving estimator to measurements.

Global constants are few and physical. What differs between engines (kernel launches, host time, how load
generators met them) is a global value times a factor per engine family, whose prior is one: a family that
few rows describe stays near the others, and a family that is left out is predicted by what all engines
share. Everything is fitted in logarithms; the loss is Cauchy, so that rows that contradict themselves do not
steer it; rows of one source and model weigh together as the root of their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.errors import InputError, MissingExtraError
from planner.evidence.serving_cases import ServingCases
from planner.evidence.serving_predict import EngineConstants, Prediction, predict_serving
from planner.evidence.serving_targets import Target
from planner.types import BoolArray, FloatArray

__all__ = [
    "ENGINE", "FAMILIES", "FIXED", "GLOBAL", "Around", "ServingFit", "fit_serving", "predicted", "prior_fit",
]  # fmt: skip

FAMILIES = ("trtllm", "vllm", "sglang", "trtcpp", "eager", "graph")


@dataclass(frozen=True)
class Prior:
    """Centre of a constant, and spreads of its logarithm: of all engines, and of a family around them."""

    centre: float
    spread: float
    family: float = 0.0


GLOBAL: dict[str, Prior] = {
    "imbalance": Prior(1.5, 0.12),
    "balanced_imbalance": Prior(1.2, 0.08),
    "attention_imbalance": Prior(1.1, 0.04),
    "arm_host": Prior(1.2, 0.15),
    "draft": Prior(300e-6, 0.5),
    "stall_share": Prior(0.5, 0.4),
    "weight_only": Prior(0.75, 0.1),
    "handover": Prior(50e-3, 0.3),
}
"""Constants that all engines share."""

ENGINE: dict[str, Prior] = {
    "layer": Prior(10e-6, 0.25, 0.2),
    "expert_layer": Prior(12e-6, 0.15, 0.12),
    "prefill_slowdown": Prior(1.1, 0.05, 0.06),
    "host_step": Prior(500e-6, 0.25, 0.25),
    "host_sequence": Prior(4e-6, 0.6, 0.6),
    "request": Prior(25e-3, 0.35, 0.35),
    "wave": Prior(0.6, 0.35, 0.35),
    "cohort": Prior(0.3, 0.5, 0.4),
}
"""Constants with a factor per family; centres are what profiles of engines report (docs/calibration.md)."""

FAMILY_CENTRE: dict[tuple[str, str], float] = {
    ("eager", "host_step"): 15e-3,
    ("eager", "prefill_slowdown"): 1.3,
    ("graph", "host_step"): 100e-6,
    ("graph", "host_sequence"): 1e-6,
    ("graph", "request"): 1e-3,
    ("trtcpp", "host_sequence"): 0.5e-6,
    ("trtcpp", "request"): 5e-3,
}
"""Where a family is of another kind: launched kernel by kernel, one compiled graph, a scheduler in C++. What
the others share says nothing about these."""

FIXED: dict[str, float] = {"overlap": 0.7, "nic_share": 0.8, "element_bytes": 8.0, "drain": 5.5}
FLOOR_LAYER_S = 200e-6
"""Eager execution: about ten launches of 13 to 38 us a layer (docs/kernels.md), on a host of speed 1."""

SCALE = {"tpot_ms": 0.06, "ttft_ms": 0.3, "throughput": 0.1}
"""Spread of log errors beyond which a row counts for less."""

STEP = 0.02
EVALUATIONS = 8
REWEIGHTINGS = 20


@dataclass(frozen=True)
class ServingFit:
    """Fitted constants: global ones, those of all engines, and factors per family and constant."""

    shared: dict[str, float]
    engines: dict[str, float]
    factors: dict[tuple[str, str], float]

    def constants(self) -> EngineConstants:
        """Constants of every family."""
        return {family: self._of(family) for family in FAMILIES}

    def _of(self, family: str) -> dict[str, float]:
        values = {**FIXED, **self.shared, "correction": 1.0}
        values["floor_layer"] = FLOOR_LAYER_S if family == "eager" else 0.0
        for name, value in self.engines.items():
            own = FAMILY_CENTRE.get((family, name), value)
            values[name] = own * self.factors.get((family, name), 1.0)
        return values


def prior_fit() -> ServingFit:
    """Return the constants before any evidence."""
    return ServingFit({k: p.centre for k, p in GLOBAL.items()}, {k: p.centre for k, p in ENGINE.items()}, {})


def predicted(prediction: Prediction, targets: Sequence[Target]) -> FloatArray:
    """Predicted figure of each target, in its unit; nan where there is none."""
    index = np.array([t.index for t in targets], dtype=int)
    metric = np.array([t.metric for t in targets])
    total = np.array([_tokens(t) for t in targets])
    out: FloatArray = np.where(
        metric == "tpot_ms", prediction.tpot_s[index] * 1e3, prediction.ttft_s[index] * 1e3
    )
    rate = prediction.tokens_per_s[index] * total
    return np.asarray(np.where(metric == "throughput", rate, out))


def _tokens(target: Target) -> float:
    run = target.run
    if target.counts == "total" and run.isl and run.osl:
        return (run.isl + run.osl) / run.osl
    return 1.0


class _Problem:
    """Residuals of a parameter vector, and their derivatives, which are sparse by engine family."""

    def __init__(self, cases: ServingCases, targets: Sequence[Target]) -> None:
        self.cases = cases
        self.targets = targets
        self.measured = np.array([t.measured for t in targets])
        family_of_run = {
            int(run): cases.setups[setup].family
            for group in cases.groups
            for run, setup in zip(group.run, group.setup, strict=True)
        }
        self.family = np.array([family_of_run[t.index] for t in targets])
        cells = [(t.run.family, t.run.model, t.metric) for t in targets]
        count = Counter(cells)
        scale = np.array([SCALE[t.metric] for t in targets])
        self.weight = np.array([count[c] for c in cells]) ** -0.25 / scale
        self.present = [f for f in FAMILIES if np.any(self.family == f)]
        self.factors = [(f, k) for k in ENGINE for f in self.present]
        self.spread = np.array(
            [p.spread for p in GLOBAL.values()]
            + [p.spread for p in ENGINE.values()]
            + [ENGINE[k].family for _, k in self.factors]
        )

    def fit(self, u: FloatArray) -> ServingFit:
        g, e = len(GLOBAL), len(ENGINE)
        shared = {k: p.centre * float(np.exp(x)) for (k, p), x in zip(GLOBAL.items(), u[:g], strict=True)}
        engines = {
            k: p.centre * float(np.exp(x)) for (k, p), x in zip(ENGINE.items(), u[g : g + e], strict=True)
        }
        factors = dict(zip(self.factors, np.exp(u[g + e :]).tolist(), strict=True))
        return ServingFit(shared, engines, factors)

    def errors(self, u: FloatArray) -> FloatArray:
        found = predicted(predict_serving(self.cases, self.fit(u).constants()), self.targets)
        error = np.log(found / self.measured) * self.weight
        return np.where(np.isfinite(error), error, 0.0)

    def residuals(self, u: FloatArray) -> FloatArray:
        return np.concatenate([_tempered(self.errors(u)), u / self.spread])

    def jacobian(self, u: FloatArray) -> FloatArray:
        """Return the derivatives of the residuals, by one evaluation for each constant of all families."""
        base, slopes = self.expansion(u)
        return np.vstack([_slope(base)[:, None] * slopes, np.diag(1.0 / self.spread)])

    def expansion(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Errors and their derivatives."""
        base = self.errors(u)

        def slope_along(places: list[int]) -> FloatArray:
            moved = u.copy()
            moved[places] += STEP
            return (self.errors(moved) - base) / STEP

        first = len(GLOBAL) + len(ENGINE)
        columns = [slope_along([i]) for i in range(len(GLOBAL))]
        own = {
            name: slope_along([first + i for i, (_, k) in enumerate(self.factors) if k == name])
            for name in ENGINE
        }
        for name, slope in own.items():
            apart = [f for f, k in FAMILY_CENTRE if k == name]
            columns.append(np.where(np.isin(self.family, apart), 0.0, slope))
        columns += [np.where(self.family == f, own[k], 0.0) for f, k in self.factors]
        return base, np.stack(columns, axis=1)


def _tempered(errors: FloatArray) -> FloatArray:
    """Errors whose squares are the Cauchy loss; priors are left as they are."""
    return np.asarray(np.sign(errors) * np.sqrt(np.log1p(errors * errors)))


def _slope(errors: FloatArray) -> FloatArray:
    square = np.maximum(errors * errors, 1e-12)
    return np.asarray(np.sqrt(square / np.log1p(square)) / (1.0 + square))


def fit_serving(
    cases: ServingCases,
    targets: Sequence[Target],
    *,
    start: ServingFit | None = None,
    evaluations: int = EVALUATIONS,
) -> ServingFit:
    """Fit to these targets.

    Parameters
    ----------
    start
        A fit to begin at, such as that of all rows when some are left out.

    Raises
    ------
    InputError
        There is nothing to fit to.
    MissingExtraError
        SciPy is missing.
    """
    try:
        from scipy.optimize import least_squares
    except ImportError as error:
        raise MissingExtraError("solve", "fitting constants") from error
    if not targets:
        raise InputError(
            "no figure can be predicted, and constants cannot be fitted to none; fill more columns"
        )
    problem = _Problem(_only(cases, targets), targets)
    first = _vector(start, problem.factors)
    solution = least_squares(
        problem.residuals, first, jac=problem.jacobian, max_nfev=evaluations, xtol=1e-3, ftol=1e-3
    )
    return problem.fit(solution.x)


class Around:
    """Fits near one fit, by the linear expansion of all predictions around it.

    They say where to begin a fit without some rows.

    Parameters
    ----------
    cases, targets
        What `fit` was fitted on.
    """

    def __init__(self, cases: ServingCases, targets: Sequence[Target], fit: ServingFit) -> None:
        self._problem = _Problem(_only(cases, targets), targets)
        self._at = _vector(fit, self._problem.factors)
        self._errors, self._slopes = self._problem.expansion(self._at)

    def without(self, left_out: BoolArray) -> ServingFit:
        """Fit without the targets for which `left_out` holds."""
        errors, slopes = self._errors[~left_out], self._slopes[~left_out]
        prior = 1.0 / self._problem.spread**2
        move: FloatArray = np.zeros_like(self._at)
        for _ in range(REWEIGHTINGS):
            current = errors + slopes @ move
            weight = 1.0 / (1.0 + current * current)
            normal = (slopes * weight[:, None]).T @ slopes + np.diag(prior)
            pull = (slopes * weight[:, None]).T @ errors + prior * self._at
            move = np.asarray(-np.linalg.solve(normal, pull), dtype=np.float64)
        return self._problem.fit(self._at + move)


def _only(cases: ServingCases, targets: Sequence[Target]) -> ServingCases:
    wanted = np.zeros(len(cases.runs), dtype=bool)
    wanted[[t.index for t in targets]] = True
    return cases.take(wanted)


def _vector(start: ServingFit | None, factors: Sequence[tuple[str, str]]) -> FloatArray:
    known = start or prior_fit()
    parts = [known.shared[k] / p.centre for k, p in GLOBAL.items()]
    parts += [known.engines[k] / p.centre for k, p in ENGINE.items()]
    parts += [known.factors.get(key, 1.0) for key in factors]
    return np.asarray(np.log(np.array(parts)))
