"""How much of its error a prediction shares with another: what cancels in the ratio of the two.

Two predictions by one estimator miss alike in part: a stack that is slower than modelled is so in both. What
they share is measured on pairs of rows of one family (one team, one stack, as the two sides of a comparison
are) by the errors ``e = log(measured / predicted)`` of constants fitted without that family, with their
80 % intervals of half width ``w``. Were the errors independent, four pairs in five would lie within
``(e_i - e_j)^2 <= w_i^2 + w_j^2``; with a correlation ``r`` they do within ``w_i^2 + w_j^2 - 2 r w_i w_j``.
The correlation that holds four in five is the 20 % quantile of ``(w_i^2 + w_j^2 - d^2) / (2 w_i w_j)``, with
``d`` the distance of the two errors, each from the middle of its interval.

Pairs are of a kind by what differs between their rows. A pair weighs one over the root of the number of
pairs of its kind in its family, as rows do in `planner.evidence.statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.evidence.statistics import weighted_quantile
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["KINDS", "LEAST_FAMILIES", "Rows", "Share", "kind_of", "pair_coverage", "shared_errors"]

KINDS: Final = ("layout", "accelerator", "model", "both", "class")
"""What differs between the two: the layout or the load alone, the accelerator, the model, both of these, or
the class of the interval (a mixture of experts beside a dense model, another family of software)."""
LEAST_FAMILIES: Final = 3
"""Families that must have pairs of a kind before they speak for others."""
OUTSIDE: Final = 0.2
"""Share of the pairs outside an 80 % interval."""
MOST: Final = 0.9
"""Correlation at most, either way: two predictions never miss exactly alike, nor exactly opposite."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Predictions of rows by constants fitted without their family; arrays of shape ``[R]``.

    Attributes
    ----------
    error, low, high
        log(measured / predicted), and the ends of its 80 % interval from the other families.
    families, classes, models, accelerators
        Of each row.
    """

    error: FloatArray
    low: FloatArray
    high: FloatArray
    families: Sequence[str]
    classes: Sequence[str]
    models: Sequence[str]
    accelerators: Sequence[str]


@dataclass(frozen=True)
class Share:
    """Correlation of the errors of pairs of a kind.

    Attributes
    ----------
    value : float
        Of all families; below 0 where errors pull apart, which makes their ratio less sure than its parts.
    low, high : float
        Least and largest of those without one family.
    pairs, families : int
        That it is from.
    """

    value: float
    low: float
    high: float
    pairs: int
    families: int


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of one kind, inside their families; arrays of shape ``[P]``."""

    correlation: FloatArray  # largest one with which the interval of the pair holds it
    family: IntArray
    weights: FloatArray

    def without(self, family: int) -> float:
        """Correlation by the pairs of the other families."""
        keep = self.family != family
        return _bounded(weighted_quantile(self.correlation[keep], self.weights[keep], OUTSIDE))


def kind_of(*, classes: bool, models: bool, accelerators: bool) -> str:
    """Kind of a pair, by what is the same in both.

    Examples
    --------
    >>> kind_of(classes=True, models=True, accelerators=False)
    'accelerator'
    """
    if not classes:
        return "class"
    if models:
        return "layout" if accelerators else "accelerator"
    return "model" if accelerators else "both"


def shared_errors(rows: Rows) -> dict[str, Share]:
    """Correlation of errors by kind of pair; kinds of too few families are left out."""
    found = {}
    for kind, pairs in _pairs(rows).items():
        families = np.unique(pairs.family)
        if len(families) < LEAST_FAMILIES:
            continue
        value = _bounded(weighted_quantile(pairs.correlation, pairs.weights, OUTSIDE))
        others = [pairs.without(family) for family in families.tolist()]
        low, high = min(*others, value), max(*others, value)
        found[kind] = Share(value, low, high, len(pairs.family), len(families))
    return found


def pair_coverage(rows: Rows) -> dict[str, tuple[float, float]]:
    """Share of the pairs of a family inside their interval, by the correlation of the other families.

    Returns
    -------
    dict
        By kind: with the correlation found, and with errors taken as independent.
    """
    found = {}
    for kind, pairs in _pairs(rows).items():
        families = np.unique(pairs.family)
        if len(families) < LEAST_FAMILIES:
            continue
        known = {family: pairs.without(family) for family in families.tolist()}
        allowed = np.array([known[family] for family in pairs.family.tolist()])
        inside = pairs.correlation >= allowed
        total = np.sum(pairs.weights)
        found[kind] = (
            float(np.sum(pairs.weights * inside) / total),
            float(np.sum(pairs.weights * (pairs.correlation >= 0.0)) / total),
        )
    return found


def _bounded(correlation: float) -> float:
    return min(max(correlation, -MOST), MOST)


def _pairs(rows: Rows) -> Mapping[str, _Pairs]:
    families, classes, models, accelerators = (
        np.unique(np.array(names), return_inverse=True)[1]
        for names in (rows.families, rows.classes, rows.models, rows.accelerators)
    )
    one, other = np.triu_indices(len(rows.error), 1)
    mine = families[one] == families[other]
    one, other = one[mine], other[mine]
    width = 0.5 * (rows.high - rows.low)
    left = rows.error - 0.5 * (rows.high + rows.low)
    squares = width[one] ** 2 + width[other] ** 2
    correlation = (squares - (left[one] - left[other]) ** 2) / (2.0 * width[one] * width[other])
    same = [names[one] == names[other] for names in (classes, models, accelerators)]
    kinds = _kinds(*same)
    found = {}
    for place, kind in enumerate(KINDS):
        at = kinds == place
        if np.any(at):
            family = families[one][at]
            count = np.bincount(family)
            found[kind] = _Pairs(correlation[at], family, count[family] ** -0.5)
    return found


def _kinds(classes: BoolArray, models: BoolArray, accelerators: BoolArray) -> IntArray:
    """Index into `KINDS` of every pair."""
    answers = {
        (m, a): KINDS.index(kind_of(classes=True, models=m, accelerators=a))
        for m in (True, False)
        for a in (True, False)
    }
    kinds = np.full(len(classes), KINDS.index("class"))
    for (m, a), place in answers.items():
        kinds[classes & (models == m) & (accelerators == a)] = place
    return kinds
