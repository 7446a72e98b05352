"""Lengths of prompts and outputs as weighted points, so that every law is handled alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.model.queueing.normal import normal_cdf
from planner.types import FloatArray, IntArray

__all__ = ["Lengths", "lognormal_lengths", "sampled_lengths"]

_EDGES: Final = np.concatenate([[-np.inf], np.linspace(-3.5, 5.5, 73), [np.inf]])
"""Cells of a standard normal variable: finer in the upper tail than equal chances would make them."""


@dataclass(frozen=True, eq=False)
class Lengths:
    """Tokens by weighted points: row r is `points[r, j]` with probability `weights[r, j]`.

    Attributes
    ----------
    points
        Tokens, ascending along the last axis, ``[R, J]`` or ``[1, J]`` for all rows.
    weights
        Probabilities that sum to 1 along the last axis, shape of `points`.
    """

    points: FloatArray
    weights: FloatArray

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape != self.weights.shape:
            raise InputError("lengths: points and weights must both be [R, J]")
        if np.any(self.points < 0.0) or np.any(self.weights < 0.0):
            raise InputError("lengths: points and weights must not be negative")
        if not np.allclose(self.weights.sum(axis=1), 1.0):
            raise InputError("lengths: weights must sum to 1")

    @cached_property
    def mean(self) -> FloatArray:
        """Mean tokens, ``[R]``."""
        total: FloatArray = (self.points * self.weights).sum(axis=1)
        return total

    @cached_property
    def square(self) -> FloatArray:
        """Mean of the squared tokens, ``[R]``."""
        total: FloatArray = (self.points**2 * self.weights).sum(axis=1)
        return total

    @cached_property
    def cv2(self) -> FloatArray:
        """Squared coefficient of variation, ``[R]``."""
        mean = np.maximum(self.mean, 1e-150)
        square: FloatArray = np.maximum(self.square / mean**2 - 1.0, 0.0)
        return square

    @cached_property
    def lesser_of_two(self) -> FloatArray:
        """Mean of the lesser of two draws over the mean: 1 for a fixed length, 1/2 for an exponential one."""
        above = 1.0 - np.cumsum(self.weights, axis=1) + 0.5 * self.weights
        least = 2.0 * (self.points * self.weights * above).sum(axis=1)
        share: FloatArray = np.clip(least / np.maximum(self.mean, 1e-300), 0.0, 1.0)
        return share

    def rows(self, part: slice | IntArray) -> Lengths:
        """Rows of a part; a single row stays for all."""
        if self.points.shape[0] == 1:
            return self
        return Lengths(self.points[part], self.weights[part])

    def mapped(self, points: FloatArray) -> Lengths:
        """Other values at the same weights, which must ascend too."""
        return Lengths(points, np.broadcast_to(self.weights, points.shape))


def lognormal_lengths(
    *, mean: FloatArray | float, cv: FloatArray | float, limit: FloatArray | float = np.inf
) -> Lengths:
    """Lognormal lengths as conditional means of cells, cut off at `limit` (the context of the model).

    Parameters
    ----------
    mean, cv
        Mean and coefficient of variation before the cut, ``[R]`` or scalars; a cv of 0 is a fixed length.
    """
    mean_, cv_, limit_ = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, float)) for x in (mean, cv, limit))
    )
    if np.any(mean_ < 0.0) or np.any(cv_ < 0.0) or not np.all(np.isfinite(mean_ + cv_)):
        raise InputError("lengths: mean and cv must be finite and not negative")
    sigma = np.sqrt(np.log1p(cv_**2))[:, None]
    weights = _between(_EDGES[None, :])
    share = _between(_EDGES[None, :] - sigma) / weights  # of the mean, over the chance: E[x | cell] / mean
    points = np.minimum(mean_[:, None] * np.where(sigma > 0.0, share, 1.0), limit_[:, None])
    return Lengths(np.maximum.accumulate(points, axis=1), np.broadcast_to(weights, points.shape))


def sampled_lengths(sample: FloatArray, *, groups: int = 128) -> Lengths:
    """Lengths of a trace: means of groups, ever smaller towards the longest so that the tail is kept.

    Raises
    ------
    InputError
        If the sample is empty.
    """
    values = np.sort(np.asarray(sample, float).ravel())
    if not values.size:
        raise InputError("lengths: an empty sample has no law; give at least one length")
    share = np.concatenate(
        [np.linspace(0.0, 0.9, groups // 2), 1.0 - np.geomspace(0.1, 1e-6, groups // 2)[1:]]
    )
    cuts = np.unique(np.concatenate([(share * values.size).astype(np.int64), [values.size]]))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    sizes = np.diff(cuts)
    return Lengths((np.diff(sums[cuts]) / sizes)[None, :], (sizes / values.size)[None, :])


def _between(edges: FloatArray) -> FloatArray:
    """Chance of a standard normal variable between neighbours of `edges`, exact in both tails."""
    lower, upper = edges[..., :-1], edges[..., 1:]
    flip = lower > 0.0
    inside: FloatArray = np.where(
        flip, normal_cdf(-lower) - normal_cdf(-upper), normal_cdf(upper) - normal_cdf(lower)
    )
    return inside
