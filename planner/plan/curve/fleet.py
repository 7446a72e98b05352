"""``planner curve fleet``: clusters over time as H100 equivalents, by a rule that is named.

Records of one cluster at several dates (``phase_of``) are its phases, each of which holds until the next. A
date that is only a month or a year stands at its middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR, CLUSTER, SYSTEM
from planner.catalog.tops import tops
from planner.errors import UsageError
from planner.model.equivalents import PEAK_RULES, check_rule
from planner.plan.cluster.equivalents import per_accelerator, reference_part
from planner.plan.curve.results import Axis, CurveAnswer, Fact, Mark, Point, Series
from planner.plan.curve.words import listed
from planner.plan.operating.money import interval_of
from planner.tables.samples import Samples
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.cluster import Cluster
    from planner.plan.curve.asked import Asked
    from planner.types import FloatArray

__all__ = ["data", "year_of"]

_RULE: Final = "bf16"
_SAID: Final = {
    "bf16": "dense bf16 FLOP/s",
    "8bit": "dense 8-bit operations per second",
    "hbm-bandwidth": "bandwidth of the device memory",
    "memory": "capacity of the device memory",
}
_DAYS: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)
"""Before each month, in a usual year."""
_BEYOND: Final = 0.15
"""Years for which the last state is drawn on."""
_SPREAD: Final = 60.0
"""Largest over smallest from which the axis is logarithmic."""
_SUMMED: Final = 2
"""Clusters from which there is a sum."""
_FEW: Final = 2
"""Clusters up to which every phase is named."""


@dataclass(frozen=True, kw_only=True)
class _Phase:
    """A cluster from some date on."""

    record: Cluster
    year: float
    equivalents: FloatArray
    """``[S, 1]``, the stated value first."""
    accelerators: int

    @property
    def built(self) -> bool:
        """Whether it stands, rather than is planned or announced."""
        return self.record.status == "built"


def data(asked: Asked) -> CurveAnswer:
    """Compute H100 equivalents of clusters over time.

    Raises
    ------
    UsageError
        An accelerator or a group instead of a cluster; an unknown rule.
    """
    rule = _rule(asked)
    samples = Samples()
    names = list(dict.fromkeys(_root(asked.book, name) for name in _clusters(asked)))
    families = {name: _phases(asked.book, name, rule, samples) for name in names}
    lacking = [
        name for name, phases in families.items() if any(np.isnan(p.equivalents).any() for p in phases)
    ]
    drawn = {name: phases for name, phases in families.items() if name not in lacking}
    series = _series(drawn) if drawn else []
    heights = [point.y.value for one in series for point in one.points if point.y.value > 0]
    log = bool(heights) and max(heights) > _SPREAD * min(heights)
    unit = reference_part(asked.book).name
    return CurveAnswer(
        title=f"H100 equivalents by {_SAID[rule]}: {listed(names)}",
        caption=_caption(rule, unit),
        x=Axis(key="year", title="Date", unit="year"),
        y=Axis(
            key="h100_equivalents",
            title=f"H100 equivalents by {rule}",
            log=log,
            floor=None if log else 0.0,
        ),
        series=tuple(series),
        reasons=tuple(f"{name}: a part of it lacks what rule {rule} compares" for name in lacking),
    )


def _rule(asked: Asked) -> str:
    given = asked.options.get("rule")
    if given is None:
        asked.filled.assume("rule", _RULE, f"{_SAID[_RULE]}; --with rule={' or '.join(PEAK_RULES)}")
    return check_rule(str(given or _RULE), rules=tuple(PEAK_RULES))


def _clusters(asked: Asked) -> Iterator[str]:
    for spot in asked.spots:
        if spot.cluster is None or "/" in spot.cluster:
            raise UsageError(
                f"planner curve fleet is about whole clusters over time, and {spot.label} is none: name some "
                "as in --cluster colossus-1 --cluster colossus-2; see planner catalog list cluster"
            )
        yield spot.cluster


def _root(book: Catalog, name: str) -> str:
    record = book.get(CLUSTER, name)
    return record.phase_of or record.id


def _phases(book: Catalog, root: str, rule: str, samples: Samples) -> list[_Phase]:
    """Return the states of a cluster in the order of their dates."""
    ids = [top.id for top in tops(book, CLUSTER, ("phase_of",)) if top.texts("phase_of") == (root,)]
    found = [_phase(book, book.get(CLUSTER, name), rule, samples) for name in dict.fromkeys((root, *ids))]
    return sorted(found, key=lambda phase: phase.year)


def _phase(book: Catalog, record: Cluster, rule: str, samples: Samples) -> _Phase:
    parts = [book.get(ACCELERATOR, book.get(SYSTEM, group.system).accelerator) for group in record.groups]
    counts = np.concatenate(
        [
            np.broadcast_to(
                samples.of(group.accelerators, f"cluster.{record.id}.groups.{at}.accelerators"),
                (1 + samples.count, 1),
            )
            for at, group in enumerate(record.groups)
        ],
        axis=1,
    )
    each = per_accelerator(book, parts, samples)[rule]
    return _Phase(
        record=record,
        year=year_of(record.date),
        equivalents=(each * counts).sum(axis=1, keepdims=True),
        accelerators=round(sum(group.accelerators.value for group in record.groups)),
    )


def year_of(date: str) -> float:
    """Return an ISO date as a year with its fraction; a month or a year alone is its middle."""
    year, *rest = (int(part) for part in date.split("-"))
    if not rest:
        return year + 0.5
    first, last = _DAYS[rest[0] - 1], _DAYS[rest[0]]
    day = first + rest[1] - 1 if len(rest) > 1 else (first + last) / 2.0
    return year + day / _DAYS[-1]


def _series(families: dict[str, list[_Phase]]) -> list[Series]:
    """Return each cluster as steps, what is planned dashed, and all of them together."""
    end = max(phase.year for phases in families.values() for phase in phases) + _BEYOND
    series = [
        one
        for name, phases in families.items()
        for one in _steps("" if len(families) == 1 else name, name, phases, end, every=len(families) <= _FEW)
    ]
    if len(families) > 1:
        series += _together(families, end)
    return series


def _steps(label: str, group: str, phases: Sequence[_Phase], end: float, *, every: bool) -> Iterator[Series]:
    first = next((at for at, phase in enumerate(phases) if not phase.built), len(phases))
    built, planned = list(phases[:first]), list(phases[first:])
    if built:
        stop = planned[0].year if planned else end
        marks = tuple(_mark(phase) for phase in (built if every else built[-1:]))
        yield Series(name=label or "built", group=group, points=_stairs(built, stop), marks=marks)
    if planned:
        marks = tuple(_mark(phase) for phase in planned) if every else ()
        points = _stairs(planned, end)
        if built:
            points = (points[0].model_copy(update=_level(built[-1])), *points)
        name = f"{label} (planned)" if label else "planned"
        yield Series(name=name, group=group, style="dashed", points=points, marks=marks)


def _stairs(phases: Sequence[_Phase], end: float) -> tuple[Point, ...]:
    """Return two points for each phase: where it begins and where it ends."""
    ends = [*(phase.year for phase in phases[1:]), end]
    points: list[Point] = []
    for phase, stop in zip(phases, ends, strict=True):
        points += [Point(x=x, **_level(phase)) for x in (phase.year, stop)]
    return tuple(points)


def _level(phase: _Phase) -> dict[str, Any]:
    facts: dict[str, Fact] = {
        "cluster": phase.record.id,
        "date": phase.record.date,
        "status": phase.record.status,
        "accelerators": phase.accelerators,
    }
    return {"y": interval_of(phase.equivalents), "facts": facts}


def _together(families: dict[str, list[_Phase]], end: float) -> Iterator[Series]:
    """Yield the sum of what is built, and of what is planned beside it."""
    dates = sorted({phase.year for phases in families.values() for phase in phases})
    planned = [phase.year for phases in families.values() for phase in phases if not phase.built]
    whole = _sums(families, dates, end, planned=True)
    standing = _sums(families, dates, end, planned=False)
    if standing:
        yield Series(name="together" if not planned else "together, built", group="together", points=standing)
    kept = tuple(point for point in whole if planned and point.x >= min(planned))
    if kept:
        yield Series(name="together (planned)", group="together", style="dashed", points=kept)


def _sums(
    families: dict[str, list[_Phase]], dates: Sequence[float], end: float, *, planned: bool
) -> tuple[Point, ...]:
    points: list[Point] = []
    for date, stop in zip(dates, [*dates[1:], end], strict=True):
        now = [
            [phase for phase in phases if phase.year <= date and (planned or phase.built)]
            for phases in families.values()
        ]
        latest = [phases[-1] for phases in now if phases]
        if len(latest) < _SUMMED:  # of one alone its own line says it
            continue
        value = interval_of(np.sum([phase.equivalents for phase in latest], axis=0))
        facts: dict[str, Fact] = {"accelerators": sum(phase.accelerators for phase in latest)}
        points += [Point(x=x, y=value, facts=facts) for x in (date, stop)]
    return tuple(points)


def _mark(phase: _Phase) -> Mark:
    count = format_quantity(float(phase.accelerators), "count", digits=3)
    value = interval_of(phase.equivalents).value
    return Mark(
        x=phase.year,
        y=value,
        label=count,
        sentence=f"{phase.record.date}: {phase.record.name}, {phase.record.status}: {phase.accelerators:,} "
        f"accelerators, {value:,.0f} H100 equivalents.",
    )


def _caption(rule: str, unit: str) -> tuple[str, ...]:
    other = "Other rules give other numbers (--with rule=...)."
    return (
        f"Counted in {unit} by {_SAID[rule]}. {other}",
        "Each state of a cluster on record holds until the next; dates of a month or a year stand at its "
        "middle. Dashed: planned or announced. Numbers at marks are "
        "accelerators. Bands: 80 % of cases, where counts or rates are estimates.",
    )
