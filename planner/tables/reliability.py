"""Records of failures, of checkpoint policies and of storage as samples, shape ``[S, 1]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from planner.catalog.kinds import CHECKPOINT, FAILURES
from planner.catalog.tops import naming
from planner.tables.samples import Samples
from planner.types import FloatArray
from planner.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.failures import Checkpoint, Failures
    from planner.catalog.schema.storage import Storage

__all__ = [
    "FailureRates",
    "Policy",
    "StorageRates",
    "failures_for",
    "failures_table",
    "policies",
    "policy_table",
    "storage_rates",
]

DEFAULT_FAILURES: Final = "usual"


@dataclass(frozen=True, eq=False, kw_only=True)
class FailureRates:
    """How often machines fail, corrupt results or are slow."""

    rate_per_s: FloatArray
    """Interruptions of one host."""
    host: float
    """Accelerators of that host."""
    repair_s: FloatArray
    corruption_per_s: FloatArray
    """Of one accelerator."""
    detection_s: FloatArray
    straggler_loss: FloatArray
    """At `straggler_accelerators`, and more by `straggler_per_doubling` for every doubling."""
    straggler_accelerators: float
    straggler_per_doubling: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Policy:
    """A way of saving and coming back."""

    id: str
    name: str
    kind: str
    """One of `planner.catalog.schema.failures.POLICIES`."""
    overhead_s: FloatArray
    detect_s: FloatArray
    restart_s: FloatArray
    warm_s: FloatArray
    slowdown: FloatArray
    stall_s: FloatArray
    """Zero without replicas."""
    whole_share: FloatArray
    """Of the interruptions: those that only storage mends; 1 where there is nothing else."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StorageRates:
    """Paths of the state of one accelerator, bytes/s."""

    write_bytes_per_s: FloatArray
    """Its share of the storage's rate."""
    read_bytes_per_s: FloatArray
    host_bytes_per_s: FloatArray
    """To the memory of its host."""
    nic_bytes_per_s: FloatArray
    """Of its network port, by which it reaches storage and peers."""


def failures_for(catalog: Catalog, accelerator: str, name: str | None = None) -> Failures:
    """Return the record of failures to reckon with: the one named, the accelerator's, or the usual one.

    Parameters
    ----------
    accelerator
        Id.
    name
        Id or alias of a record.

    Raises
    ------
    UnknownNameError
        There is no record of that name.
    """
    if name is not None:
        return catalog.get(FAILURES, name)
    named = cast("Failures | None", naming(catalog, FAILURES, accelerator))
    return named or catalog.get(FAILURES, DEFAULT_FAILURES)


def failures_table(record: Failures, samples: Samples) -> FailureRates:
    """Draw the rates of a record."""
    at = f"failures.{record.id}"
    corruption, stragglers = record.corruption, record.stragglers
    return FailureRates(
        rate_per_s=samples.of(record.rate, f"{at}.rate") / SECONDS_PER_DAY,
        host=float(record.host),
        repair_s=samples.of(record.repair, f"{at}.repair"),
        corruption_per_s=samples.of(corruption.rate, f"{at}.corruption.rate") / SECONDS_PER_DAY,
        detection_s=samples.of(corruption.detection, f"{at}.corruption.detection"),
        straggler_loss=samples.of(stragglers.loss, f"{at}.stragglers.loss"),
        straggler_accelerators=float(stragglers.accelerators),
        straggler_per_doubling=samples.of(stragglers.per_doubling, f"{at}.stragglers.per_doubling"),
    )


def policy_table(record: Checkpoint, samples: Samples) -> Policy:
    """Draw the times of a policy; alike for all policies, so that a slow restart is slow in each of them."""
    stall, whole = record.stall, record.whole
    return Policy(
        id=record.id,
        name=record.name,
        kind=record.policy,
        overhead_s=samples.of(record.overhead, "checkpoint.overhead"),
        detect_s=samples.of(record.detect, "checkpoint.detect"),
        restart_s=samples.of(record.restart, "checkpoint.restart"),
        warm_s=samples.of(record.warm, "checkpoint.warm"),
        slowdown=samples.of(record.slowdown, "checkpoint.slowdown"),
        stall_s=np.zeros((1, 1)) if stall is None else samples.of(stall, "checkpoint.stall"),
        whole_share=np.ones((1, 1))
        if whole is None
        else np.minimum(samples.of(whole, "checkpoint.whole"), 1.0),
    )


def policies(catalog: Catalog, samples: Samples) -> tuple[Policy, ...]:
    """All policies of the catalog, from the oldest to what lives with the most failures."""
    from planner.catalog.schema.failures import POLICIES

    records = sorted(catalog.all(CHECKPOINT), key=lambda record: (POLICIES.index(record.policy), record.id))
    return tuple(policy_table(record, samples) for record in records)


def storage_rates(
    record: Storage, samples: Samples, *, host_bytes_per_s: float, nic_bytes_per_s: float
) -> StorageRates:
    """Rates at which the state of an accelerator moves.

    Parameters
    ----------
    record
        Storage, sized per accelerator.
    host_bytes_per_s, nic_bytes_per_s
        Rate of the accelerator's link to its host and of its network port.
    """
    at = f"storage.{record.id}"
    return StorageRates(
        write_bytes_per_s=samples.of(record.write, f"{at}.write"),
        read_bytes_per_s=samples.of(record.read, f"{at}.read"),
        host_bytes_per_s=samples.of(record.host_copy, f"{at}.host_copy") * host_bytes_per_s,
        nic_bytes_per_s=np.array([[nic_bytes_per_s]]),
    )
