"""``planner validate serving``: serving measurements against the code that answers questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.catalog.kinds import SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.evidence.serving_calibrate import predicted
from planner.evidence.serving_cases import ServingCases, build_serving_cases
from planner.evidence.serving_facts import METRICS
from planner.evidence.serving_held import hold_out
from planner.evidence.serving_intervals import Bounds, bounds_of, held_bounds, interval_names
from planner.evidence.serving_predict import predict_serving
from planner.evidence.serving_runs import read_serving_runs, serving_evidence_path
from planner.evidence.serving_targets import APART, SkippedMetric, Target, grouped, serving_targets
from planner.evidence.statistics import Errors, Quantiles, errors
from planner.tables.engine import engine_constants
from planner.types import BoolArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from planner.catalog.schema.serving_calibration import ServingCalibration

__all__ = ["Figures", "Scores", "ServingRow", "ServingValidation", "figures", "scores", "validate_serving"]

SCHEMA = "planner.validate-serving/1"
CLOSE_PCT = 20.0
NOT_PREDICTED = "no such figure follows from this kind of client"


@dataclass(frozen=True)
class Scores(Errors):
    """Errors of a group of figures, and how their intervals did."""

    within_20_pct: float
    """Share of figures within 20 % of the measurement, in percent."""
    coverage_80: float | None
    """Share of figures within their 80 % interval; None where there are no intervals."""
    width: float | None
    """Upper over lower end of the interval, in the median."""


@dataclass(frozen=True)
class ServingRow:
    """One figure of one row of evidence; the interval covers 80 % and is in the unit of the metric."""

    id: str
    metric: str
    """``tpot_ms``, ``ttft_ms``, or ``throughput`` in tokens per second of the whole deployment."""
    measured: float | None
    predicted: float | None
    low: float | None
    high: float | None
    error_pct: float | None
    skipped: bool
    reason: str | None
    apart: tuple[str, ...] = ()
    """Why it is counted apart from the error statistics."""
    interval: str | None = None
    """Class that the interval is from."""
    labels: Mapping[str, str] | None = None
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Figures:
    """Every figure of some runs that can be predicted, before any prediction."""

    cases: ServingCases
    targets: tuple[Target, ...]
    skipped: tuple[SkippedMetric, ...]
    names: tuple[tuple[str, ...], ...]  # classes of the interval of each target

    @property
    def scored(self) -> BoolArray:
        """Whether each target counts in the error statistics, shape ``[T]``."""
        return np.array([target.scored for target in self.targets], dtype=bool)

    @property
    def measured(self) -> FloatArray:
        """Measured figure of each target in its unit, shape ``[T]``."""
        return np.array([target.measured for target in self.targets], dtype=float)

    def log_ratio(self, values: FloatArray) -> FloatArray:
        """log(measured / predicted); nan where nothing is predicted."""
        return np.log(self.measured / np.where(np.isfinite(values) & (values > 0.0), values, np.nan))


@dataclass(frozen=True)
class ServingValidation:
    """Errors of the serving estimator on a file of measurements."""

    evidence: str
    calibration: str
    cross_validated: bool
    rows: tuple[ServingRow, ...]
    summary: Mapping[str, Scores]
    """By metric, over the scored figures."""
    groups: Mapping[str, Mapping[str, Mapping[str, Scores]]]
    """By metric, label and key, over the scored figures."""
    apart: Mapping[str, Mapping[str, Scores]]
    """By metric and reason, over the figures counted apart; one figure may have several reasons."""
    assumptions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as printed by ``--json``."""
        return {
            "schema": SCHEMA,
            "inputs": {
                "evidence": self.evidence,
                "calibration": self.calibration,
                "cross_validated": self.cross_validated,
            },
            "assumptions": list(self.assumptions),
            "result": {
                "summary": _plain(self.summary),
                "groups": {
                    metric: {label: _plain(keys) for label, keys in labels.items()}
                    for metric, labels in self.groups.items()
                },
                "apart": {metric: _plain(reasons) for metric, reasons in self.apart.items()},
                "rows": [
                    vars(row)
                    | {
                        "apart": list(row.apart),
                        "labels": dict(row.labels or {}),
                        "filled": list(row.filled),
                    }
                    for row in self.rows
                ],
            },
            "sources": list(self.sources),
        }

    def to_json(self) -> str:
        """JSON text without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas table, a column per label."""
        import pandas as pd

        return pd.DataFrame([vars(row) | dict(row.labels or {}) for row in self.rows]).drop(columns="labels")


def _plain(found: Mapping[str, Scores]) -> dict[str, dict[str, Any]]:
    return {key: dict(vars(value)) for key, value in found.items()}


def validate_serving(
    csv: Path | None = None,
    *,
    catalog: Catalog | None = None,
    calibration: str = "serving",
    cross_validate: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> ServingValidation:
    """Predict every figure of a file of serving measurements and report the errors.

    Parameters
    ----------
    csv
        File with the columns of `planner.evidence.serving_runs`; default the shipped evidence.
    calibration
        Record of fitted constants and intervals.
    cross_validate
        Refit the constants for every family without its rows (needs SciPy, takes minutes); otherwise the
        calibration's constants are used, which have seen the shipped rows.
    progress
        Called with a sentence before each fit.

    Raises
    ------
    InputError
        All mistakes of a file at once.
    MissingExtraError
        SciPy is needed and missing.
    OutputError
        A file cannot be read.
    """
    catalog = catalog or Catalog()
    path = csv or serving_evidence_path()
    found = figures(catalog, path)
    record = catalog.get(SERVING_CALIBRATION, calibration)
    values, bounds = _held(found, progress) if cross_validate else with_record(found, record)
    good = np.isfinite(values) & (values > 0.0)
    ratio = np.exp(-found.log_ratio(values))
    covered = bounds.holds(1.0 / ratio)
    score = _Scorer(ratio, covered, bounds.high / bounds.low)
    groups = {
        metric: {label: {key: score(at) for key, at in keys.items()} for label, keys in labels.items()}
        for metric, labels in grouped(found.targets, found.scored & good).items()
    }
    return ServingValidation(
        evidence=path.name,
        calibration=record.id,
        cross_validated=cross_validate,
        rows=_rows(found, values, bounds),
        summary={metric: labels["all"]["all"] for metric, labels in groups.items()},
        groups=groups,
        apart=_apart(found.targets, good, score),
        assumptions=_assumptions(record),
        sources=tuple(sorted({t.run.source for t in found.targets if t.run.source})),
    )


def figures(catalog: Catalog, path: Path | None = None) -> Figures:
    """Read a file of measurements and make tables of what can be predicted.

    Raises
    ------
    InputError
        All mistakes of a file at once.
    OutputError
        It cannot be read.
    """
    runs = read_serving_runs(path)
    cases = build_serving_cases(catalog, runs)
    found = serving_targets(runs, catalog, unpredicted=cases.skipped)
    load = {int(i): group.kind for group in cases.groups for i in group.run}
    names = tuple(
        interval_names(t.metric, load[t.index], moe=t.labels["architecture"] == "moe") for t in found.targets
    )
    return Figures(cases, found.targets, found.skipped, names)


def with_record(found: Figures, record: ServingCalibration) -> tuple[FloatArray, Bounds]:
    """Predict every target by a calibration record; its intervals are ratios of measured to predicted."""
    constants = {family: engine_constants(record, family) for family in record.engines}
    values = predicted(predict_serving(found.cases, constants), found.targets)
    known = {name: Quantiles(i.low.value, i.high.value, i.rows) for name, i in record.intervals.items()}
    return values, bounds_of(known, found.names)


def _held(found: Figures, progress: Callable[[str], None]) -> tuple[FloatArray, Bounds]:
    """Predict every target, and give its interval, from the other folds alone."""
    held = hold_out(found.cases, found.targets, progress=progress)
    spread = found.log_ratio(held.predicted)
    return held.predicted, held_bounds(spread, found.names, held.folds, found.scored & np.isfinite(spread))


class _Scorer:
    """Scores of the figures at some indices."""

    def __init__(self, ratio: FloatArray, covered: BoolArray, width: FloatArray) -> None:
        self._ratio, self._covered, self._width = ratio, covered, width

    def __call__(self, index: Sequence[int]) -> Scores:
        at = np.asarray(index, dtype=int)
        return scores(self._ratio[at], self._covered[at], self._width[at])


def scores(ratio: FloatArray, covered: BoolArray, width: FloatArray) -> Scores:
    """Return statistics of predicted over measured and of the intervals.

    Parameters
    ----------
    ratio, covered, width
        Predicted over measured, whether the measurement lies in the interval, and upper over lower end (nan
        where there is none), shape ``[T]``.
    """
    known = np.isfinite(width)
    close = np.abs(ratio - 1.0) * 100.0 <= CLOSE_PCT
    return Scores(
        **vars(errors(ratio)),
        within_20_pct=100.0 * float(np.mean(close)) if len(close) else 0.0,
        coverage_80=float(np.mean(covered[known])) if np.any(known) else None,
        width=float(np.median(width[known])) if np.any(known) else None,
    )


def _apart(targets: Sequence[Target], good: BoolArray, score: _Scorer) -> dict[str, dict[str, Scores]]:
    tables: dict[str, dict[str, Scores]] = {}
    for metric in METRICS:
        mine = [i for i, t in enumerate(targets) if good[i] and t.metric == metric]
        reasons = {why: [i for i in mine if why in targets[i].apart] for why in APART}
        if any(reasons.values()):
            tables[metric] = {why: score(index) for why, index in reasons.items() if index}
    return tables


def _rows(found: Figures, values: FloatArray, bounds: Bounds) -> tuple[ServingRow, ...]:
    """Return a result per figure of the file, in its order; none is left out."""
    order = {run.id: (run.line, i) for i, run in enumerate(found.cases.runs)}
    rows = [
        ServingRow(s.id, s.metric, s.measured, None, None, None, None, skipped=True, reason=s.reason)
        for s in found.skipped
    ]
    for i, target in enumerate(found.targets):
        value = float(values[i])
        if not np.isfinite(value) or value <= 0.0:
            rows.append(
                ServingRow(
                    target.run.id, target.metric, target.measured, None, None, None, None,
                    skipped=True, reason=NOT_PREDICTED,
                )
            )  # fmt: skip
            continue
        ends = value * bounds.low[i], value * bounds.high[i]
        low, high = (float(end) if np.isfinite(end) else None for end in ends)
        rows.append(
            ServingRow(
                id=target.run.id,
                metric=target.metric,
                measured=target.measured,
                predicted=value,
                low=low,
                high=high,
                error_pct=(value / target.measured - 1.0) * 100.0,
                skipped=False,
                reason=None,
                apart=target.apart,
                interval=bounds.names[i] or None,
                labels=target.labels,
                filled=tuple(found.cases.notes.get(target.run.id, ())),
            )
        )
    return tuple(sorted(rows, key=lambda row: (order[row.id], METRICS.index(row.metric))))


def _assumptions(record: ServingCalibration) -> tuple[str, ...]:
    found = [
        "what a row leaves blank, and what is known of its source, is listed with it under `filled`",
        "load generators are emulated: first prompts that arrive together, bursts that drain",
    ]
    if not record.intervals:
        found.append("the calibration has no intervals")
    if record.correction is not None:
        found.append(
            f"step times are multiplied by {record.correction.value:g}, the correction of the calibration"
        )
    return tuple(found)
