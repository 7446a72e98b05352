"""Why a replica or one of its operating points is not feasible."""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.types import IntArray

__all__ = ["ASKED", "FEASIBLE", "MISSES", "REASONS", "bit", "code", "first_missed"]

REASONS: Final = (
    "feasible", "engine", "context", "heads", "pipeline", "attention-data", "experts", "size", "format",
    "weights", "cache", "load", "fabric", "ttft", "tpot", "e2e", "accelerators",
)  # fmt: skip
"""Codes index into this table; the first is no reason at all. In order: the engine cannot serve the model;
the request is longer than the model's context; heads or widths do not divide; the engine has no such
pipeline or attention data parallelism; experts do not divide; the replica is larger than the hardware; the
part lacks the format; weights do not fit; not one request fits beside them; queues would grow without end;
the fabric cannot carry the caches; a target is missed; there are too few accelerators for the demand."""

FEASIBLE: Final = 0

MISSES: Final = ("load", "fabric", "ttft", "tpot", "e2e")
"""What an operating point can fail at. A point keeps all of them, one bit each, so that one can ask what
fails at nothing else."""


ASKED: Final = (("ttft", "tpot", "e2e"), ("ttft", "e2e"), ("tpot", "e2e"))
"""Targets of each role. Of an end-to-end target the pools take a part each."""


def code(name: str) -> int:
    """Return the code of a reason."""
    return REASONS.index(name)


def bit(name: str) -> int:
    """Return the bit of something that a point can fail at."""
    return 1 << MISSES.index(name)


def first_missed(missed: IntArray) -> IntArray:
    """Return the code of the first bit of each; feasible where there is none."""
    reason = np.zeros(missed.shape, dtype=np.int64)
    for name in reversed(MISSES):
        reason[(missed & bit(name)) > 0] = code(name)
    return reason
