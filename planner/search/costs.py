"""Costs of every layer tuple, computed once: the table that all other levels index."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from planner.model.activations import ActivationCosts, activation_costs, kept_bytes
from planner.model.layer import LayerCosts, layer_costs
from planner.search.space import Space
from planner.tables import Hardware, Model, Software
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Known", "TupleCosts", "tuple_costs"]

CHUNK_TUPLES = 4096

C = TypeVar("C", LayerCosts, ActivationCosts)


@dataclass(frozen=True, eq=False)
class TupleCosts:
    """What the tuples of a space cost; ``[T]`` unless said otherwise, seconds and bytes per micro-batch."""

    hardware: Hardware  # one row
    model: Model  # one row
    software: Software  # one row
    layer: LayerCosts  # without the terms, which no step needs
    activations: ActivationCosts
    both_s: FloatArray  # [L, T] forward, backward and recompute of one layer
    replica_s: FloatArray  # [L, T] the whole model once, forward and backward
    kept: FloatArray  # [L, T] activation bytes kept per layer
    head_s: FloatArray
    ordered: BoolArray  # the recompute levels cost ever more time, as their order claims
    finite: BoolArray


Known = dict[bytes, TupleCosts]
"""Costs of the tuples of spaces that were searched before, with one hardware, model, software, precision and
length of sequences: they depend on neither the accelerators nor the batch."""


def tuple_costs(
    *, hardware: Hardware, model: Model, software: Software, space: Space, known: Known | None = None
) -> TupleCosts:
    """Evaluate the layer physics on the tuples of a space, or take them from `known`, which keeps them."""
    if known is None:
        return _evaluated(hardware, model, software, space)
    key = _key(space)
    if key not in known:
        known[key] = _evaluated(hardware, model, software, space)
    return known[key]


def _key(space: Space) -> bytes:
    """Tell spaces apart by what their costs depend on."""
    tuples = space.tuples
    columns = (
        tuples.tp, tuples.cp, tuples.ep, tuples.etp, tuples.micro_batch, tuples.sequence_parallel,
        tuples.in_flight, tuples.zero_bubble, space.recompute, space.recompute_layers,
    )  # fmt: skip
    return b";".join(np.ascontiguousarray(column, dtype=float).tobytes() for column in columns)


def _evaluated(hardware: Hardware, model: Model, software: Software, space: Space) -> TupleCosts:
    many = len(space.tuples.tp)
    chunks = [np.arange(s, min(s + CHUNK_TUPLES, many)) for s in range(0, many, CHUNK_TUPLES)]
    parts = [space.tuples.take(chunk) for chunk in chunks]
    nothing = np.zeros((1, 1))
    layers = [layer_costs(hardware=hardware, model=model, software=software, strategy=p) for p in parts]
    layer = _joined([replace(p, forward_terms=nothing, backward_terms=nothing) for p in layers], chunks)
    activations = _joined(
        [activation_costs(model=model, software=software, strategy=p) for p in parts],
        chunks,
    )
    levels = (space.recompute, space.recompute_layers)
    again = np.stack([_again(layer, int(k), float(s)) for k, s in zip(*levels, strict=True)])
    kept = np.stack(
        [
            kept_bytes(space.tuples.with_values(recompute=k, recompute_layers=s), activations)
            for k, s in zip(*levels, strict=True)
        ]
    )
    both = layer.forward_s + layer.backward_s + again
    head = layer.head_forward_s + layer.head_backward_s + model.mtp * layer.mtp_s
    rest = layer.embedding_s + model.dense_prefix * layer.prefix_delta_s + head
    whole = model.layers * both + rest
    return TupleCosts(
        hardware=hardware,
        model=model,
        software=software,
        layer=layer,
        activations=activations,
        both_s=both,
        replica_s=whole,
        kept=kept,
        head_s=head,
        ordered=np.all(np.diff(again, axis=0) >= 0, axis=0),
        finite=np.all(np.isfinite(whole) & (whole > 0), axis=0) & np.all(np.isfinite(kept), axis=0),
    )


def _joined(parts: list[C], chunks: list[IntArray]) -> C:
    """One table of the chunks; a column that did not depend on the tuple is spread over all of them."""
    columns: dict[str, FloatArray] = {}
    for name in vars(parts[0]):
        if not name.endswith("_terms"):
            pairs = zip(parts, chunks, strict=True)
            columns[name] = np.concatenate([np.broadcast_to(getattr(p, name), len(c)) for p, c in pairs])
    return replace(parts[0], **columns)


def _again(layer: LayerCosts, kind: int, share: float) -> FloatArray:
    """Extra seconds per layer of one recompute level."""
    if kind == 0:
        return np.zeros_like(layer.forward_s)
    return layer.selective_s if kind == 1 else share * layer.full_s + (1.0 - share) * layer.selective_s
