"""Reason codes of points and options."""

from __future__ import annotations

from typing import Final

__all__ = [
    "REASONS",
]

REASONS: Final = (
    "feasible",
    "engine",
    "format",
    "context",
    "value",
    "heads",
    "experts",
    "pipeline",
    "attention-data",
    "size",
    "weights",
    "cache",
    "load",
    "ttft",
    "tpot",
    "e2e",
    "fabric",
    "accelerators",
)
"""Codes index into this table; the first is no reason at all. In order: the engine cannot serve the model;
the part lacks the format; the request is longer than the model's context; a pinned value is never legal;
attention heads or experts do not divide; the engine has no such parallelism; the replica is larger than the
hardware; weights do not fit; not one sequence fits beside them; the queue would grow without end; a target
is missed; the fabric cannot carry the caches; there are not enough accelerators for the demand."""
