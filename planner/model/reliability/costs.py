"""Seconds of a checkpoint and of a restart, from the size of the state and the paths it takes.

One copy of the training state (weights, optimizer) is spread over all accelerators of a job, so each moves
``state / accelerators`` bytes: to storage at its share of the storage's rate or at the rate of its network
port, whichever is less, or to the memory of its host, or on to that of a peer. Copies of weights that data
parallelism repeats come from peers over the fabric while the rest is read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.tables.reliability import Policy, StorageRates
from planner.types import FloatArray

__all__ = ["CheckpointCosts", "checkpoint_costs"]


class CheckpointCosts(NamedTuple):
    """Seconds, broadcast over samples and plans."""

    write_s: FloatArray
    """Training waits at every checkpoint."""
    background_s: FloatArray
    """From then until it counts."""
    load_s: FloatArray
    restart_s: FloatArray
    """From a failure until the job, or with replicas the group, works again; holds `load_s`."""
    stored_s: FloatArray
    """Until a checkpoint is in storage."""
    reload_s: FloatArray
    """From a failure that spares no copy until the job works again from storage."""


def checkpoint_costs(
    *,
    policy: Policy,
    state_bytes: FloatArray,
    accelerators: FloatArray,
    storage: StorageRates,
    replica_accelerators: FloatArray | None = None,
) -> CheckpointCosts:
    """Seconds that a policy takes each time it saves and each time it comes back.

    Parameters
    ----------
    state_bytes
        One copy of weights and optimizer.
    accelerators
        Of the job.
    replica_accelerators
        Accelerators of one replica group, which fetches the whole state from its peers; default all.
    """
    share = state_bytes / np.asarray(accelerators, float)
    stored = share / np.minimum(storage.write_bytes_per_s, storage.nic_bytes_per_s)
    read = share / np.minimum(storage.read_bytes_per_s, storage.nic_bytes_per_s)
    copied = share / storage.host_bytes_per_s
    again = policy.detect_s + policy.restart_s + policy.warm_s
    if policy.kind == "blocking":
        nothing = np.zeros_like(stored)
        return CheckpointCosts(policy.overhead_s + stored, nothing, read, again + read, nothing, again + read)
    write = policy.overhead_s + copied
    if policy.kind == "asynchronous":
        return CheckpointCosts(write, stored, read, again + read, stored, again + read)
    if policy.kind == "memory":
        moved = share / storage.nic_bytes_per_s
        back = moved + copied
        return CheckpointCosts(write, moved, back, again + back, stored, again + read)
    group = accelerators if replica_accelerators is None else replica_accelerators
    fetched = state_bytes / np.asarray(group, float) / storage.nic_bytes_per_s
    return CheckpointCosts(write, stored, fetched, again + fetched, stored, again + read)
