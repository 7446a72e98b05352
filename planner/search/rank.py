"""Which layouts are kept: the best, the best of each kind, and what a layout must beat to be evaluated.

The answers to all questions are kept in one small pool. Equal scores are ranked by accelerators, then by
the order of the space: fewer pipeline stages, the smaller tuple, less interleaving, the plainer sharding,
lighter recompute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.search.space import Space
from planner.search.steps import Layouts
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Best", "Pool", "Thresholds", "distinct", "first_of", "preference"]

SAMPLE = 1024
"""Rows that are looked at before the many that come with them."""


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Scores that a layout must not exceed to matter to a question."""

    by_pp: FloatArray  # [P] best of each pipeline size
    overall: float  # the last of the best distinct plans
    plain: float  # best without recompute
    likely: float  # best that is likely to fit

    def passes(self, score: FloatArray, p: IntArray, *, plain: BoolArray, likely: BoolArray) -> BoolArray:
        """Whether rows with at least this score may answer a question."""
        best = score <= np.maximum(self.by_pp[p], self.overall)
        return best | (plain & (score <= self.plain)) | (likely & (score <= self.likely))


class Pool:
    """The layouts that answer a question so far."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._free = bool(np.any(space.recompute == 0))
        self.rows: Layouts | None = None
        self.thresholds = Thresholds(np.full(len(space.pp), np.inf), np.inf, np.inf, np.inf)

    @property
    def ceiling(self) -> float:
        """Step time beyond which nothing matters to any question."""
        return np.inf

    def add(self, rows: Layouts) -> None:
        """Take in evaluated layouts and let go of those that answer nothing."""
        # A sample first: what it sets as thresholds spares most of the others from being sorted.
        step = len(rows) // SAMPLE
        if step > 1:
            self._add(rows.take(slice(0, None, step)))
            rows = rows.take(np.flatnonzero(np.arange(len(rows)) % step))
        self._add(rows)

    def _add(self, rows: Layouts) -> None:
        plain = self._space.recompute[rows.level] == 0
        useful = self.thresholds.passes(rows.score, rows.p, plain=plain, likely=rows.likely)
        new = rows.take(np.flatnonzero(useful & np.isfinite(rows.score)))
        if not len(new):
            return
        both = new if self.rows is None else self.rows.joined(new)
        both = both.take(preference(both))
        plans = first_of(distinct(self._space, both))[: self._space.request.top]
        by_pp = first_of(both.p)
        plain_rows = np.flatnonzero(self._space.recompute[both.level] == 0)[:1]
        likely_rows = np.flatnonzero(both.likely)[:1]
        keep = np.unique(np.concatenate([plans, by_pp, plain_rows, likely_rows]))
        best = np.full(len(self._space.pp), np.inf)
        best[both.p[by_pp]] = both.score[by_pp]
        full = len(plans) == self._space.request.top
        self.thresholds = Thresholds(
            by_pp=best,
            overall=float(both.score[plans[-1]]) if full else np.inf,
            plain=float(both.score[plain_rows[0]]) if len(plain_rows) else np.inf,
            likely=float(both.score[likely_rows[0]]) if len(likely_rows) else np.inf,
        )
        self.rows = both.take(keep)


class Best(Pool):
    """Only the best layout, where nothing else was asked for.

    Parameters
    ----------
    space
        Of the search, whose goal must be the shortest step.
    ceiling
        Step time that some layout is known to reach.
    """

    def __init__(self, space: Space, ceiling: float = np.inf) -> None:
        super().__init__(space)
        self._limit(ceiling)

    @property
    def ceiling(self) -> float:
        """Step time that the best layout does not exceed."""
        return self.thresholds.overall

    def _add(self, rows: Layouts) -> None:
        new = rows.take(np.flatnonzero(rows.score <= self.ceiling))
        if len(new):
            both = new if self.rows is None else self.rows.joined(new)
            self.rows = both.take(preference(both)[:1])
            self._limit(float(self.rows.score[0]))

    def _limit(self, score: float) -> None:
        every = np.full(len(self._space.pp), -np.inf)
        self.thresholds = Thresholds(by_pp=every, overall=score, plain=-np.inf, likely=-np.inf)


def distinct(space: Space, rows: Layouts) -> IntArray:
    """Give each layout a number that it shares with its twins.

    Twins have the same tensor, context, pipeline and expert sizes and micro-batch; they differ only in
    interleaving, replicas, sequence parallelism, sharding, recompute or offload.
    """
    tuples = space.tuples
    columns = [tuples.tp, tuples.cp, tuples.ep, tuples.etp, tuples.micro_batch]
    key = np.stack([*(c[rows.t] for c in columns), rows.p.astype(float)], axis=1)
    _, number = np.unique(key, axis=0, return_inverse=True)
    return number.reshape(-1)


def preference(rows: Layouts) -> IntArray:
    """Order of rows from the best to the worst; the same for any order in which they come."""
    keys = (rows.level, rows.offload, rows.z, rows.vpp, rows.dp, rows.t, rows.p, rows.ranks, rows.score)
    return np.lexsort(keys)


def first_of(values: IntArray) -> IntArray:
    """Where each distinct value comes first, ascending."""
    _, index = np.unique(values, return_index=True)
    return np.sort(index)
