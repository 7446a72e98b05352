"""What explains the difference of two amounts: exact shares of the logarithm of their ratio.

Of an amount that is a product of factors, each factor explains the logarithm of its own ratio. Of a sum
``V = sum_p v_p``, part ``p`` explains ::

    (v_p' - v_p) / L(V', V)        with the logarithmic mean  L(a, b) = (a - b) / ln(a / b)

These add up to ``ln(V' / V)`` exactly, parts of zero included, since ``L(a, b) ln(a / b) = a - b``. It is the
additive logarithmic mean Divisia index (LMDI-I) of one level of parts, which leaves no residual and treats
both sides alike [1]_ [2]_.

References
----------
.. [1] B. W. Ang, "Decomposition analysis for policymaking in energy: which is the preferred method?", Energy
   Policy 32 (2004) 1131-1139, doi:10.1016/S0301-4215(03)00076-4.
.. [2] B. W. Ang, "The LMDI approach to decomposition analysis: a practical guide", Energy Policy 33 (2005)
   867-871, doi:10.1016/j.enpol.2003.10.010.
"""

from __future__ import annotations

import numpy as np

from planner.types import FloatArray

__all__ = ["logarithmic_mean", "shares_of_parts"]


def logarithmic_mean(*, one: FloatArray, other: FloatArray) -> FloatArray:
    """Logarithmic mean ``L(one, other)``.

    Parameters
    ----------
    one, other
        Positive amounts in one unit, shapes that broadcast. Nothing is checked: others give NaN.

    Returns
    -------
    array
        In that unit; of equal amounts the amount itself.
    """
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    apart = np.log(a / b)
    # (a - b) / ln(a / b) = b (e^x - 1) / x with x = ln(a / b), which keeps its digits where a is nearly b.
    near = np.abs(apart) < 1e-12
    return np.asarray(np.where(near, np.sqrt(a * b), b * np.expm1(apart) / np.where(near, 1.0, apart)))


def shares_of_parts(*, before: FloatArray, after: FloatArray) -> FloatArray:
    """Share of each part of a sum in the logarithm of the ratio of the sums.

    Parameters
    ----------
    before, after
        Parts of the two sums, shape ``[..., P]``, not negative, their sums above 0.

    Returns
    -------
    array
        Shape ``[..., P]``; over the last axis they add up to ``log(sum(after) / sum(before))``.
    """
    v, w = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    mean = logarithmic_mean(one=w.sum(axis=-1), other=v.sum(axis=-1))
    return np.asarray((w - v) / mean[..., None])
