"""``planner curve``: one answer over a range of accelerators, loads, sizes or times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from planner.errors import UsageError
from planner.plan import numbers
from planner.plan.bibliography import sources_of
from planner.plan.curve.asked import (
    SCALINGS,
    Asked,
    layout_of,
    names_of,
    options_of,
    points_of,
    span_of,
    spots_of,
)
from planner.plan.curve.kinds import kind_named
from planner.plan.curve.results import CurveInputs, CurveResult
from planner.plan.job import as_catalog
from planner.plan.places import MOST_GPUS

if TYPE_CHECKING:
    from planner.plan.curve.kinds import Kind
    from planner.plan.numbers import Number

__all__ = ["curve"]

_NEEDS = {
    "model": "a model, as in --model llama-3.1-405b",
    "place": "hardware, as in --gpu h100 or --cluster colossus-1m",
    "traffic": "a traffic profile, as in --traffic chat",
}


def curve(
    kind: str,
    *,
    model: object = None,
    cluster: str | Iterable[str] | None = None,
    gpu: str | Iterable[str] | None = None,
    traffic: str | Iterable[str] | None = None,
    gpus: Number | None = None,
    points: Number | None = None,
    scaling: str = "both",
    base: Number | None = None,
    layout: str | Mapping[str, Any] | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
    **options: Any,
) -> CurveResult:
    """Compute a curve; `planner.plot.curve` draws it.

    Parameters
    ----------
    kind
        What is shown: ``throughput``, ``days`` ...; see `planner.plan.curve.kinds.KINDS`.
    model, cluster, gpu, traffic
        Names, or several of them: models, clusters, accelerators, traffic profiles. Each combination is a
        line.
    gpus
        Range of accelerators, ``'8..10M'``, or its upper end. By default that of the kind, of a cluster up to
        its size.
    points
        Of a line, at most; numbers are rounded to whole scale-up domains.
    scaling
        Of training: ``weak`` (the batch grows with the accelerators), ``strong`` (it stays) or ``both``.
    base
        Accelerators on which weak scaling has the batch of the recipe; 16,384 by default, the largest run
        that was measured, or the end of the range where that is less.
    layout
        Fields of a layout that are pinned, as in ``'tp=8 pp=16'``; the best of all layouts by default.
    options
        More inputs of the question that the points ask: ``seq_len``, ``price``, ``site`` ...
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    CurveResult
        With reasons where there is nothing to draw.

    Raises
    ------
    UsageError
        An unknown kind; something that the kind needs and was not given.
    InputError
        A value or a name that is wrong.
    """
    known = kind_named(kind).given(traffic=bool(names_of(traffic)))
    book = as_catalog(catalog, set)
    low, high = span_of(gpus)
    with book.tracking() as used:
        asked = Asked(
            book=book,
            kind=known,
            models=names_of(model),
            spots=spots_of(book, cluster, gpu, alike=known.alike, precision=options.get("precision")),
            traffic=tuple(str(name) for name in names_of(traffic)),
            low=low,
            high=high,
            points=points_of(points, known),
            scaling=numbers.choice("scaling", scaling, SCALINGS),
            base=None if base is None else numbers.count("base", base, most=MOST_GPUS),
            layout=layout_of(layout),
            options=options_of(book, known, options),
        )
        _check(known, asked)
        answer = known.data(asked)
    answer = answer.model_copy(update={"notes": (*dict.fromkeys((*answer.notes, *asked.filled.notes)),)})
    overrides = (set,) if isinstance(set, str) else tuple(set)
    return CurveResult(
        inputs=_inputs(asked, overrides),
        assumptions=tuple(asked.filled.assumptions),
        result=answer,
        sources=sources_of(book, used),
    )


def _check(kind: Kind, asked: Asked) -> None:
    """Refuse a question that lacks what its kind needs, or says what it does not look at."""
    there = {"model": asked.models, "place": asked.spots, "traffic": asked.traffic}
    missing = [_NEEDS[name] for name in kind.needs if not there[name]]
    if missing:
        raise UsageError(f"planner curve {kind.name} needs {' and '.join(missing)}")
    serves = kind.question == "serve"
    if asked.models and "model" not in kind.needs:
        raise UsageError(f"planner curve {kind.name} is of hardware alone; leave --model out")
    if asked.traffic and not serves:
        raise UsageError(f"planner curve {kind.name} is not of a service; leave --traffic out")
    if asked.layout and kind.question != "train":
        mend = "of a service say --with tp=8, pp, dp, ep, chunk or max_batch" if serves else "leave it out"
        raise UsageError(f"planner curve {kind.name}: --layout pins a layout of training; {mend}")


def _inputs(asked: Asked, overrides: tuple[str, ...]) -> CurveInputs:
    options = dict(asked.options)
    if asked.kind.question == "train":
        options |= {"scaling": asked.scaling, "layout": dict(asked.layout) or "best"}
    ranges = [asked.range_on(spot) for spot in asked.spots] if asked.kind.points else []
    return CurveInputs(
        kind=asked.kind.name,
        models=tuple(_called(model) for model in asked.models),
        clusters=tuple(spot.label for spot in asked.spots if spot.cluster is not None),
        gpus=tuple(spot.label for spot in asked.spots if spot.gpu is not None),
        traffic=asked.traffic,
        low=min((low for low, _ in ranges), default=None),
        high=max((high for _, high in ranges), default=None),
        points=asked.points,
        options=options,
        overrides=overrides,
    )


def _called(model: object) -> str:
    """Name a model for people: the id of a record, a name or path as given."""
    found = getattr(model, "id", model)
    return found if isinstance(found, str) else "a model of your own"
