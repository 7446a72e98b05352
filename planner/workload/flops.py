"""Exact FLOPs of one sequence through a language model, by part, under both attention conventions.

The conventions are those of `planner.workload.counts`; everything is an exact integer for a whole sequence,
and a float only when divided by its tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from planner.workload import counts
from planner.workload.architecture import Architecture
from planner.workload.counts import Convention
from planner.workload.mixers import Attention


@dataclass(frozen=True, kw_only=True)
class FlopCounts:
    """Forward FLOPs of one sequence of `seq_len` tokens, all layers together."""

    seq_len: int
    projections: int
    """Query, key, value and output projections, indexer projections included."""
    attention: int
    """Scores and weighted values of all softmax layers, indexer scores included."""
    linear_attention: int
    """Projections, convolution and recurrence of linear-attention layers."""
    mlp: int
    experts: int
    """Routed experts a token visits."""
    shared_experts: int
    router: int
    logits: int
    mtp: int
    """Multi-token-prediction modules; 0 unless asked for."""

    @property
    def forward(self) -> int:
        """Forward FLOPs of the sequence."""
        return sum(getattr(self, f.name) for f in fields(self) if f.name != "seq_len")

    @property
    def training(self) -> int:
        """Forward and backward FLOPs of the sequence: 3 x forward, without recomputation."""
        return 3 * self.forward

    @property
    def forward_per_token(self) -> float:
        """Forward FLOPs per token."""
        return self.forward / self.seq_len

    @property
    def training_per_token(self) -> float:
        """Training FLOPs per token."""
        return self.training / self.seq_len


def double_pairs(*, seq_len: int, window: int | None, chunked: bool, convention: Convention) -> int:
    """Twice the (query, key) pairs of one sequence (twice, so that causal halving stays an integer)."""
    s = seq_len
    w = s if window is None else min(window, s)
    if chunked and w < s:
        whole, rest = divmod(s, w)
        square = whole * w * w + rest * rest
        return 2 * square if convention == "full" else square
    return 2 * s * w if convention == "full" else 2 * s * w - w * w


def attention_flops(attention: Attention, *, seq_len: int, window: int | None, convention: Convention) -> int:
    """Scores and weighted values of one layer and sequence, indexer scores excluded."""
    a = attention
    if a.compression is not None:
        ratio = a.compression.ratio
        reach = None if a.indexer is None else a.indexer.top_k * ratio
        pairs = double_pairs(seq_len=seq_len, window=reach, chunked=False, convention=convention) // ratio
        if a.window is not None:
            pairs += double_pairs(seq_len=seq_len, window=a.window, chunked=False, convention=convention)
    else:
        read = (
            window
            if a.indexer is None
            else a.indexer.top_k
            if window is None
            else min(window, a.indexer.top_k)
        )
        pairs = double_pairs(seq_len=seq_len, window=read, chunked=a.chunked, convention=convention)
    return a.heads * (a.qk_dim + a.value_dim) * pairs


def indexer_flops(attention: Attention, *, seq_len: int, convention: Convention) -> int:
    """Scores of one indexer and sequence: every (pooled) key, since choosing among them is its purpose."""
    if attention.indexer is None:
        return 0
    ratio = 1 if attention.compression is None else attention.compression.ratio
    pairs = double_pairs(seq_len=seq_len, window=None, chunked=False, convention=convention) // ratio
    return attention.indexer.heads * attention.indexer.dim * pairs


def _mixers(a: Architecture, *, seq_len: int, convention: Convention) -> tuple[int, int]:
    """(projections, scores) of all softmax layers."""
    projections = scores = 0
    layers = (("full", a.attention, None), ("window", a.windowed, a.window_size))
    for mixer, attention, window in layers:
        count = a.count(mixer="full") if mixer == "full" else a.count(mixer="window")
        if attention is None or not count:
            continue
        projections += count * 2 * seq_len * counts.attention_matrices(attention, hidden=a.hidden)
        scores += count * attention_flops(attention, seq_len=seq_len, window=window, convention=convention)
    if a.attention is not None and a.attention.indexer is not None:
        own = counts.indexer_layers(a)
        projections += own * 2 * seq_len * counts.indexer_matrices(a.attention, hidden=a.hidden)
        scores += own * indexer_flops(a.attention, seq_len=seq_len, convention=convention)
    return projections, scores


def _linear(a: Architecture, *, seq_len: int) -> int:
    if a.linear_attention is None:
        return 0
    x = a.linear_attention
    each = 2 * counts.linear_projections(x, hidden=a.hidden) + 2 * x.conv * counts.convolution_channels(x)
    return a.count(mixer="linear") * seq_len * (each + 7 * counts.state_elements(x))


def flops(
    architecture: Architecture, *, seq_len: int, convention: Convention = "causal", include_mtp: bool = False
) -> FlopCounts:
    """FLOPs of one sequence of `seq_len` tokens.

    `convention` says how attention scores are counted (module docstring of `planner.workload.counts`);
    `include_mtp` adds the multi-token-prediction modules, each with its own pass over the logits.
    """
    if seq_len < 1:
        raise ValueError(f"seq_len must be at least 1, not {seq_len}")
    a, h, s = architecture, architecture.hidden, seq_len
    projections, scores = _mixers(a, seq_len=s, convention=convention)
    mlp = experts = shared = router = 0
    if a.mlp is not None:
        mlp = a.count(ffn="dense") * 2 * s * counts.mlp_matrices(hidden=h, ffn=a.mlp.ffn, gated=a.mlp.gated)
    if a.moe is not None:
        layers = a.count(ffn="moe")
        experts = layers * 2 * s * a.moe.top_k * counts.expert_matrices(a.moe, hidden=h)
        shared = layers * 2 * s * counts.shared_matrices(a.moe, hidden=h)
        router = layers * 2 * s * a.moe.experts * h
    mtp = mtp_flops(a, seq_len=s, convention=convention) if include_mtp else 0
    return FlopCounts(
        seq_len=s,
        projections=projections,
        attention=scores,
        linear_attention=_linear(a, seq_len=s),
        mlp=mlp,
        experts=experts,
        shared_experts=shared,
        router=router,
        logits=2 * s * h * a.vocab,
        mtp=mtp,
    )


def mtp_flops(architecture: Architecture, *, seq_len: int, convention: Convention) -> int:
    """Forward FLOPs of all multi-token-prediction modules for one sequence."""
    a, h, s = architecture, architecture.hidden, seq_len
    if a.attention is None or not a.mtp:
        return 0
    weights = 2 * h * h + counts.attention_matrices(a.attention, hidden=h) + h * a.vocab
    scores = attention_flops(a.attention, seq_len=s, window=None, convention=convention)
    weights += counts.indexer_matrices(a.attention, hidden=h)
    scores += indexer_flops(a.attention, seq_len=s, convention=convention)
    if a.moe is not None:
        weights += a.moe.top_k * counts.expert_matrices(a.moe, hidden=h) + a.moe.experts * h
        weights += counts.shared_matrices(a.moe, hidden=h)
    elif a.mlp is not None:
        weights += counts.mlp_matrices(hidden=h, ffn=a.mlp.ffn, gated=a.mlp.gated)
    return a.mtp * (2 * s * weights + scores)
