"""Headline figures of answers that are neither plans nor fact sheets, where the answers have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.compare.curated import CURATED, Part, Row
from planner.plan.compare.pairs import identical
from planner.plan.compare.shown import Found, Pairing, Shown
from planner.plan.document import Interval
from planner.tables.samples import interval
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["curated_figures"]

_LOOSE: Final = 1e-2
"""How near ends come: quantiles of few samples are not those of their inverses."""


def curated_figures(command: str, sides: Sequence[Answered]) -> Iterator[Shown]:
    """Yield the figures of a question that any side has, items of one name in all sides together."""
    for part in CURATED[command]:
        titles = dict.fromkeys(title for side in sides for title in _items(part, side))
        for title in titles:
            for row in part.rows:
                yield _shown(part, row, title)


def _items(part: Part, side: Answered) -> Mapping[str, Any]:
    """Return the items of a part of an answer by their names; the first of several of one name."""
    found = _below(side.result.result, part.of)
    items: dict[str, Any] = {}
    for item in found if isinstance(found, tuple) else [] if found is None else [found]:
        items.setdefault(part.title.format(it=item, asked=side.result.inputs), item)
    return items


def _below(value: Any, path: str) -> Any:
    """Return what is at a path below a result; None where it has none."""
    for step in path.split(".") if path else ():
        value = getattr(value, step, None)
    return value


def _shown(part: Part, row: Row, title: str) -> Shown:
    def raw(side: Answered, path: str) -> Any:
        return _below(_items(part, side).get(title), path)

    def at(side: Answered) -> Found:
        found = raw(side, row.path)
        ends = [raw(side, path) for path in row.ends]
        if ends and None not in (found, *ends):
            return Interval(value=found, low=min(found, *ends), high=max(found, *ends))
        return found if found is None or isinstance(found, Interval) else float(found)

    def samples(side: Answered) -> FloatArray | None:
        found = raw(side, row.path)
        known = side.samples.of(found)
        return _following(found, side.samples.of(raw(side, row.follows))) if known is None else known

    def same(one: Answered, other: Answered) -> bool:
        if not part.same:
            return False
        pair = [raw(side, part.same) for side in (one, other)]
        return all(isinstance(each, Interval) for each in pair) and identical(*pair)

    shown = Shown(figure=row.figure, unit=row.unit, better=row.better, at=at)
    name = f"{title}: {row.figure}" if title else row.figure
    return replace(shown, figure=name, samples=samples, pairing=Pairing(estimated=row.estimated, same=same))


def _following(found: Any, leader: FloatArray | None) -> FloatArray | None:
    """Return samples of a figure that falls with another; None where its own ends say that it does not."""
    if leader is None or not isinstance(found, Interval) or np.any(leader <= 0.0):
        return None
    drawn = found.value * leader[0] / leader
    _, low, high = interval(drawn)
    close = np.allclose([low, high], [found.low, found.high], rtol=_LOOSE, atol=0.0)
    return np.asarray(drawn) if close else None
