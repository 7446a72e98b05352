"""Storage of a cluster: capacity and bandwidth for checkpoints, training data and caches of serving.

References
----------
.. [1] Llama Team, Meta, "The Llama 3 Herd of Models", arXiv:2407.21783, section 3.3.1: Tectonic, 240 PB in
   7,500
   servers, 2 TB/s sustained and 7 TB/s at peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.tables.fabric import StorageTable
from planner.types import FloatArray

__all__ = ["NEEDS", "TOKEN_BYTES", "StorageSize", "storage_size"]

TOKEN_BYTES: Final = 4.0
"""Of a stored token: an identifier of 32 bits, or about as much compressed text."""
NEEDS: Final = ("rule", "checkpoint capacity", "data capacity", "cache capacity", "write rate", "read rate")
"""What may decide how much storage is bought, in the order of `StorageSize.binds`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StorageSize:
    """Storage that was sized, arrays ``[S, R]`` (or broadcastable to it).

    Attributes
    ----------
    capacity_bytes, write_bytes_per_s, read_bytes_per_s
        What is bought.
    capacity_by_tier : dict
        What is needed for ``checkpoints``, ``data`` and ``cache``.
    needed_write_bytes_per_s, needed_read_bytes_per_s
        Checkpoints written; data, restarts and caches read.
    write_s, load_s
        Of one checkpoint at the rates that are bought.
    binds : FloatArray
        Index into `NEEDS` of what decided the size.
    usd, watts
    """

    capacity_bytes: FloatArray
    write_bytes_per_s: FloatArray
    read_bytes_per_s: FloatArray
    capacity_by_tier: dict[str, FloatArray]
    needed_write_bytes_per_s: FloatArray
    needed_read_bytes_per_s: FloatArray
    write_s: FloatArray
    load_s: FloatArray
    binds: FloatArray
    usd: FloatArray
    watts: FloatArray


def storage_size(
    *,
    storage: StorageTable,
    accelerators: FloatArray,
    checkpoint_bytes: FloatArray,
    write_within_s: FloatArray,
    load_within_s: FloatArray,
    tokens: FloatArray,
    tokens_per_s: FloatArray,
    token_bytes: FloatArray,
    cache_bytes: FloatArray,
    cache_bytes_per_s: FloatArray,
) -> StorageSize:
    """Size the storage of a cluster.

    Storage grows by servers of a fixed ratio of capacity to bandwidth. One accelerator's share of the record
    is the unit; the cluster gets as many as it has accelerators (the rule), or more where a need exceeds
    that: capacity for the checkpoints that are kept, the tokens of the data set and the caches of serving
    that are spilled; a rate at which a checkpoint is written within its time; a rate at which data is read
    while caches are, or a checkpoint at a restart, whichever is more, since training stands still then.

    Parameters
    ----------
    storage : StorageTable
        Shares of an accelerator, ``[S, 1]``.
    accelerators : FloatArray
        ``[R]``, as all others.
    checkpoint_bytes
        Of one full checkpoint; 0 where nothing trains.
    write_within_s, load_within_s
        Time for writing one (the interval between two where the write runs behind training, the pause that is
        accepted where it does not) and for reading it back.
    tokens, token_bytes, tokens_per_s
        Of the data set, and how fast training reads it.
    cache_bytes, cache_bytes_per_s
        Keys and values that serving keeps on storage, and how fast they are read back.

    Raises
    ------
    InputError
        A negative amount, or no time to write or read.
    """
    amounts = (
        accelerators,
        checkpoint_bytes,
        tokens,
        tokens_per_s,
        token_bytes,
        cache_bytes,
        cache_bytes_per_s,
    )
    if any(np.any(np.asarray(a) < 0) for a in amounts):
        raise InputError("accelerators, checkpoints, tokens and caches cannot be negative")
    if np.any(np.asarray(write_within_s) <= 0) or np.any(np.asarray(load_within_s) <= 0):
        raise InputError("a checkpoint needs time: write_within_s and load_within_s must be more than zero")
    capacity = {
        "checkpoints": storage.checkpoints_kept * checkpoint_bytes,
        "data": np.asarray(tokens * token_bytes, dtype=float),
        "cache": np.asarray(cache_bytes, dtype=float),
    }
    write = np.asarray(checkpoint_bytes / write_within_s, dtype=float)
    streamed = tokens_per_s * token_bytes + cache_bytes_per_s
    read = np.maximum(checkpoint_bytes / load_within_s, streamed)
    total = capacity["checkpoints"] + capacity["data"] + capacity["cache"]
    shares = np.stack(
        np.broadcast_arrays(
            np.asarray(accelerators, dtype=float),
            total / storage.capacity_bytes,
            write / storage.write_bytes_per_s,
            read / storage.read_bytes_per_s,
        )
    )
    units = np.max(shares, axis=0)
    first = np.argmax(shares, axis=0)
    tier = np.argmax(np.stack(np.broadcast_arrays(*capacity.values(), units))[:3], axis=0)
    bought = units * storage.capacity_bytes
    out, back = units * storage.write_bytes_per_s, units * storage.read_bytes_per_s
    idle = units <= 0
    return StorageSize(
        capacity_bytes=bought,
        write_bytes_per_s=out,
        read_bytes_per_s=back,
        capacity_by_tier=capacity,
        needed_write_bytes_per_s=write,
        needed_read_bytes_per_s=read,
        write_s=np.where(idle, 0.0, checkpoint_bytes / np.where(idle, 1.0, out)),
        load_s=np.where(idle, 0.0, checkpoint_bytes / np.where(idle, 1.0, back)),
        binds=np.select([first == 0, first == 1, first == 2], [0, 1 + tier, 4], 5).astype(float),
        usd=bought * storage.usd_per_byte,
        watts=bought * storage.watts_per_byte,
    )
