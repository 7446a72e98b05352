"""How often machines fail, and how jobs come back: ``hardware/failures`` and ``hardware/checkpoints``."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import CountPerDay, Fraction, Percent, Seconds
from planner.catalog.records import Items, Record, Ref, Section

__all__ = ["POLICIES", "Checkpoint", "Corruption", "Failures", "Stragglers"]

POLICIES: Final = ("blocking", "asynchronous", "memory", "replicas")
"""What a job can do about failures, from the oldest to what lives with the most of them."""


class Corruption(Section):
    """Silent data corruption that is noticed only later."""

    rate: CountPerDay
    """Per accelerator."""
    detection: Seconds
    """From the wrong result until it is noticed: the work since is lost."""


class Stragglers(Section):
    """Time lost to machines that are slow but do not fail: grows with the logarithm of the job.

    Step times are fitted on runs of up to 16k accelerators and hold the stragglers of those; this is what
    comes on top.
    """

    loss: Fraction
    """Of the time at `accelerators`."""
    accelerators: Annotated[int, Field(ge=1)]
    per_doubling: Fraction
    """More (or less) for every doubling; never below zero."""


class Failures(Record):
    """Interruptions of synchronous jobs."""

    accelerators: Items[Annotated[str, Ref("accelerator")]] = ()
    """Those for which it is taken where no record is named; none where it is chosen by name only."""
    rate: CountPerDay
    """Unexpected interruptions per host and day of a job that needs every host."""
    host: Annotated[int, Field(ge=1)]
    """Accelerators of such a host: a job on N of them meets N / host times the rate."""
    repair: Seconds
    """Until a failed host is back."""
    corruption: Corruption
    stragglers: Stragglers
    causes: dict[str, Fraction] = Field(default_factory=dict)
    """Share of the interruptions by cause."""

    @model_validator(mode="after")
    def _causes_are_shares(self) -> Self:
        total = sum(cause.value for cause in self.causes.values())
        if total > 1.001:
            raise ValueError(
                f"the causes add up to {100.0 * total:.4g} %; shares of one whole are at most 100 % together"
            )
        return self


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
    slowdown: Percent
    """Of the steps while state moves in the background; with `replicas` of all steps."""
    stall: Seconds | None = None
    """With `replicas`: what all of them wait when one fails, its lost step included."""
    whole: Fraction | None = None
    """With `memory` and `replicas`: share of the interruptions that leave no copy in any memory (power, the
    whole network, an error of the program), after which the job restarts from storage."""

    @model_validator(mode="after")
    def _policy_has_its_fields(self) -> Self:
        needed = {"memory": {"whole"}, "replicas": {"whole", "stall"}}.get(self.policy, set())
        for name in ("stall", "whole"):
            if (getattr(self, name) is not None) != (name in needed):
                verb, mend = ("needs", "add") if name in needed else ("has no", "remove")
                raise ValueError(f"policy {self.policy} {verb} {name}; {mend} it or set another policy")
        return self
