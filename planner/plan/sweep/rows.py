"""Row numbers to values: every row is a pure function of the grid and of its number.

The number of a row is written in a mixed radix whose places are the axes of cartesian blocks and the rows of
the others, the last place fastest. What is drawn is hashed from the seed, the name of the axis and the place,
so that no row depends on another one, and any part of a grid can be made alone.

References
----------
.. [1] G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators" (2014): SplitMix64.
.. [2] M. McKay, R. Beckman, W. Conover, "A comparison of three methods for selecting values of input
   variables" (1979): Latin hypercubes.
.. [3] J. Black, P. Rogaway, "Ciphers with arbitrary finite domains" (2002): a generalised Feistel network
   that walks its cycles permutes any number of rows without a table of them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from planner.plan.sweep.axes import Continuous, Finite, Values, spelled
from planner.types import FloatArray, IntArray

__all__ = ["Column", "Plan", "Rows"]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_FACTORS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""Of SplitMix64 [1]."""
_ROUNDS: Final = 4
_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True, eq=False)
class Column:
    """The values of one axis in some rows: places in a table, or numbers with a unit.

    Attributes
    ----------
    values
        The table; empty for numbers.
    index
        Place of each row in it.
    numbers
        Of each row, where there is no table.
    unit
        Of the numbers.
    """

    values: tuple[Any, ...]
    index: IntArray
    numbers: FloatArray | None = None
    unit: str = ""

    def at(self, row: int) -> Any:
        """Return the value of a row as a question takes it."""
        if self.numbers is None:
            return self.values[int(self.index[row])]
        return spelled(float(self.numbers[row]), self.unit)


@dataclass(frozen=True, eq=False)
class Plan:
    """A block: its axes with their values, and how it combines them.

    Attributes
    ----------
    kind
        One of `planner.plan.sweep.grid.KINDS`.
    axes
        By name.
    size
        Rows of the block.
    seed
        Of what it draws.
    """

    kind: str
    axes: Mapping[str, Values]
    size: int
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a grid: the product of its blocks."""

    blocks: tuple[Plan, ...]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        size = 1
        for block in self.blocks:
            size *= block.size
        object.__setattr__(self, "size", size)

    @property
    def names(self) -> tuple[str, ...]:
        """Axes in the order of the grid."""
        return tuple(name for block in self.blocks for name in block.axes)

    @property
    def axes(self) -> dict[str, Values]:
        """All axes by name."""
        return {name: values for block in self.blocks for name, values in block.axes.items()}

    def columns(self, start: int, stop: int) -> dict[str, Column]:
        """Return the values of rows from `start` on and below `stop`, by axis in the order of the grid."""
        left = np.arange(start, stop, dtype=np.int64)
        found: dict[str, Column] = {}
        for block in reversed(self.blocks):
            left, place = np.divmod(left, block.size)
            found.update(reversed(list(_columns(block, place))))
        return {name: found[name] for name in self.names}


def _columns(block: Plan, place: IntArray) -> Iterator[tuple[str, Column]]:
    if block.kind == "cartesian":
        digits: dict[str, Column] = {}
        for name, values in reversed(list(block.axes.items())):
            table = _table(values)
            place, digit = np.divmod(place, len(table))
            digits[name] = Column(table, digit)
        yield from ((name, digits[name]) for name in block.axes)
    elif block.kind == "zipped":
        yield from ((name, Column(_table(values), place)) for name, values in block.axes.items())
    else:
        for name, values in block.axes.items():
            share = _shares(block, name, place)
            if isinstance(values, Continuous):
                yield name, Column((), place[:0], values.at(share), values.unit)
            else:
                yield name, Column(values.values, np.floor(share * len(values)).astype(np.int64))


def _table(values: Values) -> tuple[Any, ...]:
    if not isinstance(values, Finite):
        raise TypeError("a distribution has no table of values")
    return values.values


def _shares(block: Plan, name: str, place: IntArray) -> FloatArray:
    """Shares above 0 and below 1, one per row: independent, or one in each of as many parts as rows [2]."""
    keys = np.random.SeedSequence([block.seed, zlib.crc32(name.encode())]).generate_state(2, np.uint64)
    share = _uniform(keys[0], place)
    if block.kind == "random":
        return share
    below = float(np.nextafter(1.0, 0.0))
    parts = _shuffled(int(keys[1]), place, block.size)
    return np.asarray(np.minimum((parts + share) / block.size, below))


def _uniform(key: np.uint64, place: IntArray) -> FloatArray:
    bits = _mixed(key + (place.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))
    return np.asarray(((bits >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53)


def _mixed(state: Any) -> Any:
    """Finish SplitMix64 [1]."""
    state = (state ^ (state >> np.uint64(30))) * _FACTORS[0]
    state = (state ^ (state >> np.uint64(27))) * _FACTORS[1]
    return state ^ (state >> np.uint64(31))


def _shuffled(key: int, place: IntArray, size: int) -> IntArray:
    """Return the places of rows in a permutation of ``0 .. size - 1`` that the key chooses [3]."""
    keys = [np.uint64((key + (turn + 1) * _GOLDEN) & _MASK) for turn in range(_ROUNDS)]
    wide = math.isqrt(size - 1) + 1
    high = -(-size // wide)
    found = _permuted(keys, place.astype(np.uint64), high, wide)
    outside = np.flatnonzero(found >= np.uint64(size))
    while len(outside):
        found[outside] = _permuted(keys, found[outside], high, wide)
        outside = outside[found[outside] >= np.uint64(size)]
    return np.asarray(found.astype(np.int64))


def _permuted(keys: list[np.uint64], numbers: Any, high: int, wide: int) -> Any:
    """Permute numbers below ``high * wide``: row and column in turn move by a hash of the other one."""
    parts, sizes = list(np.divmod(numbers, np.uint64(wide))), (np.uint64(high), np.uint64(wide))
    for turn, key in enumerate(keys):
        one, other = turn % 2, 1 - turn % 2
        parts[one] += _below(sizes[one], parts[other] + key)
        # What is below its size wraps to a large number here.
        parts[one] = np.minimum(parts[one], parts[one] - sizes[one])
    return parts[0] * sizes[1] + parts[1]


def _below(size: np.uint64, numbers: Any) -> Any:
    """Hash numbers, which are overwritten, to some below a size of at most 32 bits."""
    for factor in _FACTORS:
        numbers *= factor
        numbers ^= numbers >> np.uint64(32)
    numbers &= np.uint64(0xFFFFFFFF)
    numbers *= size
    numbers >>= np.uint64(32)
    return numbers
