"""Cross-validation by family: constants and intervals that have not seen the family they are tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.evidence.calibrate import Fit, fit_chosen
from planner.evidence.cases import Cases
from planner.evidence.pairs import Rows
from planner.evidence.predict import chosen, predict, step_time_s
from planner.evidence.statistics import Quantiles, class_quantiles, left_out
from planner.types import BoolArray, FloatArray

__all__ = ["Held", "class_of", "cross_validate"]


@dataclass(frozen=True)
class Held:
    """Predictions of rows by constants fitted without their family."""

    cases: Cases  # one candidate per run
    predicted_s: FloatArray
    low_s: FloatArray
    high_s: FloatArray
    classes: list[str]
    families: list[str]
    fits: dict[str, Fit]  # constants fitted without a family, by its name

    @property
    def ratio(self) -> FloatArray:
        """Predicted over measured."""
        return self.predicted_s / self.cases.measured_s

    @property
    def covered(self) -> BoolArray:
        """Measured within the interval."""
        measured = self.cases.measured_s
        return (measured >= self.low_s) & (measured <= self.high_s)

    @property
    def quantiles(self) -> dict[str, Quantiles]:
        """Quantiles from all rows: those that planning uses."""
        return class_quantiles(-np.log(self.ratio), self.classes, self.families)

    @property
    def pairs(self) -> Rows:
        """Errors of rows that a comparison may set beside each other."""
        runs = [self.cases.runs[i] for i in self.cases.run]
        return Rows(
            error=-np.log(self.ratio),
            low=np.log(self.low_s / self.predicted_s),
            high=np.log(self.high_s / self.predicted_s),
            families=self.families,
            classes=self.classes,
            models=[run.text["model"] for run in runs],
            accelerators=[run.text["accelerator"] for run in runs],
        )


def class_of(cases: Cases) -> list[str]:
    """``dense-`` or ``moe-`` and the software family of each candidate."""
    moe = np.broadcast_to(cases.model.n_moe > 0, len(cases.run))
    return [
        f"{'moe' if m else 'dense'}-{cases.profiles[p][0].family}"
        for m, p in zip(moe, cases.profile, strict=True)
    ]


def cross_validate(cases: Cases, fitted: Fit, *, groups: list[str] | None = None) -> Held:
    """Predict every run with constants fitted without its family, with an interval from the other families.

    Parameters
    ----------
    cases
        All candidates.
    fitted
        Constants of all rows; they fill unknown settings and start each fit, whose prior does not know them.
    groups
        One label per run instead of its family, for example the accelerator generation.
    """
    one = cases.take(chosen(cases, predict(cases, fitted.constants())))
    families = [one.runs[i].family if groups is None else groups[i] for i in one.run]

    fits: dict[str, Fit] = {}

    def evaluate(known: BoolArray, asked: BoolArray) -> FloatArray:
        fit = fit_chosen(one.take(np.flatnonzero(known)), fitted)
        fits[families[int(np.flatnonzero(asked)[0])]] = fit
        return step_time_s(one.take(np.flatnonzero(asked)), fit.constants())

    predicted = left_out(families, evaluate)
    classes = class_of(one)
    spread = np.log(one.measured_s / predicted)
    low, high = np.zeros_like(predicted), np.zeros_like(predicted)
    names = np.array(families)
    for family in sorted(set(families)):
        mine = names == family
        known = class_quantiles(spread, classes, families, keep=~mine)
        for i in np.flatnonzero(mine):
            q = known.get(classes[i], known["pooled"])
            low[i], high[i] = predicted[i] * q.low, predicted[i] * q.high
    return Held(one, predicted, low, high, classes, families, fits)
