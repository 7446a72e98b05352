"""Numbers and arrays alike: what the functions of cost accept."""

from __future__ import annotations

import numpy as np

from planner.types import FloatArray

__all__ = ["Values", "array"]

Values = FloatArray | float
"""An array of any shape, or one number for all rows."""


def array(values: Values) -> FloatArray:
    """Return the values as an array of floats."""
    return np.asarray(values, dtype=np.float64)
