"""Error statistics and intervals of predictions, by class and by rows of one family at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from planner.types import BoolArray, FloatArray

__all__ = ["Errors", "Quantiles", "class_quantiles", "errors", "errors_by", "weighted_quantile"]

LOW, HIGH = 0.1, 0.9
SHRINK_ROWS = 20.0
"""Rows at which a class speaks as loudly as all classes together."""

BETWEEN_FAMILIES = 2.0
"""Variance between families over that within: a class of few families is widened for the next one."""

MANY_FAMILIES = 10.0
"""Families beyond which a class is not widened."""

MOE_DRIFT = 1.2
"""Least factor either way for mixtures of experts: half a year of releases of one stack moved equal layouts
by 1.06 in the median and 1.77 at most, dense ones by 1.04 and 1.10."""


@dataclass(frozen=True)
class Errors:
    """Errors of a group of predictions, in percent of the measurement."""

    rows: int
    median_abs_pct: float
    mean_abs_pct: float
    p90_abs_pct: float
    bias_pct: float
    """Median signed error; positive is predicted too slow (or too much)."""


def errors(ratio: FloatArray) -> Errors:
    """Statistics of predicted over measured."""
    e = (np.asarray(ratio, dtype=float) - 1.0) * 100.0
    if not len(e):
        return Errors(0, 0.0, 0.0, 0.0, 0.0)
    size = np.abs(e)
    return Errors(
        len(e),
        float(np.median(size)),
        float(np.mean(size)),
        float(np.quantile(size, 0.9)),
        float(np.median(e)),
    )


def errors_by(ratio: FloatArray, keys: Sequence[str]) -> dict[str, Errors]:
    """`errors` per key, most rows first."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return {key: errors(ratio[index]) for key, index in ordered}


def weighted_quantile(values: FloatArray, weights: FloatArray, q: float) -> float:
    """Quantile of a weighted sample, by the midpoint of each value's weight."""
    order = np.argsort(values)
    v, w = np.asarray(values)[order], np.asarray(weights)[order]
    return float(np.interp(q, (np.cumsum(w) - 0.5 * w) / np.sum(w), v))


@dataclass(frozen=True)
class Quantiles:
    """Measured over predicted at the 10 % and the 90 % quantile."""

    low: float
    high: float
    rows: int


def class_quantiles(
    log_ratio: FloatArray, classes: Sequence[str], families: Sequence[str], keep: BoolArray | None = None
) -> dict[str, Quantiles]:
    """Quantiles of measured over predicted per class and pooled.

    Rows weigh ``1/sqrt(rows of their family)``, since rows of one family are near-copies. A class is shrunk
    to the pooled quantiles with weight ``n / (n + 20)``, widened about its middle by ``sqrt(1 + 2/families)``
    (relative to ten families) for the family that comes next, and for mixtures of experts spans at least
    `MOE_DRIFT` either way.

    Parameters
    ----------
    log_ratio
        log(measured / predicted), from rows that the constants were not fitted on.
    keep
        Rows to use.
    """
    use = np.ones(len(log_ratio), dtype=bool) if keep is None else keep
    count = Counter(f for f, k in zip(families, use, strict=True) if k)
    weights = np.array([count[f] ** -0.5 if k else 0.0 for f, k in zip(families, use, strict=True)])
    names = np.array(classes)
    pooled = [weighted_quantile(log_ratio[use], weights[use], q) for q in (LOW, HIGH)]
    result = {"pooled": Quantiles(float(np.exp(pooled[0])), float(np.exp(pooled[1])), int(np.sum(use)))}
    for name in sorted(set(classes)):
        mine = use & (names == name)
        n = int(np.sum(mine))
        if not n:
            continue
        share = n / (n + SHRINK_ROWS)
        own = [weighted_quantile(log_ratio[mine], weights[mine], q) for q in (LOW, HIGH)]
        low, high = (share * o + (1.0 - share) * p for o, p in zip(own, pooled, strict=True))
        known = len({f for f, m in zip(families, mine, strict=True) if m})
        widen = np.sqrt((1.0 + BETWEEN_FAMILIES / known) / (1.0 + BETWEEN_FAMILIES / MANY_FAMILIES))
        middle, half = (low + high) / 2.0, (high - low) / 2.0 * max(widen, 1.0)
        low, high = middle - half, middle + half
        if name.startswith("moe"):
            low, high = min(low, -np.log(MOE_DRIFT)), max(high, np.log(MOE_DRIFT))
        result[name] = Quantiles(float(np.exp(low)), float(np.exp(high)), n)
    return result


def left_out(families: Sequence[str], evaluate: Callable[[BoolArray, BoolArray], FloatArray]) -> FloatArray:
    """Predictions for every row from a fit without its family.

    Parameters
    ----------
    evaluate
        Called with (rows to fit on, rows to predict); returns predictions of the latter.
    """
    names = np.array(families)
    result = np.zeros(len(names))
    for family in sorted(set(families)):
        mine = names == family
        result[mine] = evaluate(~mine, mine)
    return result
