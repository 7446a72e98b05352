"""Storage of a cluster: ``hardware/storage/ID.yaml``."""

from __future__ import annotations

from planner.catalog.quantity import Bytes, BytesPerSecond, Fraction, Ratio, UsdPerByte, Watts
from planner.catalog.records import Record

__all__ = ["Storage"]


class Storage(Record):
    """A parallel file system or object store, sized per accelerator."""

    write: BytesPerSecond
    """Sustained, per accelerator of the cluster."""
    read: BytesPerSecond
    host_copy: Fraction
    """Share of the rate of the host link that copies of the state to host memory reach."""
    capacity: Bytes
    """Per accelerator."""
    price: UsdPerByte
    power_per_petabyte: Watts
    checkpoints_kept: Ratio
    """Full checkpoints of a job that are kept at a time."""
