"""Laws of waiting and of whole latencies on a grid of time, by Fourier transforms; quantiles of them.

The wait of M/G/1 is a geometric sum of residual services (Pollaczek and Khinchine), so that its transform
is ``(1 - r) / (1 - r R)`` with R that of the residual service. Independent parts multiply. Masses are
damped by ``exp(-k)`` along the grid before they are transformed, so that what lies beyond the grid does
not come back at its start [1]_.

References
----------
.. [1] J. Abate, W. Whitt, "The Fourier-series method for inverting transforms of probability distributions",
   Queueing Systems 10 (1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.queueing.lattice import spread_out
from planner.model.queueing.normal import normal_cdf, rough_normal_cdf
from planner.types import FloatArray

__all__ = [
    "NODE_WEIGHTS",
    "Grid",
    "first_token",
    "lognormal_mixture",
    "lognormal_nodes",
    "plus_points",
    "quantile",
]

CELLS: Final = 512
_DAMPING: Final = 9.0
"""Damping over the whole grid: what wraps around is less than exp(-9) of itself."""
_TAIL: Final = 7.5
"""Means of an exponential tail that the grid covers: all but 5e-4 of it."""
_UNIFORM: Final = np.array([0.625, 0.875, 1.125, 1.375])


@dataclass(frozen=True, eq=False)
class Grid:
    """Probability of 0, 1, ... times `unit_s` seconds, ``[R, CELLS]``."""

    unit_s: FloatArray
    mass: FloatArray


def first_token(
    *,
    service_s: FloatArray,
    weights: FloatArray,
    busy: FloatArray,
    waits: FloatArray,
    wait_scale: FloatArray,
    short: FloatArray,
    slot_s: FloatArray,
    rest_s: FloatArray,
) -> Grid:
    """Law of own service + wait for prompts + wait for a slot + parts of steps.

    Parameters
    ----------
    service_s, weights
        Own service by points and their probabilities, ``[R, J]``.
    busy
        Load of the queue of prompts, below 1.
    waits, wait_scale
        Share of those waits that are kept, the rest being none, and factor on their length: several servers,
        arrivals that are not Poisson.
    short, slot_s
        Chance of waiting for a slot and the mean wait then, exponential.
    rest_s
        Mean of what the bounds of steps add; taken as uniform from half to one and a half of it.
    """
    mean = (service_s * weights).sum(axis=1)
    square = (service_s**2 * weights).sum(axis=1)
    tail = 0.5 * square / np.maximum(mean, 1e-300) / (1.0 - busy) * wait_scale
    longest = _covered(service_s, weights, 2e-4)
    reach = np.maximum(tail * (busy > 1e-4), slot_s * (short > 1e-3))
    unit = np.maximum((longest + _TAIL * reach + 1.5 * rest_s) / (CELLS - 4), 1e-12)
    own = _damped(_spread_out(service_s, weights, unit))
    bounds = _damped(_spread_out(rest_s[:, None] * _UNIFORM, np.full((unit.size, 4), 0.25), unit))
    scaled = unit / np.maximum(wait_scale, 1e-12)
    alone = _spread_out(service_s, weights, scaled)
    above = 1.0 - np.cumsum(alone, axis=1)
    residual = np.maximum(above, 0.0)
    residual /= np.maximum(residual.sum(axis=1, keepdims=True), 1e-300)
    residual[:, 1:] = 0.5 * (residual[:, 1:] + residual[:, :-1])
    residual[:, 0] *= 0.5
    line = _damped(residual)
    waiting = 1.0 + waits[:, None] * ((1.0 - busy[:, None]) / (1.0 - busy[:, None] * line) - 1.0)
    step = np.exp(-_DAMPING / CELLS - 2j * np.pi * np.arange(CELLS // 2 + 1) / CELLS)
    ratio = (slot_s / (slot_s + unit))[:, None]
    slot = 1.0 - short[:, None] + short[:, None] * (1.0 - ratio) / (1.0 - ratio * step)
    return Grid(unit, _undamped(own * bounds * waiting * slot))


def plus_points(first: Grid, points_s: FloatArray, weights: FloatArray) -> Grid:
    """Law of `first` plus an independent variable on points, ``[R, J]``."""
    longest = np.max(np.where(weights > 1e-7, points_s, 0.0), axis=1)
    below = np.cumsum(first.mass, axis=1)
    last = (below < 1.0 - 2e-4).sum(axis=1) * first.unit_s
    unit = np.maximum((longest + last) / (CELLS - 4), 1e-12)
    seconds = np.arange(CELLS) * first.unit_s[:, None]
    coarse = _spread_out(seconds, first.mass, unit)
    return Grid(unit, _undamped(_damped(coarse) * _damped(_spread_out(points_s, weights, unit))))


def quantile(grid: Grid, q: FloatArray) -> FloatArray:
    """Seconds within which shares `q` lie, ``[R, P]`` for ``[P]``; masses are centred on their point."""
    below = np.cumsum(grid.mass, axis=1)
    below /= below[:, -1:]
    rows = np.arange(below.shape[0])[:, None]
    at = np.stack([(below < share).sum(axis=1) for share in q], axis=1)
    at = np.minimum(at, CELLS - 1)
    start = np.where(at > 0, below[rows, at - 1], 0.0)
    part = np.clip((q - start) / np.maximum(below[rows, at] - start, 1e-300), 0.0, 1.0)
    seconds: FloatArray = np.maximum((at - 0.5 + part) * grid.unit_s[:, None], 0.0)
    return seconds


def lognormal_mixture(
    *, floor: FloatArray, mean: FloatArray, deviation: FloatArray, weights: FloatArray, q: FloatArray
) -> FloatArray:
    """Quantiles of ``floor + lognormal`` mixed over components: ``[R, P]``.

    Parameters
    ----------
    floor
        Least value, ``[R]``.
    mean, deviation, weights
        Mean, standard deviation and probability of each component, ``[R, K]``.
    """
    centre, sigma = _log_moments(floor[:, None], mean, deviation)
    kept = weights > 0.0
    low = np.where(kept, centre - 3.5 * sigma, np.inf).min(axis=1)
    high = np.where(kept, centre + 3.5 * sigma, -np.inf).max(axis=1)
    grid = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, 48)
    z = (grid[:, :, None] - centre[:, None, :]) / sigma[:, None, :]
    below = (rough_normal_cdf(np.clip(z, -8.0, 8.0)) @ weights[:, :, None])[:, :, 0]
    below = np.maximum.accumulate(below, axis=1)
    rows = np.arange(grid.shape[0])[:, None]
    at = np.clip((below[:, :, None] < q).sum(axis=1), 1, grid.shape[1] - 1)
    left, right = below[rows, at - 1], below[rows, at]
    part = np.clip((q - left) / np.maximum(right - left, 1e-12), 0.0, 1.0)
    exponent = grid[rows, at - 1] + part * (grid[rows, at] - grid[rows, at - 1])
    values: FloatArray = floor[:, None] + np.exp(exponent)
    return values


def lognormal_nodes(*, floor: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Means of `NODE_WEIGHTS` cells of ``floor + lognormal``, on a new last axis."""
    _, sigma = _log_moments(floor, mean, deviation)
    over = np.maximum(mean - floor, 0.0)
    share = np.diff(normal_cdf(_NODE_EDGES - sigma[..., None]), axis=-1) / NODE_WEIGHTS
    nodes: FloatArray = floor[..., None] + over[..., None] * share
    return nodes


_NODE_EDGES: Final = np.array([-np.inf, -0.8, 0.0, 0.8, 1.6, 2.4, np.inf])
NODE_WEIGHTS: Final = np.diff(normal_cdf(_NODE_EDGES))
"""Chances of the cells of `lognormal_nodes`: finer towards the upper tail."""


def _log_moments(floor: FloatArray, mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of ``ln(value - floor)``."""
    over = np.maximum(np.maximum(mean - floor, 1e-6 * mean), 1e-12)
    variance = np.log1p((deviation / over) ** 2)
    return np.log(over) - 0.5 * variance, np.sqrt(np.maximum(variance, 1e-6))


def _covered(points: FloatArray, weights: FloatArray, beyond: float) -> FloatArray:
    """Return the largest of ascending points but for a share `beyond`."""
    last = np.minimum((np.cumsum(weights, axis=1) < 1.0 - beyond).sum(axis=1), points.shape[1] - 1)
    return np.asarray(points[np.arange(points.shape[0]), last])


def _spread_out(points: FloatArray, weights: FloatArray, unit: FloatArray) -> FloatArray:
    return spread_out(points=points, weights=weights, unit=unit, cells=CELLS)


_FADE: Final = np.exp(-_DAMPING * np.arange(CELLS) / CELLS)


def _damped(mass: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    """Transform of masses that fade along the grid."""
    return np.fft.rfft(mass * _FADE, axis=1)


def _undamped(line: np.ndarray[tuple[int, ...], np.dtype[np.complex128]]) -> FloatArray:
    """Masses of a transform; rounding below zero is cut, and what lies beyond the grid goes to its end."""
    mass = np.maximum(np.fft.irfft(line, CELLS, axis=1) / _FADE, 0.0)
    missing = np.maximum(1.0 - mass.sum(axis=1), 0.0)
    mass[:, -1] += missing
    return np.asarray(mass)
