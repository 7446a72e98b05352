"""Exact counts of low-rank adapters beside the matrices of a language model.

A matrix with ``i`` inputs and ``o`` outputs has two of rank ``r``, of ``r i`` and ``r o`` parameters [1].

References
----------
.. [1] E. Hu et al., "LoRA", arXiv:2106.09685: ``W + B A`` with ``A`` of ``r x i`` and ``B`` of ``o x r``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from planner.workload.counts import Convention, linear_projections
from planner.workload.flops import flops

if TYPE_CHECKING:
    from planner.workload.architecture import Architecture
    from planner.workload.mixers import Attention, LinearAttention

__all__ = ["AdapterCounts", "adapter_counts", "tuning_flops_per_token"]


class Matrix(NamedTuple):
    """A matrix of one layer: what tensor parallelism splits is its outputs, or else its inputs."""

    inputs: int
    outputs: int
    splits_outputs: bool


@dataclass(frozen=True, kw_only=True)
class AdapterCounts:
    """Parameters of all adapters of a model, all layers together."""

    whole: int
    """Beside dense matrices: the factors that every rank of a tensor-parallel group holds."""
    split: int
    """Beside dense matrices: the factors that are split over the group."""
    experts: int
    """Beside matrices of routed experts."""
    active: int
    """Of those beside routed experts, the ones that a token visits."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.whole + self.split + self.experts


def adapter_counts(architecture: Architecture, *, rank: int, targets: Collection[str]) -> AdapterCounts:
    """Count adapters of a rank beside the matrices of some targets.

    Parameters
    ----------
    rank
        Of each adapter.
    targets
        Of `planner.workload.fine_tuning.TARGETS`; those that the model lacks count nothing.
    """
    whole = split = experts = active = 0
    for layers, matrix in dense_matrices(architecture, targets):
        a, b = (rank * layers * width for width in (matrix.inputs, matrix.outputs))
        whole += a if matrix.splits_outputs else b
        split += b if matrix.splits_outputs else a
    moe = architecture.moe
    if moe is not None and "experts" in targets:
        layers = architecture.count(ffn="moe")
        one = rank * (moe.latent or architecture.hidden) + rank * moe.ffn
        each = layers * one * (3 if moe.gated else 2)
        experts, active = each * moe.experts, each * moe.top_k
    return AdapterCounts(whole=whole, split=split, experts=experts, active=active)


def tuning_flops_per_token(
    architecture: Architecture,
    *,
    seq_len: int,
    example: float,
    convention: Convention,
    adapters: AdapterCounts | None,
    reference_passes: float,
) -> float:
    """Model FLOPs of fine-tuning, per token: forward and backward, and forward through a frozen copy.

    A product with frozen weights costs its forward pass twice, since it has no weight gradient; one that
    learns three times, and so does what has no weights: attention scores and recurrences.

    Parameters
    ----------
    example
        Tokens of an example; those that share a sequence do not see each other.
    adapters
        That learn in place of the weights; None where the weights do.
    reference_passes
        Of a frozen copy.
    """
    seen = max(round(min(float(seq_len), example)), 1)
    count = flops(architecture, seq_len=seen, convention=convention)
    copy = reference_passes * count.forward
    if adapters is None:
        return (count.training + copy) / seen
    products = count.forward - count.attention - count.linear_attention
    linear = architecture.linear_attention
    if linear is not None:
        layers = architecture.count(mixer="linear")
        products += layers * seen * 2 * linear_projections(linear, hidden=architecture.hidden)
    visited = adapters.whole + adapters.split + adapters.active
    return (count.training - products + copy) / seen + 6.0 * visited


def dense_matrices(a: Architecture, targets: Collection[str]) -> Iterator[tuple[int, Matrix]]:
    """Yield (layers, matrix) of every target outside routed experts."""
    full, window = a.count(mixer="full"), a.count(mixer="window")
    for attention, layers in ((a.attention, full), (a.windowed, window)):
        if attention is not None and layers:
            yield from ((layers, one) for one in attention_matrices(attention, a.hidden, targets))
    if a.linear_attention is not None and "linear" in targets:
        layers = a.count(mixer="linear")
        yield from ((layers, one) for one in linear_matrices(a.linear_attention, a.hidden))
    blocks = []
    if a.mlp is not None:
        blocks.append((a.count(ffn="dense"), a.mlp.ffn, a.mlp.gated))
    if a.moe is not None and a.moe.shared_width:
        blocks.append((a.count(ffn="moe"), a.moe.shared_width, a.moe.gated))
    for layers, width, gated in blocks:
        for name in ("gate", "up"):
            if name in targets and (gated or name == "up"):
                yield layers, Matrix(a.hidden, width, True)
        if "down" in targets:
            yield layers, Matrix(width, a.hidden, False)


def attention_matrices(a: Attention, hidden: int, targets: Collection[str]) -> Iterator[Matrix]:
    """Yield the targets of one attention layer; latent attention has two products for each of its sides."""
    queries, values = a.heads * a.qk_dim, a.heads * a.value_dim
    if "q" in targets:
        if a.q_lora:
            yield Matrix(hidden, a.q_lora, True)
        yield Matrix(a.q_lora or hidden, queries, True)
    if a.kind == "mla":
        if "k" in targets or "v" in targets:
            latent = a.kv_lora or 0
            yield Matrix(hidden, latent + (a.qk_rope or 0), True)
            yield Matrix(latent, a.heads * ((a.qk_nope or 0) + a.value_dim), True)
    else:
        if "k" in targets:
            yield Matrix(hidden, a.kv_heads * a.qk_dim, True)
        if "v" in targets and not a.shared_kv:
            yield Matrix(hidden, a.kv_heads * a.value_dim, True)
    if "o" in targets:
        yield Matrix(values, hidden, False)


def linear_matrices(linear: LinearAttention, hidden: int) -> Iterator[Matrix]:
    """Yield the two targets of a mixer without softmax: its input products as one, and its output."""
    inner = linear.value_heads * linear.value_dim
    yield Matrix(hidden, linear_projections(linear, hidden=hidden) // hidden - inner, True)
    yield Matrix(inner, hidden, False)
