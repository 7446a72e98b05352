"""The best layout alone, of one job with many numbers of accelerators and batches.

The same layout as `planner.search.search` finds, in a fraction of its time: costs of layers are shared, no
runner-up is kept, and what a layout found before reaches rules most others out by a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from planner.errors import UsageError
from planner.search.bound import pair_bound_s
from planner.search.costs import Known
from planner.search.rank import Best
from planner.search.reasons import unsupported
from planner.search.request import Request
from planner.search.space import Space
from planner.search.steps import strategy_of
from planner.search.sweep import field_of, run
from planner.tables import Hardware, Model, Software, Strategy
from planner.types import BoolArray

__all__ = ["best"]

_TUPLE: Final = ("tp", "cp", "ep", "etp", "micro_batch", "sequence_parallel")


def best(
    *,
    hardware: Hardware,
    model: Model,
    software: Software,
    request: Request,
    known: Known | None = None,
    near: Sequence[Strategy] = (),
) -> Strategy | None:
    """Find the layout with the shortest step; None where nothing fits.

    Parameters
    ----------
    hardware, model, software
        Tables of one row.
    request
        Its goal must be ``fastest``.
    known
        Costs of layers of earlier searches with the same tables, precision and length of sequences; it
        keeps those of this one.
    near
        The best layouts, one row each, with other accelerators or other batches: a good guess saves time
        and changes nothing else.

    Raises
    ------
    UsageError
        Another goal.
    """
    if request.goal != "fastest":
        raise UsageError(f"best: the goal must be 'fastest', not {request.goal!r}")
    if unsupported(hardware=hardware, request=request) is not None:
        return None
    field = field_of(hardware=hardware, model=model, software=software, request=request, known=known)
    if field is None:
        return None
    pool, useful = Best(field.space), None
    if near and len(field.space.tuples.tp) * len(field.space.pp) > 1:
        run(field, pool, np.any([_pair_of(field.space, one) for one in near], axis=0))
    if pool.rows is not None:
        least = pair_bound_s(space=field.space, costs=field.costs, accelerators=field.accelerators)
        useful = least <= pool.ceiling
    rows, _ = run(field, pool, useful)
    return None if rows is None else strategy_of(field.space, rows)


def _pair_of(space: Space, layout: Strategy) -> BoolArray:
    """Return which pair of tuple and pipeline size a layout is of, ``[T, P]``; none where there is none."""
    same = np.ones(len(space.tuples.tp), dtype=bool)
    for name in _TUPLE:
        same &= getattr(space.tuples, name) == getattr(layout, name)[0]
    return np.asarray(same[:, None] & (space.pp == layout.pp[0]))
