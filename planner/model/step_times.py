"""How long a step of a replica takes, as data: seconds by decoding sequences and prefill tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.types import FloatArray, IntArray

__all__ = ["StepTimes", "linear_steps"]

_MOST_BATCH: Final = 2.0**20
_MOST_TOKENS: Final = 2.0**24
"""Ends of the grids of linear step times."""


@dataclass(frozen=True, eq=False)
class StepTimes:
    """Step times of R replicas on one grid, linear between its points and, where they rise, beyond them.

    Attributes
    ----------
    batch
        Decoding sequences, ascending, ``[B]`` with at least two values.
    tokens
        Prefill tokens of the step, ascending from 0, ``[Q]`` with at least two values.
    seconds
        ``[R, B, Q]``; the column of 0 tokens is the decode step, the row of 0 sequences the prefill step.
    context_s
        Seconds that one more token of context of all decoding sequences adds to a step, ``[R]``.
    context
        Mean context that `seconds` was made for, tokens per decoding sequence, ``[R]``.
    pair_s
        Seconds that one more (prefill token, token before it) pair adds to a step, ``[R]``.
    past
        Mean tokens before a prefill token that `seconds` was made for, ``[R]``.
    """

    batch: FloatArray
    tokens: FloatArray
    seconds: FloatArray
    context_s: FloatArray
    context: FloatArray
    pair_s: FloatArray
    past: FloatArray

    def __post_init__(self) -> None:
        for name, grid in (("batch", self.batch), ("tokens", self.tokens)):
            if grid.ndim != 1 or grid.size < 2 or not np.all(np.diff(grid) > 0):
                raise InputError(f"step times: {name} needs at least two ascending values")
        if self.tokens[0] != 0.0:
            raise InputError("step times: tokens must begin at 0, which is the decode step")
        if self.seconds.shape[1:] != (self.batch.size, self.tokens.size):
            raise InputError(
                f"step times: seconds has shape {self.seconds.shape}, not [R, {self.batch.size}, "
                f"{self.tokens.size}] as the grids say"
            )
        if not np.all(np.isfinite(self.seconds)) or np.any(self.seconds < 0.0):
            raise InputError("step times: seconds must be finite and not negative")

    def at(self, *, batch: FloatArray, tokens: FloatArray) -> FloatArray:
        """Seconds of a step, ``[R, ...]``: the arguments broadcast to ``[R]`` or ``[R, K]``.

        Beyond the grid, times never fall below those at its end.
        """
        b, q = batch, tokens
        if b.shape != q.shape:
            b, q = np.broadcast_arrays(b, q)
        seconds = self._linear(b, q)
        if (b > self.batch[-1]).any() or (q > self.tokens[-1]).any():
            end = self._linear(np.minimum(b, self.batch[-1]), np.minimum(q, self.tokens[-1]))
            seconds = np.maximum(seconds, end)
        return seconds

    def _linear(self, b: FloatArray, q: FloatArray) -> FloatArray:
        i, x = _cell(self.batch, b)
        j, y = _cell(self.tokens, q)
        rows, batches, columns = self.seconds.shape
        row = np.arange(rows).reshape(-1, *[1] * (b.ndim - 1))  # one row serves all
        here = (row * batches + i) * columns + j
        flat, left = self.seconds.reshape(-1), 1.0 - y
        low = flat.take(here) * left + flat.take(here + 1) * y
        here += columns
        high = flat.take(here) * left + flat.take(here + 1) * y
        between: FloatArray = low * (1.0 - x) + high * x
        return between

    def row(self, index: int) -> StepTimes:
        """Step times of one replica, ``R = 1``."""
        return self._rows(slice(index, index + 1))

    def part(self, rows: slice | IntArray) -> StepTimes:
        """Step times of some rows; those of a single replica stay for all."""
        return self if self.seconds.shape[0] == 1 else self._rows(rows)

    def _rows(self, rows: slice | IntArray) -> StepTimes:
        return StepTimes(
            batch=self.batch,
            tokens=self.tokens,
            seconds=self.seconds[rows],
            context_s=self.context_s[rows],
            context=self.context[rows],
            pair_s=self.pair_s[rows],
            past=self.past[rows],
        )


def linear_steps(
    *,
    base_s: FloatArray | float,
    sequence_s: FloatArray | float,
    token_s: FloatArray | float,
    context_s: FloatArray | float = 0.0,
    context: FloatArray | float = 0.0,
    pair_s: FloatArray | float = 0.0,
    past: FloatArray | float = 0.0,
) -> StepTimes:
    """Step times ``base + sequence_s * b + token_s * q``, all ``[R]``."""
    base, per_sequence, per_token, *rest = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, float)) for x in (base_s, sequence_s, token_s)),
        *(np.asarray(x, float) for x in (context_s, context, pair_s, past)),
    )
    batch, tokens = np.array([0.0, _MOST_BATCH]), np.array([0.0, _MOST_TOKENS])
    grown = per_sequence[:, None, None] * batch[:, None] + per_token[:, None, None] * tokens
    return StepTimes(batch, tokens, base[:, None, None] + grown, *rest)


def _cell(grid: FloatArray, at: FloatArray) -> tuple[IntArray, FloatArray]:
    """Left neighbour of each value and how far into its cell the value lies (below 0 or above 1 outside)."""
    left = np.minimum(np.maximum(np.searchsorted(grid, at, side="right") - 1, 0), grid.size - 2)
    return left, (at - grid[left]) / (grid[left + 1] - grid[left])
