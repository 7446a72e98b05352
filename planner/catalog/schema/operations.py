"""How a fleet is run: what fails, what is spare, what caches may use: ``hardware/operations/ID.yaml``."""

from __future__ import annotations

from planner.catalog.quantity import Bytes, BytesPerSecond, Fraction, Hours
from planner.catalog.records import Record, Section

__all__ = ["CacheTiers", "Operations", "Reliability"]


class Reliability(Section):
    """How often hosts fail, and how long they stay away."""

    node_mtbf: Hours
    """Mean time between failures of one host with its accelerators that take its work down."""
    node_repair: Hours
    """From a failure until the host serves again."""
    upgrading: Fraction
    """Share of the replicas that rolling upgrades hold out of service."""


class CacheTiers(Section):
    """Where keys and values of paused sessions may stay, beyond device memory."""

    host_share: Fraction
    """Share of the host's memory that caches may fill."""
    host_memory: Bytes
    """Per accelerator, where the system's record does not say."""
    disk: Bytes
    """Local flash that caches may fill, per accelerator."""
    disk_bandwidth: BytesPerSecond
    """Reading it, per accelerator."""


class Operations(Record):
    """The customs of a fleet."""

    reliability: Reliability
    caches: CacheTiers
