"""80 % intervals of served figures: from errors of rows that the constants were not fitted on.

The spread of measured over predicted belongs to a class: the metric, how load was made and whether the model
is a mixture of experts. A class with too few rows has no interval of its own; its figures take that of the
metric under that load, or else of the pool of the metric. Times to the first token have two pools, since they
are predicted several times as well where a prompt has nobody to wait for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.evidence.statistics import HIGH, LOW, SHRINK_ROWS, Quantiles
from planner.types import BoolArray, FloatArray

__all__ = [
    "LEAST_ROWS",
    "Bounds",
    "bounds_of",
    "held_bounds",
    "interval_names",
    "ranked",
    "serving_quantiles",
]

LEAST_ROWS: Final = 15
"""Rows from which a class has an interval of its own."""

ALONE: Final = ("fixed", "single")
"""Loads under which no prompt waits for others: one batch, and a pool measured alone."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Intervals of some figures, as ratios of measured to predicted; shape ``[T]``."""

    low: FloatArray
    high: FloatArray
    names: tuple[str, ...]  # class that each is from; blank where there is none

    def holds(self, ratio: FloatArray) -> BoolArray:
        """Whether each measured over predicted lies inside."""
        return (self.low <= ratio) & (ratio <= self.high)


def interval_names(metric: str, load: str, *, moe: bool) -> tuple[str, ...]:
    """Return the classes of a figure, the narrowest first; the first that has an interval counts.

    The first two are classes; those after them are pools of all kinds of models.

    Parameters
    ----------
    metric
        ``tpot``, ``ttft`` or ``throughput``; ``tpot_ms`` and ``ttft_ms`` are the same.
    load
        One of `planner.evidence.serving_cases.KINDS`, such as ``closed``, ``offline`` or ``pools``.
    moe
        Whether the model is a mixture of experts.

    Examples
    --------
    >>> interval_names("tpot_ms", "closed", moe=True)
    ('tpot closed moe', 'tpot closed', 'tpot')
    >>> interval_names("ttft", "closed", moe=True)[2:]
    ('ttft queued', 'ttft')
    """
    metric = metric.removesuffix("_ms")
    pools = (f"ttft {'alone' if load in ALONE else 'queued'}", metric) if metric == "ttft" else (metric,)
    return f"{metric} {load} {'moe' if moe else 'dense'}", f"{metric} {load}", *pools


def serving_quantiles(
    log_ratio: FloatArray, names: Sequence[tuple[str, ...]], keep: BoolArray | None = None
) -> dict[str, Quantiles]:
    """Quantiles of measured over predicted of every class with enough rows.

    Those of ``n`` rows are at the ranks ``0.1 (n + 1)`` and ``0.9 (n + 1)``, between which the next of
    exchangeable rows falls four times in five. Those of a class are shrunk, with the weight ``n / (n + 20)``,
    to those of its pool: all loads of dense models or of mixtures of experts, whose spreads differ most, or
    first tokens that wait or do not. A class that was never seen takes the pool of all models.

    Parameters
    ----------
    log_ratio
        log(measured / predicted) per figure, from constants that were not fitted to it; shape ``[T]``.
    names
        From `interval_names`, per figure.
    keep
        Figures to use.
    """
    use = np.ones(len(log_ratio), dtype=bool) if keep is None else keep
    rows: dict[str, list[int]] = {}
    pools: dict[str, tuple[str, ...]] = {}
    for i in np.flatnonzero(use).tolist():
        for name, towards in _towards(names[i]).items():
            rows.setdefault(name, []).append(i)
            pools[name] = towards
    found: dict[str, Quantiles] = {}
    for name in sorted(rows, key=lambda one: (bool(pools[one]), one)):  # pools before their classes
        index, n = rows[name], len(rows[name])
        if n < LEAST_ROWS and " " in name:
            continue
        low, high = ranked(log_ratio[index])
        pool = next((found[one] for one in pools[name] if one in found), None)
        if pool is not None:
            share = n / (n + SHRINK_ROWS)
            low = share * low + (1.0 - share) * np.log(pool.low)
            high = share * high + (1.0 - share) * np.log(pool.high)
        found[name] = Quantiles(float(np.exp(low)), float(np.exp(high)), n)
    listed = {name for one in names for name in one}
    return {name: quantiles for name, quantiles in found.items() if name in listed}


def _towards(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return every class that a figure speaks for, with the pools that it is shrunk to, the best first."""
    narrowest, load, *pools = names
    metric, _, layers = narrowest.split()
    alike = () if metric == "ttft" else (f"{metric} {layers}",)
    return {
        narrowest: (*alike, *pools),
        load: tuple(pools),
        **dict.fromkeys((*alike, *pools), ()),
    }


def ranked(log_ratio: FloatArray) -> tuple[float, float]:
    """Return the ends between which the next of these exchangeable rows falls four times in five."""
    low, high = np.quantile(log_ratio, [LOW, HIGH], method="weibull")
    return float(low), float(high)


def bounds_of(intervals: Mapping[str, Quantiles], names: Sequence[tuple[str, ...]]) -> Bounds:
    """Look the interval of every figure up; nan where not even its metric has one."""
    nothing = Quantiles(np.nan, np.nan, 0)
    chosen = [next((name for name in mine if name in intervals), "") for mine in names]
    pairs = [intervals.get(name, nothing) for name in chosen]
    return Bounds(
        np.array([pair.low for pair in pairs]), np.array([pair.high for pair in pairs]), tuple(chosen)
    )


def held_bounds(
    log_ratio: FloatArray, names: Sequence[tuple[str, ...]], folds: Sequence[str], keep: BoolArray
) -> Bounds:
    """Interval of every figure from the figures outside its fold.

    Parameters
    ----------
    folds
        Figures of one fold are not independent of each other.
    keep
        Figures that may speak for others; all get an interval.
    """
    fold = np.array(folds)
    low, high = np.full(len(folds), np.nan), np.full(len(folds), np.nan)
    chosen = [""] * len(folds)
    for name in sorted(set(folds)):
        mine = np.flatnonzero(fold == name).tolist()
        known = serving_quantiles(log_ratio, names, keep & (fold != name))
        found = bounds_of(known, [names[i] for i in mine])
        low[mine], high[mine] = found.low, found.high
        for i, what in zip(mine, found.names, strict=True):
            chosen[i] = what
    return Bounds(low, high, tuple(chosen))
