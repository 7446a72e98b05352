"""Fitted constants, intervals and a user's correction as the YAML text of a calibration record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from planner.catalog.schema.calibration import Constants
from planner.evidence.calibrate import PARAMETERS
from planner.evidence.pairs import Share
from planner.evidence.statistics import Quantiles
from planner.units import KILO, MEGA
from planner.workload.emit import Plain, to_text

if TYPE_CHECKING:
    from planner.catalog.schema.calibration import SharedError, TrainingCalibration

__all__ = ["UNITS", "corrected_text", "fitted_text", "shared_restated", "shared_written"]

LEAST_SIGMA: Final = 0.05
"""Spread of peak memory below which no few rows are believed."""

UNITS: Final = {"moe_fixed": ("ms", KILO), "expert_fixed": ("us", MEGA), "step_fixed": ("ms", KILO)}
"""Unit in which a constant is written, and how many of it make the SI one."""


def fitted_text(
    *,
    values: Mapping[str, float],
    spread: Mapping[str, tuple[float, float]],
    quantiles: Mapping[str, Quantiles],
    sigma: float,
    memory_rows: int,
    shared: Mapping[str, Share],
    date: str,
    evidence: str,
    rows: int,
    families: Sequence[str],
) -> str:
    """Return the record of constants fitted to the shipped evidence.

    Parameters
    ----------
    values, spread
        Each constant, with its least and largest value over fits that leave one family out.
    quantiles
        Measured over predicted per class.
    sigma, memory_rows
        Spread of peak memory and the peaks that it is from.
    shared
        Correlation of errors by what differs between two predictions.
    """
    head = _head("Constants of the training estimator", date, evidence, rows, families)
    note = "Ranges are the spread of each constant over fits that leave one family out."
    constants = {name: _fitted(name, value, spread[name]) for name, value in values.items()}
    memory = {"sigma": round(max(sigma, LEAST_SIGMA), 3), "rows": memory_rows}
    spreads: dict[str, Plain] = {
        "intervals": _intervals(quantiles),
        "shared": shared_written(shared),
        "memory": memory,
    }
    return to_text(head | {"note": note, "constants": constants} | spreads)


def corrected_text(
    record: TrainingCalibration,
    *,
    factor: float,
    quantiles: Mapping[str, Quantiles],
    date: str,
    evidence: str,
    rows: int,
    families: Sequence[str],
) -> str:
    """Return the record in use with a user's factor and intervals; it restates the constants."""
    name = "Constants of the training estimator, corrected for one's own stack"
    document = _head(name, date, evidence, rows, families)
    document["constants"] = _held(record.constants)
    if record.classes:
        document["classes"] = {family: _held(own) for family, own in record.classes.items()}
    if quantiles:
        document["intervals"] = _intervals(quantiles)
    if record.shared:
        document["shared"] = shared_restated(record.shared)
    if record.memory is not None:
        document["memory"] = {"sigma": record.memory.sigma.value, "rows": record.memory.rows}
    return to_text(document | {"correction": round(factor, 4)})


def shared_written(shared: Mapping[str, Share]) -> dict[str, Plain]:
    """Write what pairs share, by kind."""
    return {
        kind: {
            "correlation": round(one.value, 3),
            "low": round(one.low, 3),
            "high": round(one.high, 3),
            "pairs": one.pairs,
            "families": one.families,
        }
        for kind, one in shared.items()
    }


def shared_restated(shared: Mapping[str, SharedError]) -> dict[str, Plain]:
    """Write what the record in use says that pairs share: a factor on all predictions leaves it as it is."""
    return shared_written(
        {
            kind: Share(one.correlation, one.low, one.high, one.pairs, one.families)
            for kind, one in shared.items()
        }
    )


def _head(name: str, date: str, evidence: str, rows: int, families: Sequence[str]) -> dict[str, Plain]:
    return {
        "id": "training",
        "name": name,
        "cite": {"source": "planner-fit", "at": "planner calibrate training", "kind": "derived"},
        "date": date,
        "evidence": evidence,
        "rows": rows,
        "families": list(families),
    }


def _held(constants: Constants) -> dict[str, Plain]:
    found = {f: getattr(constants, f) for f in type(constants).model_fields if f != "cite"}
    return {name: _written(name, quantity.value) for name, quantity in found.items() if quantity is not None}


def _fitted(name: str, value: float, spread: tuple[float, float]) -> Plain:
    if not PARAMETERS[name].free:
        return _written(name, value)
    low, high = min(spread[0], value), max(spread[1], value)
    return {"value": _written(name, value), "range": [_written(name, low), _written(name, high)]}


def _written(name: str, value: float) -> str | float | int:
    """Write a number with four digits, and its unit where it has one."""
    unit, scale = UNITS.get(name, ("", 1.0))
    text = f"{value * scale:.4g}"
    if unit:
        return f"{text} {unit}"
    return int(text) if text.isdigit() else float(text)


def _intervals(quantiles: Mapping[str, Quantiles]) -> dict[str, Plain]:
    return {
        name: {"low": round(q.low, 3), "high": round(q.high, 3), "rows": q.rows}
        for name, q in quantiles.items()
    }
