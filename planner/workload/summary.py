"""The counts of one model in one place: what ``planner model show`` prints.

Everything is an exact integer from `planner.workload.counts`, `planner.workload.flops` and
`planner.workload.cache`, except figures per token and deviations.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from planner.errors import InputError, did_you_mean
from planner.workload.cache import cache_bytes, kv_bytes_per_token, state_bytes_per_sequence
from planner.workload.counts import parameters
from planner.workload.flops import flops

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.workload.record import ModelRecord

__all__ = ["KV_BYTES", "LONGEST", "FlopsPerToken", "ModelSummary", "PublishedSize", "summarize"]

KV_BYTES: Final = {
    "fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5, "nvfp4": 0.5, "int4": 0.5,
}  # fmt: skip
"""Bytes of one cached element, without the scales of a block format."""
LONGEST: Final = 1_000_000_000
"""Tokens of the longest sequence that is counted."""


@dataclass(frozen=True, kw_only=True)
class FlopsPerToken:
    """FLOPs of one token in a sequence of the given length, under one attention convention."""

    forward: float
    training: float
    """Forward and backward, without recomputation."""


@dataclass(frozen=True, kw_only=True)
class PublishedSize:
    """A size as the makers state it, beside ours."""

    published: float
    counted: int
    deviation_pct: float
    """Ours over theirs, less one, in percent."""
    source: str
    at: str


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """Counts of a model.

    Attributes
    ----------
    parameters : dict
        By part, without the multi-token-prediction modules; they add up to `total`.
    total, active, non_embedding, mtp : int
        All parameters; those that one token touches; those outside embeddings, positions and head; those of
        the multi-token-prediction modules, which are in none of the others.
    seq_len : int
        Tokens of the sequence that FLOPs and cache are counted for.
    flops_per_token : dict
        ``causal`` counts half of all (query, key) pairs, ``full`` counts all of them.
    kv_precision : str
        A key of `KV_BYTES`.
    kv_bytes_per_token : int
        Added by one more token while every window is still filling.
    kv_bytes_per_sequence : int
        Kept by one sequence of `seq_len` tokens, recurrent state included.
    state_bytes_per_sequence : int
        Recurrent state and convolution inputs of linear-attention layers.
    published : dict
        ``total`` and ``active``, where the makers state them.
    context : int or None
        Tokens of the longest sequence it is made for.
    checkpoint : str
        Format of the published weights.
    formats : dict
        What a requested format means for this model, where that differs.
    """

    id: str
    name: str
    layers: int
    hidden: int
    vocab: int
    parameters: dict[str, int]
    total: int
    active: int
    non_embedding: int
    mtp: int
    seq_len: int
    flops_per_token: dict[str, FlopsPerToken]
    kv_precision: str
    kv_bytes_per_token: int
    kv_bytes_per_sequence: int
    state_bytes_per_sequence: int
    published: dict[str, PublishedSize]
    context: int | None
    checkpoint: str
    formats: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def summarize(record: ModelRecord, *, seq_len: int = 4096, kv_precision: str = "bf16") -> ModelSummary:
    """Count a model.

    Parameters
    ----------
    record : ModelRecord
        From the catalog or an import.
    seq_len : int
        Tokens, from 1 to `LONGEST`.
    kv_precision : str
        A key of `KV_BYTES`.

    Raises
    ------
    InputError
        A sequence length out of range, or an unknown precision.
    """
    if not 1 <= seq_len <= LONGEST:
        raise InputError(f"seq_len is {seq_len}; give 1 to {LONGEST:,} tokens")
    if kv_precision not in KV_BYTES:
        hint = did_you_mean(kv_precision, KV_BYTES)
        raise InputError(f"unknown KV precision {kv_precision[:40]!r}.{hint} There are {', '.join(KV_BYTES)}")
    a, kv_bytes = record.architecture, KV_BYTES[kv_precision]
    counted = parameters(a)
    apart = ("mtp", "inactive")
    return ModelSummary(
        id=record.id,
        name=record.name,
        layers=a.depth,
        hidden=a.hidden,
        vocab=a.vocab,
        parameters={f.name: getattr(counted, f.name) for f in fields(counted) if f.name not in apart},
        total=counted.total,
        active=counted.active,
        non_embedding=counted.non_embedding,
        mtp=counted.mtp,
        seq_len=seq_len,
        flops_per_token={
            convention: FlopsPerToken(forward=found.forward_per_token, training=found.training_per_token)
            for convention in ("causal", "full")
            for found in [flops(a, seq_len=seq_len, convention=convention)]
        },
        kv_precision=kv_precision,
        kv_bytes_per_token=kv_bytes_per_token(a, kv_bytes=kv_bytes),
        kv_bytes_per_sequence=cache_bytes(a, context=seq_len, kv_bytes=kv_bytes),
        state_bytes_per_sequence=state_bytes_per_sequence(a),
        published=_published(record, total=counted.total, active=counted.active),
        context=None if record.context is None else int(record.context.value),
        checkpoint=record.checkpoint or "bf16",
        formats=dict(record.formats),
    )


def _published(record: ModelRecord, **counted: int) -> dict[str, PublishedSize]:
    sizes: dict[str, Quantity | None] = {}
    if record.published is not None:
        sizes = {"total": record.published.total, "active": record.published.active}
    return {
        name: PublishedSize(
            published=size.value,
            counted=counted[name],
            deviation_pct=100 * (counted[name] / size.value - 1),
            source=size.source,
            at=size.at,
        )
        for name, size in sizes.items()
        if size is not None and size.value > 0
    }
