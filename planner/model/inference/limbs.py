"""How the limbs of a kernel law join, and how the parameters of a row are selected from a table."""

from __future__ import annotations

import numpy as np

from planner.model.operators import any_true
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["TILE", "TINY", "norm", "of_class", "of_pair", "power"]

TILE = 128.0
"""Rows and columns of one tile of a product, and queries of one tile of an attention core."""

TINY = 1e-300


def of_class(values: FloatArray, classes: IntArray) -> FloatArray:
    """Select from ``[R, C]`` the class of each row: one gather, or a view where all rows agree."""
    first = classes[0]
    if classes.size == 1 or bool((classes == first).all()):
        return values[:, first]
    row = np.zeros(1, dtype=np.int64) if len(values) == 1 else np.arange(len(values))
    chosen: FloatArray = values[row, classes]
    return chosen


def of_pair(values: FloatArray, eight: BoolArray) -> FloatArray:
    """Select from ``[R, 2]`` 16 or 8 bit for each row."""
    if not any_true(eight):
        return values[:, 0]
    if eight.all():
        return values[:, 1]
    return np.where(eight, values[:, 1], values[:, 0])


def power(base: FloatArray, exponent: FloatArray) -> FloatArray:
    """Raise positive bases to a power; faster than `numpy.power`."""
    power: FloatArray = np.exp(exponent * np.log(base))
    return power


def norm(p: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Join limbs to ``(a^p + b^p + c^p)^(1/p)``, relative to the largest so that nothing overflows."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    top = np.maximum(np.maximum(high, c), TINY)
    middle = np.maximum(low, np.minimum(high, c))
    bottom = np.minimum(low, c)
    rest = power(np.maximum(middle / top, TINY), p) + power(np.maximum(bottom / top, TINY), p)
    norm: FloatArray = top * np.exp(np.log1p(rest) / p)
    return norm
