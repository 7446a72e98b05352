"""Time of one pass through a block or a layer, by what it is spent on."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from planner.model.context import Both, LayerContext
from planner.types import FloatArray

__all__ = ["TERMS", "Pass", "Passes", "added", "passes", "plus", "scaled", "total"]

HOST_NORM = 6
"""Exponent that joins device and launch time: the host waits only where the two are close."""


@dataclass(frozen=True, eq=False)
class Pass:
    """Seconds by term of one pass, each of shape ``[R]``."""

    gemm: FloatArray
    attention: FloatArray
    elementwise: FloatArray
    quantise: FloatArray
    tensor: FloatArray
    context: FloatArray
    expert: FloatArray
    moe_fixed: FloatArray
    host: FloatArray

    def total(self) -> FloatArray:
        """Sum over terms."""
        return sum((getattr(self, t) for t in TERMS[1:]), self.gemm)

    def scaled(self, factor: FloatArray) -> Pass:
        """Every term times `factor`."""
        return Pass(*(getattr(self, t) * factor for t in TERMS))

    def plus(self, other: Pass) -> Pass:
        """Term-wise sum."""
        return Pass(*(getattr(self, t) + getattr(other, t) for t in TERMS))

    def stacked(self) -> FloatArray:
        """All terms on a last axis, ``[R, len(TERMS)]``."""
        return np.stack([getattr(self, t) for t in TERMS], axis=-1)


TERMS = tuple(f.name for f in fields(Pass))
"""Where the time of a layer goes; every term is seconds per layer and micro-batch."""

Passes = tuple[Pass, Pass]
"""Forward and backward."""


def plus(a: Passes, b: Passes) -> Passes:
    """Term-wise sum, forward and backward."""
    return a[0].plus(b[0]), a[1].plus(b[1])


def scaled(a: Passes, factor: FloatArray) -> Passes:
    """Every term times `factor`, forward and backward."""
    return a[0].scaled(factor), a[1].scaled(factor)


def total(a: Passes) -> FloatArray:
    """Seconds forward and backward together."""
    return a[0].total() + a[1].total()


def added(first: Both, *others: Both) -> Both:
    """Sum of seconds, forward and backward."""
    forward, backward = first
    for more_forward, more_backward in others:
        forward, backward = forward + more_forward, backward + more_backward
    return forward, backward


def passes(c: LayerContext, *, kernels: FloatArray, **terms: Both) -> Passes:
    """Both passes of a block; the host adds time where it launches more slowly than the device works.

    Parameters
    ----------
    kernels
        Launches of the forward pass; backward has twice as many.
    terms
        Seconds forward and backward of the terms that the block has.
    """
    return (
        _one(c, kernels, {name: both[0] for name, both in terms.items()}),
        _one(c, 2.0 * kernels, {name: both[1] for name, both in terms.items()}),
    )


def _one(c: LayerContext, kernels: FloatArray, terms: dict[str, FloatArray]) -> Pass:
    zero = np.zeros(np.broadcast(c.tokens, c.sw.sustained, *terms.values()).shape)
    values = {t: terms[t] + zero if t in terms else zero for t in TERMS if t != "host"}
    device = sum(values.values(), zero)
    launches = kernels * c.sw.launch_s
    waiting = (device**HOST_NORM + launches**HOST_NORM) ** (1.0 / HOST_NORM) - device
    return Pass(**values, host=np.where(c.sw.launch_blocking > 0, launches, waiting))
