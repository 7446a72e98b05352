"""A comparison as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.cluster.words import amount, between, plain
from planner.plan.sections import Section
from planner.units import format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.compare.results import Basis, CompareResult, Figure, Step, Waterfall
    from planner.plan.document import Interval

__all__ = ["headline", "records_of", "sections"]

SMALL: Final = 0.005
"""Log shares below this stand together."""
_LONG: Final = 1e5
_VAST: Final = 1e9
_RATIOS: Final[dict[Basis, str]] = {
    "common samples": "what both share cancels",
    "independent errors": "what their errors share is not known: intervals of independent errors",
    "stated values": "of stated values alone, without an interval",
}
"""What ratios rest on, in the order in which they are shown."""
_EXPLAINED: Final = ("what multiplies it", "factor", "from and to")


def headline(result: CompareResult) -> str:
    """Say the answer in one sentence."""
    answer, names = result.result, result.inputs.names
    if answer.ranks:
        return "; ".join(rank.sentence for rank in answer.ranks) + "."
    unable = [side.name for side in answer.sides if not side.feasible]
    if unable:
        return f"No plan for {', '.join(unable)}."
    return f"{', '.join(names[1:])} beside {names[0]}."


def sections(result: CompareResult) -> Iterator[Section]:
    """Yield the tables of a comparison."""
    answer, names = result.result, result.inputs.names
    head = ("", *names) if answer.figures else ()
    yield Section(headline(result), head, [_values(one) for one in answer.figures])
    for basis, title in _RATIOS.items():
        ratios = [_ratios(one, basis) for one in answer.figures if basis in one.bases[1:]]
        if ratios:
            yield Section(f"Ratios to {names[0]}; {title}", ("", *names[1:]), ratios)
    yield from _failed(result)
    shown: set[tuple[int, str]] = set()
    for fall in answer.waterfalls:
        rows = list(_steps(fall, shown))
        yield Section(fall.sentence, _EXPLAINED, rows)
    plans = [(side.name, side.plan) for side in answer.sides if side.plan]
    if plans:
        yield Section("", ("side", "plan"), plans)
    if answer.ranks:
        yield Section("", ("rank by", "rests on"), [(rank.figure, rank.rests_on) for rank in answer.ranks])


def _failed(result: CompareResult) -> Iterator[Section]:
    for side in result.result.sides:
        if not side.feasible:
            mends = [("feasible with", nearest.sentence) for nearest in side.nearest]
            why = [("reason", reason) for reason in side.reasons[1:]]
            yield Section(f"{side.name}: {side.headline}", (), [*why, *mends])


def _values(one: Figure) -> tuple[str, ...]:
    return (_titled(one), *("none" if value is None else _between(value, one.unit) for value in one.values))


def _titled(one: Figure) -> str:
    return f"{one.figure}, {one.unit}" if one.unit not in ("", "share") else one.figure


def _between(value: Interval, unit: str) -> str:
    if unit == "share":
        return between(value, lambda number: f"{number:.1%}")
    return between(value, _number)


def _number(value: float) -> str:
    if value >= _VAST:
        return format_quantity(value, "count")
    return amount(value / 1e6, "M").replace(" M", "M") if value >= _LONG * 10 else plain(value)


def _ratios(one: Figure, basis: Basis) -> tuple[str, ...]:
    """Return the ratios that rest on the same."""
    rests = zip(one.ratios[1:], one.bases[1:], strict=True)
    return (
        one.figure,
        *("" if ratio is None or mine != basis else between(ratio, _times) for ratio, mine in rests),
    )


def _times(ratio: float) -> str:
    return f"x {short_number(ratio)}"


def _steps(fall: Waterfall, shown: set[tuple[int, str]]) -> Iterator[tuple[str, ...]]:
    """Yield the groups of a waterfall, with the parts of each the first time that it is shown."""
    groups: dict[str, list[Step]] = {}
    for step in fall.steps:
        groups.setdefault(step.group, []).append(step)
    for group, steps in groups.items():
        whole = float(sum(step.log_share for step in steps))
        single = len(steps) == 1 and steps[0].name == group
        yield group, _times(float(np.exp(whole))), steps[0].detail if single else ""
        if single or (fall.side, group) in shown:
            continue
        shown.add((fall.side, group))
        large = sorted((s for s in steps if abs(s.log_share) >= SMALL), key=lambda s: -abs(s.log_share))
        for step in large:
            yield f"- {step.name}", _times(step.factor), step.detail
        rest = [step for step in steps if abs(step.log_share) < SMALL]
        if rest:
            yield (
                f"- {len(rest)} smaller ones",
                _times(float(np.exp(sum(step.log_share for step in rest)))),
                "",
            )
    yield (
        "all of it",
        _times(fall.ratio),
        f"{_number(fall.first)} to {_number(fall.value)} {fall.unit}".rstrip(),
    )


def records_of(result: CompareResult) -> list[dict[str, Any]]:
    """Return one flat row for each figure of each side."""
    answer, names = result.result, result.inputs.names
    return [
        {
            "side": name,
            "figure": one.figure,
            "unit": one.unit,
            **_flat("value", one.values[at]),
            **_flat("ratio", one.ratios[at]),
            "ratio_rests_on": one.bases[at],
        }
        for one in answer.figures
        for at, name in enumerate(names)
    ]


def _flat(name: str, interval: Interval | None) -> dict[str, float | None]:
    ends = (None, None, None) if interval is None else (interval.value, interval.low, interval.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
