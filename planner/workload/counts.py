"""Exact parameter counts of a language model, and the conventions of all counts.

Conventions
-----------
* A multiply-add is 2 FLOPs. The embedding look-up costs nothing, the logits count. Norms, activations,
  softmax, rotary embedding and biases are left out, as in every published model-FLOPs convention.
* Training is 3 x forward (the backward pass costs two forwards); recomputation is not counted.
* Attention scores: `full` counts every (query, key) pair, s^2; `causal` counts half, s^2 / 2 (not s (s + 1) /
  2, so that the two conventions differ by exactly 2). A window w <= s: full s w, causal s w - w^2 / 2. A
  chunk c: per chunk c^2 or c^2 / 2. A sparse indexer reads min(s, top_k) keys per query like a window, and
  scores all pairs itself.
* Linear attention is counted as its recurrence: 7 FLOPs per element of the state and token (decay 1, read 2,
  write 2, query 2), as Megatron-LM does for Mamba-2; chunked kernels execute more.
* MLA is counted unabsorbed (keys and values expanded per head), the form in which it is trained.
* `total` excludes multi-token-prediction modules (published totals do); they are in `mtp`. `active` is what
  one token touches: the total less the routed experts it does not visit.

Sources: Narayanan et al. 2021, arXiv:2104.04473 (formula and 3x); Chowdhery et al. 2022, arXiv:2204.02311
appendix B (6 N + attention); DeepSeek-AI 2024, arXiv:2412.19437 section 2 (MLA, MTP); Dao and Gu 2024,
arXiv:2405.21060 (Mamba-2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from planner.workload.architecture import Architecture, Mlp, Moe
from planner.workload.mixers import Attention, LinearAttention

Convention = Literal["full", "causal"]
"""How attention scores are counted."""


@dataclass(frozen=True, kw_only=True)
class ParameterCounts:
    """Parameters by part, all layers together; biases and norms are apart from their matrices."""

    embedding: int
    """Token table; also the head where tied."""
    positions: int
    """Learned position table."""
    head: int
    """Output head; 0 where tied."""
    attention: int
    """`full` layers."""
    window_attention: int
    """`window` layers."""
    linear_attention: int
    """`linear` layers, with their convolutions and decay vectors."""
    mlp: int
    """Dense blocks."""
    experts: int
    """Routed experts, all layers."""
    shared_experts: int
    """Shared experts, their gates and the latent projections."""
    router: int
    norms: int
    biases: int
    mtp: int
    """Multi-token-prediction modules; not in total."""
    inactive: int
    """Routed-expert parameters that one token does not visit."""

    @property
    def total(self) -> int:
        """All parameters without mtp."""
        return sum(getattr(self, f.name) for f in fields(self) if f.name not in ("mtp", "inactive"))

    @property
    def active(self) -> int:
        """Parameters one token touches, embedding and head included."""
        return self.total - self.inactive

    @property
    def non_embedding(self) -> int:
        """Total without token and position tables and without the head."""
        return self.total - self.embedding - self.positions - self.head


def mlp_matrices(*, hidden: int, ffn: int, gated: bool) -> int:
    """Weights of one feed-forward block."""
    return (3 if gated else 2) * hidden * ffn


def attention_matrices(attention: Attention, *, hidden: int) -> int:
    """Weights of one attention layer, its indexer excluded (see `indexer_matrices`)."""
    a, h = attention, hidden
    q = a.q_lora * (h + a.heads * a.qk_dim) if a.q_lora else h * a.heads * a.qk_dim
    if a.kind == "mla":
        latent, rope, nope = a.kv_lora or 0, a.qk_rope or 0, a.qk_nope or 0
        kv = h * (latent + rope) + latent * a.heads * (nope + a.value_dim)
    else:
        kv = h * a.kv_heads * (a.qk_dim + (0 if a.shared_kv else a.value_dim))
    gate = {"element": a.heads * a.value_dim, "head": a.heads}.get(a.output_gate or "", 0)
    values = a.heads * a.value_dim
    out = a.o_lora * (values + (a.o_groups or 1) * h) if a.o_lora else values * h
    pool = 2 * h * a.qk_dim * (2 if a.compression.overlap else 1) if a.compression is not None else 0
    return q + kv + out + gate * h + pool


def indexer_matrices(attention: Attention, *, hidden: int) -> int:
    """Weights of one sparse indexer.

    Queries come from the query latent (or the hidden state); there is one key, pooled where keys are, and a
    weight per head.
    """
    i, pooled = attention.indexer, attention.compression
    if i is None:
        return 0
    keys = 1 if pooled is None else 4 if pooled.overlap else 2
    return (attention.q_lora or hidden) * i.heads * i.dim + hidden * (keys * i.dim + i.heads)


def attention_vectors(attention: Attention) -> tuple[int, int]:
    """(norm weights, biases and sinks) of one attention layer, its indexer excluded."""
    a = attention
    norms = (a.kv_lora or 0) + (a.q_lora or 0) + (a.qk_dim if a.compression is not None else 0)
    if a.qk_norm == "head":
        norms += 2 * a.qk_dim
    elif a.qk_norm == "full":
        norms += (a.heads + a.kv_heads) * a.qk_dim
    return norms, a.heads if a.sinks else 0


def attention_biases(attention: Attention, *, hidden: int) -> int:
    """Biases of one attention layer's projections."""
    a = attention
    qkv = a.heads * a.qk_dim + a.kv_heads * (a.qk_dim + (0 if a.shared_kv else a.value_dim))
    return (qkv if a.qkv_bias else 0) + (hidden if a.out_bias else 0)


def linear_projections(linear: LinearAttention, *, hidden: int) -> int:
    """Weights of the projections of one linear-attention layer (what is a matrix multiplication)."""
    x, h = linear, hidden
    value = x.value_heads * x.value_dim
    if x.kind == "mamba2":
        return h * (2 * value + 2 * (x.groups or 0) * (x.state or 0) + x.value_heads) + value * h
    key = (x.key_heads or 0) * (x.key_dim or 0)
    if x.kind == "gdn":
        return h * (2 * key + 2 * value + 2 * x.value_heads) + value * h
    gate = h * value if x.full_rank_gate else (h + value) * x.value_dim
    decay = (h + key) * (x.key_dim or 0)
    return h * (2 * key + value + x.value_heads) + gate + decay + value * h


def convolution_channels(linear: LinearAttention) -> int:
    """Channels of the short convolution of one linear-attention layer."""
    x = linear
    value = x.value_heads * x.value_dim
    if x.kind == "mamba2":
        return value + 2 * (x.groups or 0) * (x.state or 0)
    return 2 * (x.key_heads or 0) * (x.key_dim or 0) + value


def state_elements(linear: LinearAttention) -> int:
    """Elements of the recurrent state of one layer and sequence."""
    return (
        linear.value_heads
        * linear.value_dim
        * ((linear.state or 0) if linear.kind == "mamba2" else (linear.key_dim or 0))
    )


def linear_vectors(linear: LinearAttention) -> tuple[int, int]:
    """(norm weights, convolution, decay and other vectors) of one linear-attention layer."""
    x = linear
    channels = convolution_channels(x)
    conv = channels * x.conv + (channels if x.conv_bias else 0)
    if x.kind == "mamba2":
        return x.value_heads * x.value_dim, conv + 3 * x.value_heads
    if x.kind == "gdn":
        return x.value_dim, conv + 2 * x.value_heads
    return x.value_dim, conv + x.value_heads + (x.key_heads or 0) * (x.key_dim or 0)


def expert_matrices(moe: Moe, *, hidden: int) -> int:
    """Weights of one routed expert."""
    return mlp_matrices(hidden=moe.latent or hidden, ffn=moe.ffn, gated=moe.gated)


def expert_biases(moe: Moe, *, hidden: int) -> int:
    """Biases of one routed expert."""
    return ((2 if moe.gated else 1) * moe.ffn + (moe.latent or hidden)) if moe.bias else 0


def shared_matrices(moe: Moe, *, hidden: int) -> int:
    """Weights beside the routed experts: shared experts, their gate, latent projections."""
    shared = mlp_matrices(hidden=hidden, ffn=moe.shared_width, gated=moe.gated)
    return shared + (hidden if moe.shared_gate else 0) + (2 * hidden * moe.latent if moe.latent else 0)


def mlp_biases(mlp: Mlp, *, hidden: int) -> int:
    """Biases of one dense block."""
    return ((2 if mlp.gated else 1) * mlp.ffn + hidden) if mlp.bias else 0


def norm_width(architecture: Architecture) -> int:
    """Parameters of one norm over the residual stream."""
    return {"rms": 1, "layer": 2, "layer-no-bias": 1, "none": 0}[architecture.norms] * architecture.hidden


def _block_norms(a: Architecture) -> int:
    """Norms around all mixers and ffns, counted as norms (not parameters)."""
    total = 0
    for group in a.layers.prefix + a.layers.body:
        sublayers = (group.mixer != "none") + (group.ffn != "none")
        total += group.count * (
            a.parallel_norms if a.parallel_block and sublayers == 2 else sublayers * a.norms_per_block
        )
    return total


def indexer_layers(a: Architecture) -> int:
    """`full` layers that own an indexer."""
    if a.attention is None or a.attention.indexer is None:
        return 0
    own = a.attention.indexer.layers
    return a.count(mixer="full") if own is None else own


def parameters(architecture: Architecture) -> ParameterCounts:
    """Exact parameter counts by part."""
    a, h = architecture, architecture.hidden
    full, window, linear = a.count(mixer="full"), a.count(mixer="window"), a.count(mixer="linear")
    dense, moe = a.count(ffn="dense"), a.count(ffn="moe")
    norms = norm_width(a) * (_block_norms(a) + int(a.final_norm) + int(a.embedding_norm))
    biases = a.vocab if a.head_bias else 0
    parts = {"attention": 0, "window_attention": 0, "linear_attention": 0}
    for name, attention, count in (
        ("attention", a.attention, full),
        ("window_attention", a.windowed, window),
    ):
        if attention is not None and count:
            inner, sinks = attention_vectors(attention)
            parts[name] = count * attention_matrices(attention, hidden=h)
            norms += count * inner
            biases += count * (sinks + attention_biases(attention, hidden=h))
    if a.attention is not None and a.attention.indexer is not None:
        parts["attention"] += indexer_layers(a) * indexer_matrices(a.attention, hidden=h)
        norms += indexer_layers(a) * 2 * a.attention.indexer.dim
    if a.linear_attention is not None:
        inner, vectors = linear_vectors(a.linear_attention)
        parts["linear_attention"] = linear * (linear_projections(a.linear_attention, hidden=h) + vectors)
        norms += linear * inner
    mlp = dense * mlp_matrices(hidden=h, ffn=a.mlp.ffn, gated=a.mlp.gated) if a.mlp is not None else 0
    biases += dense * mlp_biases(a.mlp, hidden=h) if a.mlp is not None else 0
    experts = shared = router = inactive = 0
    if a.moe is not None:
        one = expert_matrices(a.moe, hidden=h)
        one_bias = expert_biases(a.moe, hidden=h)
        experts = moe * a.moe.experts * one
        shared = moe * shared_matrices(a.moe, hidden=h)
        router = moe * a.moe.experts * h
        biases += moe * a.moe.experts * (one_bias + int(a.moe.router_bias))
        inactive = moe * (a.moe.experts - a.moe.top_k) * (one + one_bias)
    return ParameterCounts(
        embedding=a.vocab * h,
        positions=a.learned_positions * h,
        head=0 if a.tied_embeddings else a.vocab * h,
        **parts,
        mlp=mlp,
        experts=experts,
        shared_experts=shared,
        router=router,
        norms=norms,
        biases=biases,
        mtp=a.mtp * mtp_parameters(a),
        inactive=inactive,
    )


def mtp_parameters(architecture: Architecture) -> int:
    """Parameters of one multi-token-prediction module; its embedding and head are those of the model."""
    a, h = architecture, architecture.hidden
    if a.attention is None or not a.mtp:
        return 0
    inner, sinks = attention_vectors(a.attention)
    total = 2 * h * h + 3 * norm_width(a) + 2 * a.norms_per_block * norm_width(a)
    total += (
        attention_matrices(a.attention, hidden=h) + inner + sinks + attention_biases(a.attention, hidden=h)
    )
    if a.attention.indexer is not None:
        total += indexer_matrices(a.attention, hidden=h) + 2 * a.attention.indexer.dim
    if a.moe is not None:
        each = expert_matrices(a.moe, hidden=h) + expert_biases(a.moe, hidden=h) + h + int(a.moe.router_bias)
        return total + a.moe.experts * each + shared_matrices(a.moe, hidden=h)
    if a.mlp is not None:
        total += mlp_matrices(hidden=h, ffn=a.mlp.ffn, gated=a.mlp.gated) + mlp_biases(a.mlp, hidden=h)
    return total
