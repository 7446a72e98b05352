"""Fitted constants of serving, intervals and a user's correction as the text of a calibration record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from planner.catalog.quantity import Dimension
from planner.catalog.schema.serving_calibration import (
    ClientConstants,
    EngineConstants,
    GlobalConstants,
    ServingCalibration,
)
from planner.evidence.pairs import Share
from planner.evidence.statistics import Quantiles
from planner.evidence.training_record import shared_restated, shared_written
from planner.units import KILO, MEGA
from planner.workload.emit import Plain, to_text

if TYPE_CHECKING:
    from planner.catalog.records import Section
    from planner.evidence.serving_predict import EngineConstants as Constants

__all__ = ["corrected_serving_text", "fitted_serving_text"]

_UNITS: Final = {"s": (("us", MEGA), ("ms", KILO), ("s", 1.0)), "bytes": (("B", 1.0),)}
"""By dimension: units, the smallest first, and how many of each make the SI one."""


def fitted_serving_text(
    *,
    constants: Constants,
    folds: Iterable[Constants],
    quantiles: Mapping[str, Quantiles],
    shared: Mapping[str, Share],
    date: str,
    evidence: str,
    rows: int,
    families: Sequence[str],
) -> str:
    """Return the record of constants fitted to the shipped evidence.

    Parameters
    ----------
    constants
        By engine family, of all rows.
    folds
        The same of fits that leave rows out; their least and largest values are the ranges.
    quantiles
        Measured over predicted per class, from rows that the constants were not fitted on.
    shared
        Correlation of errors by metric and what differs between two predictions.
    rows
        Rows with a figure that was fitted to.
    """
    fits = [constants, *folds]
    first = next(iter(constants))
    head = _head("Constants of the serving estimator", date, evidence, rows, families)
    head["note"] = (
        "Ranges are the spread of each constant over fits that leave one family out, or one model of a "
        "family with more than a quarter of the figures; a constant without a range is not fitted."
    )
    document: dict[str, Plain] = head | {
        "constants": _ranged(GlobalConstants, [fit[first] for fit in fits]),
        "client": _ranged(ClientConstants, [fit[first] for fit in fits]),
        "engines": {name: _ranged(EngineConstants, [fit[name] for fit in fits]) for name in constants},
        "intervals": _intervals(quantiles),
        "shared": shared_written(shared),
    }
    return to_text(document)


def corrected_serving_text(
    record: ServingCalibration,
    *,
    factor: float,
    quantiles: Mapping[str, Quantiles],
    date: str,
    evidence: str,
    rows: int,
    families: Sequence[str],
    note: str,
) -> str:
    """Return the record in use with a user's factor on step times and intervals; constants are restated."""
    name = "Constants of the serving estimator, corrected for one's own stack"
    document = _head(name, date, evidence, rows, families)
    document["note"] = note
    document["constants"] = _held(record.constants)
    document["client"] = _held(record.client)
    document["engines"] = {family: _held(own) for family, own in record.engines.items()}
    if quantiles:
        document["intervals"] = _intervals(quantiles)
    if record.shared:
        document["shared"] = shared_restated(record.shared)
    return to_text(document | {"correction": round(factor, 4)})


def _head(name: str, date: str, evidence: str, rows: int, families: Sequence[str]) -> dict[str, Plain]:
    return {
        "id": "serving",
        "name": name,
        "cite": {"source": "planner-fit", "at": "planner calibrate serving", "kind": "derived"},
        "date": date,
        "evidence": evidence,
        "rows": rows,
        "families": list(families),
    }


def _dimensions(section: type[Section]) -> dict[str, Dimension]:
    """Return the constants of a section with what each measures."""
    return {
        name: next(part for part in field.metadata if isinstance(part, Dimension))
        for name, field in section.model_fields.items()
        if name != "cite"
    }


def _ranged(section: type[Section], fits: Sequence[Mapping[str, float]]) -> dict[str, Plain]:
    """Write each constant of the first fit, with its range over all of them."""
    found: dict[str, Plain] = {}
    for name, dimension in _dimensions(section).items():
        values = [min(fit[name], dimension.most or fit[name]) for fit in fits]
        value, low, high = (_written(x, dimension) for x in (values[0], min(values), max(values)))
        found[name] = value if low == high else {"value": value, "range": [low, high]}
    return found


def _held(section: Section) -> dict[str, Plain]:
    return {
        name: _written(getattr(section, name).value, dimension)
        for name, dimension in _dimensions(type(section)).items()
    }


def _written(value: float, dimension: Dimension) -> str | float | int:
    """Write a number with four digits, and its unit where it has one."""
    units = _UNITS.get(dimension.name)
    if units is None:
        text = f"{value:.4g}"
        return int(text) if text.isdigit() else float(text)
    name, scale = next((unit for unit in units if value * unit[1] < KILO), units[-1])
    return f"{value * scale:.4g} {name}"


def _intervals(quantiles: Mapping[str, Quantiles]) -> dict[str, Plain]:
    return {
        name: {"low": round(q.low, 3), "high": round(q.high, 3), "rows": q.rows}
        for name, q in quantiles.items()
    }
