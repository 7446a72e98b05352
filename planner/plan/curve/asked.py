"""What a curve was asked for, read and checked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.kinds import CLUSTER
from planner.errors import InputError, UsageError
from planner.plan import numbers
from planner.plan.defaults import Filled
from planner.plan.places import MOST_GPUS, places
from planner.plan.rates import Where
from planner.plan.regular import group_of

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.curve.kinds import Kind
    from planner.plan.numbers import Number
    from planner.types import IntArray

__all__ = ["SCALINGS", "Asked", "Spot", "accelerators_between", "names_of", "options_of", "span_of"]

SCALINGS: Final = ("weak", "strong", "both")
_MOST_POINTS: Final = 1000
_MOST_SERIES: Final = 12
_BITS: Final = 16
"""Counts have so many steps between a power of two and the next, so that they divide well."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Hardware of a curve: a cluster, or an accelerator of any number.

    Attributes
    ----------
    label
        What is written beside its line.
    cluster, gpu
        One of the two, by name.
    size
        Accelerators of the cluster; None of an accelerator.
    domain, node
        Accelerators of a scale-up domain and of a host.
    """

    label: str
    cluster: str | None = None
    gpu: str | None = None
    size: int | None = None
    domain: int = 1
    node: int = 1

    def where(self, book: Catalog, **options: Any) -> Where:
        """Return it as `planner.plan.rates` takes it, with surroundings by their names."""
        return Where(book=book, cluster=self.cluster, gpu=self.gpu, **options)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A curve as it was asked for.

    Attributes
    ----------
    book
        Holds the records.
    filled
        Receives assumptions and notes.
    kind
        What is drawn.
    models, spots, traffic
        Several of each are laid over one another. Models are as `planner.train` takes them.
    low, high
        Range of accelerators as given; None where it was left open.
    points
        Of a line, at most.
    scaling
        ``weak``, ``strong`` or ``both``, of training.
    base
        Accelerators on which weak scaling has the batch of the recipe; None leaves it open.
    layout
        Fields that are pinned; empty where the best of all layouts is taken.
    options
        More inputs of the kind's question.
    """

    book: Catalog
    filled: Filled = field(default_factory=Filled)
    kind: Kind
    models: tuple[Any, ...] = ()
    spots: tuple[Spot, ...] = ()
    traffic: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    points: int = 100
    scaling: str = "both"
    base: int | None = None
    layout: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def range_on(self, spot: Spot) -> tuple[int, int]:
        """Return the first and last number of accelerators: as given, of the cluster, or of the kind.

        Raises
        ------
        InputError
            Nothing is between them.
        """
        high = self.high if self.high is not None else spot.size or self.kind.high
        low = self.low if self.low is not None else min(self.kind.low, high)
        if low > high:
            raise InputError(
                f"--gpus {low:,}..{high:,}: nothing lies between them on {spot.label}; "
                f"write the smaller number first, and no more than {high:,}"
            )
        return low, high

    def accelerators(self, spot: Spot) -> IntArray:
        """Return numbers of accelerators over the range, ascending; see `accelerators_between`."""
        low, high = self.range_on(spot)
        return accelerators_between(low, high, self.points, domain=spot.domain, node=spot.node)


def accelerators_between(low: int, high: int, points: int, *, domain: int, node: int) -> IntArray:
    """Return numbers between two that people build and that divide well, evenly spaced in their logarithms.

    Whole scale-up domains (below one: whole hosts) whose number has few binary digits; the ends are as given.
    """
    wanted = np.geomspace(low, high, points)
    grain = np.where(wanted >= domain, domain, np.where(wanted >= node, node, 1))
    exact = wanted / grain
    step = np.maximum(2.0 ** np.floor(np.log2(np.maximum(exact, 1.0))) / _BITS, 1.0)
    even = np.rint(exact / step) * step * grain
    even[0], even[-1] = low, high
    return np.unique(np.clip(even, low, high).astype(np.int64))


def names_of(given: object) -> tuple[Any, ...]:
    """Return one thing or several as a tuple, each once."""
    if given is None:
        return ()
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | _record())
    found: list[Any] = []
    for one in list(given) if several else [given]:  # type: ignore[call-overload]
        if one not in found:
            found.append(one)
    if len(found) > _MOST_SERIES:
        raise UsageError(f"{len(found)} lines in one picture are too many to read; take {_MOST_SERIES}")
    return tuple(found)


def _record() -> type:
    from pydantic import BaseModel

    return BaseModel


def spots_of(
    book: Catalog, cluster: object, gpu: object, *, alike: bool = False, precision: object = None
) -> tuple[Spot, ...]:
    """Look up clusters and accelerators by name.

    Parameters
    ----------
    alike
        Whether a cluster with unlike hardware counts by the group that is drawn, at this precision.

    Raises
    ------
    UnknownNameError
        No such cluster or accelerator.
    """
    return (
        *(
            _cluster(book, str(name), group_of(book, cluster=str(name), precision=_text(precision)))
            if alike
            else _cluster(book, str(name), str(name))
            for name in names_of(cluster)
        ),
        *(_accelerator(book, str(name)) for name in names_of(gpu)),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _cluster(book: Catalog, name: str, counted: str | None) -> Spot:
    groups = places(book, cluster=counted, gpu=None, gpus=None)
    most = max(groups, key=lambda group: group.available)
    plain, _, only = name.partition("/")
    label = book.get(CLUSTER, plain).id + (f"/{only}" if only else "")
    size = sum(group.available for group in groups)
    return Spot(label=label, cluster=name, size=size, domain=most.domain or 1, node=most.node or 1)


def _accelerator(book: Catalog, name: str) -> Spot:
    place = places(book, cluster=None, gpu=name, gpus=None)[0]
    label = place.accelerator.id
    return Spot(label=label, gpu=name, domain=place.domain or 1, node=place.node or 1)


def span_of(gpus: Number | None) -> tuple[int | None, int | None]:
    """Read ``8..10M``, ``8..``, ``..10M`` or ``10M`` (up to so many).

    Raises
    ------
    InputError
        A number that is none, no range, the larger number first.
    """
    if gpus is None:
        return None, None
    text = str(gpus).strip()
    first, dots, last = text.partition("..")
    if not dots:
        return None, numbers.count("gpus", gpus, most=MOST_GPUS)
    ends = [
        numbers.count("gpus", end.strip(), most=MOST_GPUS) if end.strip() else None for end in (first, last)
    ]
    low, high = ends
    if low is None and high is None:
        raise InputError(f"--gpus {text!r}: name an end of the range, as in 8..10M")
    if low is not None and high is not None and low > high:
        raise InputError(f"--gpus {text!r}: write the smaller number first, as in 8..10M")
    return low, high


def points_of(points: Number | None, kind: Kind) -> int:
    """Read the number of points; the kind's where it was left open."""
    return kind.points if points is None else numbers.count("points", points, most=_MOST_POINTS, least=2)


def layout_of(layout: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Read a pinned layout: ``'tp=8 pp=16'`` or a mapping; nothing, or ``best``, leaves all fields free.

    Raises
    ------
    UsageError
        A field that no layout has, or no ``=``.
    """
    from planner.plan.pins import LAYOUT, pinned
    from planner.plan.scenario.read import changes

    if layout is None or (isinstance(layout, str) and layout.strip().casefold() in ("best", "")):
        return {}
    given = dict(layout) if isinstance(layout, Mapping) else changes(layout.replace(",", " ").split())
    for name in given:
        if name not in LAYOUT:
            from planner.errors import suggest

            mend = suggest(name, LAYOUT, otherwise=f"the fields are {', '.join(LAYOUT)}")
            raise UsageError(f"--layout: unknown field {name[:40]!r}; {mend}")
    return pinned(given)


def options_of(book: Catalog, kind: Kind, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check inputs of the kind's question that are passed through; those that are None stay open.

    Raises
    ------
    InputError
        An input that the question lacks or the curve sets itself, or a value that it refuses; all at once.
    """
    from planner.plan.scenario.inputs import mistakes_of
    from planner.plan.scenario.questions import QUESTIONS
    from planner.plan.scenario.values import refused

    given = {name: value for name, value in options.items() if value is not None}
    if not given:
        return {}
    wrong = {name: "the curve sets it itself; leave it out" for name in given if name in kind.own}
    free = {name: value for name, value in given.items() if name not in wrong}
    found = mistakes_of(QUESTIONS[kind.question], free)
    wrong |= {name: found[name] for name in free if name in found}
    wrong |= {
        name: why for name, value in free.items() if name not in wrong and (why := refused(name, value, book))
    }
    if wrong:
        raise InputError.collect([f"--with {name}={given[name]}: {why}" for name, why in wrong.items()])
    return given
