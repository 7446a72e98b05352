"""Laws on points, moved to a lattice."""

from __future__ import annotations

import numpy as np

from planner.types import FloatArray

__all__ = ["spread_out"]


def spread_out(*, points: FloatArray, weights: FloatArray, unit: FloatArray, cells: int) -> FloatArray:
    """Masses at 0, 1, ... units, each point split between its neighbours so that the mean stays.

    Parameters
    ----------
    points, weights
        Values, not negative, and their probabilities, ``[R, K]``.
    unit
        Distance of the lattice, ``[R]``.
    cells
        Masses to return, ``[R, cells]``; what lies beyond the last goes there.
    """
    position = np.minimum(points / unit[:, None], cells - 1.0)
    below = np.minimum(np.floor(position), cells - 2.0)
    part = position - below
    index = (below + np.arange(unit.size)[:, None] * cells).astype(np.int64).ravel()
    size = unit.size * cells
    flat = np.bincount(index, ((1.0 - part) * weights).ravel(), size)
    flat += np.bincount(index + 1, (part * weights).ravel(), size)
    return np.asarray(flat.reshape(unit.size, cells), float)
