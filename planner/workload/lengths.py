"""How lengths and waits spread around their mean: one lognormal, fitted to what a source says of them.

Published traces state a mean with a coefficient of variation, or with a few quantiles. Token counts and the
waits between requests are skewed to the right and positive, which two numbers of a lognormal follow well
enough for queueing; the mean is always kept exactly, since capacity depends on it.

With ``m`` the mean, ``c`` the coefficient of variation and ``z(p)`` the quantile of the standard normal::

    sigma^2 = ln(1 + c^2)        quantile(p) = m exp(sigma z(p) - sigma^2 / 2)

Where quantiles stand in for ``c``, sigma is the one that brings ``ln quantile(p)`` closest to them by least
squares. A coefficient of variation of zero is a fixed length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Spread", "fit"]

_WIDEST: Final = 5.0
"""Largest sigma tried: there the mean lies 270,000 times above the median."""
_STEPS: Final = 200
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


class Spread(NamedTuple):
    """A lognormal by its mean and sigma, in the unit of the mean; sigma 0 is a fixed value."""

    mean: float
    sigma: float

    @property
    def cv(self) -> float:
        """Standard deviation over the mean."""
        return math.sqrt(math.expm1(self.sigma**2))

    def quantile(self, share: float) -> float:
        """Return what a share of all values stays below; `share` is above 0 and below 1."""
        score: float = _normal().inv_cdf(share)
        return self.mean * math.exp(self.sigma * score - self.sigma**2 / 2)

    def share_below(self, value: float) -> float:
        """Return the share of all values that are at most `value`."""
        if value <= 0.0:
            return 0.0
        if self.sigma == 0.0:
            return 1.0 if value >= self.mean else 0.0
        return float(_normal().cdf((math.log(value / self.mean) + self.sigma**2 / 2) / self.sigma))

    def sample(self, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Draw values [count], not rounded."""
        import numpy as np

        normal = generator.standard_normal(count)
        drawn: NDArray[np.float64] = self.mean * np.exp(self.sigma * normal - self.sigma**2 / 2)
        return drawn


def fit(mean: float, *, cv: float | None = None, quantiles: Mapping[float, float] | None = None) -> Spread:
    """Return the lognormal with this mean.

    Parameters
    ----------
    mean : float
        Above 0.
    cv : float, optional
        Coefficient of variation; it decides where quantiles are given too.
    quantiles : mapping, optional
        Share (above 0, below 1) to value (above 0).

    Raises
    ------
    ValueError
        Neither a coefficient of variation nor quantiles.
    """
    if cv is not None:
        return Spread(mean, math.sqrt(math.log1p(cv**2)))
    if not quantiles:
        raise ValueError("a spread needs a coefficient of variation or quantiles")
    normal = _normal()
    points = [(normal.inv_cdf(share), math.log(value / mean)) for share, value in quantiles.items()]

    def miss(sigma: float) -> float:
        return math.fsum((sigma * z - sigma**2 / 2 - at) ** 2 for z, at in points)

    # The squares are quartic in sigma and may have two valleys: a grid finds the right one.
    step = _WIDEST / _STEPS
    best = min((index * step for index in range(_STEPS + 1)), key=miss)
    return Spread(mean, _lowest(miss, max(0.0, best - step), best + step))


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one valley between two ends is lowest, by golden section."""
    while high - low > 1e-9:
        reach = _GOLDEN * (high - low)
        left, right = high - reach, low + reach
        if function(left) <= function(right):
            high = right
        else:
            low = left
    # An end of the range is a solution too: a fixed length has sigma 0, not 1e-10.
    return 0.0 if low == 0.0 else (low + high) / 2


def _normal() -> Any:
    from statistics import NormalDist

    return NormalDist()
