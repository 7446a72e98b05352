"""``planner calibrate training``: fitted constants as a catalog record, or a user's correction as an overlay.

With the shipped evidence the global constants are fitted, cross-validated by family, and written with
intervals and the spread of memory. With a user's own rows an overlay corrects for their stack: one factor on
the step time from three rows on (the median of measured over predicted), and intervals from the
ranks of their own residuals from twelve rows on; fewer rows keep the shipped intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.evidence.calibrate import PARAMETERS, Fit, fit
from planner.evidence.cases import build_cases
from planner.evidence.crossvalidate import Held, class_of, cross_validate
from planner.evidence.memory_check import check_memory
from planner.evidence.predict import Constants, chosen, constants_by_class, predict
from planner.evidence.runs import read_runs
from planner.evidence.statistics import Quantiles, errors
from planner.evidence.validate import DEFAULT_EVIDENCE, evidence_path
from planner.workload.models_csv import read_models

if TYPE_CHECKING:
    from planner.catalog.schema.calibration import TrainingCalibration

__all__ = ["LEAST_ROWS", "RANK_ROWS", "Calibration", "calibrate_training"]

LEAST_ROWS = 3
RANK_ROWS = 12
UNITS = {"moe_fixed": ("ms", 1e3), "expert_fixed": ("us", 1e6), "step_fixed": ("ms", 1e3)}


@dataclass(frozen=True)
class Calibration:
    """A calibration record as YAML text, and what it was made from."""

    text: str
    rows: int
    families: tuple[str, ...]
    summary: Mapping[str, float]
    notes: tuple[str, ...] = ()

    def save(self, overlay: Path) -> Path:
        """Write the record into an overlay directory, for ``--catalog DIR``; returns the file."""
        path = overlay / CALIBRATION.folder / "training.yaml"
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
    path = evidence_path()
    cases = build_cases(read_runs(path), catalog)
    fitted = fit(cases)
    held = cross_validate(cases, fitted)
    memory = check_memory(read_runs(path), catalog, constants=fitted.constants())
    total = errors(held.ratio)
    summary = vars(total) | {"coverage_80": float(np.mean(held.covered))}
    families = tuple(sorted(set(held.families)))
    text = "\n".join(
        [
            "id: training",
            "name: Constants of the training estimator",
            "cite: {source: planner-fit, at: planner calibrate training, kind: derived}",
            f'date: "{date}"',
            f"evidence: {DEFAULT_EVIDENCE}",
            f"rows: {len(held.families)}",
            f"families: [{', '.join(families)}]",
            "note: >-",
            "  Ranges are the spread of each constant over fits that leave one family out.",
            "constants:",
            *_constants(fitted, _spread(held, fitted)),
            *_intervals(held.quantiles),
            f"memory: {{sigma: {max(memory.spread, 0.05):.3f}, rows: {len(memory.rows)}}}",
            "",
        ]
    )
    return Calibration(text, len(held.families), families, summary)


def _spread(held: Held, fitted: Fit) -> dict[str, tuple[float, float]]:
    """Least and largest value of each constant over the fits without one family."""
    values = [f.base for f in held.fits.values()] or [fitted.base]
    return {k: (min(v[k] for v in values), max(v[k] for v in values)) for k in fitted.base}


def _constants(fitted: Fit, spread: dict[str, tuple[float, float]]) -> list[str]:
    lines = []
    for name, value in fitted.base.items():
        if not PARAMETERS[name].free:
            lines.append(f"  {name}: {_quantity(name, value)}")
            continue
        low, high = (min(spread[name][0], value), max(spread[name][1], value))
        span = f"[{_quantity(name, low)}, {_quantity(name, high)}]"
        lines.append(f"  {name}: {{value: {_quantity(name, value)}, range: {span}}}")
    return lines


def _quantity(name: str, value: float) -> str:
    unit, scale = UNITS.get(name, ("", 1.0))
    return f"{value * scale:.4g} {unit}".strip()


def _intervals(quantiles: Mapping[str, Quantiles]) -> list[str]:
    lines = ["intervals:"] if quantiles else []
    for name, q in quantiles.items():
        lines.append(f"  {name}: {{low: {q.low:.3f}, high: {q.high:.3f}, rows: {q.rows}}}")
    return lines


def _correction(csv: Path, models: Path | None, catalog: Catalog, date: str) -> Calibration:
    runs = read_runs(csv)
    table = read_models(models) if models is not None else None
    architectures = {r.id: r.architecture for r in table.records} if table else None
    cases = build_cases(runs, catalog, models=architectures)
    record = catalog.get(CALIBRATION, "training")
    constants: Constants = constants_by_class(record)
    for values in constants.values():
        values.pop("correction", None)
    if not len(cases.run):
        reasons = "; ".join(f"{k}: {v}" for k, v in list(cases.skipped.items())[:5])
        raise InputError(f"{csv}: none of {len(runs)} rows can be predicted ({reasons}); fill their columns")
    prediction = predict(cases, constants)
    index = chosen(cases, prediction)
    one = cases.take(index)
    ratio = one.measured_s / prediction.step.step_s[index]
    if len(ratio) < LEAST_ROWS:
        raise InputError(
            f"{csv}: {len(ratio)} rows can be predicted; a correction needs {LEAST_ROWS} or more"
        )
    factor = float(np.median(ratio))
    quantiles = {name: Quantiles(i.low.value, i.high.value, i.rows) for name, i in record.intervals.items()}
    notes = [
        f"one factor from {len(ratio)} rows: measured is {factor:.3f} times the prediction in the median"
    ]
    if len(ratio) >= RANK_ROWS:
        quantiles = _ranked(ratio / factor, class_of(one))
        notes.append("intervals by rank of these rows' own residuals")
    text = "\n".join(
        [
            *_kept(
                record, date, csv.name, len(ratio), sorted({r.family for r in (one.runs[i] for i in one.run)})
            ),
            *_intervals(quantiles),
            f"memory: {{sigma: {record.memory.sigma.value:.3f}, rows: {record.memory.rows}}}"
            if record.memory
            else "",
            f"correction: {factor:.4f}",
            "",
        ]
    )
    return Calibration(
        text,
        len(ratio),
        tuple(sorted({one.runs[i].family for i in one.run})),
        {"factor": factor},
        tuple(notes),
    )


def _ranked(residual: np.ndarray, classes: list[str]) -> dict[str, Quantiles]:
    """Conformal bounds: the ranks that cover 80 % of ``n + 1`` exchangeable rows."""
    ordered = np.sort(residual)
    n = len(ordered)
    low = ordered[max(int(np.floor(0.1 * (n + 1))) - 1, 0)]
    high = ordered[min(int(np.ceil(0.9 * (n + 1))) - 1, n - 1)]
    own = Quantiles(float(low), float(high), n)
    return {"pooled": own, **dict.fromkeys(sorted(set(classes)), own)}


def _kept(record: TrainingCalibration, date: str, name: str, rows: int, families: list[str]) -> list[str]:
    """Restate the shipped constants, so that the overlay stands alone."""
    lines = [
        "id: training",
        "name: Constants of the training estimator, corrected for one's own stack",
        "cite: {source: planner-fit, at: planner calibrate training, kind: derived}",
        f'date: "{date}"',
        f"evidence: {name}",
        f"rows: {rows}",
        f"families: [{', '.join(families)}]",
        "constants:",
    ]
    for field in type(record.constants).model_fields:
        quantity = getattr(record.constants, field)
        if field != "cite" and quantity is not None:
            lines.append(f"  {field}: {_quantity(field, quantity.value)}")
    return lines
