"""Sequences of a replica: those that decode, those that wait for a tool, and how many memory holds.

An engine is known by its curve: the seconds of a step with so many sequences in it, on average over what a
service does (`planner.serve` draws one for every layout). A rollout with tools alternates: it decodes a
token in one step, and waits for its environment for so many seconds per token on average.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray

__all__ = ["Curve", "decoding", "pace_s", "room"]

_HALVINGS: Final = 30
"""Of the bracket of a solution, whose ends are those of the fastest and of the slowest step."""


class Curve(NamedTuple):
    """Seconds of a decoding step of one replica by the sequences in it, piecewise linear."""

    batches: FloatArray
    """Rising, ``[K]``."""
    seconds: FloatArray
    """``[K]``; never falling."""

    @property
    def most(self) -> float:
        """Sequences that fit in memory."""
        return float(self.batches[-1])

    def at(self, batch: Values) -> FloatArray:
        """Seconds of a step with so many sequences; outside the points as at their ends."""
        return np.asarray(np.interp(array(batch), self.batches, self.seconds))


def decoding(*, alive: Values, curve: Curve, wait_s: Values) -> FloatArray:
    """Sequences in a step on average, of `alive` ones that otherwise wait for their environments.

    With t(b) the seconds of a step, b sequences decode and ``b wait / t(b)`` wait: ``alive = b (1 + wait /
    t(b))``, which rises in b as long as more sequences give more tokens per second.

    Parameters
    ----------
    alive
        Rollouts of a replica that are not done.
    curve
        Of the engine.
    wait_s
        Seconds of waiting per token sampled, on average.
    """
    sequences, wait = np.broadcast_arrays(array(alive), array(wait_s))
    if not np.any(wait > 0.0):
        return sequences
    least, most = curve.at(0.0), curve.at(sequences)
    low, high = (sequences / (1.0 + wait / seconds) for seconds in (least, most))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        short = middle * (1.0 + wait / curve.at(middle)) < sequences
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray((low + high) / 2.0)


def pace_s(*, alive: Values, curve: Curve, wait_s: Values) -> FloatArray:
    """Seconds per token of a rollout, waits included, while a replica has so many of them."""
    return curve.at(decoding(alive=alive, curve=curve, wait_s=wait_s)) + array(wait_s)


def room(*, curve: Curve, wait_s: Values, kept: Values, slots: Values | None = None) -> FloatArray:
    """Rollouts that a replica can have at a time: memory holds those that decode and some of those that wait.

    Parameters
    ----------
    kept
        Share of the keys and values of waiting rollouts that stay in device memory; 0 where all go to the
        host and come back.
    slots
        Sequences that memory holds; by default the end of the curve.

    Raises
    ------
    InputError
        A share outside 0 to 1.
    """
    share = array(kept)
    if not np.all((share >= 0.0) & (share <= 1.0)):
        raise InputError("the share of keys and values kept while tools run must lie between 0 and 1")
    hold = array(curve.most if slots is None else slots)
    batch = decoding(alive=hold, curve=curve, wait_s=share * array(wait_s))
    return np.asarray(batch * (1.0 + array(wait_s) / curve.at(batch)))
