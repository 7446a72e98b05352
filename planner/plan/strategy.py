"""A parallel layout, as results carry it."""

from __future__ import annotations

from typing import Literal

from planner.plan.document import Base

__all__ = ["Strategy"]


class Strategy(Base):
    """One parallel layout."""

    tp: int
    cp: int
    pp: int
    vpp: int
    ep: int
    etp: int
    dp: int
    micro_batch: int
    """Sequences."""
    global_batch_seqs: int
    seq_len: int
    micro_batches: int
    """Per pipeline and step."""
    sharding: Literal["none", "zero1", "zero2", "zero3", "hsdp"]
    shard_group: int | None
    """Ranks that share one copy of the sharded states; null for all of them."""
    recompute: Literal["none", "selective", "full"]
    recompute_layers: float
    """Share of the layers to which full recompute applies."""
    sequence_parallel: bool
    zero_bubble: bool
    in_flight: int | None
    """Micro-batches kept by the first stage; null where the schedule decides."""
    offload: float
    """Share of the activations moved to host memory."""
    precision: str
