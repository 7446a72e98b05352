"""Curves of training against accelerators: one computation, of which each kind shows one figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from planner.plan.curve.binding import marks_of
from planner.plan.curve.figures import FIGURES, Figures, figures_of
from planner.plan.curve.results import Axis, CurveAnswer, Point, Series
from planner.plan.curve.scaled import Line, batches_of, layouts_of
from planner.plan.defaults import Filled
from planner.plan.interval import LARGEST_MEASURED
from planner.plan.model_input import read_model_record
from planner.plan.pins import LAYOUT, pinned
from planner.plan.regular import group_of
from planner.plan.solve import FITS
from planner.plan.sweep.training_case import Shared, read_case
from planner.units import format_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.plan.curve.asked import Asked, Spot
    from planner.workload.record import ModelRecord

__all__ = ["data"]

_AXES: Final[Mapping[str, tuple[str, Axis]]] = {
    "throughput": (
        "Training throughput",
        Axis(key="tokens_per_s", title="Throughput, failures included", unit="tokens/s", log=True),
    ),
    "mfu": ("MFU of training", Axis(key="mfu_percent", title="Model FLOPs utilisation", unit="%", floor=0.0)),
    "goodput": (
        "Goodput of training",
        Axis(key="goodput_percent", title="Goodput: time that failures leave", unit="%", floor=0.0),
    ),
    "days": ("Days of training", Axis(key="days", title="Days, failures included", unit="days", log=True)),
    "cost": ("Cost of training", Axis(key="cost_usd", title="Cost of the run", unit="USD", log=True)),
    "power": (
        "Power of training",
        Axis(key="power_megawatts", title="Power at the meter, spares included", unit="MW", log=True),
    ),
    "energy": (
        "Energy of training",
        Axis(key="energy_megawatt_hours", title="Energy of the run, failures included", unit="MWh", log=True),
    ),
    "gpu-hours": (
        "Accelerator-hours of training",
        Axis(key="gpu_hours", title="Accelerator-hours at work, failures included", unit="h", log=True),
    ),
}
_X: Final = Axis(key="gpus", title="Accelerators available", log=True)
_WITHOUT_TOKENS: Final = ("throughput", "mfu", "goodput", "power")
"""Kinds that do not depend on how long a run is."""


def data(asked: Asked) -> CurveAnswer:
    """Compute a curve of training.

    Parameters
    ----------
    asked
        Its kind says which figure is shown; the others are facts of each point.
    """
    lines, reasons = _lines(asked)
    title, axis = _AXES[asked.kind.name]
    series, notes = [], []
    for line, layouts in zip(lines, layouts_of(lines), strict=True):
        points = [point for point in figures_of(line, layouts) if point is not None]
        name = _name(asked, line)
        if not points:
            reasons.append(_why_not(line))
            continue
        if points[0].gpus > line.gpus[0]:
            notes.append(
                f"{line.model} on {line.spot.label}: nothing fits on fewer than "
                f"{points[0].gpus:,} of the points' accelerators, which leaves a gap."
            )
        unsure = [point.gpus for point in points if point.fit < FITS[0]]
        if unsure:
            notes.append(
                f"{line.model} on {line.spot.label}: up to {max(unsure):,} accelerators "
                f"no layout fits with a probability of {FITS[0]:.0%}; those drawn may."
            )
        series.append(
            Series(
                name=name,
                style="dashed" if line.scaling == "strong" and asked.scaling == "both" else "line",
                group=f"{line.model}/{line.spot.label}",
                points=tuple(_point(point, axis.key) for point in points),
                marks=marks_of(line, points, axis.key),
            )
        )
    return CurveAnswer(
        title=_title(title, asked, lines),
        caption=tuple(_caption(asked, lines)) if series else (),
        x=_X,
        y=axis,
        series=tuple(series),
        reasons=tuple(dict.fromkeys(reasons)) if not series else (),
        notes=tuple(dict.fromkeys([*notes, *(reasons if series else ())])),
    )


def _lines(asked: Asked) -> tuple[list[Line], list[str]]:
    """Resolve every model on every hardware; with why some cannot be had."""
    lines: list[Line] = []
    reasons: list[str] = []
    scalings = ("weak", "strong") if asked.scaling == "both" else (asked.scaling,)
    for model in (_record(asked, model) for model in asked.models):
        for spot in asked.spots:
            shared = _shared(asked, model, spot)
            if isinstance(shared, str):
                reasons.append(shared)
                continue
            gpus = asked.accelerators(spot)
            base = asked.base if asked.base is not None else min(LARGEST_MEASURED, int(gpus[-1]))
            for scaling in scalings:
                lines.append(
                    Line(
                        model=shared.case.job.record.id,
                        spot=spot,
                        shared=shared,
                        scaling=scaling,
                        gpus=gpus,
                        batches=batches_of(shared.case, gpus, scaling, base),
                        base=base,
                    )
                )
    return lines, reasons


def _record(asked: Asked, model: Any) -> ModelRecord:
    """Read a model, once for all hardware."""
    record, notes = read_model_record(asked.book, model)
    asked.filled.notes += notes
    return record


def _shared(asked: Asked, model: ModelRecord, spot: Spot) -> Shared | str:
    """Put a model on hardware, with what the options pin of its layout."""
    options = dict(asked.options)
    pins = {**pinned({name: options.pop(name, None) for name in LAYOUT}), **asked.layout}
    cluster = group_of(asked.book, cluster=spot.cluster, precision=options.get("precision"))
    if cluster != spot.cluster:
        why = f"the group of {spot.label} with most compute in all; --cluster NAME/SYSTEM draws another"
        asked.filled.assume("group", cluster, why)
    own = Filled()
    inputs = {"model": model, "cluster": cluster, "gpu": spot.gpu, **options}
    shared = read_case(asked.book, inputs, own)
    _said(asked, own)
    if isinstance(shared, str):
        return f"{spot.label}: {shared}"
    case = shared.case
    if case.site.why:
        asked.filled.assume("system", case.site.system.id if case.site.system else None, case.site.why)
    shared.case = replace(case, job=replace(case.job, pins=pins, goal="fastest", top=0))
    if spot.size is not None and asked.range_on(spot)[1] > case.site.available:
        asked.filled.notes.append(
            f"{spot.label} has {case.site.available:,} {case.site.accelerator.name}: beyond that the curve "
            "says what more of the same would do."
        )
    return shared


def _said(asked: Asked, own: Filled) -> None:
    """Pass on what a case filled in, once."""
    filled = asked.filled
    filled.assumptions += [one for one in own.assumptions if one not in filled.assumptions]
    filled.notes += [note for note in own.notes if note not in filled.notes]


def _point(point: Figures, key: str) -> Point:
    facts = {name: point.values[name].value for name in FIGURES if name != key}
    return Point(
        x=float(point.gpus),
        y=point.values[key],
        facts={
            "gpus_used": point.used,
            "global_batch_seqs": point.batch,
            "step_time_s": point.step_s,
            **facts,
            "fit_probability": point.fit,
            "layout": point.layout,
            "binds": point.binds.resource,
        },
    )


def _name(asked: Asked, line: Line) -> str:
    """Return what tells a line apart."""
    parts = [line.model] if len(asked.models) > 1 else []
    parts += [line.spot.label] if len(asked.spots) > 1 else []
    if asked.scaling == "both":
        parts.append(line.scaling if parts else f"{line.scaling} scaling")
    return ", ".join(parts)


def _title(title: str, asked: Asked, lines: list[Line]) -> str:
    models = list(dict.fromkeys(line.model for line in lines))
    spots = list(dict.fromkeys(line.spot.label for line in lines))
    of = "" if len(models) != 1 else f" {models[0]}" if title.endswith("training") else f" of {models[0]}"
    on = f" on {spots[0]}" if len(spots) == 1 else ""
    return f"{title}{of}{on} against accelerators"


def _caption(asked: Asked, lines: list[Line]) -> list[str]:
    """Say what a reader of the picture must know."""
    said = []
    for shared, base in {id(line.shared): (line.shared, line.base) for line in lines}.values():
        job = shared.case.job
        batch = format_quantity(job.batch_tokens, "count", digits=3)
        tokens = format_quantity(job.tokens or 0.0, "count", digits=3)
        run = "" if asked.kind.name in _WITHOUT_TOKENS else f", {tokens} tokens"
        run += f", price {shared.asked.price.text}" if asked.kind.name == "cost" else ""
        said.append(
            f"{job.record.id} on {shared.case.site.short}: {shared.case.precision}, {job.software.id}, "
            f"sequences of {job.seq_len:,}{run}; batch of {batch} tokens"
            + (f" on {base:,} accelerators (weak)." if asked.scaling == "weak" else ".")
        )
    base = lines[0].base
    if asked.scaling == "both":
        said.append(
            f"Strong: the batch stays. Weak: it grows with the accelerators, and is this on {base:,}."
        )
    pins = " ".join(f"{name}={value}" for name, value in asked.layout.items())
    layouts = f"Layouts with {pins}, else the best" if pins else "The best of all layouts at each point"
    said.append(
        f"{layouts}. Bands hold the measurement in 80 % of cases; no measured run has more than "
        f"{LARGEST_MEASURED:,} accelerators."
    )
    return said


def _why_not(line: Line) -> str:
    """Ask the search of the largest point why nothing fits."""
    from planner.plan.solve import Effort, find

    case = line.shared.case
    case = replace(case, job=replace(case.job, global_batch=int(line.batches[-1])))
    found = find(case, int(line.gpus[-1]), Effort(), alternatives=False)
    reason = found.result.reason if found.result is not None else None
    return f"{line.model} on {line.spot.label}: {reason.text if reason is not None else 'nothing fits'}"
