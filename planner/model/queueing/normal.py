"""The standard normal law on arrays, which numpy lacks."""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.types import FloatArray

__all__ = ["normal_cdf", "normal_quantile", "rough_normal_cdf"]

# W. J. Cody's form, in the coefficients of W. H. Press et al., "Numerical Recipes" (1992), section 6.2: the
# complementary error function within a relative error of 1.2e-7 everywhere.
_ERFC: Final = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
)  # fmt: skip

# P. J. Acklam's rational approximation of the quantile (2003), within a relative error of 1.2e-9.
_A: Final = (-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.383577518672690e2,
             -3.066479806614716e1, 2.506628277459239e0)  # fmt: skip
_B: Final = (-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1,
             -1.328068155288572e1, 1.0)  # fmt: skip
_C: Final = (-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838e0, -2.549732539343734e0,
             4.374664141464968e0, 2.938163982698783e0)  # fmt: skip
_D: Final = (7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996e0, 3.754408661907416e0, 1.0)
_LOW: Final = 0.02425


def normal_cdf(z: FloatArray) -> FloatArray:
    """Return the chance of a value below `z`."""
    x = np.abs(z) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.5 * x)
    series = np.full_like(t, _ERFC[-1])
    for coefficient in _ERFC[-2::-1]:
        series *= t
        series += coefficient
    upper = 0.5 * t * np.exp(-x * x + series)
    below: FloatArray = np.where(z > 0.0, 1.0 - upper, upper)
    return below


def rough_normal_cdf(z: FloatArray) -> FloatArray:
    """Return the chance of a value below `z` within 2e-4, several times faster: a logistic of a cubic."""
    below: FloatArray = 1.0 / (1.0 + np.exp(-z * (1.5976 + 0.070565 * z * z)))
    return below


def normal_quantile(p: FloatArray) -> FloatArray:
    """Return the value below which a share `p` lies; infinite at 0 and 1."""
    p = np.asarray(p, float)
    tail = np.minimum(p, 1.0 - p)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.sqrt(-2.0 * np.log(tail))
        outer = np.where(tail > 0.0, np.polyval(_C, r) / np.polyval(_D, r), -np.inf)
    q = p - 0.5
    centre = np.polyval(_A, q * q) * q / np.polyval(_B, q * q)
    value: FloatArray = np.where(tail < _LOW, np.where(p < 0.5, outer, -outer), centre)
    return value
