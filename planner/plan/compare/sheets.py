"""Figures of clusters and of accelerators without a job, from fact sheets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR
from planner.plan.cluster.comparison import FIGURES
from planner.plan.cluster.words import RULE_LABELS
from planner.plan.compare.shown import Better, Found, Shown
from planner.plan.document import Interval
from planner.tables.samples import interval
from planner.types import FloatArray
from planner.units import EXA, GIGA, MEGA, TERA

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.accelerator import Accelerator
    from planner.plan.cluster.results import Sheet
    from planner.plan.compare.asked import Answered

__all__ = ["PARTS", "SHEETS"]


def _of_sheet(at: Callable[[Sheet], Found]) -> Callable[[Answered], Found]:
    return lambda side: at(side.plan)


def _part(side: Answered) -> Accelerator:
    found: Accelerator = side.posed.catalog.get(ACCELERATOR, side.plan.groups[0].accelerator)
    return found


def _quantity(of: Callable[[Accelerator], Quantity | None], per: float) -> Callable[[Answered], Found]:
    def at(side: Answered) -> Found:
        found = of(_part(side))
        return None if found is None else found.value / per

    return at


def _counted(rule: str) -> Callable[[Answered], Found]:
    def at(side: Answered) -> Found:
        found: Found = getattr(side.plan.groups[0].h100_equivalents_per_accelerator, rule)
        return found

    return at


def _each(side: Answered, whole: Interval) -> Interval:
    return whole.scaled(1.0 / side.plan.accelerators)


def _priced(price: str) -> Callable[[Answered], Found]:
    def at(side: Answered) -> Found:
        prices = side.plan.cost.prices
        return next((one.usd_per_gpu_hour for one in prices if one.price == price), None)

    return at


Drawn = Callable[["Answered"], FloatArray | None]


def _drawn(at: Callable[[Answered], Found]) -> Drawn:
    """Return the samples of a figure; of a number without a spread the number."""

    def samples(side: Answered) -> FloatArray | None:
        found = at(side)
        return (
            side.samples.of(found)
            if isinstance(found, Interval)
            else None
            if found is None
            else np.array([found])
        )

    return samples


def _quotient(figure: str, unit: str, better: Better, over: Drawn, under: Drawn) -> Shown:
    """Return a figure that is one over another, sample by sample."""

    def samples(side: Answered) -> FloatArray | None:
        top, bottom = over(side), under(side)
        return None if top is None or bottom is None else top / bottom

    def at(side: Answered) -> Found:
        drawn = samples(side)
        if drawn is None:
            return None
        value, low, high = (float(end) for end in interval(drawn))
        return Interval(value=value, low=low, high=high)

    return Shown(figure=figure, unit=unit, better=better, at=at, samples=samples)


def _flop_per_s(sheet: Sheet) -> Found:
    return (
        None if sheet.dense_bf16_exaflop_per_s is None else sheet.dense_bf16_exaflop_per_s * EXA / GIGA / MEGA
    )


_QUOTIENTS: Final = (
    _quotient(
        "dense bf16 per peak facility watt", "GFLOP/s/W", "more", _drawn(_of_sheet(_flop_per_s)),
        _drawn(_of_sheet(lambda sheet: sheet.power.peak_facility_megawatts)),
    ),
    _quotient(
        "capital per H100 equivalent by dense bf16", "USD", "less",
        _drawn(_of_sheet(lambda sheet: sheet.capital.usd)),
        _drawn(_of_sheet(lambda sheet: sheet.h100_equivalents.by_bf16)),
    ),
)  # fmt: skip
"""Figures of ``planner cluster compare`` that are one over another."""
_OWN: Final = {one.figure for one in _QUOTIENTS}
SHEETS: Final = (
    *(
        Shown(figure=figure, unit=unit, better=None, at=_of_sheet(at))
        for figure, unit, at in FIGURES
        if figure not in _OWN
    ),
    *_QUOTIENTS,
)
"""Of ``planner cluster show``: those of ``planner cluster compare``."""


def _scaled_samples(at: Callable[[Any], Interval]) -> Callable[[Answered], FloatArray | None]:
    def samples(side: Answered) -> FloatArray | None:
        found = side.samples.of(at(side.plan))
        return None if found is None else found / side.plan.accelerators

    return samples


def _whole(figure: str, unit: str, better: Better, at: Callable[[Any], Interval], per: float = 1.0) -> Shown:
    """Return a figure of a fact sheet, per accelerator."""
    drawn = _scaled_samples(at)

    def scaled(side: Answered) -> FloatArray | None:
        found = drawn(side)
        return None if found is None else found / per

    return Shown(
        figure=figure,
        unit=unit,
        better=better,
        at=lambda side: _each(side, at(side.plan)).scaled(1.0 / per),
        samples=scaled,
    )


def _record(
    figure: str, unit: str, better: Better, of: Callable[[Accelerator], Quantity | None], per: float
) -> Shown:
    return Shown(figure=figure, unit=unit, better=better, at=_quantity(of, per))


def _megawatts(sheet: Any) -> Interval:
    found: Interval = sheet.power.average_facility_megawatts
    return found


PARTS: Final = (
    _record("dense bf16", "TFLOP/s", "more", lambda part: part.flops.bf16, TERA),
    _record("dense fp8", "TFLOP/s", "more", lambda part: part.flops.fp8, TERA),
    _record("dense fp4", "TFLOP/s", "more", lambda part: part.flops.fp4, TERA),
    _record("memory", "GB", "more", lambda part: part.memory.capacity, GIGA),
    _record("memory bandwidth", "TB/s", "more", lambda part: part.memory.bandwidth, TERA),
    _record("scale-up bandwidth", "GB/s", "more", lambda part: part.scale_up.bandwidth, GIGA),
    _record("rated power", "W", "less", lambda part: part.power.tdp, 1.0),
    *(
        Shown(figure=f"H100 equivalents {label}", unit="", better="more", at=_counted(rule))
        for rule, label in RULE_LABELS.items()
    ),
    _whole("facility power in training", "W", "less", _megawatts, 1.0 / MEGA),
    _whole("capital", "USD", "less", lambda sheet: sheet.capital.usd),
    Shown(figure="owned hour", unit="USD", better="less", at=_priced("own")),
    Shown(figure="reserved hour", unit="USD", better="less", at=_priced("reserved")),
    *(
        _quotient(
            f"{name} hour per H100 equivalent by dense bf16",
            "USD",
            "less",
            _drawn(_priced(price)),
            _drawn(_counted("by_bf16")),
        )
        for name, price in (("owned", "own"), ("reserved", "reserved"))
    ),
)
"""Of one accelerator with its share of host, network and building, in a cluster of its kind."""
