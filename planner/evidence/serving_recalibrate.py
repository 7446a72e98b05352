"""``planner calibrate serving``: constants as a catalog record, or a user's correction as an overlay.

With the shipped evidence all constants are fitted, cross-validated by family, and written with their spread
and with intervals. With a user's own rows an overlay corrects for their stack: one factor on step times, from
a single row on, and in place of the spread between stacks that within one sweep.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.catalog.kinds import SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.evidence.recalibrate import RANK_ROWS, Calibration
from planner.evidence.serving_calibrate import predicted
from planner.evidence.serving_held import HeldOut, hold_out
from planner.evidence.serving_intervals import held_bounds, interval_names, ranked, serving_quantiles
from planner.evidence.serving_pairs import shared_figures
from planner.evidence.serving_predict import predict_serving
from planner.evidence.serving_record import corrected_serving_text, fitted_serving_text
from planner.evidence.serving_runs import EVIDENCE, serving_evidence_path
from planner.evidence.serving_targets import APART
from planner.evidence.serving_validate import Figures, figures, scores
from planner.evidence.statistics import Quantiles
from planner.tables.engine import engine_constants
from planner.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from planner.catalog.schema.serving_calibration import ServingCalibration

__all__ = ["WITHIN_SWEEP", "calibrate_serving", "fitted"]

WITHIN_SWEEP: Final = {"tpot": (0.145, 2.0), "throughput": (0.145, 2.0), "ttft": (0.31, 0.5)}
"""Spread of log(measured / predicted) in one sweep (one stack and layout at several loads), from the shipped
evidence: the half width about the sweep's median that holds 80 %, and how much of its square a median of one
point adds. It holds in place of the spread between stacks once one's own stack was measured."""

ROUNDS: Final = 20
CLOSE: Final = 1e-4
FAR: Final = 0.02
"""Logarithms of a factor: where its search ends, and what is no solution."""


def calibrate_serving(
    csv: Path | None = None,
    *,
    catalog: Catalog | None = None,
    date: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Fit constants to the shipped evidence, or a correction to a user's rows.

    Parameters
    ----------
    csv
        A user's measurements; None fits all constants to the shipped evidence (needs SciPy, takes minutes).
    date
        Date of the record, ISO; default today.
    progress
        Called with a sentence before each fit.

    Raises
    ------
    InputError
        A wrong file, or one without a figure that can be predicted and counts.
    MissingExtraError
        SciPy is missing.
    """
    from datetime import UTC, datetime

    catalog = catalog or Catalog()
    date = date or datetime.now(UTC).date().isoformat()
    if csv is None:
        found = figures(catalog, serving_evidence_path())
        return fitted(found, hold_out(found.cases, found.targets, progress=progress), date=date)
    record = catalog.get(SERVING_CALIBRATION, "serving")
    return _correction(csv, figures(catalog, csv), record.model_copy(update={"correction": None}), date)


def fitted(found: Figures, held: HeldOut, *, date: str) -> Calibration:
    """Return the record of the constants of all rows, with intervals from those that leave rows out."""
    spread = found.log_ratio(held.predicted)
    known = found.scored & np.isfinite(spread)
    runs = [found.targets[i].run for i in np.flatnonzero(known)]
    families = tuple(sorted({run.family for run in runs}))
    rows = len({run.id for run in runs})
    text = fitted_serving_text(
        constants=held.whole.constants(),
        folds=[fit.constants() for fit in held.fits.values()],
        quantiles=serving_quantiles(spread, found.names, known),
        shared=shared_figures(found.targets, spread, found.names, held.folds, known),
        date=date,
        evidence=f"{EVIDENCE}/{serving_evidence_path().name}",
        rows=rows,
        families=families,
    )
    return Calibration(
        text, rows, families, _summary(found, held, known), kind=SERVING_CALIBRATION, id="serving"
    )


def _summary(found: Figures, held: HeldOut, known: BoolArray) -> dict[str, float]:
    """Cross-validated errors by metric."""
    spread = found.log_ratio(held.predicted)
    bounds = held_bounds(spread, found.names, held.folds, known)
    covered = bounds.holds(np.exp(spread))
    metric = np.array([target.metric for target in found.targets])
    summary: dict[str, float] = {}
    for name in dict.fromkeys(metric.tolist()):
        at = known & (metric == name)
        one = scores(np.exp(-spread[at]), covered[at], (bounds.high / bounds.low)[at])
        summary |= {f"{name} {key}": value for key, value in vars(one).items() if value is not None}
    return summary


def _correction(csv: Path, found: Figures, record: ServingCalibration, date: str) -> Calibration:
    use = found.scored
    if not np.any(use):
        raise InputError(f"{csv}: no figure counts for a correction ({_why_none(found)})")
    steps = _step_times(found, use)
    factor = _factor(csv, found, record, steps)
    spread = found.log_ratio(_predicted(found, record, factor))
    own, widths = _own_intervals(found, record, spread, use & np.isfinite(spread))
    shipped = {name: Quantiles(i.low.value, i.high.value, i.rows) for name, i in record.intervals.items()}
    runs = {found.targets[i].run.id: found.targets[i].run for i in np.flatnonzero(use)}
    families = tuple(sorted({run.family for run in runs.values()}))
    notes = (
        f"one factor from {_many(int(np.sum(steps)), 'figure')} of {_many(len(runs), 'row')}: "
        f"step times are {factor:.3f} times the prediction in the median",
        f"80 % intervals of {', '.join(f'{name} {width}' for name, width in widths.items())}: the spread "
        "within one sweep or of these rows, in place of that between stacks; it holds for the model, the "
        "hardware and the software that were measured",
    )
    text = corrected_serving_text(
        record,
        factor=factor,
        quantiles=shipped | own,
        date=date,
        evidence=csv.name,
        rows=len(runs),
        families=families,
        note="; ".join(notes),
    )
    summary = {"factor": factor}
    return Calibration(text, len(runs), families, summary, notes, kind=SERVING_CALIBRATION, id="serving")


def _why_none(found: Figures) -> str:
    skipped = [f"{one.id}: {one.reason}" for one in found.skipped]
    apart = [f"{t.run.id}: {', '.join(APART[why] for why in t.apart)}" for t in found.targets]
    return "; ".join(list(dict.fromkeys(skipped + apart))[:5])


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _step_times(found: Figures, use: BoolArray) -> BoolArray:
    """Return which figures tell of step times: times per token and served rates, or else first tokens."""
    offered = [t.metric == "throughput" and t.run.client == "rate" for t in found.targets]
    first = np.array([t.metric == "ttft_ms" for t in found.targets], dtype=bool)
    told: BoolArray = use & ~np.array(offered, dtype=bool)
    better = told & ~first
    return better if bool(np.any(better)) else told


def _predicted(found: Figures, record: ServingCalibration, factor: float) -> FloatArray:
    constants = {
        family: engine_constants(record, family) | {"correction": factor} for family in record.engines
    }
    return predicted(predict_serving(found.cases, constants), found.targets)


def _factor(csv: Path, found: Figures, record: ServingCalibration, use: BoolArray) -> float:
    """Return the factor on step times at which the median of measured over predicted is 1."""
    sign = np.array([-1.0 if target.metric == "throughput" else 1.0 for target in found.targets])
    slower, off = 0.0, math.inf
    for _ in range(ROUNDS):
        slowness = sign * found.log_ratio(_predicted(found, record, math.exp(slower)))
        known = slowness[use & np.isfinite(slowness)]
        if not len(known):
            break
        off = float(np.median(known))
        if abs(off) < CLOSE or not abs(slower + off) < math.log(100.0):
            break
        slower += off
    if not abs(off) < FAR:
        raise InputError(
            f"{csv}: no factor on step times between 1/100 and 100 makes the prediction what was measured; "
            "check units, concurrency and layout (planner validate serving shows both)"
        )
    return math.exp(slower)


def _own_intervals(
    found: Figures, record: ServingCalibration, spread: FloatArray, use: BoolArray
) -> tuple[dict[str, Quantiles], dict[str, str]]:
    """Intervals of the classes that were measured, by class, and each in words.

    A time per token stands for the throughput of its class where that was not measured, and the other way.
    """
    rows: dict[str, list[int]] = {}
    for i in np.flatnonzero(use):
        rows.setdefault(found.names[i][0], []).append(int(i))
    own = {name: _own(name, spread[index], record) for name, index in rows.items()}
    for name in tuple(own):
        metric, _, rest = name.partition(" ")
        other = {"tpot": "throughput", "throughput": "tpot"}.get(metric)
        if other is not None:
            own.setdefault(f"{other} {rest}", Quantiles(*_half(own[name]), own[name].rows))
    return own, {name: f"{q.low:.2f} to {q.high:.2f}" for name, q in own.items()}


def _half(q: Quantiles) -> tuple[float, float]:
    ratio = math.sqrt(q.high / q.low)
    return 1.0 / ratio, ratio


def _own(name: str, spread: FloatArray, record: ServingCalibration) -> Quantiles:
    """Interval of a class from the residuals of its rows: their ranks, or about their median where few."""
    n = len(spread)
    if n >= RANK_ROWS:
        low, high = ranked(spread)
    else:
        half, of_median = WITHIN_SWEEP[name.partition(" ")[0]]
        half *= math.sqrt(1.0 + of_median / n)
        half = min([half, *_shipped_half(name, record)])
        low, high = float(np.median(spread)) - half, float(np.median(spread)) + half
    return Quantiles(float(np.exp(low)), float(np.exp(high)), n)


def _shipped_half(name: str, record: ServingCalibration) -> Iterable[float]:
    metric, load, layers = name.split()
    for key in interval_names(metric, load, moe=layers == "moe"):
        if key in record.intervals:
            known = record.intervals[key]
            yield 0.5 * math.log(known.high.value / known.low.value)
            return
