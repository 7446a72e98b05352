"""``planner calibrate training``: constants as a catalog record, or a user's correction as an overlay.

With the shipped evidence the global constants are fitted, cross-validated by family, and written with
intervals and the spread of memory. With a user's own rows an overlay corrects for their stack: one factor on
the step time from three rows on (the median of measured over predicted), and intervals from the
ranks of their own residuals from twelve rows on; fewer rows keep the shipped intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.catalog.kinds import CALIBRATION, Kind
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.evidence.calibrate import Fit, fit
from planner.evidence.cases import Cases, build_cases
from planner.evidence.crossvalidate import Held, class_of, cross_validate
from planner.evidence.memory_check import check_memory
from planner.evidence.pairs import shared_errors
from planner.evidence.predict import chosen, constants_by_class, predict
from planner.evidence.runs import read_runs
from planner.evidence.statistics import Quantiles, errors
from planner.evidence.training_record import corrected_text, fitted_text
from planner.evidence.validate import DEFAULT_EVIDENCE, evidence_path
from planner.types import FloatArray
from planner.workload.models_csv import read_models

if TYPE_CHECKING:
    from planner.catalog.schema.calibration import TrainingCalibration

__all__ = ["LEAST_ROWS", "RANK_ROWS", "Calibration", "calibrate_training"]

LEAST_ROWS = 3
"""Rows from which a correction can be told from chance."""

RANK_ROWS = 12
"""Rows from which their own ranks give an 80 % interval."""


@dataclass(frozen=True)
class Calibration:
    """A calibration record as YAML text, and what it was made from."""

    text: str
    rows: int
    families: tuple[str, ...]
    summary: Mapping[str, float]
    notes: tuple[str, ...] = ()
    kind: Kind[Any] = CALIBRATION
    id: str = "training"

    def save(self, overlay: Path) -> Path:
        """Write the record into an overlay directory, for ``--catalog DIR``; returns the file."""
        path = overlay / self.kind.folder / f"{self.id}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text, encoding="utf-8")
        return path


def calibrate_training(
    csv: Path | None = None,
    *,
    models: Path | None = None,
    catalog: Catalog | None = None,
    date: str | None = None,
) -> Calibration:
    """Fit constants to the shipped evidence, or a correction to a user's rows.

    Parameters
    ----------
    csv
        A user's measurements; None fits the global constants to the shipped evidence (needs SciPy).
    date
        Date of the record, ISO; default today.

    Raises
    ------
    InputError
        A wrong file, or fewer than three rows that can be predicted.
    MissingExtraError
        SciPy is missing.
    """
    from datetime import UTC, datetime

    catalog = catalog or Catalog()
    date = date or datetime.now(UTC).date().isoformat()
    if csv is None:
        return _global(catalog, date)
    return _correction(csv, models, catalog, date)


def _global(catalog: Catalog, date: str) -> Calibration:
    runs = read_runs(evidence_path())
    cases = build_cases(runs, catalog)
    fitted = fit(cases)
    held = cross_validate(cases, fitted)
    memory = check_memory(runs, catalog, constants=fitted.constants())
    families = tuple(sorted(set(held.families)))
    text = fitted_text(
        values=fitted.base,
        spread=_spread(held, fitted),
        quantiles=held.quantiles,
        sigma=memory.spread,
        memory_rows=len(memory.rows),
        shared=shared_errors(held.pairs),
        date=date,
        evidence=DEFAULT_EVIDENCE,
        rows=len(held.families),
        families=families,
    )
    summary = vars(errors(held.ratio)) | {"coverage_80": float(np.mean(held.covered))}
    return Calibration(text, len(held.families), families, summary)


def _spread(held: Held, fitted: Fit) -> dict[str, tuple[float, float]]:
    """Least and largest value of each constant over the fits without one family."""
    values = [f.base for f in held.fits.values()] or [fitted.base]
    return {k: (min(v[k] for v in values), max(v[k] for v in values)) for k in fitted.base}


def _correction(csv: Path, models: Path | None, catalog: Catalog, date: str) -> Calibration:
    record = catalog.get(CALIBRATION, "training")
    one, ratio = _measured_over_predicted(csv, models, catalog, record)
    factor = float(np.median(ratio))
    count, families = len(ratio), tuple(sorted({one.runs[i].family for i in one.run}))
    quantiles = {name: Quantiles(i.low.value, i.high.value, i.rows) for name, i in record.intervals.items()}
    notes = [f"one factor from {count} rows: measured is {factor:.3f} times the prediction in the median"]
    if count >= RANK_ROWS:
        quantiles = _ranked(ratio / factor, class_of(one))
        notes.append("intervals by rank of these rows' own residuals")
    text = corrected_text(
        record,
        factor=factor,
        quantiles=quantiles,
        date=date,
        evidence=csv.name,
        rows=count,
        families=families,
    )
    return Calibration(text, count, families, {"factor": factor}, tuple(notes))


def _measured_over_predicted(
    csv: Path, models: Path | None, catalog: Catalog, record: TrainingCalibration
) -> tuple[Cases, FloatArray]:
    """One candidate per row that can be predicted, and its ratio under the constants without a correction."""
    runs = read_runs(csv)
    table = read_models(models) if models is not None else None
    architectures = {r.id: r.architecture for r in table.records} if table else None
    cases = build_cases(runs, catalog, models=architectures)
    if not len(cases.run):
        reasons = "; ".join(f"{k}: {v}" for k, v in list(cases.skipped.items())[:5])
        raise InputError(f"{csv}: none of {len(runs)} rows can be predicted ({reasons}); fill their columns")
    prediction = predict(cases, constants_by_class(record.model_copy(update={"correction": None})))
    index = chosen(cases, prediction)
    if len(index) < LEAST_ROWS:
        raise InputError(
            f"{csv}: {len(index)} of {len(runs)} rows can be predicted; a correction needs {LEAST_ROWS}"
        )
    one = cases.take(index)
    return one, one.measured_s / prediction.step.step_s[index]


def _ranked(residual: FloatArray, classes: list[str]) -> dict[str, Quantiles]:
    """Conformal bounds: the ranks that cover 80 % of ``n + 1`` exchangeable rows."""
    ordered = np.sort(residual)
    n = len(ordered)
    low = ordered[max(int(np.floor(0.1 * (n + 1))) - 1, 0)]
    high = ordered[min(int(np.ceil(0.9 * (n + 1))) - 1, n - 1)]
    own = Quantiles(float(low), float(high), n)
    return {"pooled": own, **dict.fromkeys(sorted(set(classes)), own)}
