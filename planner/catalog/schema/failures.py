"""How often machines fail, and how jobs come back: ``hardware/failures`` and ``hardware/checkpoints``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.quantity import CountPerDay, Fraction, Percent, Seconds
from planner.catalog.records import Items, Record, Ref, Section

__all__ = ["Checkpoint", "Corruption", "Failures", "Stragglers"]


class Corruption(Section):
    """Silent data corruption that is noticed only later."""

    rate: CountPerDay
    """Per accelerator."""
    detection: Seconds
    """From the wrong result until it is noticed: the work since is lost."""


class Stragglers(Section):
    """Time lost to machines that are slow but do not fail: grows with the logarithm of the job."""

    loss: Fraction
    """Of the step time at `accelerators`."""
    accelerators: Annotated[int, Field(ge=1)]
    per_doubling: Fraction
    """More (or less) for every doubling; never below zero."""


class Failures(Record):
    """Interruptions of synchronous jobs."""

    accelerators: Items[Annotated[str, Ref("accelerator")]] = ()
    """Those on which it was measured, or for which it is meant; none for all others."""
    rate: CountPerDay
    """Unexpected interruptions per host and day of a job that needs every host."""
    host: Annotated[int, Field(ge=1)]
    """Accelerators of such a host."""
    repair: Seconds
    """Until a failed host is back."""
    corruption: Corruption
    stragglers: Stragglers
    causes: dict[str, Fraction] = Field(default_factory=dict)
    """Share of the interruptions by cause."""


class Checkpoint(Record):
    """A policy of saving and coming back."""

    policy: Literal["blocking", "asynchronous", "memory", "replicas"]
    """Write to storage while training waits; copy to the host and write from there; keep copies in the memory
    of other hosts; or go on with the replicas that are left (fault-tolerant data parallelism)."""
    overhead: Seconds
    """Of one checkpoint beyond moving the state: barriers, metadata, planning of the write."""
    detect: Seconds
    """From a failure until it is known which host to leave out."""
    restart: Seconds
    """Until processes and communicators are up again with a spare host."""
    warm: Seconds
    """Until the first step after loading runs at full speed: compilation, data loader, caches."""
    stall: Seconds | None = None
    """With `replicas`: what all replicas wait when one of them fails."""
    slowdown: Percent
    """Of the steps between checkpoints, by traffic in the background."""
